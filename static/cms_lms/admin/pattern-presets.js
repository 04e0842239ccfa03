/**
 * <pattern-presets>: offers tested course regexes for the class and the base URL of a backend's form, and fills one in.
 * The list is the server's (templates/cms_lms/admin/pattern_presets.html); it follows the two fields.
 */
const DEBOUNCE_MS = 300;

/** @typedef {{field: HTMLInputElement|HTMLTextAreaElement, value: string}} Before */

export class PatternPresets extends HTMLElement {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  /** @type {AbortController|null} */
  #loading = null;
  /** @type {HTMLFormElement|null} */
  #form = null;
  /** The address of the list that was loaded last. */
  #loaded = "";
  /** @type {Before[]} what an "Undo" brings back */
  #before = [];

  connectedCallback() {
    this.#form = this.closest("form");
    this.#form?.addEventListener("input", this.#onInput);
    this.#form?.addEventListener("change", this.#onInput);
    this.addEventListener("click", this.#onClick);
    this.#showButtons();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#loading?.abort();
    this.#form?.removeEventListener("input", this.#onInput);
    this.#form?.removeEventListener("change", this.#onInput);
    this.removeEventListener("click", this.#onClick);
  }

  /** @param {Event} event */
  #onInput = ({ target }) => {
    const name = target instanceof Element ? target.getAttribute("name") : "";
    if (name !== "backend" && name !== "base_url") return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#load(), DEBOUNCE_MS);
  };

  /** @param {Event} event */
  #onClick = ({ target }) => {
    if (!(target instanceof Element)) return;
    if (target.closest("[data-undo]")) this.#undo();
    const preset = target.closest("[data-use-preset]")?.closest("[data-preset]");
    if (preset instanceof HTMLElement) this.#use(preset);
  };

  async #load() {
    const address = new URL(this.dataset.presetsUrl ?? "", document.baseURI);
    for (const name of ["backend", "base_url"]) {
      const field = this.#form?.elements.namedItem(name);
      if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) {
        address.searchParams.set(name, field.value);
      }
    }
    // A field that is left says "change" although all of it has been said by "input"; a new list would take the focus.
    if (address.href === this.#loaded) return;
    this.#loaded = address.href;
    this.#loading?.abort();
    const loading = (this.#loading = new AbortController());
    try {
      const response = await fetch(address, {
        // Without it Wagtail answers with a redirect where it means no.
        headers: { "X-Requested-With": "XMLHttpRequest" },
        signal: loading.signal,
      });
      if (!response.ok || response.redirected) throw new Error(`The answer's status is ${response.status}.`);
      const html = await response.text();
      if (loading.signal.aborted) return;
      const offer = this.querySelector("[data-offer]");
      if (offer) offer.innerHTML = html; // the server has escaped what was typed
      this.#showButtons();
    } catch {
      if (loading.signal.aborted) return;
      this.#loaded = "";
      this.#say("failed");
    }
  }

  /** @param {HTMLElement} preset */
  #use(preset) {
    const regex = this.#textField("course_regex");
    if (!regex) return;
    const samples = this.#textField("sample_urls");
    const hadText = regex.value !== "";
    this.#before = [{ field: regex, value: regex.value }];
    this.#write(regex, preset.dataset.pattern ?? "");
    const fillsSamples = samples !== null && samples.value.trim() === "";
    if (fillsSamples) {
      this.#before.push({ field: samples, value: samples.value });
      const urls = [...preset.querySelectorAll("[data-sample-url]")].map((item) => item.textContent ?? "");
      this.#write(samples, urls.join("\n"));
    }
    this.#showUndo(hadText);
    this.#say(fillsSamples ? "used-with-samples" : "used");
  }

  #undo() {
    for (const { field, value } of this.#before) this.#write(field, value);
    this.#before = [];
    this.#showUndo(false);
    this.#say("undone");
    this.#textField("course_regex")?.focus();
  }

  /**
   * @param {string} name
   * @returns {HTMLInputElement|HTMLTextAreaElement|null}
   */
  #textField(name) {
    const field = this.#form?.elements.namedItem(name);
    return field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement ? field : null;
  }

  /**
   * @param {HTMLInputElement|HTMLTextAreaElement} field
   * @param {string} value
   */
  #write(field, value) {
    field.value = value;
    for (const type of ["input", "change"]) field.dispatchEvent(new Event(type, { bubbles: true }));
  }

  /** @param {string} name */
  #say(name) {
    const status = this.querySelector("[data-status]");
    const template = this.querySelector(`template[data-message="${name}"]`);
    if (status && template instanceof HTMLTemplateElement) status.textContent = template.content.textContent;
  }

  /** @param {boolean} isShown */
  #showUndo(isShown) {
    const button = this.querySelector("[data-undo]");
    if (button instanceof HTMLElement) button.hidden = !isShown;
  }

  #showButtons() {
    for (const button of this.querySelectorAll("[data-use-preset]")) {
      if (button instanceof HTMLElement) button.hidden = false;
    }
  }
}

customElements.define("pattern-presets", PatternPresets);
