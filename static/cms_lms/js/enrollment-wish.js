/**
 * What a learner wanted before the login took her away: to enroll in one run. Kept in this tab alone, for a quarter of an
 * hour, for one use; never in a URL, which anybody could craft. Where storage is forbidden there are no wishes.
 */

const KEY = "cms-lms:wish";
const LIFETIME_MS = 15 * 60_000;

/** @param {string} run names the run and its LMS */
export function keepWish(run) {
  use((storage) => storage.setItem(KEY, JSON.stringify({ run, until: Date.now() + LIFETIME_MS })));
}

/**
 * @param {string} run
 * @returns {boolean} whether this run is wanted
 */
export function hasWish(run) {
  return Boolean(
    use((storage) => {
      const wish = JSON.parse(storage.getItem(KEY) ?? "null");
      // A clock that was set back makes no wish last longer.
      const left = wish?.run === run ? wish.until - Date.now() : 0;
      return left > 0 && left <= LIFETIME_MS;
    }),
  );
}

/** @param {string} run */
export function takeWish(run) {
  const isWanted = hasWish(run);
  if (isWanted) use((storage) => storage.removeItem(KEY));
  return isWanted;
}

/**
 * @template T
 * @param {(storage: Storage) => T} act
 * @returns {T|undefined}
 */
function use(act) {
  try {
    return act(sessionStorage);
  } catch {
    return undefined;
  }
}
