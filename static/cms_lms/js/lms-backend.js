/**
 * Who is logged in to each LMS of the page: asked once for all its panels and sessions, and again when the learner comes
 * back to the page. docs/enrollment.md says when.
 *
 * @import { LMSBackend, LMSUser, SessionListener } from "./types.d.ts"
 *
 * @typedef {object} Session
 * @property {LMSBackend} backend of whoever asked first
 * @property {Promise<LMSUser|null>|null} answer
 * @property {boolean} isAsking
 * @property {number} askedAt
 * @property {LMSUser|null|undefined} user undefined: not known yet
 * @property {boolean} isLeaving she logs out here, so that she is gone is no surprise
 * @property {Set<SessionListener>} listeners
 */

// Often enough for who comes back from a login in another tab, seldom enough for an LMS that counts calls.
const PATIENCE_MS = 30_000;
const PATIENCE_WITH_NOBODY_MS = 2_000;

/** @type {Map<string, Session>} */
const sessions = new Map();

/**
 * @param {DOMStringMap} data of a panel or a session; those with the same key share their login
 * @returns {string}
 */
export function sessionKey({ apiUrl, loginBaseUrl, baseUrl = "" }) {
  return apiUrl ?? loginBaseUrl ?? baseUrl;
}

/**
 * @param {string} key
 * @param {LMSBackend} backend
 * @returns {Promise<LMSUser|null>} null when nobody is logged in
 */
export function whoami(key, backend) {
  const session = find(key, backend);
  return session.answer ?? ask(session);
}

/**
 * @param {string} key
 * @param {LMSBackend} backend
 * @param {SessionListener} listener
 * @returns {() => void} ends it
 */
export function subscribe(key, backend, listener) {
  const { listeners } = find(key, backend);
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Ask again, and tell everybody if the answer is another one. Never fails: without an answer, what was known stays.
 *
 * @param {string} key
 */
export async function refresh(key) {
  const session = sessions.get(key);
  if (!session) return;
  const { answer: known, isAsking } = session;
  await (isAsking ? known : ask(session))?.catch(() => {
    if (!isAsking) session.answer ??= known;
  });
}

/**
 * @param {string} key
 * @param {LMSBackend} backend with the capability "log-out"
 */
export async function logOut(key, backend) {
  const session = find(key, backend);
  session.isLeaving = true;
  try {
    await backend.logOut?.();
    // What was asked before that is no answer any more.
    if (session.isAsking) await refresh(key);
    await refresh(key);
  } finally {
    session.isLeaving = false;
  }
}

/**
 * @param {string} key
 * @param {LMSBackend} backend
 */
function find(key, backend) {
  const known = sessions.get(key);
  if (known) return known;
  /** @type {Session} */
  const session = {
    backend,
    answer: null,
    isAsking: false,
    askedAt: 0,
    user: undefined,
    isLeaving: false,
    listeners: new Set(),
  };
  sessions.set(key, session);
  return session;
}

/** @param {Session} session */
function ask(session) {
  session.isAsking = true;
  session.askedAt = Date.now();
  const answer = identify(session);
  session.answer = answer;
  // A failure is everybody's answer now, but the next one who asks asks again.
  answer.catch(() => (session.answer = null)).finally(() => (session.isAsking = false));
  return answer;
}

/** @param {Session} session */
async function identify(session) {
  const user = (await session.backend.whoami()) ?? null;
  const before = session.user;
  session.user = user;
  if (before === undefined || before?.username !== user?.username) {
    const expired = Boolean(before) && !user && !session.isLeaving;
    for (const listener of session.listeners) listener(user, expired);
  }
  return user;
}

/** @param {boolean} isStale whatever is known */
function comeBack(isStale) {
  for (const [key, { user, askedAt }] of sessions) {
    const patience = user ? PATIENCE_MS : PATIENCE_WITH_NOBODY_MS;
    if (isStale || Math.abs(Date.now() - askedAt) >= patience) void refresh(key);
  }
}

// A page out of the back-forward cache shows who was logged in when it was left. These run before any panel's own
// listeners, since the module is evaluated before the first panel is made.
addEventListener("pageshow", ({ persisted }) => persisted && comeBack(true));
addEventListener("focus", () => comeBack(false));
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && comeBack(false));
