/**
 * The steps of an enrollment, as in docs/enrollment.md. Pure: knows no page, no LMS, no clock.
 * @import { Enrollment, EnrollmentEvent, Failure, Step } from "./types.d.ts"
 */

/** @type {readonly Step[]} */
const BLOCKED = ["closed", "invitation-only", "full", "payment"];

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
  ...BLOCKED,
  "refused",
  "unavailable",
  "misconfigured",
];

const NOTHING = { isActive: false, canLeave: false };

/** @type {(open: boolean, wish?: boolean) => Enrollment} */
export const initial = (open, wish = false) => ({
  step: "loading",
  open,
  username: null,
  expired: false,
  known: NOTHING,
  wish,
  leaving: false,
  left: false,
  failure: null,
  retry: null,
});

/**
 * An event that changes nothing gives back the very same object.
 * @type {(was: Enrollment, event: EnrollmentEvent) => Enrollment}
 */
export function transition(was, event) {
  const next = follow(was, event);
  return JSON.stringify(next) === JSON.stringify(was) ? was : next;
}

/** @type {(was: Enrollment, event: EnrollmentEvent) => Enrollment} */
function follow(was, event) {
  const { step, known, username, failure } = was;
  const isWriting = step === "enrolling" || step === "unenrolling";
  switch (event.type) {
    case "loaded":
      if (isWriting) return was;
      return settle({
        ...was,
        username: event.username,
        expired: event.username === null && (was.expired || username !== null),
        known: event.known,
      });
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
      if (!isWriting) return was;
      // What was asked for, or a reason why it cannot be.
      if (event.known.isActive === (step === "enrolling") || (step === "enrolling" && blockedBy(event.known.obstacle))) {
        return settle({ ...was, known: event.known, left: step === "unenrolling" });
      }
      return fail(was, { code: "refused", reason: "", retryAt: null });
    case "failed":
      if (event.failure.code === "anonymous") return leaveSession(was, was.expired || username !== null);
      // Nobody waits for what a page asks by itself.
      if (step !== "loading" && !isWriting) return was;
      if (event.failure.code === "refused" && step !== "unenrolling" && blockedBy(event.obstacle)) {
        return settle({ ...was, known: { ...known, obstacle: event.obstacle, paymentUrl: event.paymentUrl } });
      }
      return fail(was, event.failure);
    case "retry":
      if (was.retry === "enroll") return follow(settle(was), { type: "enroll" });
      if (was.retry === "leave") return settle({ ...was, leaving: true });
      return was.retry ? load(was) : was;
    case "session":
      if (isWriting || step === "loading" || (event.username === username && !failure)) return was;
      return event.username === null ? leaveSession(was, event.expired) : load(was);
    case "schedule": {
      // That it was not open yet says nothing any more.
      const isOver = event.open && known.obstacle === "not-open";
      const next = { ...was, open: event.open, known: isOver ? { ...known, obstacle: null } : known };
      return isWriting || step === "loading" || failure ? next : settle(next);
    }
  }
}

/** @type {(obstacle: string|null|undefined) => Step|undefined} */
const blockedBy = (obstacle) => BLOCKED.find((step) => step === (obstacle === "not-open" ? "closed" : obstacle));

/**
 * The step that the facts lead to. Enrolled beats everything.
 * @type {(facts: Enrollment) => Enrollment}
 */
function settle(facts) {
  const { known, open, username } = facts;
  const blocked = blockedBy(known.obstacle);
  /** @type {Step} */
  let step = "idle";
  if (known.isActive) step = facts.leaving ? "leaving" : "enrolled";
  else if (facts.expired) step = "expired";
  else if (!open) step = "closed";
  else if (blocked) step = blocked;
  else if (username === null) step = "anonymous";
  else if (facts.wish) step = "confirming";
  return {
    ...facts,
    step,
    wish: facts.wish && (step === "confirming" || username === null),
    leaving: step === "leaving",
    left: facts.left && !known.isActive && username !== null,
    failure: null,
    retry: null,
  };
}

/** @type {(was: Enrollment) => Enrollment} */
const load = (was) => ({ ...was, step: "loading", leaving: false, left: false, failure: null, retry: null });

/** @type {(was: Enrollment, expired: boolean) => Enrollment} */
const leaveSession = (was, expired) => settle({ ...was, username: null, expired, known: NOTHING });

/** @type {(was: Enrollment, failure: Failure) => Enrollment} */
function fail(was, failure) {
  const { code } = failure;
  if (code === "anonymous") return was;
  // A write that got no answer may have happened: trying again starts by reading.
  /** @type {Enrollment["retry"]} */
  let retry = "load";
  if (code === "refused" && was.step === "enrolling") retry = "enroll";
  if (code === "refused" && was.step === "unenrolling") retry = "leave";
  if (code === "misconfigured" && was.step !== "unenrolling") retry = null;
  return { ...was, step: code, failure, retry };
}
