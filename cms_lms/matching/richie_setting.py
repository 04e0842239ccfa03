"""The shape of Richie's setting ``RICHIE_LMS_BACKENDS``, and what of it is which column of an ``LMSBackend``.

Reads and writes plain values; whether they are valid is for ``LMSBackend.full_clean()`` to say. A few keys
of our own stand beside Richie's, so that nothing is lost on the way out and back in.
Source of Richie's keys and names: its documentation, "LMS connection" and "Joanie connection".
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from cms_lms.conf import settings as lms_settings
from cms_lms.models import LMSBackend
from cms_lms.patterns.urls import InvalidURL, normalize_url
from cms_lms.settings_source.secret_names import names_a_secret


@dataclass(frozen=True)
class Remark:
    """Why an entry is refused, or what is to be known of it. ``entry`` counts from 1, 0 is the setting as a whole;
    ``key`` is blank for the entry as a whole.
    """

    entry: int
    key: str
    message: str | Promise

    def __str__(self) -> str:
        """Return the remark on one line: where, and what."""
        where = _("entry %(number)s") % {"number": self.entry} if self.entry else ""
        return ": ".join(str(part) for part in (where, self.shown_key, self.text) if part)

    def as_warning(self) -> str:
        """Return the remark on one line that says that it is a warning."""
        return str(replace(self, message=_("warning: %(text)s") % {"text": self.text}))

    def as_json(self) -> dict[str, Any]:
        """Return the remark in values that JSON knows."""
        return {"entry": self.entry, "key": self.key, "message": self.text}

    @property
    def text(self) -> str:
        """The message. It may quote a value: no terminal must obey it, and every page can be encoded."""
        return "".join(
            repr(character)[1:-1] if unicodedata.category(character) in ("Cc", "Cs") else character
            for character in str(self.message)
        )

    @property
    def shown_key(self) -> str:
        """The key. It is what the file says it is: quoted, it cannot speak to the terminal."""
        return self.key if not self.key or self.key.isidentifier() else json.dumps(self.key)


@dataclass(frozen=True)
class Key:
    """One key of an entry: the column it fills, and what its value must be.

    ``default`` is a callable that gives the column's value where the key is absent; None keeps what a known
    record has.
    """

    name: str
    field: str
    accepts: Callable[[Any], bool]
    expected: str | Promise
    default: Callable[[], Any] | None = None
    is_required: bool = False


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


_TEXT, _LIST, _BOOLEAN = _("a text"), _("a list of texts"), _("true or false")

KEYS = (
    # Ours.
    Key("NAME", "name", _is_text, _TEXT),
    Key("SLUG", "slug", _is_text, _TEXT),
    # Richie's.
    Key("BASE_URL", "base_url", _is_text, _TEXT, is_required=True),
    Key("BACKEND", "backend", _is_text, _TEXT, is_required=True),
    Key("COURSE_REGEX", "course_regex", _is_text, _TEXT, is_required=True),
    Key("JS_BACKEND", "js_backend", _is_text_or_null, _TEXT, default=str),
    Key("JS_COURSE_REGEX", "js_course_regex", _is_text_or_null, _TEXT, default=str),
    Key("DEFAULT_COURSE_RUN_SYNC_MODE", "default_sync_mode", _is_text_or_null, _TEXT, default=str),
    Key("COURSE_RUN_SYNC_NO_UPDATE_FIELDS", "no_update_fields", _is_list_of_text, _LIST, default=list),
    # Ours.
    Key("ENABLED", "is_enabled", _is_boolean, _BOOLEAN),
    Key("SAMPLE_URLS", "sample_urls", _is_list_of_text, _LIST),
    Key("REJECTED_URLS", "rejected_urls", _is_list_of_text, _LIST),
    Key("REQUIRE_STANDARD_WEBHOOKS", "requires_standard_webhooks", _is_boolean, _BOOLEAN),
    Key("SUBMIT_DRAFTS", "submits_drafts", _is_boolean, _BOOLEAN),
    Key("DRAFT_MAIL", "draft_mail", _is_text_or_null, _TEXT),
    Key("LEARNER_MATCHER", "learner_matcher", _is_text_or_null, _TEXT),
    Key("SHOW_SESSION", "shows_session", _is_boolean, _BOOLEAN),
    Key("PROFILE_LINKS", "profile_links", _is_list_of_text, _LIST),
)

_KEYS_BY_NAME = {key.name: key for key in KEYS}
_NAMES_BY_FIELD = {key.field: key.name for key in KEYS}

#: Richie's backend classes, and ours for the same kind of LMS.
RICHIE_BACKENDS = {
    "richie.apps.courses.lms.edx.EdXLMSBackend": "cms_lms.backends.openedx.OpenEdXBackend",
    "richie.apps.courses.lms.edx.TokenEdXLMSBackend": "cms_lms.backends.openedx.OpenEdXBackend",
    "richie.apps.courses.lms.joanie.JoanieBackend": "cms_lms.backends.joanie.JoanieBackend",
    "richie.apps.courses.lms.joanie.JoanieLMSBackend": "cms_lms.backends.joanie.JoanieBackend",
    "richie.apps.courses.lms.base.BaseLMSBackend": "cms_lms.backends.base.BaseLMSBackend",
}

#: Richie's names of JS backends that are called otherwise here.
RICHIE_JS_BACKENDS = {"dummy": "base"}

#: Keys that Richie 1 had, and their names since.
RENAMED_KEYS = {"SELECTOR_REGEX": "COURSE_REGEX", "JS_SELECTOR_REGEX": "JS_COURSE_REGEX"}


@dataclass
class ReadEntry:
    """The column values that an entry states, why some of it cannot be used, and what is to be known of the rest."""

    values: dict[str, Any] = field(default_factory=dict)
    refusals: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)


def read_entry(number: int, entry: Any, *, passes_over_secrets: bool = False) -> ReadEntry:
    """Read one entry of the setting.

    A column whose key is absent is absent unless the setting has a default for it. A key that names a secret is
    refused, since a file that states it lies around; ``passes_over_secrets`` is for Richie's own settings, where
    it had its place: it is left out with a warning.
    """
    read = ReadEntry()
    if not isinstance(entry, Mapping):
        message = _("An entry must be an object with the keys of one LMS backend.")
        read.refusals.append(Remark(number, "", message))
        return read
    for name in entry:
        if name in _KEYS_BY_NAME:
            continue
        if passes_over_secrets and names_a_secret(name):
            read.warnings.append(Remark(number, name, _("A secret is not imported. Enter it in the admin.")))
        else:
            read.refusals.append(Remark(number, name, _reason_for_refused_key(name)))
    for key in KEYS:
        if key.name not in entry:
            if key.is_required:
                read.refusals.append(Remark(number, key.name, _("This key is required.")))
            elif key.default is not None:
                read.values[key.field] = key.default()
        elif key.accepts(entry[key.name]):
            read.values[key.field] = "" if entry[key.name] is None else entry[key.name]
        else:
            read.refusals.append(Remark(number, key.name, _must_be(key.expected)))
    _translate_names(number, read)
    return read


def _must_be(expected: str | Promise) -> str:
    return _("The value must be %(expected)s.") % {"expected": expected}


def _reason_for_refused_key(name: str) -> str | Promise:
    if names_a_secret(name):
        return _("A secret has no place in this file and is not imported. Enter it in the admin.")
    if name in RENAMED_KEYS:
        return _("This key is called %(name)s since Richie 2. Rename it.") % {"name": RENAMED_KEYS[name]}
    return _("This key is unknown. The keys are: %(names)s.") % {"names": ", ".join(_KEYS_BY_NAME)}


def _translate_names(number: int, read: ReadEntry) -> None:
    path = read.values.get("backend")
    if path not in lms_settings.BACKENDS and path in RICHIE_BACKENDS:
        read.values["backend"] = RICHIE_BACKENDS[path]
        if read.values.get("js_backend") == "joanie":
            message = _("Its learners log in through another LMS backend: choose it in the backend’s form.")
            read.warnings.append(Remark(number, "JS_BACKEND", message))
    name = read.values.get("js_backend")
    if name not in lms_settings.JS_BACKENDS and name in RICHIE_JS_BACKENDS:
        read.values["js_backend"] = RICHIE_JS_BACKENDS[name]


def write_entry(record: LMSBackend) -> dict[str, Any]:
    """Return a record as an entry of the setting; ``read_entry`` gives the same column values back."""
    return {key.name: getattr(record, key.field) for key in KEYS}


def key_of_field(field: str) -> str:
    """Return the key that fills a column; blank for errors that are about no column."""
    return _NAMES_BY_FIELD.get(field, "")


def slug_stem(values: Mapping[str, Any]) -> str:
    """Return what identifies an entry that states no slug: its name, else the LMS's host and kind."""
    if name := slugify(values.get("name", "")):
        return name[:80]
    kind = values.get("backend", "").rpartition(".")[2].removesuffix("LMSBackend").removesuffix("Backend")
    return slugify(f"{host_of(values.get('base_url', ''))} {kind}".replace(".", "-").replace(":", "-"))[:80]


def host_of(base_url: str) -> str:
    """Return host and port of a base URL, a word in their place for what is no URL."""
    try:
        return normalize_url(base_url).split("://", 1)[1].partition("/")[0]
    except InvalidURL:
        return "lms"
