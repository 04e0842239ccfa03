"""The form of an LMS backend. It maps posted values to the record's; what is valid the record says itself."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.text import capfirst, slugify
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms import WagtailAdminModelForm
from wagtail.admin.widgets import AdminAutoHeightTextInput

from cms_lms.admin.fields import LinesField, described
from cms_lms.admin.help_pages import help_link
from cms_lms.backends.learner_matchers import learner_matcher_choices
from cms_lms.backends.registry import backend_choices, js_backend_choices
from cms_lms.models import CourseRun, LMSBackend
from cms_lms.runs.fields import PROTECTABLE_FIELDS

Choices = list[tuple[str, str | Promise]]

#: Where the documentation explains each field: page, heading, text of the link.
EXPLANATIONS = {
    "name": ("backends", "name-and-slug", _("About names and slugs")),
    "slug": ("backends", "name-and-slug", _("About names and slugs")),
    "is_enabled": ("backends", "enabled", _("What disabling does")),
    "backend": ("backends", "backend-class", _("Which class for which LMS")),
    "base_url": ("backends", "base-url", _("Which address it is")),
    "js_backend": ("backends", "js-backend", _("What learners’ browsers do")),
    "learner_matcher": ("backends", "how-learners-are-found", _("Which way is safe")),
    "login_backend": ("backends", "login-and-the-header", _("When it is another’s")),
    "shows_session": ("backends", "login-and-the-header", _("What the header shows")),
    "profile_links": ("backends", "login-and-the-header", _("How links are written")),
    "course_regex": ("patterns", "how-matching-works", _("How matching works")),
    "js_course_regex": ("patterns", "the-javascript-pattern", _("When it is derived")),
    "sample_urls": ("backends", "sample-urls", _("Which URLs to take")),
    "rejected_urls": ("backends", "sample-urls", _("Which URLs must not match")),
    "default_sync_mode": ("web-hook", "what-a-run-becomes", _("What each mode does")),
    "no_update_fields": ("backends", "fields-not-to-update", _("When to protect a field")),
    "requires_standard_webhooks": ("web-hook", "replay-protection", _("Which headers, and which senders")),
    "course_parent_page": ("publishing", "courses-that-nobody-knows", _("What is created")),
    "submits_drafts": ("publishing", "moderation", _("How moderation goes")),
    "draft_mail": ("publishing", "e-mail", _("Who is told, and of what")),
}


def js_backend_choices_or_none() -> Choices:
    """Return the registered JS backends after the choice of none."""
    return [("", _("None (a plain link)")), *js_backend_choices()]


def learner_matcher_choices_or_first() -> Choices:
    """Return the site's ways to find a learner after the choice of its first."""
    choices = learner_matcher_choices()
    first = choices[0][1] if choices else "–"
    return [("", _("This site’s usual way: %(way)s") % {"way": first}), *choices]


def protectable_field_choices() -> Choices:
    """Return the fields that a synchronisation may be kept from, with their labels."""
    return [(name, capfirst(CourseRun._meta.get_field(name).verbose_name)) for name in PROTECTABLE_FIELDS]


class PatternInput(AdminAutoHeightTextInput):
    """A pattern, shown whole: in one line the end of a long one is out of sight.

    Without a limit of length: a browser would cut off what is pasted, and the rest be refused for what it lacks.
    """

    def __init__(self) -> None:
        super().__init__({"class": "cms-lms-pattern", "spellcheck": "false", "autocapitalize": "none"})


class LMSBackendForm(WagtailAdminModelForm):
    """Choices come from the registries; URL lists are typed one a line; a blank slug follows the name."""

    backend = forms.ChoiceField(choices=backend_choices, **described(LMSBackend, "backend"))
    js_backend = forms.ChoiceField(
        choices=js_backend_choices_or_none, required=False, **described(LMSBackend, "js_backend")
    )
    learner_matcher = forms.ChoiceField(
        choices=learner_matcher_choices_or_first, required=False, **described(LMSBackend, "learner_matcher")
    )
    no_update_fields = forms.MultipleChoiceField(
        choices=protectable_field_choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        **described(LMSBackend, "no_update_fields"),
    )
    profile_links = LinesField(required=False, **described(LMSBackend, "profile_links"))
    sample_urls = LinesField(required=False, **described(LMSBackend, "sample_urls"))
    rejected_urls = LinesField(required=False, **described(LMSBackend, "rejected_urls"))

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False
        for name in ("backend", "js_backend", "learner_matcher"):
            self._keep_unregistered_choice(name)
        for name in ("course_regex", "js_course_regex"):
            if name in self.fields:
                self.fields[name].widget = PatternInput()
        if "submits_drafts" in self.fields and CourseRun.get_default_workflow() is None:
            note = _("Course runs have no workflow yet: assign them one under Settings → Workflows.")
            self.fields["submits_drafts"].help_text = format_html(
                "{} {}", self.fields["submits_drafts"].help_text, note
            )
        for name, explanation in EXPLANATIONS.items():
            if name in self.fields:
                field = self.fields[name]
                field.help_text = format_html("{} {}", field.help_text, help_link(*explanation))

    def _keep_unregistered_choice(self, name: str) -> None:
        """Show a stored name that the settings no longer offer; saving it is refused by the record."""
        stored, field = getattr(self.instance, name), self.fields[name]
        if stored and stored not in dict(field.choices):
            label = _("%(name)s (not offered by this site’s settings)") % {"name": stored}
            field.choices = [*field.choices, (stored, label)]

    def clean(self) -> dict[str, Any]:
        """Derive a free slug from the name where none was given."""
        cleaned_data = super().clean()
        if "slug" in cleaned_data and not cleaned_data["slug"] and cleaned_data.get("name"):
            cleaned_data["slug"] = free_slug(cleaned_data["name"])
        return cleaned_data


def free_slug(name: str) -> str:
    """Return a slug for the name that no backend has."""
    stem = slugify(name)[:90] or "lms"
    taken = set(LMSBackend.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    slug, number = stem, 2
    while slug in taken:
        slug, number = f"{stem}-{number}", number + 1
    return slug
