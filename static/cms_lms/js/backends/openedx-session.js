/** Who is logged in to an Open edX, and the ways in and out: what its backends and Joanie's have in common. */
import { LMSError } from "../lms-error.js";
import { callLMS, textField } from "../lms-http.js";

export default class OpenEdXSession {
  whoamiPath = "/api/user/v1/me";

  /** @param {string} baseUrl */
  constructor(baseUrl) {
    this.baseUrl = baseUrl.replace(/\/+$/, "");
  }

  /** @param {string} nextUrl */
  loginUrl(nextUrl, page = "login") {
    return `${this.baseUrl}/${page}?next=${encodeURIComponent(nextUrl)}`;
  }

  /** @param {string} nextUrl */
  registerUrl(nextUrl) {
    return this.loginUrl(nextUrl, "register");
  }

  async logOut() {
    // A page that no CORS shows, and that may lead to where this page may not follow: ask what became of it.
    await callLMS(`${this.baseUrl}/logout`, { mode: "no-cors" }).catch(() => {});
    if (await this.whoami()) throw new LMSError("unavailable");
  }

  async whoami() {
    const json = await this.askWho();
    return json && { username: textField(json, "username"), fullName: textField(json, "full_name", "name", "username") };
  }

  /** @returns {Promise<any>} null for nobody */
  async askWho() {
    const { status, json } = await callLMS(this.baseUrl + this.whoamiPath);
    if (status === 401 || status === 403) return null;
    // Another release, a plugin that is missing, or no Open edX at all.
    if (status === 404) throw new LMSError("misconfigured", `404 ${this.whoamiPath}`);
    // A maintenance page has status 200 too.
    if (status !== 200 || !textField(json, "username")) throw new LMSError("unavailable");
    return json;
  }
}
