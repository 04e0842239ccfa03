/** The site's own clock, asked once for the whole page and only when a visitor's clock makes a difference. */

const TIMEOUT_MS = 3_000;

// The header tells whole seconds, and the answer takes its time: such a difference is none.
const TOLERANCE_MS = 3_000;

/** @type {Promise<number|null>|undefined} */
let asked;

/** @returns {Promise<number|null>} milliseconds by which the visitor's clock is behind; null where nobody can tell */
export function clockLag() {
  return (asked ??= ask());
}

async function ask() {
  try {
    const { headers } = await fetch(location.href, {
      method: "HEAD",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    // A shared cache may give the date of its copy, and says then how old that is.
    const now = Date.parse(headers.get("Date") ?? "") + 1000 * (Number.parseInt(headers.get("Age") ?? "", 10) || 0);
    const lag = now - Date.now();
    if (Number.isNaN(lag)) return null;
    return Math.abs(lag) < TOLERANCE_MS ? 0 : lag;
  } catch {
    return null;
  }
}
