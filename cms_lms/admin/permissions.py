"""Who may do what beyond Wagtail's own permissions."""

from __future__ import annotations

from collections.abc import Iterable

from wagtail.permission_policies import ModelPermissionPolicy

from cms_lms.models import Course, CourseRun, LMSBackend, SyncDelivery
from cms_lms.runs.fields import SyncMode


class ReadOnlyPermissionPolicy(ModelPermissionPolicy):
    """Lets those with the "view" permission look, and nobody, not even a superuser, do anything else."""

    actions = frozenset({"view"})

    def user_has_permission(self, user, action: str) -> bool:
        """Refuse every other action."""
        return action in self.actions and super().user_has_permission(user, action)

    def users_with_any_permission(self, actions: Iterable[str]):
        """Return the users who may take one of the actions that anybody may take."""
        return super().users_with_any_permission(self.actions & set(actions))


class DeliveryPermissionPolicy(ReadOnlyPermissionPolicy):
    """Deliveries are looked at and replayed; each by its own permission."""

    actions = frozenset({"view", "replay"})


class DeletedRunPermissionPolicy(ReadOnlyPermissionPolicy):
    """Who sees course runs sees the deleted ones, who may create runs may let them come back."""

    actions = frozenset({"view", "lift"})
    actions_on_runs = {"view": ("add", "change", "delete", "view"), "lift": ("add",)}

    def user_has_permission(self, user, action: str) -> bool:
        """Ask for the right to course runs that an action stands for."""
        return ModelPermissionPolicy(CourseRun).user_has_any_permission(user, self.actions_on_runs.get(action, ()))


def may_edit_runs(user) -> bool:
    """Whether a user may change course runs."""
    return ModelPermissionPolicy(CourseRun).user_has_permission(user, "change")


def may_edit_run(user, run: CourseRun) -> bool:
    """Whether a user may change this course run."""
    return ModelPermissionPolicy(CourseRun).user_has_permission_for_instance(user, "change", run)


def may_publish_run(user, run: CourseRun) -> bool:
    """Whether a user may publish this course run."""
    return ModelPermissionPolicy(CourseRun).user_has_permission_for_instance(user, "publish", run)


def may_see_waiting(user) -> bool:
    """Whether a user sees what waits for publication: who changes course runs or publishes them."""
    return ModelPermissionPolicy(CourseRun).user_has_any_permission(user, ["change", "publish"])


def may_place_runs(user) -> bool:
    """Whether a user may say which course runs belong to: it changes what the catalogue knows of both."""
    return may_edit_runs(user) and may_change_courses(user)


def may_change_courses(user) -> bool:
    """Whether a user may change courses, and what other keys mean them."""
    return ModelPermissionPolicy(Course).user_has_permission(user, "change")


def may_add_courses(user) -> bool:
    """Whether a user may add courses."""
    return ModelPermissionPolicy(Course).user_has_permission(user, "add")


def may_set_sync_mode(user, mode: str) -> bool:
    """Whether a user may put runs into a mode: what makes an LMS's word public takes the right to publish."""
    if mode == SyncMode.TO_PUBLIC:
        return may_edit_runs(user) and ModelPermissionPolicy(CourseRun).user_has_permission(user, "publish")
    return may_edit_runs(user)


def may_write_backends(user) -> bool:
    """Whether a user fills in the form of LMS backends."""
    return ModelPermissionPolicy(LMSBackend).user_has_any_permission(user, ["add", "change"])


def may_test_urls(user) -> bool:
    """Whether a user may ask what becomes of a URL: who has to do with LMS backends, or publishes course runs."""
    if ModelPermissionPolicy(LMSBackend).user_has_any_permission(user, ["add", "change", "delete", "view"]):
        return True
    return ModelPermissionPolicy(CourseRun).user_has_permission(user, "publish")


def may_read_help(user) -> bool:
    """Whether a user reads the documentation: who sees anything of LMSs, courses or their runs."""
    return any(
        ModelPermissionPolicy(model).user_has_any_permission(user, ["add", "change", "delete", "view", "publish"])
        for model in (LMSBackend, Course, CourseRun, SyncDelivery)
    )
