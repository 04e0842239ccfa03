/**
 * The steps of an enrollment and what leads from one to the next. Pure: knows no page, no LMS and no clock. An event that
 * makes no sense in a step changes nothing, which is what makes a double click harmless.
 *
 * @typedef {import("./lms-error.js").LMSErrorCode} LMSErrorCode
 * @typedef {import("./lms-error.js").RefusalCause} RefusalCause
 *
 * @typedef {typeof STEPS[number]} Step
 * @typedef {{code: LMSErrorCode, reason: string, refusalCause: RefusalCause|null, retryAfterSeconds: number|null}} Failure
 *
 * @typedef {object} Enrollment
 * @property {Step} step
 * @property {boolean} open whether the dates of the run allow to enroll now
 * @property {string|null} username null: anonymous, or not known yet
 * @property {boolean} isActive whether the learner is enrolled
 * @property {Failure|null} failure
 * @property {"load"|"enroll"|null} retry what "try again" does
 *
 * @typedef {{type: "loaded", username: string|null, isActive: boolean}
 *   | {type: "enroll"} | {type: "enrolled"} | {type: "failed", failure: Failure}
 *   | {type: "retry"} | {type: "reload"} | {type: "schedule", open: boolean}} EnrollmentEvent
 */

export const STEPS = /** @type {const} */ ([
  "loading",
  "anonymous",
  "idle",
  "enrolling",
  "enrolled",
  "closed",
  "failed",
  "unavailable",
  "misconfigured",
]);

/**
 * @param {boolean} open
 * @returns {Enrollment}
 */
export function initial(open) {
  return { step: "loading", open, username: null, isActive: false, failure: null, retry: null };
}

/**
 * @param {Enrollment} enrollment
 * @param {EnrollmentEvent} event
 * @returns {Enrollment} the very same object when the event changes nothing
 */
export function transition(enrollment, event) {
  const { step } = enrollment;
  switch (event.type) {
    case "loaded":
      if (step !== "loading") return enrollment;
      return settle({ ...enrollment, username: event.username, isActive: event.isActive });
    case "enroll":
      return step === "idle" ? { ...enrollment, step: "enrolling" } : enrollment;
    case "enrolled":
      return step === "enrolling" ? settle({ ...enrollment, isActive: true }) : enrollment;
    case "failed":
      return step === "loading" || step === "enrolling" ? fail(enrollment, event.failure) : enrollment;
    case "retry":
      if (enrollment.retry === "enroll") return transition(settle(enrollment), { type: "enroll" });
      return enrollment.retry === "load" ? initial(enrollment.open) : enrollment;
    case "reload":
      return step === "loading" || step === "enrolling" ? enrollment : initial(enrollment.open);
    case "schedule": {
      if (event.open === enrollment.open) return enrollment;
      const scheduled = { ...enrollment, open: event.open };
      return step === "idle" || step === "closed" || step === "anonymous" ? settle(scheduled) : scheduled;
    }
  }
}

/**
 * The step that the facts lead to. Enrolled beats closed: an enrolled learner always gets the way into the course.
 *
 * @param {Enrollment} enrollment
 * @returns {Enrollment}
 */
function settle(enrollment) {
  /** @type {Step} */
  let step = "idle";
  if (enrollment.isActive) step = "enrolled";
  else if (!enrollment.open) step = "closed";
  else if (enrollment.username === null) step = "anonymous";
  return { ...enrollment, step, failure: null, retry: null };
}

/**
 * @param {Enrollment} enrollment
 * @param {Failure} failure
 * @returns {Enrollment}
 */
function fail(enrollment, failure) {
  switch (failure.code) {
    case "anonymous":
      return settle({ ...enrollment, username: null, isActive: false });
    case "refused":
      return { ...enrollment, step: "failed", failure, retry: enrollment.step === "enrolling" ? "enroll" : "load" };
    case "misconfigured":
      return { ...enrollment, step: "misconfigured", failure, retry: null };
    case "unavailable":
      // A write that got no answer may have happened: trying again starts by reading.
      return { ...enrollment, step: "unavailable", failure, retry: "load" };
  }
}
