/**
 * What an LMS backend throws, and the only thing that it throws on purpose.
 *
 * @typedef {"refused"|"unavailable"|"misconfigured"|"anonymous"} LMSErrorCode
 *   refused: the LMS understood and said no. unavailable: no sensible answer, trying later may help. misconfigured: it
 *   can never work until somebody mends the site or the LMS. anonymous: the learner is not logged in (any more).
 * @typedef {"closed"|"not-open"|"invitation-only"} RefusalCause why the LMS refused, where it can be found out
 */

export class LMSError extends Error {
  /**
   * @param {LMSErrorCode} code
   * @param {string} [reason] the LMS's own words for the learner; empty when it gave none
   * @param {{cause?: RefusalCause|null, retryAfterSeconds?: number|null}} [details]
   */
  constructor(code, reason = "", { cause = null, retryAfterSeconds = null } = {}) {
    super(reason || code);
    this.name = "LMSError";
    this.code = code;
    this.reason = reason;
    /** @type {RefusalCause|null} */
    this.refusalCause = cause;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
