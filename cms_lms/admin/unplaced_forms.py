"""The forms by which staff give the runs of an unknown course a place. They work without JavaScript."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from wagtail.admin.widgets import AdminPageChooser
from wagtail.models import Page
from wagtail.permissions import page_permission_policy

from cms_lms.admin.courses import CourseViewSet
from cms_lms.admin.ids import is_possible_id
from cms_lms.admin.listings import with_words
from cms_lms.models import Course
from cms_lms.models.course import course_page_models
from cms_lms.models.course_pages import course_page_model_for, course_page_parents
from cms_lms.models.unplaced_run import UnplacedRun
from cms_lms.sync.new_courses import TITLE_MAX_LENGTH, proposed_title

#: How many courses are offered at once; the search finds the others.
MAX_OFFERED = 20

#: More parents than this are looked for in the dialogue in which pages are chosen.
MAX_PARENTS = 200


class PossibleChoiceField(forms.ModelChoiceField):
    """A choice among rows; what cannot be an id is no row's."""

    def to_python(self, value: Any) -> Any:
        """Return the row."""
        if isinstance(value, str) and value and not is_possible_id(value):
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return super().to_python(value)


class AttachForm(forms.Form):
    """A choice among the courses that a search finds; without one, among those that are probably meant."""

    course = PossibleChoiceField(
        label=_("Course"),
        queryset=Course.objects.all(),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": _("Choose the course that the runs belong to.")},
    )

    def __init__(self, data: Any = None, *, run: UnplacedRun, query: str) -> None:
        super().__init__(data)
        self.query = query.replace("\x00", "").strip()
        if self.query:
            found = with_words(Course.objects.all(), self.query, CourseViewSet.search_fields)
        else:
            found = Course.objects.resembling(run.course_key, proposed_title(run.payload, run.course_key))
        self.offered = list(found[: MAX_OFFERED + 1])
        self.has_more = len(self.offered) > MAX_OFFERED
        del self.offered[MAX_OFFERED:]
        self.fields["course"].choices = [(course.pk, describe_course(course)) for course in self.offered]


def describe_course(course: Course) -> str:
    """Return a course with the organisation that tells it from others of its code."""
    return f"{course} ({course.organisation})" if course.organisation else str(course)


class ParentField(PossibleChoiceField):
    """A page below which the course's page is created."""

    def label_from_instance(self, page: Page) -> str:
        """Return the title, and the path, which tells pages of one title apart."""
        return f"{page.get_admin_display_title()} – {page.url_path}"


class CreateCourseForm(forms.Form):
    """The title of a new course and where its page goes, if the site has pages for courses."""

    title = forms.CharField(
        label=_("Title"),
        max_length=TITLE_MAX_LENGTH,
        help_text=_("Of the course and of its page, for example “Introduction to Botany”."),
    )
    parent = ParentField(
        label=_("Its page goes under"),
        queryset=Page.objects.none(),
        required=False,
        empty_label=_("No page: the course alone"),
        help_text=_("A draft page of the course is created under this page. It is not public until it is published."),
    )

    def __init__(self, data: Any = None, *, run: UnplacedRun, user: Any) -> None:
        parents = parents_for(user)
        suggested = run.backend.course_parent_page_id if run.backend else None
        first = parents.filter(pk=suggested).first() or parents.first()
        initial = {"title": proposed_title(run.payload, run.course_key), "parent": first}
        super().__init__(data, initial=initial)
        self.user = user
        if not course_page_models():
            del self.fields["parent"]
            return
        self.fields["parent"].queryset = parents
        if parents.count() > MAX_PARENTS:
            kinds = {kind for model in course_page_models() for kind in model.allowed_parent_page_models()}
            self.fields["parent"].widget = AdminPageChooser(target_models=list(kinds), user_perms="add_subpage")

    def clean_parent(self) -> Page | None:
        """Refuse a page that takes no course page, or none of this user's."""
        parent = self.cleaned_data["parent"]
        if parent is None:
            return None
        if not parent.permissions_for_user(self.user).can_add_subpage():
            raise forms.ValidationError(_("You may not add a page there."), code="permission")
        if course_page_model_for(parent) is None:
            raise forms.ValidationError(_("No course page can be created under this page."), code="no_page_model")
        return parent


def parents_for(user: Any) -> QuerySet[Page]:
    """Return the pages that take course pages, where the user may add one."""
    allowed = page_permission_policy.instances_user_has_permission_for(user, "add")
    return course_page_parents().filter(pk__in=allowed.values("pk"))
