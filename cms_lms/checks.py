"""System checks: a wrong setting is found at start-up, with the fix in its hint."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.contrib.staticfiles import finders
from django.core import checks
from django.db import connections
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.module_loading import import_string
from wagtail.models import Site, WorkflowContentType

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.conf import PREFIX
from cms_lms.conf import settings as lms_settings
from cms_lms.enrollment.setting_checks import check_learner_settings
from cms_lms.matching.readiness import problems_of_backends
from cms_lms.models import BackendCredential, LMSBackend
from cms_lms.models.sync_secret import SyncSecret
from cms_lms.runs.fields import SyncMode
from cms_lms.sync.rate_limit import InvalidRate, Rate
from cms_lms.sync.retention import MIN_DAYS

#: A key that is guessed opens every secret.
MIN_KEY_LENGTH = 16

#: Variables that hold what is none of the editors' business, as sites usually name them.
FOREIGN_VARIABLES = (
    "SECRET_KEY",
    "DATABASE_URL",
    "CACHE_URL",
    "EMAIL_URL",
    "AWS_SECRET_ACCESS_KEY",
    "DJANGO_SECRET_KEY",
    f"{PREFIX}SYNC_SECRETS",
    f"{PREFIX}ENCRYPTION_KEYS",
)
MIN_VARIABLE_PREFIX_LENGTH = 8

#: Where machines of a cloud ask for their own credentials, and the link-local networks, where most of that is.
METADATA_NETWORKS = tuple(
    map(
        ipaddress.ip_network,
        ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32"),
    )
)


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
        *check_learner_settings(),
        *_check_insecure_urls(),
        *_check_limits(),
        *_check_intervals(),
        *_check_rates(),
        *_check_retention(),
        *_check_encryption_keys(),
        *_check_environment_prefix(),
        *_check_private_networks(),
        *_check_ca_bundle(),
        *_check_timeouts(),
        *_check_csp_report_uri(),
        *_check_count_threshold(),
        *_check_preview_template(),
    ]


@checks.register(checks.Tags.database)
def check_that_somebody_may_sign(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs
) -> list[checks.CheckMessage]:
    """Warn where neither the settings nor any LMS backend has a secret; asked when the database is, at ``migrate``."""
    alias = SyncSecret.objects.db
    if lms_settings.SYNC_SECRETS or lms_settings.in_development or alias not in (databases or ()):
        return []
    if SyncSecret._meta.db_table not in connections[alias].introspection.table_names():
        return []  # not migrated yet
    if SyncSecret.objects.live().filter(backend__is_enabled=True).exists():
        return []
    hint = f"Add a web hook secret to an LMS backend, or set {PREFIX}SYNC_SECRETS to a list with one for all of them."
    return [checks.Warning("There is no secret: every call of the web hook is refused.", hint=hint, id="cms_lms.W001")]


#: The ids of what ``problems_of_backends`` finds, by its codes.
BACKEND_IDS = {
    "class": "E023",
    "pattern": "E024",
    "address": "E025",
    "credentials": "E026",
    "js_backend": "E027",
    "development": "W005",
    "insecure": "W006",
    "private": "W007",
    "other_address": "W008",
    "pages": "W009",
    "siblings": "W010",
    "no_workflow": "W011",
    "no_credentials": "W012",
    "learners": "W013",
}


@checks.register("cms_lms", checks.Tags.database, deploy=True)
def check_backends(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs
) -> list[checks.CheckMessage]:
    """Look for what will not work in public in the backends' records: ``check --deploy --database default``."""
    alias = LMSBackend.objects.db
    if alias not in (databases or ()):
        return []
    tables = connections[alias].introspection.table_names()
    if not all(model._meta.db_table in tables for model in (LMSBackend, BackendCredential, Site, WorkflowContentType)):
        return []  # not migrated yet
    return [
        (checks.Error if problem.is_error else checks.Warning)(
            problem.message,
            hint=f"{problem.hint} “manage.py check_lms” then calls the LMSs and says more.",
            id=f"cms_lms.{BACKEND_IDS[problem.code]}",
        )
        for problem in problems_of_backends()
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
        else:
            yield from _check_js_connection(f"{name}[{key!r}]", entry.get("connection"))


def _check_js_connection(name: str, connection: Any) -> Iterator[checks.CheckMessage]:
    if connection is None:
        return
    if (
        not isinstance(connection, Mapping)
        or set(connection) != {"module", "template"}
        or not all(isinstance(path, str) for path in connection.values())
    ):
        hint = 'Set it to {"module": "path/below/static.js", "template": "path/of/template.html"}, or remove it.'
        yield _error(11, f"{name}['connection'] has not just a module and a template.", hint)
        return
    if apps.is_installed("django.contrib.staticfiles") and finders.find(connection["module"]) is None:
        hint = "Correct the module's path, or put the file into a folder that staticfiles finds."
        yield _error(
            12, f"{name}['connection'] names the static file {connection['module']!r}, which does not exist.", hint
        )
    try:
        get_template(connection["template"])
    except TemplateDoesNotExist:
        hint = "Correct the template's path, or put the file into a folder that Django finds."
        yield _error(
            12, f"{name}['connection'] names the template {connection['template']!r}, which does not exist.", hint
        )


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
    for name in ("SYNC_MAX_BODY_BYTES", "SYNC_MAX_ITEMS", "UNPLACED_RUNS_MAX", "MAX_RESPONSE_BYTES"):
        value = getattr(lms_settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            yield _error(14, f"{PREFIX}{name} is {value!r}.", f"Set {PREFIX}{name} to a whole number above 0.")


def _check_intervals() -> Iterator[checks.CheckMessage]:
    for name in ("COUNTER_REFRESH_SECONDS", "DRAFT_MAIL_SECONDS", "PAGE_CACHE_SECONDS"):
        value = getattr(lms_settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            hint = f"Set {PREFIX}{name} to a whole number of seconds, 0 for none at all."
            yield _error(31, f"{PREFIX}{name} is {value!r}.", hint)


def _check_rates() -> Iterator[checks.CheckMessage]:
    for name in ("SYNC_FAILURE_RATE", "SYNC_RATE", "ENROLLMENT_RATE"):
        value = getattr(lms_settings, name)
        if value is None:
            continue
        try:
            Rate.parse(value)
        except (InvalidRate, TypeError):
            hint = f'Set {PREFIX}{name} to a text such as "60/minute" (or second, hour, day), or to None for no limit.'
            yield _error(32, f"{PREFIX}{name} is {value!r}, which is no rate.", hint)
    name, value = f"{PREFIX}PROXY_COUNT", lms_settings.PROXY_COUNT
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        yield _error(33, f"{name} is {value!r}.", f"Set {name} to the number of the site’s own proxies, 0 for none.")


def _check_retention() -> Iterator[checks.CheckMessage]:
    name, days = f"{PREFIX}DELIVERY_RETENTION_DAYS", lms_settings.DELIVERY_RETENTION_DAYS
    if days is not None and (not isinstance(days, int) or isinstance(days, bool) or days < MIN_DAYS):
        hint = f"Set {name} to a whole number of days, at least {MIN_DAYS}, or to None to keep deliveries for ever."
        yield _error(34, f"{name} is {days!r}.", hint)


def _check_count_threshold() -> Iterator[checks.CheckMessage]:
    name, count = f"{PREFIX}ENROLLMENT_COUNT_THRESHOLD", lms_settings.ENROLLMENT_COUNT_THRESHOLD
    if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < 0):
        hint = f"Set {name} to a whole number of learners, or to None to show no numbers."
        yield _error(45, f"{name} is {count!r}.", hint)


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


def _check_csp_report_uri() -> Iterator[checks.CheckMessage]:
    name, uri = f"{PREFIX}CSP_REPORT_URI", lms_settings.CSP_REPORT_URI
    # It goes into a header, where these would begin something else.
    if not isinstance(uri, str) or (uri and not re.fullmatch(r"(https?://|/)[^\s;,\x00-\x1f\x7f]*", uri)):
        hint = f"Set {name} to one address or path, such as https://reports.example.com/csp, or remove it."
        yield _error(35, f"{name} is {uri!r}, which is no address.", hint)


def _check_encryption_keys() -> Iterator[checks.CheckMessage]:
    name, keys = f"{PREFIX}ENCRYPTION_KEYS", lms_settings.ENCRYPTION_KEYS
    if not isinstance(keys, (list, tuple)) or not all(isinstance(key, str) for key in keys):
        hint = f'Set {name} = ["the key"], or remove it: then SECRET_KEY is the key.'
        yield _error(16, f"{name} is not a list of strings.", hint)
    elif not all(len(key) >= MIN_KEY_LENGTH and key == key.strip() for key in keys):
        hint = (
            f"Make each key at least {MIN_KEY_LENGTH} characters long, without white space around it: "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))' prints a good one."
        )
        yield _error(17, f"{name} contains a key that is blank, too short or surrounded by white space.", hint)


def _check_environment_prefix() -> Iterator[checks.CheckMessage]:
    name, prefix = f"{PREFIX}SECRET_ENVIRONMENT_PREFIX", lms_settings.SECRET_ENVIRONMENT_PREFIX
    if not isinstance(prefix, str) or not re.fullmatch(r"[A-Z][A-Z0-9_]*", prefix, re.ASCII):
        hint = f'Use capital letters, digits and underscores, for example {name} = "CMS_LMS_SECRET_".'
        yield _error(18, f"{name} is {prefix!r}, which no name of a variable begins with.", hint)
        return
    covered = [variable for variable in FOREIGN_VARIABLES if variable.startswith(prefix)]
    if covered or len(prefix) < MIN_VARIABLE_PREFIX_LENGTH:
        what = f"also begins {', '.join(covered)}" if covered else "is so short that it may begin any variable's name"
        hint = (
            f"Choose a prefix of {MIN_VARIABLE_PREFIX_LENGTH} characters or more that only variables with secrets of "
            'LMSs begin with, such as "CMS_LMS_SECRET_": editors may send the values of these to an LMS.'
        )
        yield _error(19, f"{name} is {prefix!r}, which {what}.", hint)


def _check_private_networks() -> Iterator[checks.CheckMessage]:
    name, networks = f"{PREFIX}PRIVATE_NETWORKS", lms_settings.PRIVATE_NETWORKS
    if not isinstance(networks, (list, tuple)):
        yield _error(20, f"{name} is not a list of networks.", f'Set {name} = ["10.1.2.0/24"], or remove it.')
        return
    for text in networks:
        try:
            if not isinstance(text, str):
                raise ValueError(f"{text!r} is not a string")
            network = ipaddress.ip_network(text)
        except ValueError as error:
            hint = "Write networks in CIDR notation, with no bits set behind the prefix, such as 10.1.2.0/24."
            yield _error(20, f"{name} contains {text!r}, which is no network: {error}.", hint)
            continue
        if network.prefixlen == 0:
            hint = "Name only the networks that LMSs are in, each as narrow as can be."
            message = f"{name} contains {text}: the server can be made to call any address at all."
            yield checks.Warning(message, hint=hint, id="cms_lms.W003")
        elif any(network.version == other.version and network.overlaps(other) for other in METADATA_NETWORKS):
            hint = "Take it out, or name narrower networks: no LMS is at a link-local or metadata address."
            message = f"{name} contains {text}, where a cloud gives away this machine's own credentials."
            yield checks.Warning(message, hint=hint, id="cms_lms.W004")


def _check_ca_bundle() -> Iterator[checks.CheckMessage]:
    name, path = f"{PREFIX}CA_BUNDLE", lms_settings.CA_BUNDLE
    if path is not None and not (isinstance(path, (str, os.PathLike)) and Path(path).is_file()):
        hint = f"Correct the path, or remove {name} to trust the usual authorities."
        yield _error(21, f"{name} is {path!r}, which is no file.", hint)


def _check_timeouts() -> Iterator[checks.CheckMessage]:
    for name in ("CONNECT_TIMEOUT", "READ_TIMEOUT", "TOTAL_TIMEOUT"):
        value = getattr(lms_settings, name)
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < math.inf:
            yield _error(22, f"{PREFIX}{name} is {value!r}.", f"Set {PREFIX}{name} to a number of seconds above 0.")
