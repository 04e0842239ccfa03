/**
 * What a JS backend is: an ES module whose default export is a class with the interface `LMSBackend`, named in the
 * setting CMS_LMS_JS_BACKENDS. docs/custom-lms.md shows a complete one. Never loaded by a page.
 */

/** Who is logged in to an LMS. `fullName` is what the session greets her with; the username where there is none. */
export interface LMSUser {
  username: string;
  fullName?: string;
}

/**
 * Why a learner may not enroll, where it can be found out. `payment` may come with a `paymentUrl`. What the LMS alone
 * can put into words has no obstacle: throw LMSError "refused" with its words.
 */
export type Obstacle = "not-open" | "closed" | "invitation-only" | "full" | "payment";

/** What an LMS says of a learner and a run. An `obstacle` matters only while `isActive` is false. */
export interface LearnerEnrollment {
  isActive: boolean;
  obstacle?: Obstacle | null;
  paymentUrl?: string;
}

/** What an LMS can do beyond telling who is there, enrolling and logging in. */
export type Capability = "register" | "log-out" | "unenroll";

export interface BackendOptions {
  /** Of the LMS. */
  baseUrl: string;
  /** The run's id on the LMS; empty for a session, which is of no run. */
  courseId: string;
  /** Where a learner finds the run on the LMS; empty when there is no such place. */
  courseUrl: string;
  /** All `data-*` attributes of the element that made it. */
  data?: Readonly<Record<string, string | undefined>>;
}

/**
 * Methods throw LMSError (lms-error.js) and nothing else on purpose; anything else counts as "unavailable" and is
 * reported to the console. One object is made for each panel and for each session.
 */
export interface LMSBackend {
  /** Each asks for the method of its name; a method that is not announced here is not offered. */
  readonly capabilities: readonly Capability[];

  /** Null when nobody is logged in. Asked once for all panels and sessions of one LMS on a page. */
  whoami(): Promise<LMSUser | null>;
  /** The LMS's login page, which leads back to `nextUrl`. */
  loginUrl(nextUrl: string): string;
  /** "register": the LMS's page for new learners, which leads back to `nextUrl`. */
  registerUrl?(nextUrl: string): string;
  /** "log-out": end the learner's session on the LMS. */
  logOut?(): Promise<void>;

  /** Null when there never was an enrollment, and nothing is known against one. */
  getEnrollment(username: string): Promise<LearnerEnrollment | null>;
  /** Enroll, or say why not: by an `obstacle` or by LMSError "refused". Enrolling twice is enrolling once. */
  enroll(username: string): Promise<LearnerEnrollment>;
  /** "unenroll": leave the run. */
  unenroll?(username: string): Promise<LearnerEnrollment>;
}

export type LMSBackendClass = new (options: BackendOptions) => LMSBackend;

/**
 * refused: the LMS understood and said no. unavailable: no sensible answer, trying later may help. misconfigured: it can
 * never work until somebody mends the site or the LMS. anonymous: the learner is not logged in (any more).
 */
export type LMSErrorCode = "refused" | "unavailable" | "misconfigured" | "anonymous";
