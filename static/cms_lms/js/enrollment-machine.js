/**
 * The steps of an enrollment and what leads from one to the next: the table in docs/enrollment.md. Pure: knows no page, no
 * LMS and no clock. An event that makes no sense in a step changes nothing, so a double click is harmless.
 *
 * @import { Enrollment, EnrollmentEvent, Failure, KnownEnrollment, Step } from "./types.d.ts"
 */

/** @type {readonly Step[]} */
export const STEPS = [
  "loading",
  "anonymous",
  "expired",
  "idle",
  "confirming",
  "enrolling",
  "enrolled",
  "leaving",
  "unenrolling",
  "closed",
  "invitation-only",
  "full",
  "payment",
  "refused",
  "unavailable",
  "misconfigured",
];

/** @type {ReadonlyMap<string|null, Step>} */
const OBSTACLE_STEPS = new Map([
  ["not-open", "closed"],
  ["closed", "closed"],
  ["invitation-only", "invitation-only"],
  ["full", "full"],
  ["payment", "payment"],
]);

/** @type {KnownEnrollment} */
export const NOTHING_KNOWN = { isActive: false, obstacle: null, paymentUrl: "", courseUrl: "", canLeave: false };

/**
 * @param {boolean} open
 * @param {boolean} [wish]
 * @returns {Enrollment}
 */
export function initial(open, wish = false) {
  return {
    step: "loading",
    open,
    username: null,
    expired: false,
    known: NOTHING_KNOWN,
    wish,
    leaving: false,
    left: false,
    failure: null,
    retry: null,
  };
}

/**
 * @param {Enrollment} enrollment
 * @param {EnrollmentEvent} event
 * @returns {Enrollment} the very same object when the event changes nothing
 */
export function transition(enrollment, event) {
  const next = follow(enrollment, event);
  return JSON.stringify(next) === JSON.stringify(enrollment) ? enrollment : next;
}

/**
 * @param {Enrollment} was
 * @param {EnrollmentEvent} event
 * @returns {Enrollment}
 */
function follow(was, event) {
  const { step, known, username } = was;
  const isWriting = step === "enrolling" || step === "unenrolling";
  switch (event.type) {
    case "loaded": {
      if (isWriting) return was;
      const expired = event.username === null && (was.expired || username !== null);
      return settle({ ...was, username: event.username, expired, known: event.known });
    }
    case "enroll":
      if (step !== "idle" && step !== "confirming") return was;
      return { ...was, step: "enrolling", wish: false, left: false };
    case "leave":
      return step === "enrolled" && known.canLeave ? settle({ ...was, leaving: true }) : was;
    case "unenroll":
      return step === "leaving" ? { ...was, step: "unenrolling", leaving: false } : was;
    case "cancel":
      return step === "leaving" || step === "confirming" ? settle({ ...was, leaving: false, wish: false }) : was;
    case "wish":
      return step === "anonymous" || step === "expired" ? { ...was, wish: true } : was;
    case "written":
      if (step === "enrolling") {
        if (event.known.isActive || OBSTACLE_STEPS.has(event.known.obstacle)) {
          return settle({ ...was, known: event.known });
        }
      } else if (step !== "unenrolling") return was;
      else if (!event.known.isActive) return settle({ ...was, known: event.known, left: true });
      return refuse(was, { code: "refused", reason: "", retryAfterSeconds: null });
    case "failed":
      return fail(was, event, step === "loading" || isWriting);
    case "retry":
      if (was.retry === "enroll") return follow(settle(was), { type: "enroll" });
      if (was.retry === "leave") return settle({ ...was, leaving: true });
      return was.retry === "load" ? load(was) : was;
    case "session":
      if (isWriting || step === "loading" || (event.username === username && !was.failure)) return was;
      return event.username === null ? leaveSession(was, event.expired) : load(was);
    case "schedule": {
      // That it was not open yet says nothing any more.
      const isOver = event.open && known.obstacle === "not-open";
      const next = { ...was, open: event.open, known: isOver ? { ...known, obstacle: null } : known };
      return settled(was) ? settle(next) : next;
    }
  }
}

/**
 * The step that the facts lead to. Enrolled beats everything: an enrolled learner always gets the way into the course.
 *
 * @param {Enrollment} facts
 * @returns {Enrollment}
 */
function settle(facts) {
  const { known, open, username } = facts;
  /** @type {Step} */
  let step = "idle";
  if (known.isActive) step = facts.leaving ? "leaving" : "enrolled";
  else if (facts.expired) step = "expired";
  else if (!open) step = "closed";
  else if (OBSTACLE_STEPS.has(known.obstacle)) step = OBSTACLE_STEPS.get(known.obstacle) ?? step;
  else if (username === null) step = "anonymous";
  else if (facts.wish) step = "confirming";
  const wish = facts.wish && (step === "confirming" || username === null);
  const left = facts.left && !known.isActive && username !== null;
  return { ...facts, step, wish, leaving: step === "leaving", left, failure: null, retry: null };
}

/** @param {Enrollment} enrollment */
function settled({ step, failure }) {
  return failure === null && step !== "loading" && step !== "enrolling" && step !== "unenrolling";
}

/**
 * @param {Enrollment} was
 * @returns {Enrollment}
 */
function load(was) {
  return { ...was, step: "loading", leaving: false, left: false, failure: null, retry: null };
}

/**
 * @param {Enrollment} was
 * @param {boolean} expired
 */
function leaveSession(was, expired) {
  return settle({ ...was, username: null, expired, known: NOTHING_KNOWN });
}

/**
 * @param {Enrollment} was
 * @param {Failure} failure
 * @returns {Enrollment}
 */
function refuse(was, failure) {
  const retry = was.step === "enrolling" ? "enroll" : was.step === "unenrolling" ? "leave" : "load";
  return { ...was, step: "refused", failure, retry };
}

/**
 * @param {Enrollment} was
 * @param {Extract<EnrollmentEvent, {type: "failed"}>} event
 * @param {boolean} isAwaited a page that came back asks by itself: nobody waits for that answer
 * @returns {Enrollment}
 */
function fail(was, { failure, obstacle, paymentUrl = "" }, isAwaited) {
  if (failure.code === "anonymous") return leaveSession(was, was.expired || was.username !== null);
  if (!isAwaited) return was;
  if (failure.code === "refused") {
    if (obstacle && OBSTACLE_STEPS.has(obstacle) && was.step !== "unenrolling") {
      return settle({ ...was, known: { ...was.known, obstacle, paymentUrl } });
    }
    return refuse(was, failure);
  }
  // A write that got no answer may have happened: trying again starts by reading.
  const isFinal = failure.code === "misconfigured" && was.step !== "unenrolling";
  return { ...was, step: failure.code, failure, retry: isFinal ? null : "load" };
}
