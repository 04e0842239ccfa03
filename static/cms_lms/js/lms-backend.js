/**
 * Who is logged in to each LMS of the page, asked once for all panels and sessions; docs/enrollment.md says when again.
 * @import { LMSBackend, LMSUser, Session, SessionListener } from "./types.d.ts"
 */

const PATIENCE_MS = 30_000;
// For who comes back from a login in another tab.
const PATIENCE_WITH_NOBODY_MS = 2_000;

/** @type {Map<string, Session>} */
const sessions = new Map();

/**
 * Panels and sessions with the same key share their login.
 * @type {(data: DOMStringMap) => string}
 */
export const sessionKey = ({ apiUrl, loginBaseUrl, baseUrl = "" }) => apiUrl ?? loginBaseUrl ?? baseUrl;

/** @type {(key: string, backend: LMSBackend) => Promise<LMSUser|null>} */
export function whoami(key, backend) {
  const session = find(key, backend);
  return session.answer ?? ask(session);
}

/** @type {(key: string, backend: LMSBackend, listener: SessionListener) => () => void} */
export function subscribe(key, backend, listener) {
  const { listeners } = find(key, backend);
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Never fails: without an answer, what was known stays.
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

/** @type {(key: string, backend: LMSBackend) => Promise<void>} */
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

/** @type {(key: string, backend: LMSBackend) => Session} */
function find(key, backend) {
  const session = sessions.get(key) ?? {
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

/** @param {boolean} [isStale] whatever is known */
function comeBack(isStale) {
  if (document.visibilityState !== "visible") return;
  for (const [key, { user, askedAt }] of sessions) {
    const patience = user ? PATIENCE_MS : PATIENCE_WITH_NOBODY_MS;
    if (isStale || Math.abs(Date.now() - askedAt) >= patience) void refresh(key);
  }
}

// Before any panel's own listeners. A page out of the back-forward cache shows who was there when it was left.
addEventListener("pageshow", ({ persisted }) => persisted && comeBack(true));
addEventListener("focus", () => comeBack());
document.addEventListener("visibilitychange", () => comeBack());
