"""Creating the course that a run is the first to name, with a draft page that staff may publish.

For staff who decide on runs without a place, and for backends that are set to do it by themselves. Whoever creates
below one page waits for the others who do: of callers at the same moment one creates, the others find it created.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, OperationalError, transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from wagtail.log_actions import log
from wagtail.models import Page

from cms_lms.models import Course
from cms_lms.models.course import course_page_field, course_page_models
from cms_lms.models.course_pages import course_page_model_for
from cms_lms.runs.codes import CourseKey, normalize_code
from cms_lms.sync.items import Item
from cms_lms.sync.results import storable

CREATE_COURSE_ACTION = "cms_lms.create_course"

#: Shorter than the columns of courses and pages: a slug that is made of it may get a number at its end.
TITLE_MAX_LENGTH = 240


class CourseNotCreated(Exception):
    """The course cannot be created, or its page; ``message`` says why to staff."""

    def __init__(self, message: str | Promise, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True)
class NewCourse:
    """What became of the wish for a course: the course, and its page if one was created for it now."""

    course: Course
    is_new: bool
    page: Page | None = None


def proposed_title(payload: Mapping[str, Any], key: CourseKey) -> str:
    """Return the title that a payload gives its course, else the code. The contract knows no title; some senders do."""
    title = payload.get("title")
    words = storable(title).split() if isinstance(title, str) else []
    return " ".join(words)[:TITLE_MAX_LENGTH].strip() or normalize_code(key.code)


def create_course(
    key: CourseKey, *, title: str, parent_id: int | None, user: Any = None, backend_name: str = ""
) -> NewCourse:
    """Return the course of a key; where there is none, create it, with a draft page below the parent if one is given.

    ``user`` (None: a synchronisation) is whom the log names, ``backend_name`` whose runs it is for. Permission is the
    caller's to check. Raises ``CourseNotCreated``, with nothing of it written, and ``OperationalError`` where another
    transaction was in the way.
    """
    with transaction.atomic():
        parent = _lock_parent(parent_id) if parent_id is not None and course_page_models() else None
        # Under the lock: somebody may have created it since the caller looked.
        if (course := Course.objects.get_by_key(key)) is not None:
            return NewCourse(course, is_new=False)
        course = Course(organisation=key.organisation, code=key.code, title=title)
        try:
            course.full_clean()
        except ValidationError as error:
            raise CourseNotCreated(" ".join(error.messages), "invalid") from None
        try:
            with transaction.atomic():
                course.save()
        except IntegrityError:
            # Created meanwhile below another page, or without any.
            if (theirs := Course.objects.get_by_key(key)) is None:
                raise
            return NewCourse(theirs, is_new=False)
        log(course, CREATE_COURSE_ACTION, user=user, data={"backend": backend_name}, content_changed=True)
        page = _add_draft_page(course, parent, user) if parent is not None else None
        return NewCourse(course, is_new=True, page=page)


def _lock_parent(parent_id: int) -> Page:
    """Return the page as it is now, locked until the transaction ends; adding a child reads where the last one is."""
    parent = Page.objects.select_for_update().filter(pk=parent_id).first()
    if parent is None:
        raise CourseNotCreated(_("The page under which new courses go does not exist any more."), "no_parent")
    return parent


def _add_draft_page(course: Course, parent: Page, user: Any) -> Page:
    page_model = course_page_model_for(parent)
    if page_model is None:
        message = _("No course page can be created under “%(page)s”.") % {"page": parent.title}
        raise CourseNotCreated(message, "no_page_model")
    page = page_model(title=course.title, owner=user, live=False, **{course_page_field(page_model): course})
    try:
        with transaction.atomic():
            parent.add_child(instance=page)
            if not page.slug:  # nothing of the title is left in an address
                page.slug = f"course-{course.pk}"
                page.save()
            page.save_revision(user=user, clean=False)
    except OperationalError:
        raise
    except (ValidationError, DatabaseError) as error:
        reason = " ".join(error.messages) if isinstance(error, ValidationError) else _("The database refused it.")
        words = {"page": parent.title, "reason": reason}
        raise CourseNotCreated(
            _("The course’s page could not be created under “%(page)s”. %(reason)s") % words, "page"
        ) from error
    return page


class NewCourses:
    """The courses that the items of one call are the first to name, of backends that are set to create them.

    Before ``may_write``, which is set inside the transaction that writes, a course that is not stored stands in for
    the one that would be created.
    """

    def __init__(self) -> None:
        self.may_write = False
        self._created: dict[CourseKey, Course | CourseNotCreated] = {}

    def get(self, item: Item) -> Course | None:
        """Return the course of an item, None if its backend creates none. Raises ``Refused``."""
        parent_id = item.backend.record.course_parent_page_id
        if parent_id is None:
            return None
        key, title = item.course_key, proposed_title(item.payload, item.course_key)
        if not self.may_write:
            return Course(organisation=key.organisation, code=key.code, title=title)
        if key not in self._created:
            try:
                name = item.backend.config.name
                self._created[key] = create_course(key, title=title, parent_id=parent_id, backend_name=name).course
            except CourseNotCreated as error:
                self._created[key] = error
        found = self._created[key]
        if isinstance(found, CourseNotCreated):
            raise item.unknown_course(str(found.message))
        return found
