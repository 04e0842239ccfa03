/**
 * Fills the markup of a step, whose hooks panel.html lists.
 * @import { StepView } from "./types.d.ts"
 */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @type {(template: HTMLTemplateElement, view: StepView) => DocumentFragment} */
export function fillStep(template, view) {
  const fragment = document.importNode(template.content, true);
  for (const element of select(fragment, "[data-when]")) {
    if (!element.dataset.when?.split(/\s+/).some((flag) => view.flags.has(flag))) element.remove();
  }
  for (const element of select(fragment, "[data-slot]")) {
    element.textContent = view.texts[element.dataset.slot ?? ""] ?? "";
  }
  fillTimes(fragment, view);
  for (const link of select(fragment, "a[data-link]")) {
    const url = view.urls[link.dataset.link ?? ""];
    if (!(link instanceof HTMLAnchorElement)) continue;
    link.href = url ?? "";
    if (!url || !/^https?:$/.test(link.protocol)) link.remove();
  }
  return fragment;
}

/** @type {(root: ParentNode, view: Pick<StepView, "dates"|"now">) => void} */
export function fillTimes(root, { dates, now }) {
  for (const element of select(root, "time[data-slot]")) {
    const { slot = "", format } = element.dataset;
    const date = dates[slot];
    if (!date) continue;
    element.setAttribute("datetime", date.toISOString());
    const text = format === "relative" ? formatDistance(date, now) : formatDate(date, format === "datetime");
    if (element.textContent !== text) element.textContent = text;
  }
}

/** @type {(date: Date, withTime: boolean) => string} */
function formatDate(date, withTime) {
  return new Intl.DateTimeFormat(pageLocale(), {
    year: "numeric",
    month: "long",
    day: "numeric",
    ...(withTime && { hour: "numeric", minute: "2-digit", timeZoneName: "short" }),
  }).format(date);
}

/**
 * Such as "in 12 days", by the visitor's calendar.
 * @type {(date: Date, now: Date) => string}
 */
function formatDistance(date, now) {
  const distance = date.getTime() - now.getTime();
  const days = Math.round((midnight(date) - midnight(now)) / DAY);
  /** @type {[number, Intl.RelativeTimeFormatUnit]} */
  let told = [days, "day"];
  if (distance < 2 * MINUTE) told = [Math.max(0, Math.ceil(distance / 1000)), "second"];
  else if (distance < 2 * HOUR) told = [Math.ceil(distance / MINUTE), "minute"];
  else if (distance < 2 * DAY) told = [Math.round(distance / HOUR), "hour"];
  else if (days > 700) told = [Math.round(days / 365.25), "year"];
  else if (days > 99) told = [Math.round(days / 30.44), "month"];
  return new Intl.RelativeTimeFormat(pageLocale()).format(...told);
}

/** @type {(date: Date) => number} */
const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);

/** The language of the page; the browser's own where that is none. */
function pageLocale() {
  try {
    return Intl.getCanonicalLocales(document.documentElement.lang)[0];
  } catch {
    return undefined;
  }
}

/** @type {(root: ParentNode, selector: string) => HTMLElement[]} */
const select = (root, selector) => [.../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(selector))];
