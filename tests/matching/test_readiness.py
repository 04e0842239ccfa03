"""``check --deploy --database default``: what will not work in public is found in the records, without a call."""

from __future__ import annotations

import io
import socket

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.utils import timezone
from wagtail.models import Site

from cms_lms.checks import check_backends
from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, LMSBackend
from tests.factories import OPENEDX, make_backend

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _public_site(monkeypatch):
    """A site at cms.example.com; nobody is called."""
    Site.objects.update(hostname="cms.example.com", port=443)
    monkeypatch.setattr(socket, "getaddrinfo", None)


def found() -> dict[str, str]:
    """Return the ids of what the deployment checks find in the backends, with what they say."""
    return {message.id.removeprefix("cms_lms."): f"{message.msg} {message.hint}" for message in all_found()}


def all_found() -> list:
    messages = run_checks(include_deployment_checks=True, databases=["default"])
    return [message for message in messages if (message.id or "").startswith("cms_lms.")]


def test_a_backend_that_is_ready():
    make_backend(slug="campus")
    assert found() == {}


@pytest.mark.parametrize(
    ("changes", "expected_id", "message"),
    [
        ({"base_url": "http://lms.example.com"}, "W006", "calls http://lms.example.com without encryption"),
        ({"backend": "no.such.Class"}, "E023", "a class that this site does not have: no.such.Class"),
        ({"course_regex": "("}, "E024", "a course regex that is not valid"),
        ({"base_url": "lms.example.com"}, "E025", "must start with https://"),
        ({"js_backend": "openedx-2030"}, "E027", "openedx-2030"),
        ({"backend": "cms_lms.backends.base.BaseLMSBackend"}, "W005", "speaks to no LMS"),
        ({"base_url": "https://lms.example.org"}, "W010", "no sibling of https://cms.example.com"),
        ({"submits_drafts": True}, "W011", "submits its drafts to moderation"),
        ({"base_url": "https://10.1.2.3", "js_backend": ""}, "W007", "10.1.2.3, which belongs to a private network"),
        ({"base_url": "https://[::1]", "js_backend": "base"}, "W007", "this server itself"),
    ],
)
def test_what_is_not_ready_is_named(changes, expected_id, message):
    make_backend(slug="campus")
    LMSBackend.objects.update(**changes)
    messages = found()
    assert list(messages) == [expected_id]
    assert "The LMS backend campus " in messages[expected_id]
    assert message in messages[expected_id]
    assert "“manage.py check_lms”" in messages[expected_id]


def test_disabled_backends_are_left_alone():
    make_backend(is_enabled=False)
    LMSBackend.objects.update(base_url="http://lms.example.com", backend="no.such.Class")
    assert found() == {}


def test_a_private_address_that_the_settings_allow(settings):
    settings.CMS_LMS_PRIVATE_NETWORKS = ["10.1.2.0/24"]
    make_backend(js_backend="", base_url="https://10.1.2.3")
    assert found() == {}


def test_pages_without_https_matter_where_browsers_call_an_lms():
    Site.objects.update(hostname="localhost", port=80)
    backend = make_backend()
    assert "http://localhost" in found()["W009"]
    LMSBackend.objects.filter(pk=backend.pk).update(js_backend="")
    assert found() == {}
    LMSBackend.objects.filter(pk=backend.pk).update(js_backend="base")
    assert found() == {}


def store(backend: LMSBackend, secret: str) -> None:
    field = backend.get_backend().credential_fields[0]
    credential = BackendCredential(
        backend=backend, name=field.name, origin="https://lms.example.com", changed_at="2026-01-01T00:00:00Z"
    )
    credential.set_secret(Secret(secret))
    credential.save()


def test_credentials(settings, monkeypatch):
    backend = make_backend(slug="campus", backend=OPENEDX)
    store(backend, "hunter2-hunter2")
    assert found() == {}
    settings.CMS_LMS_ENCRYPTION_KEYS = ["another key, and long enough"]
    messages = found()
    assert (list(messages), "cannot be decrypted" in messages["E026"]) == (["E026"], True)
    BackendCredential.objects.all().delete()
    monkeypatch.setenv("CMS_LMS_SECRET_KEY_OF_CAMPUS", "hunter2-hunter2")
    store(backend, "env:CMS_LMS_SECRET_KEY_OF_CAMPUS")
    assert found() == {}
    monkeypatch.delenv("CMS_LMS_SECRET_KEY_OF_CAMPUS")
    assert "CMS_LMS_SECRET_KEY_OF_CAMPUS is not set" in found()["E026"]


def test_credentials_of_another_address():
    backend = make_backend(slug="campus", backend=OPENEDX)
    store(backend, "hunter2-hunter2")
    LMSBackend.objects.update(base_url="https://new.example.com")
    messages = found()
    assert (list(messages), "entered for another address" in messages["W008"]) == (["W008"], True)


def test_everything_at_once_shows_no_secret(settings):
    store(make_backend(slug="campus", backend=OPENEDX), "hunter2-hunter2")
    settings.CMS_LMS_ENCRYPTION_KEYS = ["another key, and long enough"]
    assert "hunter2" not in str(all_found())


def test_the_command():
    make_backend(slug="campus")
    LMSBackend.objects.update(base_url="http://lms.example.com")
    err = io.StringIO()
    call_command("check", deploy=True, databases=["default"], stderr=err, stdout=io.StringIO())
    assert "(cms_lms.W006) The LMS backend campus calls http://lms.example.com" in err.getvalue()


def test_the_database_is_asked_only_when_it_is_named(monkeypatch):
    make_backend()
    LMSBackend.objects.update(base_url="http://lms.example.com")
    assert check_backends() == []
    assert check_backends(databases=["other"]) == []
    assert [message.id for message in run_checks(databases=["default"]) if "cms_lms" in (message.id or "")] == []
    monkeypatch.setattr(BackendCredential._meta, "db_table", "not_there_yet")
    assert check_backends(databases=["default"]) == []


def test_a_backend_whose_learners_this_server_enrolls(settings):
    backend = make_backend(js_backend="server")
    assert list(found()) == ["W012"]
    BackendCredential.objects.store(backend, "api_key", Secret("the key"), now=timezone.now())
    assert found() == {}
    settings.CMS_LMS_LEARNER_ID_NUMBER_FIELD = "last_name"
    backend.learner_matcher = "id_number"
    backend.save()
    settings.CMS_LMS_LEARNER_ID_NUMBER_FIELD = "id_number"
    assert "The users of this site have no “id_number”" in found()["W013"]
