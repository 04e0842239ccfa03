"""From a record, saved or not, to the examination of its connection."""

from __future__ import annotations

import pytest
from wagtail.models import Site

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.connection import ConnectionCheck, Finding, Visit
from cms_lms.backends.credentials import CredentialField
from cms_lms.encryption import Secret
from cms_lms.matching.connection import visit_backend
from cms_lms.models import BackendCredential, LMSBackend
from tests.factories import make_backend

pytestmark = pytest.mark.django_db


class Telling(ConnectionCheck):
    """Tells what it was given."""

    name = "telling"
    title = "Telling"
    seen: list[Visit] = []

    def run(self, visit: Visit) -> Finding:
        self.seen.append(visit)
        return self.passed()


class TellingBackend(BaseLMSBackend):
    credential_fields = (CredentialField("key", "Key"), CredentialField("other", "Other"))
    connection_checks = (Telling,)


TELLING = f"{__name__}.TellingBackend"


@pytest.fixture(autouse=True)
def _registered(settings):
    settings.CMS_LMS_BACKENDS = [TELLING]
    Telling.seen = []


def seen(record: LMSBackend, **options) -> Visit:
    assert [finding.status for finding in visit_backend(record, **options)] == ["passed"]
    (visit,) = Telling.seen
    return visit


def unfit(record: LMSBackend) -> Finding:
    (finding,) = visit_backend(record)
    assert (finding.name, finding.status) == ("configuration", "failed")
    assert finding.fix
    return finding


def store(backend: LMSBackend, name: str, text: str, origin: str) -> None:
    credential = BackendCredential(backend=backend, name=name, origin=origin, changed_at="2026-01-01T00:00:00Z")
    credential.set_secret(Secret(text))
    credential.save()


def test_a_record_that_was_never_saved_is_visited_at_the_address_as_typed():
    record = LMSBackend(slug="new", base_url="https://LMS.example.com:443/lms/", backend=TELLING, course_regex="(")
    visit = seen(record)
    assert visit.config.base_url == "https://lms.example.com/lms"
    assert visit.credentials == {}
    assert visit.extract_course_id("https://lms.example.com/courses/x") is None


def test_the_credentials_are_those_of_the_address():
    backend = make_backend(backend=TELLING)
    store(backend, "key", "one", "https://lms.example.com")
    store(backend, "other", "two", "https://elsewhere.example.com")
    assert seen(backend).credentials == {"key": Secret("one")}


def test_no_credentials_go_to_another_address():
    backend = make_backend(backend=TELLING)
    store(backend, "key", "one", "https://lms.example.com")
    backend.base_url = "https://elsewhere.example.com"
    assert seen(backend).credentials == {}


def test_credentials_that_were_just_typed():
    typed = {"key": Secret("typed")}
    assert seen(make_backend(backend=TELLING), credentials=typed).credentials == typed


def test_credentials_that_cannot_be_had(settings):
    backend = make_backend(backend=TELLING)
    store(backend, "key", "one", "https://lms.example.com")
    settings.CMS_LMS_ENCRYPTION_KEYS = ["another"]
    finding = unfit(backend)
    assert "cannot be decrypted" in finding.cause
    assert Telling.seen == []


def test_the_origins_are_those_of_the_sites_the_default_first():
    root = Site.objects.get().root_page
    Site.objects.all().delete()
    Site.objects.create(hostname="second.example.com", port=443, root_page=root)
    Site.objects.create(hostname="first.example.com", port=8000, root_page=root, is_default_site=True)
    Site.objects.create(hostname="not a host", port=80, root_page=root)
    assert seen(make_backend(backend=TELLING)).site_origins == [
        "http://first.example.com:8000",
        "https://second.example.com",
    ]


def test_the_origins_may_be_said():
    backend = make_backend(backend=TELLING)
    assert seen(backend, site_origins=["https://cms.example.com"]).site_origins == ["https://cms.example.com"]


def test_the_time_is_the_sites():
    visit = seen(make_backend(backend=TELLING))
    assert visit.now().tzinfo is not None


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("ftp://lms.example.com", "must start with https://"),
        ("", "must start with https://"),
        ("https://user:password@lms.example.com", "must not contain a user name"),
        ("https://lms.example.com/?a=b", "must not have a query"),
        ("https://" + "a" * 3000, "longer than"),
    ],
)
def test_an_address_that_is_none(url, cause):
    assert cause in unfit(LMSBackend(slug="new", base_url=url, backend=TELLING)).cause


def test_a_class_that_is_not_this_sites():
    finding = unfit(LMSBackend(slug="new", base_url="https://lms.example.com", backend="os.path"))
    assert finding.cause == "The backend class “os.path” is not one of this site’s."


def test_a_class_that_cannot_be_imported(settings):
    settings.CMS_LMS_BACKENDS = ["tests.nowhere.Backend"]
    finding = unfit(LMSBackend(slug="new", base_url="https://lms.example.com", backend="tests.nowhere.Backend"))
    assert "cannot be imported" in finding.cause
    assert "nowhere" in finding.cause
