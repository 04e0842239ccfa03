/**
 * Through this site's own server, for LMSs that browsers cannot call: cms_lms/enrollment/server_api.py.
 *
 * @import { BackendOptions, Capability, LMSBackend, Obstacle } from "../types.d.ts"
 */
import { LMSError } from "../lms-error.js";
import { booleanField, callLMS, textField } from "../lms-http.js";

/** @implements {LMSBackend} */
export default class ServerBackend {
  /** @param {BackendOptions} options */
  constructor({ data = {} }) {
    this.data = data;
    this.capabilities = /** @type {Capability[]} */ ((data.capabilities ?? "").split(" "));
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
    if (!session) throw new LMSError("unavailable");
    const username = textField(session, "username");
    return username ? { username, fullName: textField(session, "full_name") } : null;
  }

  async logOut() {
    await this.#write("DELETE", "session");
  }

  /** @param {string} username */
  getEnrollment(username) {
    return enrollment(username, this.#call(this.data.runId));
  }

  /** @param {string} username */
  enroll(username) {
    return enrollment(username, this.#write("POST"));
  }

  /** @param {string} username */
  unenroll(username) {
    return enrollment(username, this.#write("DELETE"));
  }

  /**
   * @param {string} method
   * @param {string} [path]
   */
  async #write(method, path = this.data.runId) {
    // Anew each time: a login in another tab makes another token.
    const session = await this.#call("session");
    return this.#call(path, { method, headers: { [textField(session, "csrf_header")]: textField(session, "csrf_token") } });
  }

  /**
   * @param {string} [path]
   * @param {RequestInit} [init]
   */
  async #call(path, init) {
    const { status, json } = await callLMS(`${this.data.apiUrl}${path}?language=${document.documentElement.lang}`, init);
    if (status < 300) return json;
    const code = textField(json, "code");
    if (code === "anonymous") throw new LMSError(code);
    if (status === 409) throw new LMSError("refused", textField(json, "reason"), details(json));
    throw new LMSError("misconfigured");
  }
}

/**
 * @param {string} username
 * @param {Promise<unknown>} answer
 */
async function enrollment(username, answer) {
  const json = await answer;
  const isActive = booleanField(json, "is_active");
  // Another learner has logged in meanwhile.
  if (textField(json, "username") !== username) throw new LMSError("anonymous");
  return { isActive, ...details(json) };
}

/** @param {unknown} json */
function details(json) {
  const obstacle = /** @type {Obstacle|null} */ (textField(json, "obstacle") || null);
  return { obstacle, paymentUrl: textField(json, "payment_url") };
}

/**
 * @param {string|undefined} address
 * @param {string} nextUrl
 */
function withNext(address, nextUrl) {
  const url = new URL(address ?? "", location.href);
  const { pathname, search, hash } = new URL(nextUrl);
  url.searchParams.set("next", pathname + search + hash);
  return url.href;
}
