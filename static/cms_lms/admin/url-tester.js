/**
 * <url-tester>: tells what becomes of URLs, as they are typed or pasted, by the list in force or with a backend's
 * form as it is filled in. templates/cms_lms/admin/url_tester_body.html documents the markup; the server renders all
 * that is shown, and this browser's RegExp is tried in a worker.
 *
 * Inside a backend's form (`data-backend`: the record's id, empty for a new one) it also keeps up the JavaScript
 * pattern that follows from the Python one.
 *
 * @typedef {import("./url-tester-search.js").Finding} Finding
 */
import { Searcher } from "./url-tester-search.js";

const DEBOUNCE_MS = 300;

const TYPED_FIELDS = ["name", "backend", "base_url", "course_regex", "js_backend", "js_course_regex"];

/** @returns {Record<string, string>} the headers of a POST to Wagtail's admin */
function postHeaders() {
  const config = JSON.parse(document.getElementById("wagtail-config")?.textContent ?? "{}");
  return {
    "Content-Type": "application/json",
    // Without it Wagtail answers with a redirect where it means no.
    "X-Requested-With": "XMLHttpRequest",
    [config.CSRF_HEADER_NAME ?? "X-CSRFToken"]: config.CSRF_TOKEN ?? "",
  };
}

export class URLTester extends HTMLElement {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  /** @type {AbortController|null} */
  #asking = null;
  /** @type {Searcher|null} */
  #searcher = null;
  /** @type {HTMLFormElement|null} */
  #form = null;
  /** What was asked last, if an answer came or is awaited. */
  #asked = "";

  connectedCallback() {
    this.hidden = false;
    this.#form = this.closest("form");
    this.#form?.addEventListener("input", this.#onInput);
    this.#form?.addEventListener("change", this.#onInput);
    if (this.#isInBackendForm) this.#form?.addEventListener("click", this.#onClick);
    else this.#form?.addEventListener("submit", this.#onSubmit);
    if (this.#isInBackendForm || this.#urls.trim()) this.#askSoon();
    this.#showCopyButton();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#searcher?.close();
    this.#form?.removeEventListener("input", this.#onInput);
    this.#form?.removeEventListener("change", this.#onInput);
    this.#form?.removeEventListener("click", this.#onClick);
    this.#form?.removeEventListener("submit", this.#onSubmit);
  }

  get #isInBackendForm() {
    return this.dataset.backend !== undefined;
  }

  get #urls() {
    const area = this.querySelector("[data-urls]");
    return area instanceof HTMLTextAreaElement ? area.value : "";
  }

  /** @param {string} selector */
  #part(selector) {
    const part = this.querySelector(selector);
    if (!(part instanceof HTMLElement)) throw new Error(`The tester has no ${selector}.`);
    return part;
  }

  /** @param {string} name */
  #message(name) {
    const template = this.querySelector(`template[data-message="${name}"]`);
    return template instanceof HTMLTemplateElement ? (template.content.textContent ?? "").trim() : "";
  }

  #askSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), DEBOUNCE_MS);
  }

  /** @param {Event} event */
  #onInput = (event) => {
    const { target } = event;
    if (!(target instanceof HTMLElement)) return;
    if (this.contains(target) || (this.#isInBackendForm && this.#isTyped(target))) this.#askSoon();
  };

  /** @param {Event} event */
  #onSubmit = (event) => {
    event.preventDefault();
    clearTimeout(this.#timer);
    this.#asked = ""; // whoever presses the button wants to know anew
    this.#ask();
  };

  /** @param {Event} event */
  #onClick = (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-use-derived]")) return;
    const field = this.#field("js_course_regex");
    const pattern = this.#form?.querySelector("[data-derived-pattern]")?.textContent;
    if (!field || !pattern) return;
    field.value = pattern;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    // The button goes away with the next answer.
    field.focus();
  };

  /** @param {HTMLElement} target */
  #isTyped(target) {
    const name = target.getAttribute("name") ?? "";
    return TYPED_FIELDS.includes(name) || name === "is_enabled";
  }

  /**
   * @param {string} name
   * @returns {HTMLInputElement|HTMLSelectElement|HTMLTextAreaElement|null}
   */
  #field(name) {
    const field = this.#form?.elements.namedItem(name);
    const isField =
      field instanceof HTMLInputElement || field instanceof HTMLSelectElement || field instanceof HTMLTextAreaElement;
    return isField ? field : null;
  }

  /** What the server is asked: the URLs, and in a backend's form the values in it. */
  get #question() {
    if (!this.#isInBackendForm) return { urls: this.#urls };
    /** @type {Record<string, string|boolean>} */
    const backend = {};
    for (const name of TYPED_FIELDS) backend[name] = this.#field(name)?.value ?? "";
    const isEnabled = this.#field("is_enabled");
    backend.is_enabled = !(isEnabled instanceof HTMLInputElement) || isEnabled.checked;
    const pk = this.dataset.backend ? Number(this.dataset.backend) : null;
    return { urls: this.#urls, pk, backend };
  }

  async #ask() {
    const question = JSON.stringify(this.#question);
    // A field that is left says "change" although all of it has been said by "input".
    if (question === this.#asked) return;
    this.#asked = question;
    this.#asking?.abort();
    this.#searcher?.close();
    const asking = (this.#asking = new AbortController());
    const results = this.#part("[data-results]");
    results.ariaBusy = "true";
    try {
      const response = await fetch(this.dataset.answerUrl ?? "", {
        method: "POST",
        headers: postHeaders(),
        body: question,
        signal: asking.signal,
      });
      /** @type {Record<string, string>} */
      const answer = await response.json();
      if (!asking.signal.aborted) await this.#show(answer, asking.signal);
    } catch {
      if (!asking.signal.aborted) {
        this.#asked = "";
        // What stands there is of another question.
        for (const part of ["[data-results]", "[data-candidate]"]) this.#part(part).replaceChildren();
        this.#say(this.#message("failed"));
      }
    } finally {
      if (!asking.signal.aborted) results.ariaBusy = "false";
    }
  }

  /**
   * @param {Record<string, string>} answer sentences and fragments that the server has escaped
   * @param {AbortSignal} signal
   */
  async #show(answer, signal) {
    this.#part("[data-results]").innerHTML = answer.results ?? "";
    this.#part("[data-candidate]").innerHTML = answer.candidate ?? "";
    const derived = this.#form?.querySelector("[data-derived-panel]");
    if (derived && answer.derived !== undefined) {
      derived.innerHTML = answer.derived;
      this.#showCopyButton();
    }
    const doAllAgree = await this.#searchHere(signal);
    if (!signal.aborted) this.#say([answer.summary, doAllAgree ? "" : this.#message("differs")].join(" ").trim());
  }

  /** @param {string} sentence */
  #say(sentence) {
    const summary = this.#part("[data-summary]");
    // The same again would be read out again.
    if (summary.textContent?.trim() !== sentence) summary.textContent = sentence;
  }

  #showCopyButton() {
    const button = this.#form?.querySelector("[data-use-derived]");
    if (button instanceof HTMLElement) button.hidden = false;
  }

  /**
   * Try this browser's RegExp on every result.
   *
   * @param {AbortSignal} signal
   * @returns {Promise<boolean>} whether it found everywhere what the server's engine found
   */
  async #searchHere(signal) {
    const searcher = (this.#searcher = new Searcher(this.dataset.workerUrl ?? ""));
    const places = this.querySelectorAll("[data-search]");
    for (const place of places) this.#fill(place, "searching", null);
    let doAllAgree = true;
    for (const place of places) {
      if (!(place instanceof HTMLElement)) break;
      const { pattern = "", url = "" } = place.dataset;
      const { outcome, id } = await searcher.run({ pattern, url });
      // A search that another question ended says nothing of the pattern.
      if (signal.aborted) break;
      this.#fill(place, outcome, id);
      if (outcome === "untried" || outcome === "impossible") continue;
      doAllAgree = this.#compare(place, id) && doAllAgree;
    }
    searcher.close();
    return doAllAgree;
  }

  /**
   * @param {Element} place
   * @param {Finding["outcome"]|"searching"} outcome
   * @param {string|null} id
   */
  #fill(place, outcome, id) {
    const template = this.querySelector(`template[data-outcome="${outcome}"]`);
    if (!(template instanceof HTMLTemplateElement)) return;
    const content = document.importNode(template.content, true);
    if (id !== null) content.firstElementChild?.append(id);
    place.replaceChildren(content);
  }

  /**
   * Say whether all agree, in the place of what the server said of its own two.
   *
   * @param {HTMLElement} place
   * @param {string|null} id
   * @returns {boolean} whether this browser is at one with the server
   */
  #compare(place, id) {
    const isSame = (id ?? "") === place.dataset.courseId;
    const result = place.closest("[data-status]");
    const server = result?.querySelector('[data-agreement="server"]');
    if (!(server instanceof HTMLElement)) return isSame;
    if (!isSame) result?.classList.replace("url-tester__result--match", "url-tester__result--trouble");
    const serverAgrees = server.dataset.agrees !== "false";
    server.hidden = true;
    for (const element of result?.querySelectorAll("[data-agreement]") ?? []) {
      if (element instanceof HTMLElement && element !== server) {
        element.hidden = (element.dataset.agreement === "all") !== (isSame && serverAgrees);
      }
    }
    return isSame || !serverAgrees;
  }
}

customElements.define("url-tester", URLTester);
