"""Course: what is taught, known by its code, independent of any page or language."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import cast

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from wagtail.models import AbstractPage, Page
from wagtail.search import index

from cms_lms.runs.codes import CourseKey, normalize_code


class CourseQuerySet(models.QuerySet["Course"]):
    """Looks courses up by their keys."""

    def for_code(self, code: str) -> CourseQuerySet:
        """Return the courses of any organisation whose code is this one, however it is written."""
        return self.filter(code=normalize_code(code))

    def resembling(self, key: CourseKey, title: str) -> CourseQuerySet:
        """Return the courses that somebody may mean by a key: whose code holds its code, or of the title."""
        return self.filter(Q(code__contains=normalize_code(key.code)) | Q(title__iexact=title))

    def get_by_key(self, key: CourseKey) -> Course | None:
        """Return the course of a key, None if the catalogue has none; see ``get_by_keys``."""
        return self.get_by_keys([key]).get(key)

    def get_by_keys(self, keys: Collection[CourseKey]) -> dict[CourseKey, Course]:
        """Return the courses of many keys; a key without a course is absent.

        The organisation's own course comes before one without an organisation. A key that names no
        organisation means the one course with its code, if there is only one. What is no course's key
        may be an alias of one. One query, and another where a key is none of a course.
        """
        codes = {key: normalize_code(key.code) for key in keys}
        by_code: dict[str, dict[str, Course]] = defaultdict(dict)
        for candidate in self.filter(code__in=set(codes.values())).order_by("-pk"):
            by_code[candidate.code][candidate.organisation.casefold()] = candidate
        found = {}
        for key, code in codes.items():
            candidates = by_code[code]
            course = candidates.get(key.organisation.casefold()) or candidates.get("")
            if course is None and not key.organisation and len(candidates) == 1:
                (course,) = candidates.values()
            if course is not None:
                found[key] = course
        return {**self._get_by_aliases({key: code for key, code in codes.items() if key not in found}), **found}

    def _get_by_aliases(self, codes: Mapping[CourseKey, str]) -> dict[CourseKey, Course]:
        if not codes:
            return {}
        named = self.filter(aliases__code__in=set(codes.values())).annotate(
            alias_organisation=F("aliases__organisation"), alias_code=F("aliases__code")
        )
        by_alias = {(course.alias_organisation.casefold(), course.alias_code): course for course in named}
        aliases = {key: (key.organisation.casefold(), code) for key, code in codes.items()}
        return {key: by_alias[alias] for key, alias in aliases.items() if alias in by_alias}


class Course(index.Indexed, models.Model):
    """A course of the catalogue. Course runs hang on it; course pages present it."""

    code = models.CharField(
        verbose_name=_("code"),
        max_length=100,
        help_text=_("As in the LMS, for example DemoX. Stored in capitals, without punctuation but hyphens."),
    )
    organisation = models.CharField(
        verbose_name=_("organisation"),
        max_length=100,
        blank=True,
        default="",
        help_text=_("As in the LMS's course keys, for example edX. Blank: whichever organisation teaches this code."),
    )
    title = models.CharField(verbose_name=_("title"), max_length=255)

    objects = CourseQuerySet.as_manager()

    search_fields = [
        index.SearchField("title"),
        index.AutocompleteField("title"),
        index.SearchField("code"),
        index.AutocompleteField("code"),
        index.SearchField("organisation"),
        index.AutocompleteField("organisation"),
        index.FilterField("organisation"),
    ]

    class Meta:
        verbose_name = _("course")
        verbose_name_plural = _("courses")
        ordering = ["code", "organisation"]
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "code"],
                name="cms_lms_course_key",
                violation_error_message=_("This organisation has a course with this code already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} – {self.title}"

    def save(self, *args, **kwargs) -> None:
        """Store the normalised code, whoever saves."""
        self.code = normalize_code(self.code)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Normalise the key; refuse a code of which nothing is left, and a key that differs in case alone."""
        code = normalize_code(self.code)
        if not code:
            raise ValidationError({"code": ValidationError(_("Enter a code with letters or digits."), code="empty")})
        try:
            # Capitals and compatibility forms may be longer than what was entered: "ß" becomes "SS".
            cast("models.Field", self._meta.get_field("code")).run_validators(code)
        except ValidationError as error:
            raise ValidationError({"code": error}) from None
        self.code, self.organisation = code, self.organisation.strip()
        twins = Course.objects.filter(code=code, organisation__iexact=self.organisation).exclude(pk=self.pk)
        if twins.exists():
            raise ValidationError(
                {"code": ValidationError(_("This organisation has a course with this code already."), code="unique")}
            )


def course_page_models() -> list[type[Page]]:
    """Return the page models that present courses: those with a foreign key to ``Course``."""
    return [
        cast("type[Page]", relation.related_model)
        # Hidden ones too: a page model has no need of a reverse accessor on the course.
        for relation in Course._meta.get_fields(include_hidden=True)
        if relation.one_to_many and issubclass(cast("type[Page]", relation.related_model), AbstractPage)
    ]


def course_page_field(page_model: type[Page]) -> str:
    """Return the name of a page model's foreign key to ``Course``."""
    return next(field.name for field in page_model._meta.fields if field.is_relation and field.related_model is Course)
