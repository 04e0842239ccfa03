/**
 * Fills the markup of one step, and says aloud what has changed. Markup and words come from the page's <template>s; this
 * knows only their hooks, which templates/cms_lms/enrollment/panel.html lists.
 *
 * @import { StepView } from "./types.d.ts"
 */

const WEB_PROTOCOLS = new Set(["http:", "https:"]);

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * @param {HTMLTemplateElement} template
 * @param {StepView} view
 * @returns {DocumentFragment}
 */
export function fillStep(template, view) {
  const fragment = document.importNode(template.content, true);
  for (const element of select(fragment, "[data-when]")) {
    const wanted = (element.dataset.when ?? "").split(/\s+/);
    if (!wanted.some((flag) => view.flags.has(flag))) element.remove();
  }
  for (const element of select(fragment, "[data-slot]")) {
    element.textContent = view.texts[element.dataset.slot ?? ""] ?? "";
  }
  fillTimes(fragment, view);
  for (const link of select(fragment, "[data-link]")) {
    const url = view.urls[link.dataset.link ?? ""];
    if (!(url && link instanceof HTMLAnchorElement)) {
      link.remove();
      continue;
    }
    link.href = url;
    if (!WEB_PROTOCOLS.has(link.protocol)) link.remove();
  }
  return fragment;
}

/**
 * @param {ParentNode} root
 * @param {Pick<StepView, "dates"|"now">} view
 */
export function fillTimes(root, { dates, now }) {
  for (const element of select(root, "time[data-slot]")) {
    const date = dates[element.dataset.slot ?? ""];
    if (!date || !(element instanceof HTMLTimeElement)) continue;
    element.dateTime = date.toISOString();
    const { format } = element.dataset;
    const text = format === "relative" ? formatDistance(date, now) : formatDate(date, format === "datetime");
    if (element.textContent !== text) element.textContent = text;
  }
}

/**
 * @param {number} seconds
 * @returns {string} such as "30 seconds", in the language of the page
 */
export function formatSeconds(seconds) {
  const [amount, unit] = seconds < 120 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"];
  return new Intl.NumberFormat(pageLocale(), { style: "unit", unit, unitDisplay: "long" }).format(amount);
}

const region = document.createElement("div");
region.className = "lms-announcer";
region.setAttribute("role", "status");
region.setAttribute("aria-live", "polite");

/**
 * Say something to those who do not see it: in the one live region of the page, which the first call makes.
 *
 * @param {...string} sentences
 */
export function announce(...sentences) {
  if (!region.isConnected) document.body.append(region);
  region.replaceChildren(
    ...sentences.map((sentence) => {
      const paragraph = document.createElement("p");
      paragraph.textContent = sentence;
      return paragraph;
    }),
  );
}

/**
 * @param {Date} date
 * @param {boolean} withTime then the time zone is named
 * @returns {string}
 */
function formatDate(date, withTime) {
  /** @type {Intl.DateTimeFormatOptions} */
  const day = { year: "numeric", month: "long", day: "numeric" };
  /** @type {Intl.DateTimeFormatOptions} */
  const time = { hour: "numeric", minute: "2-digit", timeZoneName: "short" };
  return new Intl.DateTimeFormat(pageLocale(), withTime ? { ...day, ...time } : day).format(date);
}

/**
 * @param {Date} date
 * @param {Date} now
 * @returns {string} such as "in 12 days", by the visitor's calendar
 */
function formatDistance(date, now) {
  const distance = date.getTime() - now.getTime();
  const days = Math.round((midnight(date) - midnight(now)) / DAY_MS);
  /** @type {[number, Intl.RelativeTimeFormatUnit]} */
  let told = [days, "day"];
  if (Math.abs(distance) < 2 * HOUR_MS) told = [Math.trunc(distance / MINUTE_MS), "minute"];
  else if (Math.abs(distance) < 2 * DAY_MS) told = [Math.trunc(distance / HOUR_MS), "hour"];
  else if (Math.abs(days) > 700) told = [Math.round(days / 365.25), "year"];
  else if (Math.abs(days) > 99) told = [Math.round(days / 30.44), "month"];
  return new Intl.RelativeTimeFormat(pageLocale()).format(...told);
}

/** @param {Date} date */
function midnight(date) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

/** @returns {string|undefined} the language of the page, or undefined (the browser's own) where it is no language */
function pageLocale() {
  try {
    return Intl.getCanonicalLocales(document.documentElement.lang)[0];
  } catch {
    return undefined;
  }
}

/**
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
function select(root, selector) {
  return [.../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(selector))];
}
