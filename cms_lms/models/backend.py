"""LMSBackend: how one LMS is reached and which course URLs are its own, as editors write it down.

No secret is a column here: a revision keeps every column in clear text.
"""

from __future__ import annotations

import unicodedata
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _
from wagtail.models import RevisionMixin
from wagtail.search import index

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.config import SERVER_JS_BACKEND, BackendConfig
from cms_lms.backends.enrollment import Capability
from cms_lms.backends.learner_matchers import learner_matcher_choices, problem_of_learner_matcher
from cms_lms.backends.profile_links import InvalidProfileLink, read_profile_links
from cms_lms.backends.registry import UnknownBackend, backend_choices, get_backend_class, js_backend_choices
from cms_lms.conf import settings as lms_settings
from cms_lms.models.configuration import ConfigurationQuerySet, ConfigurationVersion
from cms_lms.models.course_pages import course_page_model_for
from cms_lms.patterns.address_warnings import address_warnings
from cms_lms.patterns.course_regex import CourseRegex, PatternWarning, compile_course_regex, pattern_warnings
from cms_lms.patterns.derive import derive_javascript_pattern
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.javascript import JavaScriptRegex, compile_javascript_regex
from cms_lms.patterns.samples import check_samples
from cms_lms.patterns.urls import InvalidURL, normalize_base_url
from cms_lms.runs.fields import PROTECTABLE_FIELDS, SyncMode

PATTERN_MAX_LENGTH = 2000


class DraftMail(models.TextChoices):
    """When publishers are told by e-mail of drafts that wait; blank for never."""

    AT_ONCE = "at_once", _("At once")
    DAILY = "daily", _("Once a day")


class LMSBackendQuerySet(ConfigurationQuerySet["LMSBackend"]):
    """Tells which backends take part in matching."""

    def enabled(self) -> LMSBackendQuerySet:
        """Return the backends that take part in matching, in the editors' order."""
        return self.filter(is_enabled=True).in_order()

    def in_order(self) -> LMSBackendQuerySet:
        """Return the backends in the editors' order, in which they are asked."""
        return self.order_by("sort_order", "pk")

    def with_run_counts(self) -> LMSBackendQuerySet:
        """Annotate ``run_count``: how many runs the backend matched when they were last indexed."""
        return self.annotate(run_count=models.Count("course_runs", distinct=True))


def is_storable(text: str) -> bool:
    """Return whether every database takes a text: no control characters, no lone surrogates."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def empty_list() -> list[str]:
    """Return an empty list; a name that migrations can refer to."""
    return []


class LMSBackend(RevisionMixin, index.Indexed, models.Model):
    """An LMS of this site. The first enabled backend whose course regex matches a URL owns it."""

    name = models.CharField(
        verbose_name=_("name"),
        max_length=100,
        help_text=_("What editors and learners read, for example “Campus”."),
    )
    slug = models.SlugField(
        verbose_name=_("slug"),
        max_length=100,
        unique=True,
        help_text=_(
            "Names the backend in logs, files and commands, for example “campus”; stays the same when the name "
            "changes. Leave it blank and it is made from the name."
        ),
    )
    base_url = models.CharField(
        verbose_name=_("base URL"),
        max_length=500,
        help_text=_("The address of the LMS, without the path of a page, for example https://lms.example.com"),
    )
    backend = models.CharField(
        verbose_name=_("backend class"),
        max_length=255,
        help_text=_(
            "Which kind of LMS it is, for example “Open edX”. It decides what a course id is, which credentials there "
            "are and what is checked."
        ),
    )
    course_regex = models.CharField(
        verbose_name=_("course regex"),
        max_length=PATTERN_MAX_LENGTH,
        help_text=_(
            "A Python regular expression that matches the course URLs of this LMS from their start and finds the "
            "course id in a named group, for example ^https://lms\\.example\\.com/courses/(?P<course_id>[^/]+)/info$"
        ),
    )
    js_backend = models.CharField(
        verbose_name=_("JS backend"),
        max_length=100,
        blank=True,
        help_text=_(
            "How a learner’s browser speaks to this LMS, for example “Open edX, Hawthorn and later”. None: course "
            "pages show a plain link."
        ),
    )
    js_course_regex = models.CharField(
        verbose_name=_("JS course regex"),
        max_length=PATTERN_MAX_LENGTH,
        blank=True,
        help_text=_(
            "The same as a JavaScript regular expression with one capturing group, for example "
            "^https://lms\\.example\\.com/courses/([^/]+)/info$ – leave it blank and it is derived from the "
            "course regex."
        ),
    )
    learner_matcher = models.CharField(
        verbose_name=_("learners are found by"),
        max_length=100,
        blank=True,
        default="",
        help_text=_(
            "How the site’s server names a learner to this LMS, for example by the username. Only for the JS backend "
            "“through this site’s server”."
        ),
    )
    login_backend = models.ForeignKey(
        "self",
        verbose_name=_("learners log in through"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_(
            "The LMS backend whose login this one accepts, for example an Open edX with Fonzie for a Joanie. "
            "Empty: its own."
        ),
    )
    shows_session = models.BooleanField(
        verbose_name=_("log in from the site’s header"),
        default=False,
        help_text=_(
            "The header of each page says who is logged in to this LMS, for example “Ada”, and lets learners log in "
            "and out."
        ),
    )
    profile_links = models.JSONField(
        verbose_name=_("links of the learner’s menu"),
        default=empty_list,
        blank=True,
        help_text=_(
            "Shown in the header to learners who are logged in, one a line as “label | address”, for example "
            "Dashboard | {base_url}/dashboard – {base_url} and (username) are filled in. "
            "Empty: those of the backend class."
        ),
    )
    default_sync_mode = models.CharField(
        verbose_name=_("default synchronisation"),
        max_length=20,
        choices=SyncMode.choices,
        blank=True,
        help_text=_(
            "What becomes of course runs that the LMS sends for the first time, for example “Synchronise to draft”: "
            "they wait for staff. Blank: the site’s default."
        ),
    )
    no_update_fields = models.JSONField(
        verbose_name=_("fields not to update"),
        default=empty_list,
        blank=True,
        help_text=_(
            "Set when a run is created, never overwritten by a later synchronisation. For example “Languages”, where "
            "staff know better than the LMS."
        ),
    )
    requires_standard_webhooks = models.BooleanField(
        verbose_name=_("require replay protection"),
        default=False,
        help_text=_(
            "Calls about this LMS’s runs must carry the Standard Webhooks headers, so that no stranger can send one "
            "again. Leave it off for senders that do not know them, for example the Open edX plugin and Joanie."
        ),
    )
    course_parent_page = models.ForeignKey(
        "wagtailcore.Page",
        verbose_name=_("new courses go under"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_(
            "Unknown courses are created with the runs that the LMS sends, each with a draft page under this page, for "
            "example the list of courses. Empty: their runs wait until staff say which course they belong to."
        ),
    )
    submits_drafts = models.BooleanField(
        verbose_name=_("submit drafts to moderation"),
        default=False,
        help_text=_(
            "What is synchronised to draft is submitted to the workflow of course runs, for example “Moderators "
            "approval”, and its approval publishes it."
        ),
    )
    draft_mail = models.CharField(
        verbose_name=_("e-mail about drafts"),
        max_length=20,
        choices=DraftMail.choices,
        blank=True,
        default="",
        help_text=_("Tells those who may publish course runs what waits for them, for example once a day."),
    )
    sample_urls = models.JSONField(
        verbose_name=_("sample course URLs"),
        default=empty_list,
        blank=True,
        help_text=_(
            "Course URLs of this LMS, one a line, for example "
            "https://lms.example.com/courses/course-v1:Org+Course+Run/info – both patterns must match each and "
            "find the same id."
        ),
    )
    rejected_urls = models.JSONField(
        verbose_name=_("URLs that must not match"),
        default=empty_list,
        blank=True,
        help_text=_("URLs that are not of this LMS, one a line, for example https://lms.example.com/about"),
    )
    is_enabled = models.BooleanField(
        verbose_name=_("enabled"),
        default=True,
        help_text=_(
            "Only enabled backends own URLs. Disable one, for example while its LMS moves: its runs stay, and are not "
            "synchronised."
        ),
    )
    sort_order = models.IntegerField(verbose_name=_("order"), null=True, blank=True, editable=False)

    objects = LMSBackendQuerySet.as_manager()

    sort_order_field = "sort_order"

    search_fields = [
        index.SearchField("name"),
        index.AutocompleteField("name"),
        index.SearchField("base_url"),
        index.AutocompleteField("base_url"),
        index.SearchField("slug"),
        index.FilterField("is_enabled"),
    ]

    class Meta:
        verbose_name = _("LMS backend")
        verbose_name_plural = _("LMS backends")
        ordering = ["sort_order", "pk"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs) -> None:
        """Put a new backend last, and renew the configuration's version with the change."""
        with transaction.atomic():
            if self.sort_order is None:
                last = LMSBackend.objects.aggregate(last=Max("sort_order"))["last"]
                self.sort_order = 0 if last is None else last + 1
            super().save(*args, **kwargs)
            ConfigurationVersion.objects.renew()

    def clean(self) -> None:
        """Check everything an editor can get wrong; each error is on its field.

        Normalises the base URL and fills in the JavaScript pattern where it can be derived. Forms and
        commands all come through here.
        """
        errors: dict[str, Any] = {}
        self._clean_name(errors)
        self._clean_base_url(errors)
        self._clean_choices(errors)
        self._clean_server(errors)
        self._clean_course_parent_page(errors)
        self._clean_login(errors)
        course_regex = self._clean_course_regex(errors)
        js_course_regex = self._clean_js_course_regex(course_regex, errors)
        self._clean_samples(course_regex, js_course_regex, errors)
        if errors:
            raise ValidationError(errors)

    def _clean_name(self, errors: dict[str, Any]) -> None:
        if not is_storable(self.name):
            errors["name"] = ValidationError(_("Control characters are not allowed."), code="control_character")

    def _clean_base_url(self, errors: dict[str, Any]) -> None:
        if not self.base_url:
            return
        try:
            self.base_url = normalize_base_url(self.base_url, allow_insecure=lms_settings.ALLOW_INSECURE_URLS)
            # An international name is longer in its ASCII form than as it was entered.
            cast("models.Field", self._meta.get_field("base_url")).run_validators(self.base_url)
        except InvalidURL as error:
            errors["base_url"] = ValidationError(error.message, code=error.code)
        except ValidationError as error:
            errors["base_url"] = error

    def _clean_choices(self, errors: dict[str, Any]) -> None:
        if self.backend and self.backend not in dict(backend_choices()):
            errors["backend"] = ValidationError(
                _("%(value)s is not a backend class of this site. Choose one of: %(choices)s."),
                code="invalid_choice",
                params={"value": self.backend, "choices": ", ".join(dict(backend_choices()))},
            )
        if self.js_backend and self.js_backend not in dict(js_backend_choices()):
            errors["js_backend"] = ValidationError(
                _("%(value)s is not a JS backend of this site. Choose one of: %(choices)s."),
                code="invalid_choice",
                params={"value": self.js_backend, "choices": ", ".join(dict(js_backend_choices()))},
            )
        if self.learner_matcher and self.learner_matcher not in dict(learner_matcher_choices()):
            errors["learner_matcher"] = ValidationError(
                _("%(value)s is not a way of this site to find learners. Choose one of: %(choices)s."),
                code="invalid_choice",
                params={"value": self.learner_matcher, "choices": ", ".join(dict(learner_matcher_choices()))},
            )
        if not isinstance(self.no_update_fields, list):
            errors["no_update_fields"] = ValidationError(_("Give a list of field names."), code="invalid")
            return
        unknown = [str(name) for name in self.no_update_fields if name not in PROTECTABLE_FIELDS]
        if unknown:
            errors["no_update_fields"] = ValidationError(
                _("Not fields that a synchronisation writes: %(names)s. Choose from: %(choices)s."),
                code="invalid_choice",
                params={"names": ", ".join(unknown), "choices": ", ".join(PROTECTABLE_FIELDS)},
            )

    def _clean_server(self, errors: dict[str, Any]) -> None:
        """Check what learners need who enroll through this site's server."""
        is_served = self.js_backend == SERVER_JS_BACKEND
        if is_served and "backend" not in errors and "js_backend" not in errors:
            backend_class = get_backend_class(self.backend) if self.backend else BaseLMSBackend
            if Capability.ENROLL not in backend_class.capabilities:
                errors["js_backend"] = ValidationError(
                    _("This site’s server cannot enroll learners by the backend class “%(name)s”."),
                    code="no_enrollment",
                    params={"name": backend_class.label},
                )
        if (is_served or self.learner_matcher) and "learner_matcher" not in errors:
            problem = problem_of_learner_matcher(self.learner_matcher)
            if problem:
                errors["learner_matcher"] = ValidationError(problem, code="no_such_learners")

    def _clean_course_parent_page(self, errors: dict[str, Any]) -> None:
        if self.course_parent_page is not None and course_page_model_for(self.course_parent_page) is None:
            errors["course_parent_page"] = ValidationError(
                _("No course page can be created under “%(page)s”. Choose another, for example a list of courses."),
                code="no_page_model",
                params={"page": self.course_parent_page.title},
            )

    def _clean_login(self, errors: dict[str, Any]) -> None:
        if self.login_backend is not None and self.login_backend.login_backend_id is not None:
            errors["login_backend"] = ValidationError(
                _("“%(name)s” has no login of its own. Choose the LMS backend through which its learners log in."),
                code="no_login",
                params={"name": self.login_backend.name},
            )
        elif self.login_backend is not None and self.login_backend.pk == self.pk:
            errors["login_backend"] = ValidationError(_("Leave it empty for the LMS’s own login."), code="own_login")
        try:
            read_profile_links(self.profile_links)
        except InvalidProfileLink as error:
            errors["profile_links"] = ValidationError(str(error.message), code=error.code)

    def _clean_course_regex(self, errors: dict[str, Any]) -> CourseRegex | None:
        if not self.course_regex or "backend" in errors:
            return None
        try:
            return compile_course_regex(self.course_regex, self._required_groups())
        except InvalidPattern as error:
            errors["course_regex"] = ValidationError(error.message, code=error.code)
            return None

    def _clean_js_course_regex(
        self, course_regex: CourseRegex | None, errors: dict[str, Any]
    ) -> JavaScriptRegex | None:
        if course_regex is not None and (not self.js_course_regex or self._js_course_regex_was_derived()):
            try:
                self.js_course_regex = derive_javascript_pattern(self.course_regex, self._required_groups())
            except InvalidPattern as error:
                if self.js_backend:
                    errors["js_course_regex"] = ValidationError(error.message, code=error.code)
                else:  # no browser needs one
                    self.js_course_regex = ""
                return None
        if not self.js_course_regex:
            return None
        try:
            return compile_javascript_regex(self.js_course_regex)
        except InvalidPattern as error:
            errors["js_course_regex"] = ValidationError(error.message, code=error.code)
            return None

    def _js_course_regex_was_derived(self) -> bool:
        """Whether the stored JavaScript pattern is the stored Python one's, and only the latter is being edited."""
        if self.pk is None:
            return False
        stored = LMSBackend.objects.filter(pk=self.pk).first()
        if stored is None or stored.js_course_regex != self.js_course_regex or stored.course_regex == self.course_regex:
            return False
        try:
            return derive_javascript_pattern(stored.course_regex, stored._required_groups()) == self.js_course_regex
        except InvalidPattern:
            return False

    def _clean_samples(
        self, course_regex: CourseRegex | None, js_course_regex: JavaScriptRegex | None, errors: dict[str, Any]
    ) -> None:
        for name in ("sample_urls", "rejected_urls"):
            value = getattr(self, name)
            if not isinstance(value, list) or not all(isinstance(url, str) for url in value):
                errors[name] = ValidationError(_("Give a list of URLs."), code="invalid")
            elif not all(map(is_storable, value)):
                errors[name] = ValidationError(_("Control characters are not allowed."), code="control_character")
        if course_regex is None or {"js_course_regex", "sample_urls", "rejected_urls"} & errors.keys():
            return
        for problem in check_samples(course_regex, js_course_regex, self.sample_urls, self.rejected_urls):
            errors.setdefault(problem.field, []).append(ValidationError(problem.message, code=problem.code))

    def _required_groups(self) -> tuple[tuple[str, ...], ...]:
        try:
            return get_backend_class(self.backend).required_groups
        except UnknownBackend:
            return BaseLMSBackend.required_groups

    def get_warnings(self) -> list[PatternWarning]:
        """Return what is valid but probably not meant, for the person who edits."""
        return [*pattern_warnings(self.course_regex), *address_warnings(self.course_regex, self.base_url)]

    def delete(self, *args, **kwargs):
        """Renew the configuration's version with the deletion."""
        with transaction.atomic():
            deleted = super().delete(*args, **kwargs)
            ConfigurationVersion.objects.renew()
        return deleted

    def with_content_json(self, content: dict[str, Any]) -> LMSBackend:
        """As Wagtail's; the order is the list's business and is not brought back by reverting a backend."""
        backend = super().with_content_json(content)
        backend.sort_order = self.sort_order
        return backend

    def get_config(self) -> BackendConfig:
        """Return the record as the plain values that backend classes take."""
        return BackendConfig(
            slug=self.slug,
            name=self.name,
            base_url=self.base_url,
            course_regex=self.course_regex,
            js_backend=self.js_backend,
            js_course_regex=self.js_course_regex,
            default_sync_mode=self.default_sync_mode,
            no_update_fields=frozenset(self.no_update_fields),
            sample_urls=tuple(self.sample_urls),
            learner_matcher=self.learner_matcher,
            login_backend=self.login_backend.slug if self.login_backend else "",
            shows_session=self.shows_session,
            profile_links=tuple(self.profile_links),
        )

    def get_backend(self) -> BaseLMSBackend:
        """Return the backend object bound to this record. Raises ``UnknownBackend``."""
        return get_backend_class(self.backend)(self.get_config(), record=self)
