/**
 * Open edX, Hawthorn and later: docs/openedx.md says what the LMS needs, and which answer becomes which state.
 *
 * @import {BackendOptions, LMSBackend, Obstacle} from "../types.d.ts"
 */
import { LMSError } from "../lms-error.js";
import { booleanField, callLMS, textField } from "../lms-http.js";
import OpenEdXSession from "./openedx-session.js";

const API = "/api/enrollment/v1/";

/** @implements {LMSBackend} */
export default class OpenEdXHawthornBackend extends OpenEdXSession {
  capabilities = /** @type {const} */ (["register", "log-out", "unenroll"]);

  /** @param {BackendOptions} options */
  constructor({ baseUrl, courseId, data }) {
    super(baseUrl);
    this.courseId = courseId;
    this.csrfCookie = data?.csrfCookie || "edx_csrf_token";
  }

  /** @param {string} username */
  async getEnrollment(username) {
    const names = [username, this.courseId].map(encodeURIComponent);
    const { status, text, json } = await this.#call(`${API}enrollment/${names}`);
    if (status !== 200) throw new LMSError("refused", reasonOf(json));
    // No row ever existed: an empty body. A learner who left has a row that is not active.
    return text && json !== null ? { isActive: booleanField(json, "is_active") } : null;
  }

  /** @param {string} username */
  async enroll(username) {
    // The read sets the CSRF cookie, and finds who is enrolled already: the write refuses them once the window closed.
    if (await this.#isEnrolled(username)) return { isActive: true };
    const { status, json } = await this.#call(`${API}enrollment`, {
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ user: username, is_active: true, course_details: { course_id: this.courseId } }),
    });
    if (status === 200 && booleanField(json, "is_active")) return { isActive: true };
    // A plugin's own words say it better than what can be found out.
    if (status === 400 && !json?.localizedMessage) throw await this.#explain(reasonOf(json));
    throw new LMSError("refused", reasonOf(json));
  }

  /** @param {string} username */
  async unenroll(username) {
    if (await this.#isEnrolled(username)) {
      // The enrollment API ignores a learner who wants to leave: this is what the LMS's own pages call.
      const { status, text } = await this.#call("/change_enrollment", {
        body: new URLSearchParams({ course_id: this.courseId, enrollment_action: "unenroll" }),
      });
      if (await this.#isEnrolled(username)) {
        throw new LMSError("refused", status === 400 && !text.includes("<") ? text : "");
      }
    }
    return { isActive: false };
  }

  /** @param {string} username */
  async #isEnrolled(username) {
    return (await this.getEnrollment(username))?.isActive;
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init] with a `body`, a write
   */
  async #call(path, init) {
    const token = `; ${document.cookie}`.split(`; ${this.csrfCookie}=`)[1]?.split(";")[0];
    const headers = { ...init?.headers, ...(token && { "X-CSRFToken": token }) };
    const answer = await callLMS(this.baseUrl + path, init && { ...init, method: "POST", headers });
    const { status, text, json } = answer;
    // An empty 404: the session is another learner's by now. A page: the address is not there.
    if (status === 404) throw new LMSError(text ? "misconfigured" : "anonymous", `404 ${path}`);
    // The API's own refusals have a `message`; those of Django and of REST framework speak of CSRF or of a login.
    if (status === 401) throw new LMSError("anonymous");
    if (status === 403 && !textField(json, "message", "localizedMessage")) {
      if (text.includes("CSRF")) throw new LMSError("misconfigured", reasonOf(json));
      if (!(await this.whoami())) throw new LMSError("anonymous");
    }
    return answer;
  }

  /**
   * Closed, not open yet, full and by invitation have one sentence: the course's public details tell them apart.
   *
   * @param {string} reason
   */
  async #explain(reason) {
    const course = encodeURIComponent(this.courseId);
    const details = (await callLMS(`${this.baseUrl}${API}course/${course}`).catch(() => null))?.json;
    const modes = details?.course_modes;
    /** @type {Obstacle|null} */
    let obstacle = null;
    // Absent dates are NaN, which no comparison holds for. The window is strict on both sides.
    if (Date.parse(details?.enrollment_start) >= Date.now()) obstacle = "not-open";
    else if (Date.parse(details?.enrollment_end) <= Date.now()) obstacle = "closed";
    else if (details?.invite_only) obstacle = "invitation-only";
    else if (Array.isArray(modes) && modes[0] && modes.every((mode) => mode?.min_price > 0)) obstacle = "payment";
    else if (modes && reason.includes("creating the new course enrollment")) obstacle = "full"; // what is left
    const paymentUrl = `${this.baseUrl}/course_modes/choose/${course}/`;
    return new LMSError("refused", reason, { obstacle, paymentUrl });
  }
}

/** @param {unknown} json */
function reasonOf(json) {
  return textField(json, "localizedMessage", "message", "detail");
}
