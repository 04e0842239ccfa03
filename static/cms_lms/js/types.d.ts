/**
 * The types of the panel's modules. Never loaded by a page, so what would weigh on one is explained here.
 *
 * First, what a JS backend is: an ES module whose default export is a class with the interface `LMSBackend`, named in the
 * setting CMS_LMS_JS_BACKENDS. docs/custom-lms.md shows a complete one.
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
  /** Where the learner finds the course, where only this answer knows it; else the panel's `data-course-url`. */
  courseUrl?: string;
  /** False: this one cannot be left, though the backend has the capability "unenroll". */
  canLeave?: boolean;
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

// The steps of an enrollment: enrollment-machine.js, drawn in docs/enrollment.md.

export type Step =
  | "loading"
  | "anonymous"
  | "expired"
  | "idle"
  | "confirming"
  | "enrolling"
  | "enrolled"
  | "leaving"
  | "unenrolling"
  | "closed"
  | "invitation-only"
  | "full"
  | "payment"
  | "refused"
  | "unavailable"
  | "misconfigured";

/** What an LMS said. A site's own backend may say what is no Obstacle: that stands in no way. */
export interface KnownEnrollment extends Omit<LearnerEnrollment, "obstacle"> {
  obstacle?: string | null;
  canLeave: boolean;
}

export interface Failure {
  code: LMSErrorCode;
  /** The LMS's own words. */
  reason: string;
  /** When trying again may help, by the site's clock; null where nobody said. */
  retryAt: number | null;
}

export interface Enrollment {
  step: Step;
  /** Whether the dates of the run allow to enroll now. */
  open: boolean;
  /** Null: nobody, or not known yet. */
  username: string | null;
  /** Somebody was logged in before, and did not log out here. */
  expired: boolean;
  known: KnownEnrollment;
  /** She said that she wants to enroll before she logged in: she is asked once more, and no more. */
  wish: boolean;
  /** She wants to leave, and is being asked whether she means it. */
  leaving: boolean;
  /** She has just left. */
  left: boolean;
  failure: Failure | null;
  /** What "try again" does. */
  retry: "load" | "enroll" | "leave" | null;
}

export type EnrollmentEvent =
  /** The LMS has said who is there and what it knows. Also when nothing was waiting for it: the page came back. */
  | { type: "loaded"; username: string | null; known: KnownEnrollment }
  /** The learner: enroll; leave, which asks first; yes, leave; no, neither; try again; log in to enroll. */
  | { type: "enroll" }
  | { type: "leave" }
  | { type: "unenroll" }
  | { type: "cancel" }
  | { type: "retry" }
  | { type: "wish" }
  /** What the LMS says after it was asked to enroll or to unenroll her. */
  | { type: "written"; known: KnownEnrollment }
  | { type: "failed"; failure: Failure; obstacle?: string | null; paymentUrl?: string }
  /** Another user than before, or nobody any more, on any panel or session of the page. */
  | { type: "session"; username: string | null; expired: boolean }
  /** The dates allow to enroll from now on, or no more. */
  | { type: "schedule"; open: boolean };

/** What fills the markup of a step: enrollment-view.js. The hooks are listed in templates/cms_lms/enrollment/panel.html. */
export interface StepView {
  /** What holds; `data-when` asks for it. */
  flags: ReadonlySet<string>;
  /** For `data-slot`. */
  texts: Readonly<Record<string, string>>;
  /** For `data-slot` on <time>. */
  dates: Readonly<Record<string, Date | null>>;
  now: Date;
  /** For `data-link`; a link without an address is left out. */
  urls: Readonly<Record<string, string | undefined>>;
}

// Who is logged in: lms-backend.js.

/** Told who is logged in whenever that changes. `expired`: she was, and did not log out here. */
export type SessionListener = (user: LMSUser | null, expired: boolean) => void;

/** What a page knows of one LMS. */
export interface Session {
  /** Of whoever asked first. */
  backend: LMSBackend;
  answer: Promise<LMSUser | null> | null;
  isAsking: boolean;
  askedAt: number;
  /** Undefined: not known yet. */
  user: LMSUser | null | undefined;
  /** She logs out here, so that she is gone is no surprise. */
  isLeaving: boolean;
  listeners: Set<SessionListener>;
}

/** The dates of a run as `parseDate` gives them. */
export interface RunDates {
  start: Date | null;
  end: Date | null;
  enrollmentStart: Date | null;
  enrollmentEnd: Date | null;
}

/** The state of a run at a moment; `text` and `callToAction` are stable English keys, never shown. */
export interface RunState {
  priority: number;
  text: string;
  callToAction: string | null;
  datetime: Date | null;
}
