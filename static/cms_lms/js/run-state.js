/**
 * The state of a run at a moment: the twin of cms_lms/runs/state.py, over the same table of cases. Pure.
 * @import { RunDates, RunState } from "./types.d.ts"
 */

// Senders write "never" as a date in this year.
const NEVER_YEAR = 9999;

// Open edX writes "not scheduled" as a date on this day.
const PLACEHOLDER_DAY = "2030-01-01";

// The table compares strictly ("start < now"), so some changes come one tick after a date.
const TICK_MS = 1;

/**
 * Null for what is absent, unreadable or "never".
 * @type {(value: string|null|undefined) => Date|null}
 */
export function parseDate(value) {
  const date = new Date(value ?? "");
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() >= NEVER_YEAR ? null : date;
}

/** @type {(priority: number, text: string, callToAction?: string|null, datetime?: Date|null) => RunState} */
const state = (priority, text, callToAction = null, datetime = null) => ({ priority, text, callToAction, datetime });

/** @type {(dates: RunDates, now: Date) => RunState} */
export function computeState({ start, end, enrollmentStart, enrollmentEnd }, now) {
  if (start === null || enrollmentStart === null) return state(7, "to be scheduled");
  const started = start < now;
  const ended = started && end !== null && end <= now;
  const deadlineAhead = enrollmentEnd === null || now < enrollmentEnd;

  if (enrollmentStart > now && !ended) {
    return started ? state(3, "enrollment opens on", null, enrollmentStart) : state(3, "starting on", null, start);
  }
  if (ended) {
    if (!(enrollmentStart < now && deadlineAhead)) return state(6, "archived");
    return state(2, enrollmentEnd ? "closing on" : "forever open", "study now", enrollmentEnd);
  }
  if (started) {
    if (!deadlineAhead) return state(5, "on-going");
    return state(0, enrollmentEnd ? "open for enrollment" : "forever open", "enroll now");
  }
  return deadlineAhead ? state(1, "starting on", "enroll now", start) : state(4, "enrollment closed");
}

/** @type {(date: Date|null) => boolean} */
export const isUnscheduled = (date) => date === null || date.toISOString().startsWith(PLACEHOLDER_DAY);

/**
 * The state as learners are told it: without a date ahead that is a placeholder.
 * @type {(dates: RunDates, now: Date) => RunState}
 */
export function displayState(dates, now) {
  const computed = computeState(dates, now);
  const { start, enrollmentStart } = dates;
  if (computed.priority === 3 && isUnscheduled(enrollmentStart)) return state(7, "to be scheduled");
  if (computed.text !== "starting on" || !isUnscheduled(start)) return computed;
  return computed.callToAction
    ? state(1, "open for enrollment", computed.callToAction)
    : state(3, "enrollment opens on", null, enrollmentStart);
}

/** @type {(one: RunState, other: RunState) => boolean} */
export const sameState = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/**
 * The first moment after `now` at which the state is another one.
 * @type {(dates: RunDates, now: Date) => Date|null}
 */
export function nextChange(dates, now) {
  const current = computeState(dates, now);
  const moments = Object.values(dates)
    .flatMap((date) => (date ? [date.getTime(), date.getTime() + TICK_MS] : []))
    .filter((moment) => moment > now.getTime())
    .sort((one, other) => one - other)
    .map((moment) => new Date(moment));
  return moments.find((moment) => !sameState(current, computeState(dates, moment))) ?? null;
}
