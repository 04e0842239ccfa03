/**
 * Through this site's own server, for LMSs that browsers cannot call: cms_lms/enrollment/server_api.py. Learners log in on
 * this site.
 *
 * @typedef {import("../types.d.ts").LMSBackend} LMSBackend
 */
import { LMSError } from "../lms-error.js";
import { callLMS, field, textField } from "../lms-http.js";

/** @implements {LMSBackend} */
export default class ServerBackend {
  /** @param {import("../types.d.ts").BackendOptions} options */
  constructor({ data = {} }) {
    this.data = data;
    this.capabilities = /** @type {import("../types.d.ts").Capability[]} */ ((data.capabilities ?? "").split(" "));
  }

  /** @param {string} nextUrl */
  loginUrl(nextUrl) {
    return withNext(this.data.loginUrl, nextUrl);
  }

  /** @param {string} nextUrl */
  registerUrl(nextUrl) {
    return withNext(this.data.registerUrl, nextUrl);
  }

  async whoami() {
    const session = await this.#call("session");
    const username = textField(session, "username");
    return username ? { username, fullName: textField(session, "full_name") } : null;
  }

  async logOut() {
    await this.#write("DELETE", "session");
  }

  /** @param {string} username */
  getEnrollment(username) {
    return this.#enrollment(username, this.#call(this.data.runId));
  }

  /** @param {string} username */
  enroll(username) {
    return this.#enrollment(username, this.#write("POST", this.data.runId));
  }

  /** @param {string} username */
  unenroll(username) {
    return this.#enrollment(username, this.#write("DELETE", this.data.runId));
  }

  /**
   * @param {string} username
   * @param {Promise<unknown>} answer
   */
  async #enrollment(username, answer) {
    const json = await answer;
    const isActive = field(json, "is_active");
    if (typeof isActive !== "boolean") throw new LMSError("unavailable");
    // Another learner has logged in meanwhile, in another tab.
    if (textField(json, "username") !== username) throw new LMSError("anonymous");
    return { isActive, ...details(json) };
  }

  /**
   * The token is asked for each time: a login in another tab makes a new one.
   *
   * @param {string} method
   * @param {string} [path]
   */
  async #write(method, path) {
    const session = await this.#call("session");
    return this.#call(path, method, { [textField(session, "csrf_header")]: textField(session, "csrf_token") });
  }

  /**
   * @param {string} [path]
   * @param {string} [method]
   * @param {Record<string, string>} [headers]
   */
  async #call(path, method, headers) {
    const { status, json } = await callLMS(`${this.data.apiUrl}${path}?language=${document.documentElement.lang}`, { method, headers });
    if (status === 200 || status === 204) return json;
    const code = textField(json, "code");
    if (code === "anonymous") throw new LMSError(code);
    if (code === "refused" || code === "unknown_learner") {
      throw new LMSError("refused", textField(json, "reason"), details(json));
    }
    throw new LMSError("misconfigured");
  }
}

/** @param {unknown} json */
function details(json) {
  const obstacle = /** @type {import("../types.d.ts").Obstacle|null} */ (textField(json, "obstacle") || null);
  return { obstacle, paymentUrl: textField(json, "payment_url") };
}

/**
 * @param {string|undefined} address
 * @param {string} nextUrl
 */
function withNext(address, nextUrl) {
  const [url, next] = [new URL(address ?? "", location.href), new URL(nextUrl)];
  url.searchParams.set("next", next.pathname + next.search + next.hash);
  return url.href;
}
