/**
 * <lms-enrollment>: the enrollment panel of one course run. Takes over the server's plain link, asks the LMS who the
 * learner is and whether they are enrolled, and offers what can be done next. templates/cms_lms/enrollment/panel.html
 * documents the markup. When anything here fails before the first step is shown, the plain link stays.
 *
 * Events: `lms-enrollment:step` bubbles from the panel at each step, with `detail.step`.
 *
 * @import { Enrollment, EnrollmentEvent, KnownEnrollment, LMSBackend, LMSBackendClass, LMSUser, SessionListener, Step,
 *   StepView } from "./types.d.ts"
 * @import { RunDates, RunState } from "./run-state.js"
 */
import { STEPS, initial, transition } from "./enrollment-machine.js";
import { announce, fillStep, fillTimes, formatSeconds } from "./enrollment-view.js";
import { hasWish, keepWish, takeWish } from "./enrollment-wish.js";
import { refresh, sessionKey, subscribe, whoami } from "./lms-backend.js";
import { LMSError } from "./lms-error.js";
import { displayState, isUnscheduled, nextChange, parseDate, sameState } from "./run-state.js";
import { clockLag } from "./site-clock.js";

const SHARED_STEPS_ID = "lms-enrollment-steps";

// A browser's timers cannot wait longer (a signed 32-bit number of milliseconds).
const LONGEST_TIMER_MS = 2 ** 31 - 1;

// What learners read of an LMS's own words.
const LONGEST_REASON = 500;

const ACTIONS = /** @type {const} */ (["enroll", "leave", "unenroll", "cancel", "retry"]);

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
  /** @type {LMSUser|null|undefined} */
  #user;
  /** Milliseconds by which the visitor's clock is behind the server's. */
  #clockLag = 0;
  /** @type {Promise<void>|undefined} */
  #clockIsRight;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #started = false;
  /** Counts the loads: the answer to an earlier one is nobody's. */
  #loads = 0;
  /** What comes next follows from what the learner did here, and is worth saying. What the page says as it loads is not. */
  #isSpoken = false;
  /** She followed a link: what she did there may have changed what holds here. */
  #wentAway = false;
  /** @type {() => void} */
  #unsubscribe = () => {};
  #status = document.createElement("div");
  #actions = document.createElement("div");

  connectedCallback() {
    addEventListener("pageshow", this.#onPageShow);
    document.addEventListener("visibilitychange", this.#onVisibilityChange);
    if (this.#backend) this.#listen(this.#backend);
    else if (this.#started) return;
    else if (hasWish(this.#run)) void this.start();
    else nearTheWindow.observe(this);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    nearTheWindow.unobserve(this);
    this.#unsubscribe();
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
      const backend = await this.#loadBackend();
      this.#runState = displayState(this.#dates, this.#now());
      this.#enrollment = initial(this.#runState.callToAction !== null, takeWish(this.#run));
      this.#backend = backend;
      this.#build();
      this.#render();
    } catch (error) {
      this.#giveUp();
      throw error; // for the console: the visitor has the plain link
    }
    announce();
    this.#clockIsRight = this.#refresh();
    if (this.isConnected) this.#listen(this.#backend);
    await this.#load(this.#backend);
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

  get #sessionKey() {
    return sessionKey(this.dataset);
  }

  /** Names the run and its LMS. */
  get #run() {
    return `${this.dataset.baseUrl} ${this.dataset.courseId ?? ""}`;
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
    this.#backend = null;
    this.#status.remove();
    this.#actions.remove();
    this.removeAttribute("data-step");
    for (const fallback of this.#fallbacks) fallback.hidden = false;
  }

  /** @returns {NodeListOf<HTMLElement>} */
  get #fallbacks() {
    return this.querySelectorAll(".lms-enrollment__fallback");
  }

  /** @param {LMSBackend} backend */
  #listen(backend) {
    this.#unsubscribe();
    this.#unsubscribe = subscribe(this.#sessionKey, backend, this.#onSession);
    this.#scheduleRefresh();
  }

  /** @param {EnrollmentEvent} event */
  #dispatch(event) {
    const before = this.#enrollment;
    const { step, wish } = (this.#enrollment = transition(before, event));
    if (this.#enrollment === before || !this.#backend || event.type === "wish") return;
    if (before.wish) takeWish(this.#run);
    this.#render();
    if (step === before.step) return;
    if (step === "loading") void this.#load(this.#backend);
    if (step === "enrolling") void this.#write(() => this.#backend?.enroll(this.#enrollment.username ?? ""));
    if (step === "unenrolling") void this.#write(() => this.#backend?.unenroll?.(this.#enrollment.username ?? ""));
    if (step === "confirming" && wish) this.#comeBack();
  }

  /** @param {LMSBackend} backend */
  async #load(backend) {
    const load = ++this.#loads;
    try {
      const user = await whoami(this.#sessionKey, backend);
      if (load === this.#loads) this.#user = user;
      const answer = user && (await backend.getEnrollment(user.username));
      await this.#clockIsRight;
      if (load !== this.#loads) return;
      this.#dispatch({ type: "loaded", username: user?.username ?? null, known: this.#know(answer) });
    } catch (error) {
      if (load === this.#loads) this.#fail(error);
    }
  }

  /** @param {() => Promise<unknown>|undefined} ask */
  async #write(ask) {
    this.#loads += 1;
    try {
      this.#dispatch({ type: "written", known: this.#know(await ask()) });
      // Who logged in meanwhile was not listened to.
      this.#dispatch({ type: "session", username: this.#user?.username ?? null, expired: true });
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * @param {any} answer of a backend, which is a site's own perhaps
   * @returns {KnownEnrollment}
   */
  #know(answer) {
    return {
      isActive: answer?.isActive === true,
      obstacle: text(answer?.obstacle) || null,
      paymentUrl: text(answer?.paymentUrl),
      courseUrl: text(answer?.courseUrl),
      canLeave: answer?.canLeave !== false && this.#can("unenroll"),
    };
  }

  /** @param {import("./types.d.ts").Capability} capability */
  #can(capability) {
    return this.#backend?.capabilities?.includes(capability) ?? false;
  }

  /** @param {unknown} error */
  #fail(error) {
    const known = isLMSError(error) ? error : new LMSError("unavailable");
    if (known !== error) reportError(error);
    const { code, reason, obstacle, paymentUrl, retryAfterSeconds } = known;
    if (code === "misconfigured") console.error(`${this.dataset.lmsName}: enrollment is not set up. ${reason}`);
    const failure = { code, reason: reason.slice(0, LONGEST_REASON), retryAfterSeconds };
    this.#dispatch({ type: "failed", failure, obstacle, paymentUrl });
    // Somebody logged out, or in as another user: the other panels shall know.
    if (code === "anonymous") void refresh(this.#sessionKey);
  }

  /** @type {SessionListener} */
  #onSession = (user, expired) => {
    const before = this.#user;
    this.#user = user;
    this.#isSpoken = false;
    if (this.#enrollment.step !== "loading") {
      this.#dispatch({ type: "session", username: user?.username ?? null, expired });
    } else if (this.#backend && before !== undefined) {
      void this.#load(this.#backend);
    }
  };

  /** @param {MouseEvent} event */
  #onClick = async (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const link = target?.closest("a");
    if (link) {
      this.#wentAway = true;
      const { step, open } = this.#enrollment;
      if (link.dataset.link === "course" || !open || (step !== "anonymous" && step !== "expired")) return;
      keepWish(this.#run);
      this.#dispatch({ type: "wish" });
    }
    const control = target?.closest("[data-action]");
    const action = ACTIONS.find((name) => control instanceof HTMLElement && control.dataset.action === name);
    if (!action) return;
    this.#isSpoken = true;
    // The date may have passed while the timer slept.
    await this.#refresh();
    this.#dispatch({ type: action });
  };

  /**
   * A page out of the back-forward cache shows what held when it was left.
   *
   * @param {PageTransitionEvent} event
   */
  #onPageShow = ({ persisted }) => {
    if (!persisted) return;
    this.#wentAway = true;
    this.#onVisibilityChange();
  };

  #onVisibilityChange = () => {
    if (document.visibilityState !== "visible" || !this.#backend) return;
    void this.#refresh();
    if (this.#wentAway && this.#enrollment.step !== "loading") void this.#load(this.#backend);
    this.#wentAway = false;
  };

  /** Compute the state of the run again, and show what has changed. */
  async #refresh() {
    const dates = this.#dates;
    const rendered = displayState(dates, parseDate(this.dataset.now) ?? this.#now());
    if (!sameState(rendered, displayState(dates, this.#now()))) this.#clockLag = (await clockLag()) ?? this.#clockLag;
    const runState = displayState(dates, this.#now());
    const changed = this.#runState === null || !sameState(runState, this.#runState);
    this.#runState = runState;
    if (changed) {
      const before = this.#enrollment;
      this.#isSpoken ||= before.step !== "loading";
      this.#dispatch({ type: "schedule", open: runState.callToAction !== null });
      if (this.#enrollment === before) this.#render();
    }
    fillTimes(this, { dates: this.#namedDates, now: this.#now() });
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
    if (this.#isSpoken) announce(this.ariaLabel ?? "", ...status.map(({ textContent }) => textContent ?? ""));
    this.dispatchEvent(new CustomEvent("lms-enrollment:step", { bubbles: true, detail: { step } }));
  }

  /** The control that had the focus is gone: go on from the new one or, where there is none to see, from the text. */
  #keepFocus() {
    /** @type {HTMLElement|null} */
    const control = this.#actions.querySelector("a[href], button");
    control?.focus({ preventScroll: true });
    if (control === null || document.activeElement !== control) this.#status.focus({ preventScroll: true });
  }

  /** She is back from the login that she went to from here, unless she does something else by now. */
  #comeBack() {
    const { activeElement, body } = document;
    if (activeElement !== body && activeElement !== null && !this.contains(activeElement)) return;
    this.scrollIntoView({ block: "center" });
    this.#keepFocus();
    announce(this.ariaLabel ?? "", this.#status.textContent ?? "");
  }

  get #namedDates() {
    const { start, end, enrollmentStart, enrollmentEnd } = this.#dates;
    return { start, end, "enrollment-start": enrollmentStart, "enrollment-end": enrollmentEnd };
  }

  /** @returns {StepView} */
  #view() {
    const { step, open, username, failure, known, retry, left } = this.#enrollment;
    const dates = this.#dates;
    const now = this.#now();
    const seconds = failure?.retryAfterSeconds ?? null;
    const reason = failure?.reason ?? "";
    const { problem } = this.dataset;
    const { start, end, enrollmentStart, enrollmentEnd } = dates;
    const isLMSsWord = step === "closed" && open;
    const flags = {
      // Where the LMS has closed what our dates say is open, they have nothing to say.
      [(this.#runState?.text ?? "").replaceAll(" ", "-")]: !isLMSsWord,
      [`obstacle-${known.obstacle}`]: isLMSsWord,
      [`retry-${retry}`]: true,
      "to-be-announced": isUnscheduled(start) && !(start && start < now),
      started: start !== null && start < now,
      "not-started": !isUnscheduled(start) && start !== null && start >= now,
      ended: end !== null && end <= now,
      opens: !open && !isUnscheduled(enrollmentStart) && enrollmentStart !== null && enrollmentStart > now,
      deadline: open && enrollmentEnd !== null && enrollmentEnd > now,
      "deadline-passed": !open && enrollmentEnd !== null && enrollmentEnd <= now,
      open,
      "not-open": !open,
      anonymous: username === null,
      enrolled: known.isActive,
      "not-enrolled": !known.isActive,
      "can-leave": known.canLeave,
      left,
      reason: reason !== "",
      "no-reason": reason === "",
      "retry-after": seconds !== null,
      // Present for staff alone, in previews.
      problem: problem !== undefined && (problem || reason) !== "",
    };
    const next = location.href;
    return {
      flags: new Set(Object.entries(flags).flatMap(([flag, holds]) => (holds ? [flag] : []))),
      texts: {
        lms: this.dataset.lmsName ?? "",
        name: text(this.#user?.fullName) || (username ?? ""),
        reason,
        problem: problem || reason,
        "retry-after": seconds === null ? "" : formatSeconds(seconds),
      },
      dates: this.#namedDates,
      now,
      urls: {
        course: known.courseUrl || (this.dataset.courseUrl ?? ""),
        login: this.#backend?.loginUrl(next) ?? "",
        payment: known.paymentUrl,
        register: this.#can("register") ? (this.#backend?.registerUrl?.(next) ?? "") : "",
      },
    };
  }
}

/** @param {unknown} value */
function text(value) {
  return typeof value === "string" ? value : "";
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

customElements.define("lms-enrollment", LMSEnrollment);
