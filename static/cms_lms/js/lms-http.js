/**
 * One call to an LMS from the learner's browser, with the learner's own cookies. Turns everything that is nobody's
 * decision (no network, no answer in time, throttling, a broken server) into an LMSError "unavailable"; statuses that
 * mean something are left to the backend.
 *
 * @typedef {{status: number, text: string, json: unknown}} LMSAnswer `json` is undefined when the body is none
 */
import { LMSError } from "./lms-error.js";

export const TIMEOUT_MS = 10_000;

// A longer wait says nothing to a learner in front of a page.
const MAX_RETRY_AFTER_SECONDS = 3600;

/**
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<LMSAnswer>}
 * @throws {LMSError} "unavailable"
 */
export async function callLMS(url, init = {}) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      ...init,
      headers: { Accept: "application/json", ...init.headers },
      credentials: "include",
      cache: "no-store",
      // Open edX gives its CSRF cookie, and takes a POST, only with a Referer; the page's own policy may strip it.
      referrerPolicy: "strict-origin-when-cross-origin",
      signal: controller.signal,
    });
    const text = await response.text();
    const answer = { status: response.status, text, json: parseJSON(text) };
    if (answer.status === 429 || answer.status >= 500) {
      throw new LMSError("unavailable", "", { retryAfterSeconds: retryAfterSeconds(response, answer) });
    }
    return answer;
  } catch (error) {
    if (error instanceof LMSError) throw error;
    // fetch says TypeError for no network, a refused origin and a forbidden redirect alike; AbortError is our timeout.
    throw new LMSError("unavailable");
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {unknown} json
 * @param {string} key
 * @returns {unknown} the value of that key if `json` is an object
 */
export function field(json, key) {
  return typeof json === "object" && json !== null ? /** @type {Record<string, unknown>} */ (json)[key] : undefined;
}

/**
 * @param {unknown} json
 * @param {...string} keys
 * @returns {string} the first of these keys that holds text, else an empty string
 */
export function textField(json, ...keys) {
  for (const key of keys) {
    const value = field(json, key);
    if (typeof value === "string" && value.trim()) return value.trim();
  }
  return "";
}

/** @param {string} text */
function parseJSON(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * @param {Response} response
 * @param {LMSAnswer} answer
 * @returns {number|null}
 */
function retryAfterSeconds(response, answer) {
  const header = response.headers.get("Retry-After");
  let seconds = Number.parseInt(header ?? "", 10);
  if (header && Number.isNaN(seconds)) seconds = Math.ceil((Date.parse(header) - Date.now()) / 1000);
  if (!header && answer.status === 429) {
    // CORS hides the header unless the LMS exposes it; Django REST framework's sentence holds the same number.
    seconds = Number.parseInt(/\d+/.exec(textField(answer.json, "detail"))?.[0] ?? "", 10);
  }
  return seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_SECONDS) : null;
}
