/**
 * What an LMS backend throws, and the only thing that it throws on purpose. types.d.ts says what the codes mean.
 *
 * @import { LMSErrorCode, Obstacle } from "./types.d.ts"
 */
export class LMSError extends Error {
  /**
   * @param {LMSErrorCode} code
   * @param {string} [reason] the LMS's own words; empty when it gave none
   * @param {{obstacle?: Obstacle|null, paymentUrl?: string, retryAfterSeconds?: number|null}} [details]
   */
  constructor(code, reason = "", { obstacle = null, paymentUrl = "", retryAfterSeconds = null } = {}) {
    super(reason || code);
    this.name = "LMSError";
    this.code = code;
    // An answer may be anything: this goes before a learner.
    this.reason = reason.slice(0, 500);
    this.obstacle = obstacle;
    this.paymentUrl = paymentUrl;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
