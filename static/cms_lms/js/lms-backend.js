/**
 * What a JS backend is: a module whose default export is a class with this interface, named in the setting
 * CMS_LMS_JS_BACKENDS. One object is made for each panel. Methods throw LMSError (lms-error.js) and nothing else on
 * purpose; anything else counts as "unavailable" and is reported to the console.
 *
 * @typedef {object} BackendOptions
 * @property {string} baseUrl of the LMS
 * @property {string} courseId the run's id on the LMS
 * @property {string} courseUrl where a learner finds the run on the LMS; empty when there is no such place
 * @property {Readonly<Record<string, string|undefined>>} [data] all `data-*` attributes of the panel
 *
 * @typedef {object} LMSBackend
 * @property {() => Promise<{username: string}|null>} whoami
 *   null when nobody is logged in. Asked once for all panels of one LMS on a page.
 * @property {(nextUrl: string) => string} loginUrl the LMS's login page, which leads back to `nextUrl`
 * @property {(username: string) => Promise<{isActive: boolean}|null>} getEnrollment null when there never was one
 * @property {(username: string) => Promise<{isActive: boolean}>} enroll
 *
 * @typedef {new (options: BackendOptions) => LMSBackend} LMSBackendClass
 */

/** @type {Map<string, Promise<{username: string}|null>>} */
const sessions = new Map();

// A page out of the back-forward cache remembers who was logged in when it was left. This runs before any panel's own
// listener, since the module is evaluated before the first panel is made.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) sessions.clear();
});

/**
 * Ask an LMS who is logged in, once for all panels of the page.
 *
 * @param {string} key names the LMS
 * @param {LMSBackend} backend
 * @returns {Promise<{username: string}|null>}
 */
export function whoami(key, backend) {
  const known = sessions.get(key);
  if (known) return known;
  const asked = backend.whoami();
  sessions.set(key, asked);
  // A failure is everybody's answer now, but the next one who asks asks again.
  asked.catch(() => forgetSession(key, asked));
  return asked;
}

/**
 * Let the next panel ask again.
 *
 * @param {string} key
 * @param {Promise<unknown>} [asked] forget only if this is still the answer
 */
export function forgetSession(key, asked = sessions.get(key)) {
  if (sessions.get(key) === asked) sessions.delete(key);
}
