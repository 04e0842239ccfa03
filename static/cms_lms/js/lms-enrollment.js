/**
 * <lms-enrollment>: the enrollment panel of one course run. Takes over the server's plain link, asks the LMS who the
 * learner is and whether they are enrolled, and offers what can be done next. templates/cms_lms/enrollment/panel.html
 * documents the markup. When anything here fails before the first step is shown, the plain link stays.
 *
 * Events: `lms-enrollment:step` bubbles from the panel at each step, with `detail.step`.
 *
 * @typedef {import("./enrollment-machine.js").Enrollment} Enrollment
 * @typedef {import("./enrollment-machine.js").EnrollmentEvent} EnrollmentEvent
 * @typedef {import("./enrollment-machine.js").Failure} Failure
 * @typedef {import("./enrollment-machine.js").Step} Step
 * @typedef {import("./enrollment-view.js").StepView} StepView
 * @typedef {import("./lms-backend.js").LMSBackend} LMSBackend
 * @typedef {import("./lms-backend.js").LMSBackendClass} LMSBackendClass
 * @typedef {import("./run-state.js").RunDates} RunDates
 * @typedef {import("./run-state.js").RunState} RunState
 */
import { STEPS, initial, transition } from "./enrollment-machine.js";
import { fillStep, formatSeconds } from "./enrollment-view.js";
import { forgetSession, whoami } from "./lms-backend.js";
import { LMSError } from "./lms-error.js";
import { computeState, nextChange, parseDate, sameState } from "./run-state.js";

const SHARED_STEPS_ID = "lms-enrollment-steps";

// A browser's timers cannot wait longer (a signed 32-bit number of milliseconds).
const LONGEST_TIMER_MS = 2 ** 31 - 1;

// An LMS allows a learner some 40 reads a minute: a long list of runs asks for those that come near the window.
const nearTheWindow = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && target instanceof LMSEnrollment) target.start();
    }
  },
  { rootMargin: "200% 0px" },
);

export class LMSEnrollment extends HTMLElement {
  /** @type {LMSBackend|null} */
  #backend = null;
  /** @type {Map<Step, HTMLTemplateElement>} */
  #templates = new Map();
  /** @type {Enrollment} */
  #enrollment = initial(false);
  /** @type {RunState|null} */
  #runState = null;
  /** Milliseconds by which the visitor's clock is behind the server's. */
  #clockLag = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #started = false;
  #status = document.createElement("div");
  #actions = document.createElement("div");

  connectedCallback() {
    if (this.#backend) this.#scheduleRefresh();
    else if (!this.#started) nearTheWindow.observe(this);
    addEventListener("pageshow", this.#onPageShow);
    document.addEventListener("visibilitychange", this.#onVisibilityChange);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    nearTheWindow.unobserve(this);
    removeEventListener("pageshow", this.#onPageShow);
    document.removeEventListener("visibilitychange", this.#onVisibilityChange);
  }

  /** Take over from the plain link. Called when the panel comes near the window; calling it again does nothing. */
  async start() {
    if (this.#started) return;
    this.#started = true;
    nearTheWindow.unobserve(this);
    try {
      // `data-now` is old on a cached page, so it tells only that a clock is slow, never that it is fast.
      this.#clockLag = Math.max(0, (parseDate(this.dataset.now)?.getTime() ?? 0) - Date.now());
      this.#templates = this.#findTemplates();
      this.#backend = await this.#loadBackend();
      this.#runState = computeState(this.#dates, this.#now());
      this.#enrollment = initial(this.#runState.callToAction !== null);
      this.#build();
      this.#render();
    } catch (error) {
      this.#giveUp();
      throw error; // for the console: the visitor has the plain link
    }
    this.#scheduleRefresh();
    await this.#load(this.#backend);
    // From here on what changes is worth saying; what the page says as it loads is not.
    this.#status.setAttribute("role", "status");
    this.#status.setAttribute("aria-live", "polite");
  }

  /** @returns {RunDates} */
  get #dates() {
    return {
      start: parseDate(this.dataset.start),
      end: parseDate(this.dataset.end),
      enrollmentStart: parseDate(this.dataset.enrollmentStart),
      enrollmentEnd: parseDate(this.dataset.enrollmentEnd),
    };
  }

  /** Panels with the same key share their login. */
  get #sessionKey() {
    return `${this.dataset.jsBackend ?? ""} ${this.dataset.baseUrl ?? ""}`;
  }

  #now() {
    return new Date(Date.now() + this.#clockLag);
  }

  #findTemplates() {
    /** @type {Map<Step, HTMLTemplateElement>} */
    const templates = new Map();
    for (const step of STEPS) {
      const selector = `template[data-state="${step}"]`;
      const template = this.querySelector(selector) ?? document.querySelector(`#${SHARED_STEPS_ID} ${selector}`);
      if (!(template instanceof HTMLTemplateElement)) throw new Error(`The page has no ${selector}.`);
      templates.set(step, template);
    }
    return templates;
  }

  async #loadBackend() {
    const { module = "", baseUrl = "", courseId = "", courseUrl = "" } = this.dataset;
    /** @type {{default: LMSBackendClass}} */
    const { default: Backend } = await import(new URL(module, document.baseURI).href);
    return new Backend({ baseUrl, courseId, courseUrl, data: { ...this.dataset } });
  }

  #build() {
    this.#status.className = "lms-enrollment__status";
    this.#status.tabIndex = -1;
    this.#actions.className = "lms-enrollment__actions";
    this.#actions.addEventListener("click", this.#onClick);
    for (const fallback of this.#fallbacks) fallback.hidden = true;
    this.append(this.#status, this.#actions);
  }

  #giveUp() {
    this.#status.remove();
    this.#actions.remove();
    this.removeAttribute("data-step");
    for (const fallback of this.#fallbacks) fallback.hidden = false;
  }

  /** @returns {NodeListOf<HTMLElement>} */
  get #fallbacks() {
    return this.querySelectorAll(".lms-enrollment__fallback");
  }

  /** @param {EnrollmentEvent} event */
  #dispatch(event) {
    const before = this.#enrollment;
    this.#enrollment = transition(before, event);
    if (this.#enrollment === before || !this.#backend) return;
    this.#render();
    if (this.#enrollment.step === before.step) return;
    if (this.#enrollment.step === "loading") void this.#load(this.#backend);
    if (this.#enrollment.step === "enrolling") void this.#enroll(this.#backend);
  }

  /** @param {LMSBackend} backend */
  async #load(backend) {
    try {
      const user = await whoami(this.#sessionKey, backend);
      const enrollment = user && (await backend.getEnrollment(user.username));
      const isActive = enrollment?.isActive ?? false;
      this.#dispatch({ type: "loaded", username: user?.username ?? null, isActive });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {LMSBackend} backend */
  async #enroll(backend) {
    try {
      const { isActive } = await backend.enroll(this.#enrollment.username ?? "");
      if (!isActive) throw new LMSError("refused");
      this.#dispatch({ type: "enrolled" });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {unknown} error */
  #fail(error) {
    const known = isLMSError(error) ? error : new LMSError("unavailable");
    if (known !== error) reportError(error);
    const { code, reason, refusalCause, retryAfterSeconds } = known;
    // Somebody logged out, or in as another user: the other panels shall not believe the old answer.
    if (code === "anonymous" || code === "unavailable") forgetSession(this.#sessionKey);
    this.#dispatch({ type: "failed", failure: { code, reason, refusalCause, retryAfterSeconds } });
  }

  /** @param {MouseEvent} event */
  #onClick = (event) => {
    const control = event.target instanceof Element ? event.target.closest("[data-action]") : null;
    const action = control instanceof HTMLElement ? control.dataset.action : undefined;
    // The date may have passed while the timer slept.
    this.#refresh();
    if (action === "enroll") this.#dispatch({ type: "enroll" });
    if (action === "retry") this.#dispatch({ type: "retry" });
  };

  /**
   * A page out of the back-forward cache shows who was logged in when it was left.
   *
   * @param {PageTransitionEvent} event
   */
  #onPageShow = ({ persisted }) => {
    if (!persisted || !this.#backend) return;
    this.#refresh();
    this.#dispatch({ type: "reload" });
  };

  #onVisibilityChange = () => {
    if (document.visibilityState === "visible" && this.#backend) this.#refresh();
  };

  /** Compute the state of the run again, and show what has changed. */
  #refresh() {
    const runState = computeState(this.#dates, this.#now());
    const changed = this.#runState === null || !sameState(runState, this.#runState);
    this.#runState = runState;
    if (changed) {
      const before = this.#enrollment;
      this.#dispatch({ type: "schedule", open: runState.callToAction !== null });
      if (this.#enrollment === before) this.#render();
    }
    this.#scheduleRefresh();
  }

  #scheduleRefresh() {
    clearTimeout(this.#timer);
    if (!this.isConnected) return;
    const now = this.#now();
    const change = nextChange(this.#dates, now);
    if (change === null) return;
    this.#timer = setTimeout(() => this.#refresh(), Math.min(change.getTime() - now.getTime(), LONGEST_TIMER_MS));
  }

  #render() {
    const { step } = this.#enrollment;
    const template = this.#templates.get(step);
    if (!template) return;
    const hadFocus = this.#status.contains(document.activeElement) || this.#actions.contains(document.activeElement);
    const fragment = fillStep(template, this.#view());
    const status = [...fragment.children].filter((child) => child.matches("[data-part=status]"));
    this.#status.replaceChildren(...status);
    this.#actions.replaceChildren(fragment);
    this.dataset.step = step;
    if (hadFocus) this.#keepFocus();
    this.dispatchEvent(new CustomEvent("lms-enrollment:step", { bubbles: true, detail: { step } }));
  }

  /** The control that had the focus is gone: go on from the new one or, where there is none to see, from the text. */
  #keepFocus() {
    /** @type {HTMLElement|null} */
    const control = this.#actions.querySelector("a[href], button");
    control?.focus({ preventScroll: true });
    if (control === null || document.activeElement !== control) this.#status.focus({ preventScroll: true });
  }

  /** @returns {StepView} */
  #view() {
    const { username, failure } = this.#enrollment;
    const state = this.#runState;
    const dates = this.#dates;
    const now = this.#now();
    const seconds = failure?.retryAfterSeconds ?? null;
    const flags = {
      [slug(state?.text ?? "")]: true,
      started: dates.start !== null && dates.start < now,
      "not-started": dates.start !== null && dates.start >= now,
      deadline: dates.enrollmentEnd !== null && dates.enrollmentEnd > now,
      anonymous: username === null,
      reason: Boolean(failure?.reason) && !failure?.refusalCause,
      "no-reason": !failure?.reason && !failure?.refusalCause,
      "retry-after": seconds !== null,
      ...(failure?.refusalCause && { [`refused-${failure.refusalCause}`]: true }),
    };
    return {
      flags: new Set(Object.entries(flags).flatMap(([flag, holds]) => (holds ? [flag] : []))),
      texts: {
        lms: this.dataset.lmsName ?? "",
        reason: failure?.reason ?? "",
        "retry-after": seconds === null ? "" : formatSeconds(seconds),
      },
      dates: {
        date: state?.datetime ?? null,
        start: dates.start,
        end: dates.end,
        "enrollment-start": dates.enrollmentStart,
        "enrollment-end": dates.enrollmentEnd,
      },
      urls: {
        course: this.dataset.courseUrl ?? "",
        login: this.#backend?.loginUrl(location.href) ?? "",
      },
    };
  }
}

/**
 * By name, not by class: a site's own backend may have loaded lms-error.js from another address.
 *
 * @param {unknown} error
 * @returns {error is LMSError}
 */
function isLMSError(error) {
  return error instanceof Error && error.name === "LMSError";
}

/** @param {string} text */
function slug(text) {
  return text.replaceAll(" ", "-");
}

customElements.define("lms-enrollment", LMSEnrollment);
