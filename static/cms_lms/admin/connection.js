/**
 * <cms-lms-connection>: "Check this connection", in a backend's form and on a page of its own.
 *
 * Posts the form around it, or in it, and shows the fragment that comes back; then lets the module that the fragment
 * names examine what only a browser can see. All words come from the server, in `template` elements.
 *
 * In the element:
 *   data-url                     where to post
 *   data-part="status"           the live region
 *   data-part="results"          where the fragment goes
 *   data-part="controls"         shown once this runs
 *   data-action="check|cancel"   buttons
 *   template[data-text=NAME]     what the live region says; NAME "trouble" is a link to a finding
 * In the fragment:
 *   data-part="report"           its root
 *   data-part="summary"          read out at the end; data-count="total|failed|warning|skipped" in it are kept right
 *   data-part="troubles"         links to the findings that are not well
 *   data-part="findings"         the list, which the browser's findings join
 *   data-part="browser"          data-module, data-base-url, data-course-id, data-site-origins, for the module
 *   template[data-probe][data-outcome]   a finding; data-slot="NAME" in it gets text, data-link="NAME" an address
 *   data-action="copy"           a button beside a text area
 *
 * @typedef {object} ProbeOptions what a module's default export is called with
 * @property {string} baseUrl of the LMS
 * @property {string} courseId a course's id on the LMS; empty where none is known
 * @property {DOMStringMap} data all `data-*` attributes
 * @property {AbortSignal} signal
 *
 * @typedef {object} ProbeResult one finding, by the template that shows it
 * @property {string} name
 * @property {string} outcome
 * @property {Record<string, string>} [values]
 * @property {Record<string, string>} [links]
 *
 * @typedef {(options: ProbeOptions) => AsyncIterable<ProbeResult>} Probe
 */

const PATIENCE_MS = 8000;
const TIMEOUT_MS = 120_000;

/** Wagtail's class. */
const SCREEN_READER_ONLY = "w-sr-only";

/** The element. */
export default class LMSConnection extends HTMLElement {
  /** @type {AbortController|null} the examination that is under way */
  #running = null;

  connectedCallback() {
    this.#part("controls").hidden = false;
    this.#showCopyButtons();
    this.addEventListener("click", (event) => this.#act(event));
    this.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#check();
    });
  }

  disconnectedCallback() {
    this.#running?.abort();
  }

  /** @param {Event} event */
  #act(event) {
    const target = /** @type {Element} */ (event.target);
    const button = /** @type {HTMLButtonElement|null} */ (target.closest("[data-action]"));
    if (button?.dataset.action === "copy") this.#copy(button);
    if (button?.dataset.action === "cancel") this.#running?.abort();
    if (button?.dataset.action === "check" && button.type === "button") this.#check();
  }

  async #check() {
    // Not disabled meanwhile: that would lose the focus.
    if (this.#running) return;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(new DOMException("", "TimeoutError")), TIMEOUT_MS);
    const patience = setTimeout(() => this.#say(this.#text("patience")), PATIENCE_MS);
    this.#running = controller;
    this.#showRunning(true);
    this.#part("status").classList.remove(SCREEN_READER_ONLY);
    this.#say(this.#text("running"));
    try {
      this.#say(await this.#examine(controller.signal, () => clearTimeout(patience)));
    } catch (error) {
      if (!controller.signal.aborted) {
        this.#say(this.#text("broken"));
        throw error;
      }
      this.#say(this.#text(controller.signal.reason.name === "TimeoutError" ? "unavailable" : "cancelled"));
    } finally {
      clearTimeout(timer);
      clearTimeout(patience);
      this.#running = null;
      this.#showRunning(false);
    }
  }

  /**
   * @param {AbortSignal} signal
   * @param {() => void} onAnswer
   * @returns {Promise<string>} what to say at the end
   */
  async #examine(signal, onAnswer) {
    const answer = await this.#post(signal);
    onAnswer();
    if (typeof answer === "string") return this.#text(answer);
    this.#part("results").replaceChildren(answer);
    this.#showCopyButtons();
    const summary = answer.querySelector('[data-part="summary"]');
    if (!summary) return this.#text("invalid");
    const browser = /** @type {HTMLElement|null} */ (answer.querySelector('[data-part="browser"]'));
    if (browser) {
      this.#say(this.#text("browser"));
      await this.#askFromHere(browser, signal);
    }
    // It can be seen already.
    this.#part("status").classList.add(SCREEN_READER_ONLY);
    return summary.textContent ?? "";
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<Element|string>} the fragment, else the name of what to say instead
   */
  async #post(signal) {
    const form = this.querySelector("form") ?? this.closest("form");
    let response, html;
    try {
      response = await fetch(this.dataset.url ?? "", {
        method: "POST",
        headers: { "X-Requested-With": "XMLHttpRequest" },
        body: new FormData(form ?? undefined),
        signal,
      });
      html = await response.text();
    } catch {
      signal.throwIfAborted();
      return "unavailable";
    }
    const report = new DOMParser().parseFromString(html, "text/html").querySelector('[data-part="report"]');
    if (report) return report;
    // Somebody who was logged out is sent to the form to log in.
    return response.redirected || (response.status >= 400 && response.status < 500) ? "refused" : "unavailable";
  }

  /**
   * @param {HTMLElement} browser
   * @param {AbortSignal} signal
   */
  async #askFromHere(browser, signal) {
    const { module = "", baseUrl = "", courseId = "", siteOrigins = "" } = browser.dataset;
    const origins = siteOrigins.split(" ");
    const [site = ""] = origins;
    this.#add(browser, {
      name: "here-origin",
      outcome: origins.includes(location.origin) ? "own" : "other",
      values: { site },
      links: { there: `${site}${location.pathname}` },
    });
    /** @type {{default: Probe}} */
    const { default: examine } = await import(module);
    for await (const result of examine({ baseUrl, courseId, data: browser.dataset, signal })) {
      signal.throwIfAborted();
      this.#add(browser, result);
    }
  }

  /**
   * Put a finding at the end of the list and count it.
   *
   * @param {HTMLElement} browser
   * @param {ProbeResult} result
   */
  #add(browser, { name, outcome, values = {}, links = {} }) {
    const selector = `template[data-probe="${name}"][data-outcome="${outcome}"]`;
    const template = /** @type {HTMLTemplateElement|null} */ (browser.querySelector(selector));
    if (!template) throw new Error(`There is no ${selector}.`);
    const content = fill(template, { here: location.origin, ...values }, links);
    const finding = /** @type {HTMLElement} */ (content.querySelector("[data-status]"));
    const status = finding.dataset.status ?? "";
    this.#part("findings").append(content);
    for (const key of ["total", status]) {
      const count = this.querySelector(`[data-count="${key}"]`);
      if (count) count.textContent = String(Number(count.textContent) + 1);
    }
    if (status === "failed" || status === "warning") this.#addTrouble(finding);
  }

  /** @param {HTMLElement} finding */
  #addTrouble(finding) {
    const template = /** @type {HTMLTemplateElement} */ (this.querySelector('template[data-text="trouble"]'));
    const [word, title] = [".cms-lms-finding__status", "h3"].map(
      (selector) => finding.querySelector(selector)?.textContent?.trim() ?? "",
    );
    this.#part("troubles").append(fill(template, { word, title }, { finding: `#${finding.id}` }));
  }

  /** @param {HTMLButtonElement} button */
  async #copy(button) {
    const text = button.parentElement?.querySelector("textarea");
    if (!text) return;
    this.#part("status").classList.remove(SCREEN_READER_ONLY);
    try {
      await navigator.clipboard.writeText(text.value);
      this.#say(this.#text("copied"));
    } catch {
      // Not on https, or not permitted.
      text.select();
      this.#say(this.#text("selected"));
    }
  }

  /** @param {boolean} isRunning */
  #showRunning(isRunning) {
    const [check, cancel] = ["check", "cancel"].map(
      (name) => /** @type {HTMLButtonElement} */ (this.querySelector(`[data-action="${name}"]`)),
    );
    if (!check || !cancel) return;
    if (!isRunning && document.activeElement === cancel) check.focus();
    check.setAttribute("aria-disabled", String(isRunning));
    cancel.hidden = !isRunning;
    this.#part("results").setAttribute("aria-busy", String(isRunning));
  }

  #showCopyButtons() {
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (this.querySelectorAll('[data-action="copy"]'))) {
      button.hidden = false;
    }
  }

  /** @param {string} text */
  #say(text) {
    this.#part("status").textContent = text.replace(/\s+/g, " ").trim();
  }

  /** @param {string} name */
  #text(name) {
    const template = /** @type {HTMLTemplateElement|null} */ (this.querySelector(`template[data-text="${name}"]`));
    return template?.content.textContent ?? "";
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.querySelector(`[data-part="${name}"]`));
  }
}

/**
 * @param {HTMLTemplateElement} template
 * @param {Record<string, string|undefined>} values
 * @param {Record<string, string>} links
 * @returns {DocumentFragment} its content with texts in the slots and addresses in the links
 */
function fill(template, values, links) {
  const content = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  for (const slot of /** @type {NodeListOf<HTMLElement>} */ (content.querySelectorAll("[data-slot]"))) {
    slot.textContent = values[slot.dataset.slot ?? ""] ?? "";
  }
  for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (content.querySelectorAll("[data-link]"))) {
    link.href = links[link.dataset.link ?? ""] ?? "";
  }
  return content;
}

customElements.define("cms-lms-connection", LMSConnection);
