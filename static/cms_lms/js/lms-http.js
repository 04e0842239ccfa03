/**
 * One call to an LMS, with the learner's cookies unless `init` says otherwise. What is nobody's decision (no network, no
 * answer in time, throttling, a broken server, an endless answer) becomes "unavailable"; the rest is the backend's.
 */
import { LMSError } from "./lms-error.js";

const TIMEOUT_MS = 10_000;
const MAX_LENGTH = 256 * 1024;
const MAX_WAIT_SECONDS = 3600;

/**
 * @param {string} url
 * @param {RequestInit} [init]
 */
export async function callLMS(url, init = {}) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), TIMEOUT_MS);
  try {
    const { status, headers, body } = await fetch(url, {
      credentials: "include",
      cache: "no-store",
      // A redirect would turn a write into a read, and take a token elsewhere.
      redirect: init.method ? "error" : "follow",
      // Open edX wants a Referer, which the page's own policy may strip.
      referrerPolicy: "strict-origin-when-cross-origin",
      signal: controller.signal,
      ...init,
      headers: { Accept: "application/json", ...init.headers },
    });
    let text = "";
    const reader = body?.getReader();
    const decoder = new TextDecoder();
    for (let part; (part = await reader?.read())?.value; ) {
      text += decoder.decode(part.value, { stream: true });
      if (text.length > MAX_LENGTH) throw new Error();
    }
    /** @type {any} */
    let json;
    try {
      json = JSON.parse(text);
    } catch {}
    if (status === 429 || status >= 500) {
      // CORS may hide the header; Django REST framework's sentence holds the same number.
      const wait = headers.get("Retry-After") ?? String(textField(json, "detail").match(/\d+/));
      const seconds = +wait || Math.ceil((Date.parse(wait) - Date.now()) / 1000);
      const retryAfterSeconds = seconds > 0 ? Math.min(seconds, MAX_WAIT_SECONDS) : null;
      throw new LMSError("unavailable", "", { retryAfterSeconds });
    }
    return { status, text: text.trim(), json };
  } catch (error) {
    // fetch's own errors do not tell a refused origin from a dead network.
    throw error instanceof LMSError ? error : new LMSError("unavailable");
  } finally {
    clearTimeout(timer);
    controller.abort(); // what is not read by now is not wanted
  }
}

/**
 * @param {any} json
 * @param {...string} keys
 * @returns {string} the first that holds text, or none
 */
export function textField(json, ...keys) {
  const texts = keys.map((key) => json?.[key]);
  return texts.find((text) => typeof text === "string" && text.trim())?.trim() ?? "";
}

/**
 * @param {any} json
 * @param {string} key
 * @returns {boolean} anything else is no sensible answer
 */
export function booleanField(json, key) {
  if (typeof json?.[key] !== "boolean") throw new LMSError("unavailable");
  return json[key];
}
