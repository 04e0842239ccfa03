/**
 * `<cms-lms-copy-button for="id">` copies the text of another element: the value of a field, else what it shows.
 *
 * Its button is hidden until this script runs. Its element of role "status" says what happened, in the words of its
 * attributes `data-copied` and, where the browser lets no page write to the clipboard, `data-selected`.
 */
class CopyButton extends HTMLElement {
    connectedCallback() {
        const button = this.querySelector("button");
        if (button) {
            button.hidden = false;
            button.addEventListener("click", () => this.copy());
        }
    }

    async copy() {
        const target = document.getElementById(this.getAttribute("for") ?? "");
        const status = /** @type {HTMLElement | null} */ (this.querySelector("[role=status]"));
        if (!target || !status) {
            return;
        }
        status.textContent = "";
        const isField = target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
        try {
            await navigator.clipboard.writeText(isField ? target.value : (target.textContent ?? ""));
            status.textContent = status.dataset.copied ?? "";
        } catch {
            // Refused, or not there at all: pages without https have no clipboard.
            if (isField) {
                target.focus();
                target.select();
            } else {
                getSelection()?.selectAllChildren(target);
            }
            status.textContent = status.dataset.selected ?? "";
        }
    }
}

customElements.define("cms-lms-copy-button", CopyButton);
