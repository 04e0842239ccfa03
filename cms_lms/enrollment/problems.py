"""Why a learner cannot enroll in a run on its page, in words for staff: shown in previews, never to the public.

Knows the configuration in force and the records that are disabled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.enrollment import Capability
from cms_lms.backends.registry import UnknownBackend, get_js_module
from cms_lms.matching.handler import LMSHandler
from cms_lms.models import LMSBackend
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.urls import InvalidURL, normalize_url


@dataclass(frozen=True)
class PanelProblem:
    """What keeps a panel from working. ``code`` never changes."""

    code: str
    message: str


def find_problem(resource_link: str) -> PanelProblem | None:
    """Return what is wrong with a run's link or with its LMS backend, None where nothing is.

    A backend without a JS backend is no problem where the link is a page for learners: it was chosen so.
    """
    try:
        normalized_url = normalize_url(resource_link)
    except InvalidURL as error:
        return _problem("link", gettext("The resource link is not valid: %(reason)s"), reason=error.message)
    backend = LMSHandler.select_lms(resource_link)
    if backend is None:
        return _problem_without_backend(normalized_url)
    name, js_backend = backend.config.name, backend.config.js_backend
    if not backend.extract_from_normalized(normalized_url):
        message = gettext("The course regex of the LMS backend “%(name)s” finds no course id in the resource link.")
        return _problem("course-id", message, name=name)
    if js_backend:
        try:
            get_js_module(js_backend)
        except UnknownBackend:
            message = gettext(
                "The JS backend “%(js_backend)s” of the LMS backend “%(name)s” is not installed on this site."
            )
            return _problem("js-backend", message, js_backend=js_backend, name=name)
        return _problem_of_login(backend)
    elif backend.learner_url(resource_link) is None:
        message = gettext(
            "The LMS backend “%(name)s” has no JS backend, and the resource link is no page for learners."
        )
        return _problem("no-page", message, name=name)
    return None


def _problem_of_login(backend: BaseLMSBackend) -> PanelProblem | None:
    """Return why nobody can be enrolled by what is installed: who learners are is asked elsewhere, or by the server."""
    name, login = backend.config.name, backend.config.login_backend
    if login and LMSHandler.find(login) is None:
        message = gettext(
            "The LMS backend “%(login)s”, where learners of the LMS backend “%(name)s” log in, is disabled or gone."
        )
        return _problem("login-backend", message, login=login, name=name)
    if backend.config.is_called_by_server and Capability.ENROLL not in backend.capabilities:
        message = gettext("The class of the LMS backend “%(name)s” cannot enroll learners from this site’s server.")
        return _problem("server", message, name=name)
    return None


def _problem_without_backend(normalized_url: str) -> PanelProblem:
    for record in LMSBackend.objects.filter(is_enabled=False).in_order():
        if _matches(record, normalized_url):
            message = gettext("The LMS backend “%(name)s”, which owns the resource link, is disabled.")
            return _problem("disabled", message, name=record.name)
    return _problem("no-backend", gettext("No LMS backend owns the resource link."))


def _matches(record: LMSBackend, normalized_url: str) -> bool:
    try:
        backend: BaseLMSBackend = record.get_backend()
        return backend.course_regex.matches(normalized_url)
    except (UnknownBackend, InvalidPattern):
        return False


def _problem(code: str, message: str, **values: Any) -> PanelProblem:
    return PanelProblem(code, message % values)
