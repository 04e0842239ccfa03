/**
 * Fills the markup of one step. Markup and words come from the page's <template>s; this knows only their hooks, which
 * templates/cms_lms/enrollment/panel.html lists.
 *
 * @typedef {object} StepView
 * @property {ReadonlySet<string>} flags what holds; `data-when` asks for it
 * @property {Readonly<Record<string, string>>} texts for `data-slot`
 * @property {Readonly<Record<string, Date|null>>} dates for `data-slot` on <time>
 * @property {Readonly<Record<string, string>>} urls for `data-link`; a link without an address is left out
 */

const WEB_PROTOCOLS = new Set(["http:", "https:"]);

/**
 * @param {HTMLTemplateElement} template
 * @param {StepView} view
 * @returns {DocumentFragment}
 */
export function fillStep(template, { flags, texts, dates, urls }) {
  const fragment = document.importNode(template.content, true);
  for (const element of select(fragment, "[data-when]")) {
    const wanted = (element.dataset.when ?? "").split(/\s+/);
    if (!wanted.some((flag) => flags.has(flag))) element.remove();
  }
  for (const element of select(fragment, "[data-slot]")) {
    const slot = element.dataset.slot ?? "";
    const date = dates[slot];
    if (element instanceof HTMLTimeElement && date) {
      element.dateTime = date.toISOString();
      element.textContent = formatDate(date, element.dataset.format === "datetime");
    } else {
      element.textContent = texts[slot] ?? "";
    }
  }
  for (const link of select(fragment, "[data-link]")) {
    const url = urls[link.dataset.link ?? ""];
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
 * @param {number} seconds
 * @returns {string} such as "30 seconds", in the language of the page
 */
export function formatSeconds(seconds) {
  const [amount, unit] = seconds < 120 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"];
  return new Intl.NumberFormat(pageLocale(), { style: "unit", unit, unitDisplay: "long" }).format(amount);
}

/**
 * @param {Date} date
 * @param {boolean} withTime
 * @returns {string}
 */
function formatDate(date, withTime) {
  /** @type {Intl.DateTimeFormatOptions} */
  const day = { year: "numeric", month: "long", day: "numeric" };
  /** @type {Intl.DateTimeFormatOptions} */
  const time = { hour: "numeric", minute: "2-digit", timeZoneName: "short" };
  return new Intl.DateTimeFormat(pageLocale(), withTime ? { ...day, ...time } : day).format(date);
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
