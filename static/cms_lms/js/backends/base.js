/**
 * The development backend: works without any LMS. The login lasts as long as the tab, enrollments as long as the
 * browser's storage; the login page is the page itself with a flag. Not for learners: it believes everybody.
 *
 * @import { BackendOptions, LMSBackend } from "../types.d.ts"
 */
import { LMSError } from "../lms-error.js";

const LOGIN_FLAG = "lms-login";
const USERNAME = "developer";

/** @implements {LMSBackend} */
export default class BaseBackend {
  /** @type {LMSBackend["capabilities"]} */
  capabilities = [];

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
    return withStorage(() => {
      localStorage.setItem(`${this.enrollmentKey}:${username}`, "true");
      return { isActive: true };
    });
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
