/**
 * Joanie, which knows learners by the token that Fonzie gives them on the Open edX where they log in, whose address is
 * in `data-login-base-url`: docs/joanie.md.
 *
 * @import {BackendOptions, LearnerEnrollment, LMSBackend, Obstacle} from "../types.d.ts"
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
    this.runId = /course-runs\/([^/]+)/.exec(courseId)?.[1];
  }

  /** @override */
  askWho() {
    if (!this.baseUrl) throw new LMSError("misconfigured", "No login backend");
    const answer = super.askWho();
    answers.set(this.baseUrl, answer);
    // No answer: whoever needs one asks again.
    answer.catch(() => answers.delete(this.baseUrl));
    return answer;
  }

  /** @param {string} username */
  async getEnrollment(username) {
    return describe(await this.#find(username));
  }

  /** @param {string} username */
  enroll(username) {
    return this.#set(username, true);
  }

  /** @param {string} username */
  unenroll(username) {
    return this.#set(username, false);
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
   * @param {boolean} wanted
   */
  async #set(username, wanted) {
    const row = await this.#find(username);
    const known = describe(row);
    if (known.isActive === wanted) return known;
    const wish = { is_active: wanted, was_created_by_order: row?.was_created_by_order === true };
    // A second POST would be refused.
    const { status, json } = row
      ? await this.#call(username, `enrollments/${row.id}/`, "PATCH", wish)
      : await this.#call(username, "enrollments/", "POST", { course_run_id: this.runId, ...wish });
    // Joanie has not reached the LMS where the course takes place.
    if (status < 300 && json?.state === "failed") throw new LMSError("unavailable");
    // Where Joanie refuses, somebody may have been faster, in another tab.
    const now = status < 300 ? describe(json ?? null) : await this.getEnrollment(username);
    if (now.isActive === wanted) return now;
    throw new LMSError("refused", wordsOf(json), { obstacle: await this.#findObstacle(json) });
  }

  /**
   * A token lives for five minutes, and another tab may have brought another learner: the login is asked again, once.
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
      if (user?.username === username) {
        const answer = await callLMS(this.api + path, {
          method,
          credentials: "omit",
          headers: { Authorization: `Bearer ${user.access_token}`, "Content-Type": "application/json" },
          body: data ? JSON.stringify(data) : null,
        });
        if (answer.status !== 401) return answer;
        if (isLast) throw new LMSError("misconfigured", wordsOf(answer.json)); // it does not know the login's key
      }
      const latest = answers.get(this.baseUrl);
      asked = latest && latest !== asked ? latest : this.askWho();
    }
    throw new LMSError("anonymous");
  }

  /**
   * Words are translated: the state of the run and the keys say what the obstacle is.
   *
   * @param {any} json
   * @returns {Promise<Obstacle|null>}
   */
  async #findObstacle(json) {
    const url = `${this.api}course-runs/${this.runId}/`;
    const run = await callLMS(url, { credentials: "omit" }).catch(() => null);
    const priority = run?.json?.state?.priority;
    if (priority > 2) return priority === 3 || priority === 7 ? "not-open" : "closed";
    return json?.was_created_by_order ? "payment" : null;
  }
}

/**
 * @param {any} row
 * @returns {LearnerEnrollment}
 */
function describe(row) {
  if (row === undefined) return { isActive: false };
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
