/**
 * <lms-session>: templates/cms_lms/enrollment/session.html documents it.
 *
 * @import { LMSBackend, LMSUser } from "./types.d.ts"
 */
import { announce } from "./enrollment-page.js";
import { fillStep } from "./enrollment-view.js";
import { logOut, sessionKey, subscribe, whoami } from "./lms-backend.js";

class LMSSession extends HTMLElement {
  #unsubscribe = () => {};
  /** @type {LMSBackend|undefined} */
  #backend;
  #key = sessionKey(this.dataset);

  connectedCallback() {
    for (const type of ["click", "keydown", "focusout"]) this.addEventListener(type, this);
    void this.#start();
  }

  disconnectedCallback() {
    this.#unsubscribe();
  }

  async #start() {
    const { dataset } = this;
    const { module = "", baseUrl = "" } = dataset;
    try {
      const { default: Backend } = await import(module);
      /** @type {LMSBackend} */
      const backend = (this.#backend ??= new Backend({ baseUrl, courseId: "", courseUrl: "", data: dataset }));
      this.#unsubscribe = subscribe(this.#key, backend, this.#show);
      const user = await whoami(this.#key, backend);
      if (!dataset.session) this.#show(user, false);
    } catch (error) {
      dataset.session ??= "unavailable";
      if (/** @type {Error} */ (error).name !== "LMSError") reportError(error);
    }
  }

  /**
   * @param {LMSUser|null} user
   * @param {boolean} expired
   */
  #show = (user, expired) => {
    const { username = "", fullName } = user ?? {};
    const state = user ? "known" : expired ? "expired" : "anonymous";
    const hadFocus = this.contains(document.activeElement);
    const box = this.#find(".lms-session__box");
    const backend = /** @type {LMSBackend} */ (this.#backend);
    const fragment = fillStep(/** @type {any} */ (this.#find(`template[data-state=${state}]`)), {
      flags: new Set(backend.capabilities),
      texts: { name: fullName || username },
      dates: {},
      now: new Date(),
      urls: { login: backend.loginUrl(location.href), register: backend.registerUrl?.(location.href) ?? "" },
    });
    for (const link of fragment.querySelectorAll("a")) {
      link.href = link.href.replaceAll("(username)", encodeURIComponent(username));
    }
    box.replaceChildren(fragment);
    this.dataset.session = state;
    if (hadFocus) this.#find("a, button").focus();
    if (expired) announce(box.innerText);
  };

  /** @param {string} selector */
  #find(selector) {
    return /** @type {HTMLElement} */ (this.querySelector(selector));
  }

  /** @param {any} event */
  handleEvent({ type, target, key, relatedTarget }) {
    const button = this.#find("[aria-expanded]");
    const control = target.closest("[data-action]");
    const isClick = type === "click";
    if (isClick && control && control !== button) void this.#leave(control);
    else if (button && (isClick ? control : key === "Escape" || (!key && !this.contains(relatedTarget)))) {
      const isOpen = isClick && button.getAttribute("aria-expanded") !== "true";
      button.setAttribute("aria-expanded", String(isOpen));
      /** @type {HTMLElement} */ (button.nextElementSibling).hidden = !isOpen;
      if (isClick || key) button.focus();
    }
  }

  /** @param {Element} control */
  async #leave(control) {
    if (control.getAttribute("aria-disabled") === "true") return;
    control.setAttribute("aria-disabled", "true");
    await logOut(this.#key, /** @type {LMSBackend} */ (this.#backend)).catch(() => {});
    // Gone with the menu, unless she is still logged in.
    if (!control.isConnected) return;
    control.removeAttribute("aria-disabled");
    const failure = this.#find("[data-part=status]");
    failure.hidden = false;
    announce(failure.innerText);
  }
}

customElements.define("lms-session", LMSSession);
