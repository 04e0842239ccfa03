/**
 * The development backend: works without any LMS. The login lasts as long as the tab, enrollments as long as the
 * browser's storage; the login page is the page itself with a flag. Not for learners: it believes everybody.
 *
 * @import {BackendOptions, LMSBackend} from "../types.d.ts"
 */
import { LMSError } from "../lms-error.js";

const LOGIN_FLAG = "lms-login";
const USERNAME = "developer";

/** @implements {LMSBackend} */
export default class BaseBackend {
  capabilities = /** @type {const} */ (["register", "log-out", "unenroll"]);

  /** @param {BackendOptions} options */
  constructor({ baseUrl, courseId }) {
    this.baseUrl = baseUrl;
    this.loginKey = `cms-lms:login:${baseUrl}`;
    this.enrollmentKey = `cms-lms:enrollment:${baseUrl}:${courseId}`;
  }

  /** @param {string} nextUrl */
  loginUrl(nextUrl) {
    const url = new URL(nextUrl);
    url.searchParams.set(LOGIN_FLAG, this.baseUrl);
    return url.href;
  }

  /** @param {string} nextUrl */
  registerUrl(nextUrl) {
    return this.loginUrl(nextUrl);
  }

  async logOut() {
    withStorage(() => sessionStorage.removeItem(this.loginKey));
  }

  async whoami() {
    return withStorage(() => {
      const url = new URL(location.href);
      if (url.searchParams.get(LOGIN_FLAG) === this.baseUrl) {
        sessionStorage.setItem(this.loginKey, USERNAME);
        url.searchParams.delete(LOGIN_FLAG);
        history.replaceState(history.state, "", url);
      }
      const username = sessionStorage.getItem(this.loginKey);
      return username ? { username } : null;
    });
  }

  /** @param {string} username */
  async getEnrollment(username) {
    return withStorage(() => {
      const isActive = localStorage.getItem(`${this.enrollmentKey}:${username}`);
      return isActive === null ? null : { isActive: isActive === "true" };
    });
  }

  /** @param {string} username */
  async enroll(username) {
    return this.#keep(username, true);
  }

  /** @param {string} username */
  async unenroll(username) {
    return this.#keep(username, false);
  }

  /**
   * @param {string} username
   * @param {boolean} isActive
   */
  #keep(username, isActive) {
    withStorage(() => localStorage.setItem(`${this.enrollmentKey}:${username}`, String(isActive)));
    return { isActive };
  }
}

/**
 * Browsers may forbid storage, or have it full.
 *
 * @template T
 * @param {() => T} use
 * @returns {T}
 */
function withStorage(use) {
  try {
    return use();
  } catch (error) {
    if (error instanceof DOMException) throw new LMSError("unavailable");
    throw error;
  }
}
