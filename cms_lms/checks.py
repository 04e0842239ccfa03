"""System checks: a wrong setting is found at start-up, with the fix in its hint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.contrib.staticfiles import finders
from django.core import checks
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.module_loading import import_string

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.conf import PREFIX
from cms_lms.conf import settings as lms_settings
from cms_lms.runs.fields import SyncMode


@checks.register("cms_lms")
def check_settings(app_configs: Any = None, **kwargs) -> list[checks.CheckMessage]:
    """Check every setting of conf.py, and the apps that cms_lms stands on."""
    return [
        *_check_apps(),
        *_check_secrets(),
        *_check_default_sync_mode(),
        *_check_languages(),
        *_check_backends(),
        *_check_js_backends(),
        *_check_insecure_urls(),
        *_check_limits(),
        *_check_preview_template(),
    ]


def _error(number: int, message: str, hint: str) -> checks.Error:
    return checks.Error(message, hint=hint, id=f"cms_lms.E{number:03}")


def _check_apps() -> Iterator[checks.CheckMessage]:
    for number, app in ((1, "wagtail.snippets"), (2, "rest_framework")):
        if not apps.is_installed(app):
            yield _error(number, f"{app} is not installed.", f'Add "{app}" to INSTALLED_APPS.')


def _check_secrets() -> Iterator[checks.CheckMessage]:
    name, secrets = f"{PREFIX}SYNC_SECRETS", lms_settings.SYNC_SECRETS
    if not isinstance(secrets, (list, tuple)) or not all(isinstance(secret, str) for secret in secrets):
        yield _error(3, f"{name} is not a list of strings.", f'Set {name} = ["the shared secret"].')
    elif not all(secret.strip() for secret in secrets):
        # An empty key signs as well as any other, and everybody knows it.
        yield _error(
            4, f"{name} contains an empty secret.", f"Remove it from {name}, or from the variable it is read from."
        )
    elif not secrets and not lms_settings.in_development:
        hint = f"Set {name} to a list with the secret that the LMS signs its calls with."
        yield checks.Warning(f"{name} is empty: every call of the web hook is refused.", hint=hint, id="cms_lms.W001")


def _check_default_sync_mode() -> Iterator[checks.CheckMessage]:
    name, mode = f"{PREFIX}DEFAULT_SYNC_MODE", lms_settings.DEFAULT_SYNC_MODE
    if mode not in SyncMode.values:
        yield _error(5, f"{name} is {mode!r}, which is no mode.", f"Set it to one of {', '.join(SyncMode.values)}.")


def _check_languages() -> Iterator[checks.CheckMessage]:
    name = f"{PREFIX}COURSE_LANGUAGES"
    languages = lms_settings.COURSE_LANGUAGES
    hint = f'Set {name} to pairs of code and label, for example [("en", "English")].'
    if not isinstance(languages, (list, tuple)) or not languages:
        yield _error(6, f"{name} is not a list of languages.", hint)
    elif not all(isinstance(entry, (list, tuple)) and len(entry) == 2 and entry[0] for entry in languages):
        yield _error(6, f"{name} has an entry that is no pair of code and label.", hint)


def _check_backends() -> Iterator[checks.CheckMessage]:
    name, paths = f"{PREFIX}BACKENDS", lms_settings.BACKENDS
    if not isinstance(paths, (list, tuple)) or not paths:
        yield _error(
            7, f"{name} is not a list of dotted paths.", f'Set {name} = ["path.to.YourBackend"], or remove it.'
        )
        return
    for path in paths:
        try:
            backend = import_string(path)
        except (ImportError, TypeError, AttributeError) as error:
            hint = f"Correct the path in {name}, or install the package it is in."
            yield _error(8, f"{name} names {path!r}, which cannot be imported: {error}.", hint)
            continue
        if not isinstance(backend, type) or not issubclass(backend, BaseLMSBackend):
            hint = "Derive the class from cms_lms.backends.base.BaseLMSBackend."
            yield _error(9, f"{name} names {path!r}, which is no LMS backend class.", hint)


def _check_js_backends() -> Iterator[checks.CheckMessage]:
    name, entries = f"{PREFIX}JS_BACKENDS", lms_settings.JS_BACKENDS
    hint = f'Set {name} to {{"name": {{"label": "Shown to editors", "module": "path/below/static.js"}}}}.'
    if not isinstance(entries, Mapping):
        yield _error(10, f"{name} is not a dict.", hint)
        return
    for key, entry in entries.items():
        if (
            not isinstance(key, str)
            or not key
            or not isinstance(entry, Mapping)
            or not {"label", "module"} <= set(entry)
        ):
            yield _error(11, f"{name}[{key!r}] has no label or no module.", hint)
        elif apps.is_installed("django.contrib.staticfiles") and finders.find(entry["module"]) is None:
            hint = "Correct the module's path, or put the file into a folder that staticfiles finds."
            yield _error(12, f"{name}[{key!r}] names the static file {entry['module']!r}, which does not exist.", hint)


def _check_insecure_urls() -> Iterator[checks.CheckMessage]:
    name = f"{PREFIX}ALLOW_INSECURE_URLS"
    if not isinstance(lms_settings.ALLOW_INSECURE_URLS, bool):
        yield _error(
            13, f"{name} is neither true nor false.", f"Set {name} to True or False, or to None to follow DEBUG."
        )
    elif lms_settings.ALLOW_INSECURE_URLS and not lms_settings.in_development:
        hint = f"Set {name} to False, unless every LMS is reached over a private network."
        message = f"{name} lets editors enter plain http addresses."
        yield checks.Warning(message, hint=hint, id="cms_lms.W002")


def _check_limits() -> Iterator[checks.CheckMessage]:
    for name in ("SYNC_MAX_BODY_BYTES", "SYNC_MAX_ITEMS"):
        value = getattr(lms_settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            yield _error(14, f"{PREFIX}{name} is {value!r}.", f"Set {PREFIX}{name} to a whole number above 0.")


def _check_preview_template() -> Iterator[checks.CheckMessage]:
    name = f"{PREFIX}PREVIEW_TEMPLATE"
    template = lms_settings.PREVIEW_TEMPLATE
    try:
        if isinstance(template, str):
            get_template(template)
            return
    except TemplateDoesNotExist:
        pass
    yield _error(15, f"{name} is {template!r}, which is no template.", f"Correct {name}, or remove it.")
