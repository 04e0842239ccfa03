"""What can be told of the LMS backends without the network: from their records and the site's settings alone.

For a site that is about to go public. What only a call can tell is examined by ``connection``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from cms_lms.backends.addresses import private_networks, refusal, way_out
from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.learner_matchers import problem_of_learner_matcher
from cms_lms.backends.registry import UnknownBackend, get_js_module
from cms_lms.backends.same_site import is_ip_address, is_same_site
from cms_lms.conf import settings as lms_settings
from cms_lms.matching.connection import known_origins, stored_credentials
from cms_lms.models import CourseRun, LMSBackend
from cms_lms.models.stored_secret import SecretUnavailable
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.urls import InvalidURL, normalize_base_url


@dataclass(frozen=True)
class Problem:
    """Something that will not work in public. ``code`` never changes."""

    code: str
    message: str
    hint: str
    is_error: bool = False


def problems_of_backends() -> Iterator[Problem]:
    """Look at all that are enabled, in their order."""
    origins = known_origins()
    records = list(LMSBackend.objects.enabled())
    if any(record.get_config().is_called_by_browsers for record in records):
        yield from _problems_of_pages(origins)
    for record in records:
        yield from _problems_of(record, origins)


def _problems_of_pages(origins: list[str]) -> Iterator[Problem]:
    bare = [origin for origin in origins if not origin.startswith("https://")]
    if bare:
        yield Problem(
            "pages",
            f"Wagtail’s sites are at {', '.join(bare)}: browsers keep the cookies of an LMS from pages without https.",
            "Serve the site over https, and enter host and port 443 under Settings → Sites.",
        )


def _problems_of(record: LMSBackend, origins: list[str]) -> Iterator[Problem]:
    name = f"The LMS backend {record.slug}"
    try:
        backend = record.get_backend()
        backend.course_regex  # noqa: B018  (compiled here, so that it fails here)
    except UnknownBackend:
        yield Problem(
            "class",
            f"{name} has a class that this site does not have: {record.backend}. It takes no part in matching.",
            "Install its package and name it in CMS_LMS_BACKENDS, or choose another class for the backend.",
            is_error=True,
        )
        return
    except InvalidPattern as error:
        yield Problem(
            "pattern",
            f"{name} has a course regex that is not valid: {error} It takes no part in matching.",
            "Correct the pattern in the backend’s form.",
            is_error=True,
        )
    else:
        if type(backend) is BaseLMSBackend:
            yield Problem(
                "development",
                f"{name} has the class for development, which speaks to no LMS.",
                "Choose the class of the LMS, or disable the backend.",
            )
    try:
        address = normalize_base_url(record.base_url, allow_insecure=True)
    except InvalidURL as error:
        yield Problem(
            "address",
            f"{name} has a base URL that is not valid: {error}",
            "Correct the base URL in the backend’s form.",
            is_error=True,
        )
        return
    yield from _problems_of_address(name, address)
    yield from _problems_of_credentials(name, record)
    yield from _problems_of_server(name, record)
    yield from _problems_of_browsers(name, address, record, origins)
    if record.submits_drafts and CourseRun.get_default_workflow() is None:
        yield Problem(
            "no_workflow",
            f"{name} submits its drafts to moderation, but course runs have no workflow: the drafts only wait.",
            "Assign a workflow to course runs under Settings → Workflows, or let the backend submit nothing.",
        )


def _problems_of_address(name: str, address: str) -> Iterator[Problem]:
    if address.startswith("http:"):
        yield Problem(
            "insecure",
            f"{name} calls {address} without encryption: credentials and cookies can be read on the way.",
            "Let the LMS serve https, and let the base URL start with https://.",
        )
    host = (urlsplit(address).hostname or "").strip("[]")
    if is_ip_address(host):
        owner = refusal(ip_address(host), private_networks(lms_settings.PRIVATE_NETWORKS))
        if owner is not None:
            yield Problem(
                "private",
                f"{name} has the address {host}, which belongs to {owner}: the server does not call it.",
                str(way_out(owner)),
            )


def _problems_of_credentials(name: str, record: LMSBackend) -> Iterator[Problem]:
    try:
        usable = stored_credentials(record)
    except SecretUnavailable as error:
        yield Problem("credentials", f"{name}: {error}", "Check the credentials of the backend.", is_error=True)
        return
    asked_for = [field.name for field in record.get_backend().credential_fields]
    if record.credentials.filter(name__in=[field for field in asked_for if field not in usable]).exists():
        yield Problem(
            "other_address",
            f"{name} has credentials that were entered for another address. They are not sent to this one.",
            "Enter them again in the backend’s form, or clear them.",
        )


def _problems_of_server(name: str, record: LMSBackend) -> Iterator[Problem]:
    """Look at what learners need who enroll through this site's server."""
    if not record.get_config().is_called_by_server:
        return
    if record.get_backend().credential_fields and not record.credentials.exists():
        yield Problem(
            "no_credentials",
            f"{name} enrolls learners through this site’s server, which has no credentials for it.",
            "Enter API credentials in the backend’s form.",
        )
    problem = problem_of_learner_matcher(record.learner_matcher)
    if problem:
        yield Problem("learners", f"{name} finds no learners. {problem}", "Choose another way in the backend’s form.")


def _problems_of_browsers(name: str, address: str, record: LMSBackend, origins: list[str]) -> Iterator[Problem]:
    if record.js_backend:
        try:
            get_js_module(record.js_backend)
        except UnknownBackend:
            yield Problem(
                "js_backend",
                f"{name} has a JS backend that this site does not have: {record.js_backend}.",
                "Name its module in CMS_LMS_JS_BACKENDS, or choose another in the backend’s form.",
                is_error=True,
            )
            return
    if not record.get_config().is_called_by_browsers:
        return
    lms = urlsplit(address).hostname or ""
    strangers = [origin for origin in origins if not is_same_site(urlsplit(origin).hostname or "", lms)]
    if strangers:
        yield Problem(
            "siblings",
            f"{name} is at {lms}, which is no sibling of {', '.join(strangers)}: browsers keep back its cookies.",
            "Serve both below one domain of your own; or choose no JS backend, and pages show a plain link. If the "
            "addresses of this site are wrong, correct them under Settings → Sites.",
        )
