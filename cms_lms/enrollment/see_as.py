"""“See it as”: the panels of a preview as a learner in a given state sees them, without any LMS.

A JS backend of its own, never offered to editors, plays the learner. Only what is rendered as a preview, or a
gallery, asks for it: no URL of a public page can.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_lms.enrollment.panel import EnrollmentPanel

MODULE = "cms_lms/js/backends/preview.js"

#: Before the names of the states in the names of preview modes.
MODE_PREFIX = "see-as-"


class LearnerState(NamedTuple):
    """A state that staff may choose: its name in preview.js, and what the choice is called."""

    name: str
    label: Promise


LEARNER_STATES = (
    LearnerState("anonymous", gettext_lazy("As a visitor who is not logged in")),
    LearnerState("confirming", gettext_lazy("As a learner who comes back from the login")),
    LearnerState("idle", gettext_lazy("As a learner who is not enrolled")),
    LearnerState("enrolling", gettext_lazy("While the learner is being enrolled")),
    LearnerState("enrolled", gettext_lazy("As a learner who is enrolled")),
    LearnerState("leaving", gettext_lazy("As a learner who wants to leave")),
    LearnerState("expired", gettext_lazy("As a learner whose login has expired")),
    LearnerState("invitation-only", gettext_lazy("When enrollment is by invitation only")),
    LearnerState("full", gettext_lazy("When the course is full")),
    LearnerState("payment", gettext_lazy("When the course has to be paid for")),
    LearnerState("closed", gettext_lazy("When the LMS has closed enrollment")),
    LearnerState("refused", gettext_lazy("When the LMS refuses the enrollment")),
    LearnerState("unavailable", gettext_lazy("When the LMS cannot be reached")),
    LearnerState("misconfigured", gettext_lazy("When the LMS is not set up for this site")),
)


def preview_modes() -> list[tuple[str, Promise]]:
    """Return the states as preview modes of a page: name, label."""
    return [(f"{MODE_PREFIX}{name}", label) for name, label in LEARNER_STATES]


def state_of_mode(mode_name: str) -> str:
    """Return the name of the state that a preview mode shows, blank for another mode."""
    return mode_name.removeprefix(MODE_PREFIX) if mode_name in dict(preview_modes()) else ""


def see_panel_as(panel: EnrollmentPanel, state: str) -> EnrollmentPanel:
    """Return the panel as a learner in a state sees it; one without a JS backend is the same for everybody."""
    if not (state and panel.is_interactive):
        return panel
    reason = _("Your account has not been activated yet. Follow the link in the message that we sent you.")
    return play(panel, state, reason)


def play(panel: EnrollmentPanel, state: str, reason: str = "") -> EnrollmentPanel:
    """Return the panel as preview.js plays it: in one of its states, with the words of the LMS where that says some."""
    return replace(
        panel,
        see_as=state,
        see_as_reason=reason,
        js_backend="preview",
        module_url=static(MODULE),
        # Each panel is a learner of its own, and calls nobody.
        base_url=f"preview:{panel.run_id}",
    )
