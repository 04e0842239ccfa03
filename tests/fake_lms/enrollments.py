"""The rules of enrolling, in Open edX's order: mode, plugin filters, window, places, duplicate."""

from .courses import CourseRun
from .faults import ENROLLMENT, Fault, Target
from .state import Enrollment, State


class EnrollmentRefused(Exception):
    """The learner may not enroll: closed, not yet open, by invitation only, or full."""


class FilterRefused(EnrollmentRefused):
    """A plugin's filter refused; the message is meant for the learner."""


class InvalidEnrollmentAttribute(EnrollmentRefused):
    """A plugin's filter found fault with an attribute; the message is meant for the learner."""


class LocationRefused(EnrollmentRefused):
    """Learners from this country may not take the run."""


class ModeUnavailable(EnrollmentRefused):
    """The run has no such mode, or it has expired."""

    def __init__(self, mode: str) -> None:
        super().__init__(mode)
        self.mode = mode


class AlreadyEnrolled(EnrollmentRefused):
    """There is an active row already."""

    def __init__(self, row: Enrollment) -> None:
        super().__init__(row.user)
        self.row = row


def default_mode(run: CourseRun, state: State) -> str:
    """Audit where the run offers it, else honor."""
    slugs = [mode.slug for mode in run.available_modes(state.clock.now())]
    return "audit" if "audit" in slugs else "honor"


def check_mode(run: CourseRun, state: State, mode: str, *, include_expired: bool = False) -> None:
    """Raise ModeUnavailable unless the run offers the mode."""
    modes = run.available_modes(state.clock.now(), include_expired=include_expired)
    if mode not in [item.slug for item in modes]:
        raise ModeUnavailable(mode)


def take_fault(state: State, username: str, run: CourseRun, method: str, path: str) -> Fault | None:
    """The injected refusal that awaits this enrollment, if any."""
    return state.faults.take(ENROLLMENT, Target(method, path, username, run.key))


def check_location(fault: Fault | None, run: CourseRun) -> None:
    """Raise LocationRefused for a learner under embargo."""
    if fault and fault.kind == "embargo":
        raise LocationRefused(f"Users from this location cannot access the course '{run.key}'.")


def enroll(
    state: State,
    username: str,
    run: CourseRun,
    *,
    mode: str | None = None,
    is_active: bool = True,
    force: bool = False,
    fault: Fault | None = None,
) -> Enrollment:
    """Enroll the learner, or say why not. `force` leaves out the window, the places and the duplicate check."""
    refusal = fault.kind if fault else None
    text = fault.params.get("message") if fault else None
    with state.lock:
        mode = mode or default_mode(run, state)
        if refusal == "mode_expired":
            raise ModeUnavailable(mode)
        check_mode(run, state, mode, include_expired=force)
        if refusal == "invalid_attribute":
            raise InvalidEnrollmentAttribute(text or "The employee number is not valid.")
        if refusal == "filter":
            raise FilterRefused(text or "You can't enroll in this course because your membership has ended.")
        if not force:
            if refusal in ("closed", "full", "invite_only") or not _may_enroll(state, username, run) or run.is_full:
                raise EnrollmentRefused(refusal or "closed or full")
            row = state.enrollment(username, run.key)
            if row and row.is_active:
                raise AlreadyEnrolled(row)
        return state.set_enrollment(username, run.key, mode=mode, is_active=is_active)


def _may_enroll(state: State, username: str, run: CourseRun) -> bool:
    user = state.users[username]
    if user.is_staff or (username, run.key) in state.allowed:
        return True
    return run.is_open(state.clock.now()) and not run.invitation_only
