/**
 * The preview backend: plays a learner's state, `data-see-as` on the panel, without any LMS. For previews and for a
 * gallery of all states (cms_lms/enrollment/see_as.py), so never offered to editors. What a learner reaches by pressing
 * something is reached by pressing it, once; from there on the panel is the visitor's.
 *
 * @import { BackendOptions, LearnerEnrollment, LMSBackend, LMSUser } from "../types.d.ts"
 */
import { refresh, sessionKey } from "../lms-backend.js";
import { LMSError } from "../lms-error.js";

const USER = { username: "marie", fullName: "Marie Martin" };

const OBSTACLES = /** @type {const} */ (["not-open", "closed", "invitation-only", "full", "payment"]);

/** What is pressed in which step, by what shall be seen. @type {Record<string, Record<string, string>>} */
const PRESSED = {
  confirming: { anonymous: "a[data-link=login]" },
  enrolling: { idle: "[data-action=enroll]" },
  refused: { idle: "[data-action=enroll]" },
  leaving: { enrolled: "[data-action=leave]" },
  unenrolling: { enrolled: "[data-action=leave]", leaving: "[data-action=unenroll]" },
  "not-left": { enrolled: "[data-action=leave]", leaving: "[data-action=unenroll]" },
  left: { enrolled: "[data-action=leave]", leaving: "[data-action=unenroll]" },
};

/** @type {Set<string>} the sessions in which the learner has logged in, or out, since the page was opened */
const changed = new Set();

/** @implements {LMSBackend} */
export default class PreviewBackend {
  capabilities = /** @type {const} */ (["register", "log-out", "unenroll"]);

  /** @param {BackendOptions} options */
  constructor({ data = {} }) {
    this.session = sessionKey({ ...data });
    this.reason = data.seeAsReason ?? "";
    this.seeAs = data.seeAs ?? "";
    this.isActive = ["enrolled", "leaving", "unenrolling", "left", "not-left"].includes(this.seeAs);
  }

  /** @returns {Promise<LMSUser|null>} */
  async whoami() {
    switch (this.seeAs) {
      case "loading":
        return forever();
      case "unavailable":
        throw new LMSError("unavailable", "", { retryAfterSeconds: 30 });
      case "misconfigured":
        throw new LMSError("misconfigured", this.reason);
      case "anonymous":
        return null;
      case "confirming":
        return changed.has(this.session) ? USER : null;
      case "expired":
        return changed.has(this.session) ? null : USER;
      default:
        return USER;
    }
  }

  loginUrl() {
    return "#";
  }

  registerUrl() {
    return "#";
  }

  async logOut() {}

  /** @returns {Promise<LearnerEnrollment|null>} */
  async getEnrollment() {
    const obstacle = OBSTACLES.find((name) => name === this.seeAs) ?? null;
    return { isActive: this.isActive, obstacle, paymentUrl: "#" };
  }

  /** @returns {Promise<LearnerEnrollment>} */
  async enroll() {
    if (this.seeAs === "enrolling") return forever();
    if (this.seeAs === "refused") throw new LMSError("refused", this.reason);
    this.isActive = true;
    return { isActive: true };
  }

  /** @returns {Promise<LearnerEnrollment>} */
  async unenroll() {
    if (this.seeAs === "unenrolling") return forever();
    if (this.seeAs === "not-left") throw new LMSError("refused", this.reason);
    this.isActive = false;
    return { isActive: false };
  }
}

/** @returns {Promise<never>} */
function forever() {
  return new Promise(() => {});
}

/** Which panels have been pressed in which steps. @type {WeakMap<HTMLElement, Set<string>>} */
const presses = new WeakMap();

/** @param {HTMLElement} panel */
function play(panel) {
  const { seeAs = "", step = "" } = panel.dataset;
  const done = presses.get(panel) ?? new Set();
  if (done.has(step)) return;
  presses.set(panel, done.add(step));
  const selector = PRESSED[seeAs]?.[step];
  const control = selector ? panel.querySelector(selector) : null;
  if (control instanceof HTMLElement) control.click();
  const key = sessionKey(panel.dataset);
  if ((seeAs === "confirming" && control) || (seeAs === "expired" && step === "idle")) {
    changed.add(key);
    void refresh(key);
  }
}

document.addEventListener("lms-enrollment:step", ({ target }) => {
  if (!(target instanceof HTMLElement) || target.dataset.seeAs === undefined) return;
  const { scrollX, scrollY } = window;
  // Once the panel has done with this step, which may have drawn the page to it.
  queueMicrotask(() => {
    if (target.dataset.step === "confirming") {
      scrollTo(scrollX, scrollY);
      if (target.contains(document.activeElement)) /** @type {HTMLElement} */ (document.activeElement).blur();
    }
    play(target);
  });
});
