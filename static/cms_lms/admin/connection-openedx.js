/**
 * What only a browser can see of an Open edX: whether it shows its answers to pages of this site, whether the session
 * of who is logged in there reaches it, and whether it gives the cookie without which nobody enrolls. Reads only.
 *
 * @typedef {import("./connection.js").ProbeOptions} ProbeOptions
 * @typedef {import("./connection.js").ProbeResult} ProbeResult
 */
import { textField } from "../js/lms-http.js";

const TIMEOUT_MS = 15_000;
const DEFAULT_CSRF_COOKIE = "edx_csrf_token";

/**
 * @param {ProbeOptions} options
 * @returns {AsyncGenerator<ProbeResult>}
 */
export default async function* examine({ baseUrl, courseId, data, signal }) {
  const lms = baseUrl.replace(/\/+$/, "");
  const cookie = data.csrfCookie || DEFAULT_CSRF_COOKIE;
  const values = { lms, cookie };
  const links = { login: `${lms}/login` };

  const answer = await ask(`${lms}/api/user/v1/me`, signal);
  const cors = judge(answer);
  yield { name: "here-readable", outcome: cors, values: { ...values, status: String(answer.status) } };

  if (!navigator.cookieEnabled) {
    yield { name: "here-session", outcome: "off" };
    yield { name: "here-cookie", outcome: "unknown" };
    return;
  }
  if (cors !== "readable") {
    yield { name: "here-session", outcome: "unknown" };
    yield { name: "here-cookie", outcome: "unknown" };
    return;
  }
  const username = textField(answer.json, "username");
  yield { name: "here-session", outcome: username ? "user" : "anonymous", values: { username }, links };
  yield { name: "here-cookie", outcome: await examineCookie(), values };

  async function examineCookie() {
    if (!username) return "anonymous";
    if (!courseId) return "no-course";
    await ask(`${lms}/api/enrollment/v1/enrollment/${encodeURIComponent(courseId)}`, signal);
    return document.cookie.split("; ").some((pair) => pair.startsWith(`${cookie}=`)) ? "there" : "absent";
  }
}

/**
 * @typedef {object} Answer
 * @property {number} status 0 when the browser was shown nothing
 * @property {unknown} [json]
 * @property {"mixed"|"hidden"|"unreachable"} [trouble] why
 *
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
async function ask(url, signal) {
  if (location.protocol === "https:" && url.startsWith("http:")) return { status: 0, trouble: "mixed" };
  try {
    const response = await read(url, signal, {
      headers: { Accept: "application/json" },
      // As the enrollment panel asks.
      referrerPolicy: "strict-origin-when-cross-origin",
    });
    return { status: response.status, json: await response.json().catch(() => undefined) };
  } catch {
    signal.throwIfAborted();
  }
  // A refused origin and a dead host are the same error. An answer that may not be read comes from a live one only.
  try {
    await read(url, signal, { mode: "no-cors" });
    return { status: 0, trouble: "hidden" };
  } catch {
    signal.throwIfAborted();
    return { status: 0, trouble: "unreachable" };
  }
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 * @param {RequestInit} init
 */
function read(url, signal, init) {
  return fetch(url, {
    ...init,
    credentials: "include",
    cache: "no-store",
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
}

/**
 * @param {Answer} answer to the question who is logged in
 * @returns {string}
 */
function judge({ status, json, trouble }) {
  if (trouble) return trouble;
  if (status === 401 || status === 403) return "readable";
  if (status === 404) return "old";
  return status === 200 && textField(json, "username") ? "readable" : "strange";
}
