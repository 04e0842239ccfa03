/**
 * Joanie, which knows learners by the token that Fonzie gives them on the Open edX where they log in, whose address is
 * in `data-login-base-url`: docs/joanie.md.
 *
 * @import {BackendOptions, LMSBackend, Obstacle} from "../types.d.ts"
 */
import { LMSError } from "../lms-error.js";
import { booleanField, callLMS, textField } from "../lms-http.js";
import OpenEdXSession from "./openedx-session.js";

/** What each login last said, for all panels of the page. @type {Map<string, Promise<any>>} */
const answers = new Map();

/** @implements {LMSBackend} */
export default class JoanieBackend extends OpenEdXSession {
  /** @override */
  whoamiPath = "/api/v1.0/user/me";
  capabilities = /** @type {const} */ (["register", "log-out", "unenroll"]);

  /** @param {BackendOptions} options */
  constructor({ baseUrl, courseId, data }) {
    super(data?.loginBaseUrl ?? "");
    this.api = `${baseUrl.replace(/\/+$/, "")}/api/v1.0/`;
    this.runId = /course-runs\/([^/]+)/.exec(courseId)?.[1] ?? "";
  }

  /** @override */
  askWho() {
    if (!this.baseUrl) throw new LMSError("misconfigured", "No login backend");
    const answer = super.askWho();
    answers.set(this.baseUrl, answer);
    return answer;
  }

  /** @param {string} username */
  async getEnrollment(username) {
    const row = await this.#find(username);
    return row ? describe(row) : null;
  }

  /** @param {string} username */
  async enroll(username) {
    const row = await this.#find(username);
    if (row && describe(row).isActive) return describe(row);
    const wish = { is_active: true, was_created_by_order: row?.was_created_by_order === true };
    return row ? this.#write(username, row, wish) : this.#write(username, null, { course_run_id: this.runId, ...wish });
  }

  /** @param {string} username */
  async unenroll(username) {
    const row = await this.#find(username);
    if (!row?.is_active) return { isActive: false };
    return this.#write(username, row, { is_active: false, was_created_by_order: row.was_created_by_order === true });
  }

  /**
   * @param {string} username
   * @returns {Promise<any>} undefined where there never was an enrollment
   */
  async #find(username) {
    if (!this.runId) throw new LMSError("misconfigured", "Not a course run");
    const { status, json } = await this.#call(username, `enrollments/?course_run_id=${this.runId}`);
    if (status >= 400) throw new LMSError(status === 404 ? "misconfigured" : "refused", wordsOf(json));
    if (!Array.isArray(json?.results)) throw new LMSError("unavailable");
    return json.results.find((/** @type {any} */ row) => row?.course_run?.id === this.runId);
  }

  /**
   * @param {string} username
   * @param {any} row null to make one
   * @param {{is_active: boolean, was_created_by_order: boolean, course_run_id?: string}} wish
   */
  async #write(username, row, wish) {
    const path = row ? `enrollments/${row.id}/` : "enrollments/";
    const { status, json } = await this.#call(username, path, row ? "PATCH" : "POST", wish);
    // Joanie has not reached the LMS where the course takes place.
    if (status < 300 && textField(json, "state") === "failed") throw new LMSError("unavailable");
    // Where Joanie refuses, somebody may have been faster, in another tab.
    const now = status < 300 ? describe(json) : await this.getEnrollment(username);
    if (now?.isActive === wish.is_active) return now;
    throw wish.is_active ? await this.#explain(json) : new LMSError("refused", wordsOf(json));
  }

  /**
   * A token lives for five minutes: when one is refused, the login is asked for another, once.
   *
   * @param {string} username
   * @param {string} path
   * @param {string} [method]
   * @param {unknown} [data]
   */
  async #call(username, path, method = "GET", data) {
    let asked = answers.get(this.baseUrl) ?? this.askWho();
    for (const isLast of [false, true]) {
      const user = await asked;
      if (user?.username !== username) break; // logged out, or in as somebody else
      const { status, json } = await callLMS(this.api + path, {
        method,
        credentials: "omit",
        redirect: "error", // a token goes nowhere else
        headers: { Authorization: `Bearer ${user.access_token}`, "Content-Type": "application/json" },
        ...(data ? { body: JSON.stringify(data) } : null),
      });
      if (status !== 401) return { status, json: /** @type {any} */ (json) };
      if (isLast) throw new LMSError("misconfigured", wordsOf(json)); // Joanie does not know the login's signature
      const latest = answers.get(this.baseUrl);
      asked = latest && latest !== asked ? latest : this.askWho();
    }
    throw new LMSError("anonymous");
  }

  /**
   * Words are translated: the state of the run and the keys say what the obstacle is.
   *
   * @param {any} json
   */
  async #explain(json) {
    const url = `${this.api}course-runs/${this.runId}/`;
    /** @type {any} */
    const run = (await callLMS(url, { credentials: "omit" }).catch(() => null))?.json;
    const priority = Number(run?.state?.priority);
    /** @type {Obstacle|null} */
    let obstacle = json?.was_created_by_order ? "payment" : null;
    if (priority > 2) obstacle = priority === 3 || priority === 7 ? "not-open" : "closed";
    return new LMSError("refused", wordsOf(json), { obstacle });
  }
}

/** @param {any} row */
function describe(row) {
  return {
    isActive: booleanField(row, "is_active") && row.state !== "failed",
    courseUrl: textField(row.course_run, "resource_link"),
    canLeave: row.was_created_by_order !== true,
  };
}

/** @param {any} json `{detail: "…"}`, or a list of sentences for each key */
function wordsOf(json) {
  const words = Object.values(json ?? {}).flat();
  return words.filter((word) => typeof word === "string").join(" ");
}
