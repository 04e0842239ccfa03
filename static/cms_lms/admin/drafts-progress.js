/**
 * `<cms-lms-drafts-progress>` sends the form in it by itself, again and again, until the answer has none.
 *
 * Each answer is the whole page: its parts marked `data-status` and `data-progress` take the place of those shown.
 * The button `data-stop` ends that; what failed is told by the part `data-failed`, and the form is a person's again.
 */
class DraftsProgress extends HTMLElement {
    connectedCallback() {
        this.isStopped = false;
        this.addEventListener("click", (event) => {
            if (event.target instanceof Element && event.target.closest("[data-stop]")) {
                this.isStopped = true;
            }
        });
        this.run();
    }

    async run() {
        for (let form = this.querySelector("form"); form && !this.isStopped; form = this.querySelector("form")) {
            this.setRunning(form, true);
            try {
                this.show(await this.send(form));
            } catch {
                this.isStopped = true;
                this.findPart("failed")?.removeAttribute("hidden");
            }
        }
        const form = this.querySelector("form");
        if (form) {
            this.setRunning(form, false);
        }
    }

    /** @param {HTMLFormElement} form */
    async send(form) {
        const response = await fetch(form.action, { method: "POST", body: new FormData(form) });
        const text = await response.text();
        const answer = new DOMParser().parseFromString(text, "text/html").querySelector("cms-lms-drafts-progress");
        if (!response.ok || !answer) {
            throw new Error(String(response.status));
        }
        return answer;
    }

    /** @param {Element} answer */
    show(answer) {
        for (const name of ["status", "progress"]) {
            const content = answer.querySelector(`[data-${name}]`);
            this.findPart(name)?.replaceChildren(...(content?.childNodes ?? []));
        }
    }

    /** @param {Element} form @param {boolean} isRunning */
    setRunning(form, isRunning) {
        form.querySelector("[data-continue]")?.toggleAttribute("hidden", isRunning);
        form.querySelector("[data-stop]")?.toggleAttribute("hidden", !isRunning);
    }

    /** @param {string} name */
    findPart(name) {
        return this.querySelector(`[data-${name}]`);
    }
}

customElements.define("cms-lms-drafts-progress", DraftsProgress);
