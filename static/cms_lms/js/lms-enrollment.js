/**
 * <lms-enrollment>: the enrollment panel of a course run. panel.html documents its markup, docs/enrollment.md its steps. When
 * anything fails before the first step is shown, the server's plain link stays.
 * @import { Capability, Enrollment, EnrollmentEvent, KnownEnrollment, LearnerEnrollment, LMSBackend, LMSUser, RunDates,
 *   RunState, SessionListener, Step, StepView } from "./types.d.ts"
 */
import { STEPS, initial, transition } from "./enrollment-machine.js";
import { announce, clockLag, hasWish, keepWish, takeWish } from "./enrollment-page.js";
import { fillStep, fillTimes } from "./enrollment-view.js";
import { refresh, sessionKey, subscribe, whoami } from "./lms-backend.js";
import { LMSError } from "./lms-error.js";
import { displayState, isUnscheduled, nextChange, parseDate, sameState } from "./run-state.js";

// A browser's timers cannot wait longer.
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
  /** @type {LMSUser|null|undefined} */
  #user;
  /** Milliseconds by which the visitor's clock is behind. */
  #lag = 0;
  /** @type {Promise<void>|undefined} */
  #clockIsRight;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;
  #started = false;
  // The answer to an earlier load is nobody's.
  #loads = 0;
  // What follows from what the learner did is worth saying; what the page says as it loads is not.
  #isSpoken = false;
  // She followed a link: what she did there may have changed what holds here.
  #wentAway = false;
  #unsubscribe = () => {};
  #status = document.createElement("div");
  #actions = document.createElement("div");

  connectedCallback() {
    addEventListener("pageshow", this.#onPageShow);
    document.addEventListener("visibilitychange", this.#onReturn);
    if (this.#backend) this.#listen(this.#backend);
    else if (hasWish(this.#run)) void this.start();
    else if (!this.#started) nearTheWindow.observe(this);
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    nearTheWindow.unobserve(this);
    this.#unsubscribe();
    removeEventListener("pageshow", this.#onPageShow);
    document.removeEventListener("visibilitychange", this.#onReturn);
  }

  /** Take over from the plain link; once. */
  async start() {
    if (this.#started) return;
    this.#started = true;
    nearTheWindow.unobserve(this);
    const { now, module = "", baseUrl = "", courseId = "", courseUrl = "" } = this.dataset;
    try {
      // `data-now` is old on a cached page: it tells that a clock is slow, never that it is fast.
      this.#lag = Math.max(0, Number(parseDate(now)) - Date.now());
      this.#findTemplates();
      const { default: Backend } = await import(new URL(module, document.baseURI).href);
      this.#backend = new Backend({ baseUrl, courseId, courseUrl, data: { ...this.dataset } });
      this.#runState = displayState(this.#dates, this.#now());
      this.#enrollment = initial(this.#runState.callToAction !== null, takeWish(this.#run));
      this.#build();
      this.#render();
    } catch (error) {
      this.#giveUp();
      throw error; // for the console
    }
    announce();
    this.#clockIsRight = this.#refresh();
    if (this.#backend && this.isConnected) this.#listen(this.#backend);
    await this.#load();
  }

  /** @type {RunDates} */
  get #dates() {
    const { start, end, enrollmentStart, enrollmentEnd } = this.dataset;
    return {
      start: parseDate(start),
      end: parseDate(end),
      enrollmentStart: parseDate(enrollmentStart),
      enrollmentEnd: parseDate(enrollmentEnd),
    };
  }

  /** Names the run and its LMS. */
  get #run() {
    return `${this.dataset.baseUrl} ${this.dataset.courseId}`;
  }

  #now() {
    return new Date(Date.now() + this.#lag);
  }

  #findTemplates() {
    for (const step of STEPS) {
      const selector = `template[data-state="${step}"]`;
      const template = this.querySelector(selector) ?? document.querySelector(`#lms-enrollment-steps ${selector}`);
      if (!(template instanceof HTMLTemplateElement)) throw new Error(`The page has no ${selector}.`);
      this.#templates.set(step, template);
    }
  }

  #build() {
    this.#status.className = "lms-enrollment__status";
    this.#status.tabIndex = -1;
    this.#actions.className = "lms-enrollment__actions";
    this.#actions.addEventListener("click", this.#onClick);
    this.#showFallback(false);
    this.append(this.#status, this.#actions);
  }

  #giveUp() {
    this.#backend = null;
    this.#status.remove();
    this.#actions.remove();
    this.removeAttribute("data-step");
    this.#showFallback(true);
  }

  /** @param {boolean} isShown */
  #showFallback(isShown) {
    for (const fallback of this.querySelectorAll(".lms-enrollment__fallback")) {
      fallback.toggleAttribute("hidden", !isShown);
    }
  }

  /** @param {LMSBackend} backend */
  #listen(backend) {
    this.#unsubscribe();
    this.#unsubscribe = subscribe(sessionKey(this.dataset), backend, this.#onSession);
    this.#scheduleRefresh();
  }

  /** @param {EnrollmentEvent} event */
  #dispatch(event) {
    const before = this.#enrollment;
    const { step, username } = (this.#enrollment = transition(before, event));
    if (this.#enrollment === before || event.type === "wish") return;
    if (before.wish) takeWish(this.#run);
    this.#render();
    if (step === before.step) return;
    if (step === "loading") void this.#load();
    if (step === "enrolling") void this.#write(this.#backend?.enroll(username ?? ""));
    if (step === "unenrolling") void this.#write(this.#backend?.unenroll?.(username ?? ""));
    if (step === "confirming") this.#comeHome();
  }

  async #load() {
    const backend = this.#backend;
    if (!backend) return;
    const load = ++this.#loads;
    try {
      const user = await whoami(sessionKey(this.dataset), backend);
      if (load === this.#loads) this.#user = user;
      const answer = user && (await backend.getEnrollment(user.username));
      await this.#clockIsRight;
      if (load !== this.#loads) return;
      this.#dispatch({ type: "loaded", username: user?.username ?? null, known: this.#know(answer) });
    } catch (error) {
      if (load === this.#loads) this.#fail(error);
    }
  }

  /** @param {Promise<LearnerEnrollment>|undefined} answer */
  async #write(answer) {
    this.#loads += 1;
    try {
      this.#dispatch({ type: "written", known: this.#know(await answer) });
      // Who logged in meanwhile was not listened to.
      this.#dispatch({ type: "session", username: this.#user?.username ?? null, expired: true });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @type {(answer: LearnerEnrollment|null|undefined) => KnownEnrollment} */
  #know(answer) {
    return {
      isActive: answer?.isActive === true,
      obstacle: text(answer?.obstacle),
      paymentUrl: text(answer?.paymentUrl),
      courseUrl: text(answer?.courseUrl),
      canLeave: answer?.canLeave !== false && this.#can("unenroll"),
    };
  }

  /** @type {(capability: Capability) => boolean} */
  #can(capability) {
    return this.#backend?.capabilities?.includes(capability) ?? false;
  }

  /** @param {unknown} error */
  #fail(error) {
    // By name: a site's own backend may have loaded lms-error.js from another address.
    const isKnown = error instanceof Error && error.name === "LMSError";
    if (!isKnown) reportError(error);
    const { code, reason, obstacle, paymentUrl, retryAfterSeconds } = isKnown
      ? /** @type {LMSError} */ (error)
      : new LMSError("unavailable");
    if (code === "misconfigured") console.error(`${this.dataset.lmsName}: ${reason || code}`);
    const retryAt = retryAfterSeconds === null ? null : Number(this.#now()) + 1000 * retryAfterSeconds;
    this.#dispatch({ type: "failed", failure: { code, reason, retryAt }, obstacle, paymentUrl });
    // Somebody logged out, or in as another user: the other panels shall know.
    if (code === "anonymous") void refresh(sessionKey(this.dataset));
  }

  /** @type {SessionListener} */
  #onSession = (user, expired) => {
    // A load that is under way asks for somebody else.
    const isLate = this.#enrollment.step === "loading" && this.#user !== undefined;
    this.#user = user;
    this.#isSpoken = false;
    this.#dispatch({ type: "session", username: user?.username ?? null, expired });
    if (isLate) void this.#load();
  };

  /** @param {MouseEvent} event */
  #onClick = async ({ target }) => {
    const control = target instanceof Element ? target.closest("a, [data-action]") : null;
    if (!(control instanceof HTMLElement)) return;
    const { action, link } = control.dataset;
    if (link) {
      this.#wentAway = true;
      if (link === "course" || !this.#enrollment.open) return;
      this.#dispatch({ type: "wish" });
      if (this.#enrollment.wish) keepWish(this.#run);
    } else if (action) {
      this.#isSpoken = true;
      // The date may have passed while the timer slept.
      await this.#refresh();
      this.#dispatch(/** @type {EnrollmentEvent} */ ({ type: action }));
    }
  };

  /** @param {PageTransitionEvent} event */
  #onPageShow = ({ persisted }) => {
    if (!persisted) return;
    this.#wentAway = true;
    this.#onReturn();
  };

  #onReturn = () => {
    if (document.visibilityState !== "visible" || !this.#backend) return;
    void this.#refresh();
    if (this.#wentAway && this.#enrollment.step !== "loading") void this.#load();
    this.#wentAway = false;
  };

  /** Compute the state of the run again, and show what has changed. */
  async #refresh() {
    const dates = this.#dates;
    const rendered = displayState(dates, parseDate(this.dataset.now) ?? this.#now());
    if (!sameState(rendered, displayState(dates, this.#now()))) this.#lag = (await clockLag()) ?? this.#lag;
    const runState = displayState(dates, this.#now());
    if (this.#runState === null || !sameState(runState, this.#runState)) {
      this.#runState = runState;
      const before = this.#enrollment;
      this.#isSpoken ||= before.step !== "loading";
      this.#dispatch({ type: "schedule", open: runState.callToAction !== null });
      if (this.#enrollment === before) this.#render();
    }
    fillTimes(this.#status, { dates: this.#namedDates, now: this.#now() });
    this.#scheduleRefresh();
  }

  #scheduleRefresh() {
    clearTimeout(this.#timer);
    const now = this.#now();
    const change = nextChange(this.#dates, now);
    if (!change || !this.isConnected) return;
    this.#timer = setTimeout(() => this.#refresh(), Math.min(Number(change) - Number(now), LONGEST_TIMER_MS));
  }

  #render() {
    const { step } = this.#enrollment;
    const template = this.#templates.get(step);
    if (!template) return;
    const hadFocus = this.#status.contains(document.activeElement) || this.#actions.contains(document.activeElement);
    const fragment = fillStep(template, this.#view());
    const status = [...fragment.querySelectorAll("[data-part=status]")];
    this.#status.replaceChildren(...status);
    this.#actions.replaceChildren(fragment);
    this.dataset.step = step;
    if (hadFocus) this.#keepFocus();
    if (this.#isSpoken) this.#speak();
    this.dispatchEvent(new CustomEvent("lms-enrollment:step", { bubbles: true, detail: { step } }));
  }

  #speak() {
    announce(this.getAttribute("aria-label"), ...Array.from(this.#status.children, ({ textContent }) => textContent));
  }

  /** Go on from the first control or, where there is none to see, from the text. */
  #keepFocus() {
    /** @type {HTMLElement|null} */
    const control = this.#actions.querySelector("a[href], button");
    control?.focus({ preventScroll: true });
    if (!control || document.activeElement !== control) this.#status.focus({ preventScroll: true });
  }

  /** She is back from the login that she went to from here, unless she does something else by now. */
  #comeHome() {
    const { activeElement, body } = document;
    if (activeElement && activeElement !== body && !this.contains(activeElement)) return;
    this.scrollIntoView({ block: "center" });
    this.#keepFocus();
    this.#speak();
  }

  get #namedDates() {
    const { start, end, enrollmentStart, enrollmentEnd } = this.#dates;
    const { failure } = this.#enrollment;
    return {
      start,
      end,
      "enrollment-start": enrollmentStart,
      "enrollment-end": enrollmentEnd,
      retry: failure?.retryAt ? new Date(failure.retryAt) : null,
    };
  }

  /** @returns {StepView} */
  #view() {
    const { step, open, username, failure, known, retry, left } = this.#enrollment;
    const { start, end, enrollmentStart, enrollmentEnd } = this.#dates;
    const now = this.#now();
    const { lmsName = "", courseUrl = "", problem } = this.dataset;
    const reason = failure?.reason ?? "";
    const isLMSsWord = step === "closed" && open;
    const flags = {
      // Where the LMS has closed what our dates say is open, they have nothing to say.
      [(this.#runState?.text ?? "").replaceAll(" ", "-")]: !isLMSsWord,
      [`obstacle-${known.obstacle}`]: isLMSsWord,
      [`retry-${retry}`]: true,
      "to-be-announced": isUnscheduled(start) && !(start && start < now),
      "not-started": !isUnscheduled(start) && start && start >= now,
      ended: end && end <= now,
      opens: !open && !isUnscheduled(enrollmentStart) && enrollmentStart && enrollmentStart > now,
      deadline: open && enrollmentEnd && enrollmentEnd > now,
      "deadline-passed": !open && enrollmentEnd && enrollmentEnd <= now,
      "not-open": !open,
      anonymous: username === null,
      enrolled: known.isActive,
      "not-enrolled": !known.isActive,
      "can-leave": known.canLeave,
      left,
      reason,
      "no-reason": !reason,
      "retry-after": failure?.retryAt,
      // Present for staff alone, in previews.
      problem: problem !== undefined && (problem || reason),
    };
    const backend = this.#backend;
    return {
      flags: new Set(Object.entries(flags).flatMap(([flag, holds]) => (holds ? [flag] : []))),
      texts: { lms: lmsName, name: text(this.#user?.fullName) || (username ?? ""), reason, problem: problem || reason },
      dates: this.#namedDates,
      now,
      urls: {
        course: known.courseUrl || courseUrl,
        login: backend?.loginUrl(location.href),
        payment: known.paymentUrl,
        register: this.#can("register") ? backend?.registerUrl?.(location.href) : "",
      },
    };
  }
}

/** @type {(value: unknown) => string} */
const text = (value) => (typeof value === "string" ? value : "");

customElements.define("lms-enrollment", LMSEnrollment);
