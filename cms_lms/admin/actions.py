"""Wagtail's actions for course runs, for callers that look actions up instead of asking the model (its v3 API)."""

from __future__ import annotations

from typing import Any

from wagtail.actions.publish_revision import PublishRevisionAction
from wagtail.actions.unpublish import UnpublishAction

from cms_lms.models import CourseRun


class PublishCourseRunAction(PublishRevisionAction):
    """Publishes through ``CourseRun.publish``, which keeps what the LMS owns."""

    def execute(self, skip_permission_checks: bool = False) -> None:
        """Check the permission, then let the model publish."""
        self.check(skip_permission_checks=skip_permission_checks)
        self.object.publish(
            self.revision,
            user=self.user,
            changed=self.changed,
            log_action=self.log_action,
            previous_revision=self.previous_revision,
            skip_permission_checks=True,
        )


class UnpublishCourseRunAction(UnpublishAction):
    """Unpublishes through ``CourseRun.unpublish``, which keeps what was synchronised meanwhile."""

    def execute(self, skip_permission_checks: bool = False) -> None:
        """Check the permission, then let the model unpublish."""
        self.check(skip_permission_checks=skip_permission_checks)
        self.object.unpublish(
            set_expired=self.set_expired, commit=self.commit, user=self.user, log_action=self.log_action
        )


def register(registry: Any) -> None:
    """Register the actions with Wagtail's registry (hook ``register_actions``, 8.0)."""
    registry.register(CourseRun, PublishCourseRunAction)
    registry.register(CourseRun, UnpublishCourseRunAction)
