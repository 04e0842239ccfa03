/**
 * Open edX, Hawthorn and later, from the learner's browser: login status, enrollment read and enrollment write with the
 * learner's own session. Statuses and bodies as in Open edX's user_api and enrollments apps.
 *
 * The LMS must allow the site's origin (CORS with credentials) and share its cross-domain CSRF cookie with it, named
 * `edx_csrf_token` or as `data-csrf-cookie` on the panel says.
 *
 * @import { BackendOptions, LMSBackend, Obstacle } from "../types.d.ts"
 */
import { LMSError } from "../lms-error.js";
import { callLMS, field, textField } from "../lms-http.js";

const DEFAULT_CSRF_COOKIE = "edx_csrf_token";

/** @implements {LMSBackend} */
export default class OpenEdXHawthornBackend {
  /** @type {LMSBackend["capabilities"]} */
  capabilities = [];

  /** @param {BackendOptions} options */
  constructor({ baseUrl, courseId, data = {} }) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
    this.courseId = courseId;
    this.csrfCookie = data.csrfCookie || DEFAULT_CSRF_COOKIE;
  }

  /** @param {string} nextUrl */
  loginUrl(nextUrl) {
    return `${this.baseUrl}/login?next=${encodeURIComponent(nextUrl)}`;
  }

  async whoami() {
    const { status, json } = await callLMS(`${this.baseUrl}/api/user/v1/me`);
    if (status === 401 || status === 403) return null;
    // Older than Ficus, or not an Open edX at all.
    if (status === 404) throw new LMSError("misconfigured");
    const username = textField(json, "username");
    // A maintenance page or a captive portal is HTML with status 200.
    if (status !== 200 || !username) throw new LMSError("unavailable");
    return { username };
  }

  /** @param {string} username */
  async getEnrollment(username) {
    const path = `${encodeURIComponent(username)},${encodeURIComponent(this.courseId)}`;
    const { status, text, json } = await callLMS(`${this.baseUrl}/api/enrollment/v1/enrollment/${path}`);
    if (status === 401 || status === 403) throw new LMSError("anonymous");
    if (status === 400) throw new LMSError("refused", textField(json, "localizedMessage", "message"));
    // 404 means that the session is another user's by now.
    if (status !== 200) throw new LMSError("unavailable");
    // No row ever existed: an empty body. A learner who left has a row that is not active.
    if (text.trim() === "" || json === null) return null;
    return { isActive: isActive(json) };
  }

  /** @param {string} username */
  async enroll(username) {
    // The read sets the CSRF cookie that the write needs. It also finds who enrolled elsewhere meanwhile: the write
    // refuses them once enrollment has closed.
    const known = await this.getEnrollment(username);
    if (known?.isActive) return known;

    const token = readCookie(this.csrfCookie);
    const { status, json } = await callLMS(`${this.baseUrl}/api/enrollment/v1/enrollment`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(token && { "X-CSRFToken": token }) },
      body: JSON.stringify({ user: username, is_active: true, course_details: { course_id: this.courseId } }),
      // A redirect would turn the write into a read.
      redirect: "error",
    });
    if (status === 200) {
      if (isActive(json)) return { isActive: true };
      throw new LMSError("refused");
    }
    if (status === 401) throw new LMSError("anonymous");
    if (status === 403 && textField(json, "detail").startsWith("CSRF Failed")) throw new LMSError("misconfigured");
    const localized = textField(json, "localizedMessage");
    const reason = localized || textField(json, "message", "detail");
    // The same sentence stands for closed, not open, full and by invitation; a plugin's own words say it better.
    const obstacle = status === 400 && !localized ? await this.#obstacle() : null;
    throw new LMSError("refused", reason, { obstacle });
  }

  /**
   * Find out from the public details of the course why an enrollment was refused.
   *
   * @returns {Promise<Obstacle|null>}
   */
  async #obstacle() {
    const url = `${this.baseUrl}/api/enrollment/v1/course/${encodeURIComponent(this.courseId)}`;
    /** @type {unknown} */
    let details;
    try {
      details = (await callLMS(url)).json;
    } catch {
      return null; // the refusal itself is what matters; it has its own words
    }
    const now = Date.now();
    // Unreadable and absent dates are NaN, which no comparison holds for. The window is strict on both sides.
    if (Date.parse(textField(details, "enrollment_start")) >= now) return "not-open";
    if (Date.parse(textField(details, "enrollment_end")) <= now) return "closed";
    return field(details, "invite_only") === true ? "invitation-only" : null;
  }
}

/**
 * @param {unknown} json an enrollment
 * @returns {boolean}
 */
function isActive(json) {
  const value = field(json, "is_active");
  if (typeof value !== "boolean") throw new LMSError("unavailable");
  return value;
}

/**
 * @param {string} name
 * @returns {string}
 */
function readCookie(name) {
  for (const cookie of document.cookie.split("; ")) {
    const [key, ...value] = cookie.split("=");
    if (key === name) return value.join("=");
  }
  return "";
}
