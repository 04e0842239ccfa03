/** What the panels of a page share: the live region, the wish that survives the login, the site's clock. */

const region = document.createElement("div");
region.className = "lms-announcer";
region.setAttribute("role", "status");
region.setAttribute("aria-live", "polite");

/**
 * Fills the one live region of the page, which the first call makes.
 * @type {(...sentences: (string|null)[]) => void}
 */
export function announce(...sentences) {
  if (!region.isConnected) document.body.append(region);
  if (!sentences.length) return;
  region.replaceChildren(
    ...sentences.map((sentence) => {
      const paragraph = document.createElement("p");
      paragraph.textContent = sentence;
      return paragraph;
    }),
  );
}

const WISH = "cms-lms:wish";
const WISH_MS = 15 * 60_000;

/** @type {<T>(act: (storage: Storage) => T) => T|undefined} */
function withStorage(act) {
  try {
    return act(sessionStorage);
  } catch {
    return undefined; // forbidden, or full: then there are no wishes
  }
}

/** @type {(run: string) => void} */
export function keepWish(run) {
  withStorage((storage) => storage.setItem(WISH, JSON.stringify({ run, until: Date.now() + WISH_MS })));
}

/** @type {(run: string) => boolean} */
export function hasWish(run) {
  const wish = withStorage((storage) => JSON.parse(storage.getItem(WISH) ?? "null"));
  const left = wish?.run === run ? wish.until - Date.now() : 0;
  // A clock that was set back makes no wish last longer.
  return left > 0 && left <= WISH_MS;
}

/** @type {(run: string) => boolean} */
export function takeWish(run) {
  const isWanted = hasWish(run);
  if (isWanted) withStorage((storage) => storage.removeItem(WISH));
  return isWanted;
}

const CLOCK_TIMEOUT_MS = 3_000;

/** @type {Promise<number|null>|undefined} */
let lag;

/**
 * Milliseconds by which the visitor's clock is behind the site's, null where nobody can tell; asked once.
 * @type {() => Promise<number|null>}
 */
export const clockLag = () => (lag ??= askClock());

async function askClock() {
  try {
    const signal = AbortSignal.timeout(CLOCK_TIMEOUT_MS);
    const { headers } = await fetch(location.href, { method: "HEAD", cache: "no-store", signal });
    const earliest = Date.parse(headers.get("Date") ?? "");
    // In whole seconds. A shared cache may give the date of its copy, and says then how old that is.
    const latest = earliest + 1000 * (Number(headers.get("Age")) + 1);
    const now = Date.now();
    const behind = Math.min(Math.max(now, earliest), latest) - now;
    return Number.isNaN(behind) ? null : behind;
  } catch {
    return null;
  }
}
