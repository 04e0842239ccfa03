/**
 * The state of a course run at a moment: the browser's twin of cms_lms/runs/state.py, run over the same table of cases.
 * Pages are cached, so the browser computes the state again from the dates. Pure: the moment comes in.
 *
 * @typedef {{start: Date|null, end: Date|null, enrollmentStart: Date|null, enrollmentEnd: Date|null}} RunDates
 * @typedef {{priority: number, text: string, callToAction: string|null, datetime: Date|null}} RunState
 *   `text` and `callToAction` are stable English keys, never shown.
 */

// Senders write "never" as a date in this year.
const NEVER_YEAR = 9999;

// Open edX writes "not scheduled" as a date on this day.
const PLACEHOLDER_DAY = "2030-01-01";

// The table compares strictly ("start < now"), so some changes come one tick after a date: as fine as `Date` resolves.
const TICK_MS = 1;

/**
 * Read a date as the server writes it; what is absent, unreadable or "never" is null.
 *
 * @param {string|null|undefined} value ISO 8601 with an offset
 * @returns {Date|null}
 */
export function parseDate(value) {
  const date = new Date(value ?? "");
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() >= NEVER_YEAR ? null : date;
}

/**
 * @param {number} priority
 * @param {string} text
 * @param {string|null} [callToAction]
 * @param {Date|null} [datetime]
 * @returns {RunState}
 */
function state(priority, text, callToAction = null, datetime = null) {
  return { priority, text, callToAction, datetime };
}

/**
 * @param {RunDates} dates as `parseDate` gives them
 * @param {Date} now
 * @returns {RunState}
 */
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

/**
 * @param {Date|null} date
 * @returns {boolean} whether it says "to be announced"
 */
export function isUnscheduled(date) {
  return date === null || date.toISOString().startsWith(PLACEHOLDER_DAY);
}

/**
 * The state as learners are told it: without a date ahead that is a placeholder.
 *
 * @param {RunDates} dates
 * @param {Date} now
 * @returns {RunState}
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

/**
 * @param {RunState} one
 * @param {RunState} other
 * @returns {boolean}
 */
export function sameState(one, other) {
  return one.text === other.text && one.priority === other.priority && Number(one.datetime) === Number(other.datetime);
}

/**
 * The first moment after `now` at which the state is another one; null if it stays as it is.
 *
 * @param {RunDates} dates
 * @param {Date} now
 * @returns {Date|null}
 */
export function nextChange(dates, now) {
  const current = computeState(dates, now);
  const moments = [dates.start, dates.end, dates.enrollmentStart, dates.enrollmentEnd]
    .flatMap((date) => (date === null ? [] : [date.getTime(), date.getTime() + TICK_MS]))
    .filter((moment) => moment > now.getTime())
    .sort((one, other) => one - other)
    .map((moment) => new Date(moment));
  return moments.find((moment) => !sameState(current, computeState(dates, moment))) ?? null;
}
