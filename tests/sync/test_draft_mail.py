"""Mails to publishers about drafts: at once or as a digest, each run told once, nothing lost with a mail server."""

from __future__ import annotations

import smtplib

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from wagtail.users.models import UserProfile

from cms_lms.models import CourseRun, LMSBackend
from cms_lms.sync.draft_mail import MAX_LISTED
from tests.admin.browsing import url
from tests.admin.conftest import make_client
from tests.factories import make_backend, make_course
from tests.sync.payloads import LINK, link, payload

pytestmark = pytest.mark.django_db

BASE_URL = "https://cms.example.com"


class FailingBackend(EmailBackend):
    """A mail server that takes no mail for one address, and says so by naming it."""

    def send_messages(self, messages):
        """Refuse one, take the others."""
        for message in messages:
            if "refused@example.com" in message.to:
                raise smtplib.SMTPRecipientsRefused({"refused@example.com": (550, b"no such refused@example.com")})
        return super().send_messages(messages)


@pytest.fixture(autouse=True)
def _site(settings):
    settings.WAGTAILADMIN_BASE_URL = BASE_URL
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def at_once(db) -> LMSBackend:
    """A backend whose drafts are told of at once."""
    make_course(code="DemoX", title="Demonstration")
    return make_backend(name="Campus", default_sync_mode="sync_to_draft", draft_mail="at_once")


@pytest.fixture
def daily(db) -> LMSBackend:
    """A backend whose drafts are told of by the digest."""
    make_course(code="DemoX", title="Demonstration")
    return make_backend(name="Campus", default_sync_mode="sync_to_draft", draft_mail="daily")


@pytest.fixture
def publisher(db):
    return make_client("Course publishers", email="publisher@example.com", first_name="Ada")


def send_digest() -> list:
    """Send the digest and return the mails that it made."""
    mail.outbox.clear()
    call_command("send_draft_digest")
    return mail.outbox


def prefer(client, **preferences) -> None:
    """Set what a user prefers."""
    UserProfile.objects.update_or_create(user=client.user, defaults=preferences)


def test_one_mail_a_call_tells_of_each_run_what_changes(at_once, post, publisher):
    post([payload(), payload(resource_link=link("R2"))])
    CourseRun.objects.get(resource_link=LINK).get_latest_revision().publish()
    cache.clear()
    mail.outbox.clear()

    post([payload(end="2027-07-31T22:00:00Z"), payload(resource_link=link("R3"))])

    (message,) = mail.outbox
    assert (message.subject, message.to) == ("2 course runs wait for publication", ["publisher@example.com"])
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    html = message.alternatives[0].content
    for text in (message.body, html):
        assert "Ada" in text
        assert "Campus" in text
        assert "Demonstration" in text
        assert f"{BASE_URL}{url(CourseRun, 'waiting')}" in text
        for run in CourseRun.objects.exclude(resource_link=link("R2")):
            assert f"{BASE_URL}{url(CourseRun, 'edit', run.pk)}" in text
        assert "R2" not in text
    assert "Course end: June 30, 2027, 10 p.m. → July 31, 2027, 10 p.m." in message.body
    assert "<del>June 30, 2027, 10 p.m.</del> → <ins>July 31, 2027, 10 p.m.</ins>" in html


def test_a_repeat_and_a_public_change_tell_nothing(at_once, post, publisher):
    post(payload())
    mail.outbox.clear()
    cache.clear()
    post(payload())
    CourseRun.objects.update(sync_mode="sync_to_public", live=True)
    post(payload(end=None))
    assert mail.outbox == []


def test_hundreds_of_single_calls_make_one_mail_and_the_next_one_tells_the_rest(at_once, post, publisher):
    for number in range(10):
        post(payload(resource_link=link(f"R{number}")))
    assert [message.subject for message in mail.outbox] == ["A course run waits for publication"]

    assert [message.subject for message in send_digest()] == ["9 course runs wait for publication"]
    assert send_digest() == []

    cache.clear()  # the interval is over
    post(payload(resource_link=link("R0"), end=None))
    assert [message.subject for message in mail.outbox] == ["A course run waits for publication"]


def test_each_call_may_send_one_without_an_interval(at_once, post, publisher, settings):
    settings.CMS_LMS_DRAFT_MAIL_SECONDS = 0
    for number in range(3):
        post(payload(resource_link=link(f"R{number}")))
    assert len(mail.outbox) == 3


def test_the_digest_tells_each_draft_once_until_it_changes_again(daily, post, publisher):
    post(payload())
    assert mail.outbox == []
    assert len(send_digest()) == 1
    assert send_digest() == []
    post(payload(enrollment_count=100))
    assert send_digest() == []
    post(payload(end=None))
    assert len(send_digest()) == 1


def test_what_was_published_or_taken_back_is_not_told(daily, post, publisher):
    post(payload())
    CourseRun.objects.get().get_latest_revision().publish()
    assert send_digest() == []
    post(payload(end=None))
    post(payload())
    assert send_digest() == []


def test_a_backend_that_wants_no_mail_sends_none(post, publisher):
    make_course(code="DemoX")
    make_backend(default_sync_mode="sync_to_draft")
    post(payload())
    assert (mail.outbox, send_digest()) == ([], [])


def test_who_is_told(daily, post, publisher, settings):
    make_client("Course editors", email="editor@example.com")
    make_client(superuser=True, email="root@example.com")
    make_client("Course publishers", username="gone", email="gone@example.com", is_active=False)
    make_client("Course publishers", username="silent", email="")
    uninterested = make_client("Course publishers", username="uninterested", email="uninterested@example.com")
    prefer(uninterested, submitted_notifications=False)
    post(payload())
    assert sorted(message.to[0] for message in send_digest()) == ["publisher@example.com", "root@example.com"]

    settings.WAGTAILADMIN_NOTIFICATION_INCLUDE_SUPERUSERS = False
    post(payload(end=None))
    assert [message.to for message in send_digest()] == [["publisher@example.com"]]


def test_nobody_to_tell_loses_nothing(daily, post):
    post(payload())
    assert send_digest() == []
    make_client("Course publishers", email="publisher@example.com")
    assert len(send_digest()) == 1


def test_each_reads_in_her_language_and_time_zone_whoever_is_served(daily, post, publisher):
    other = make_client("Course publishers", username="other", email="other@example.com")
    prefer(other, preferred_language="fr", current_time_zone="Asia/Tokyo")
    post(payload())
    CourseRun.objects.get().get_latest_revision().publish()
    post(payload(end="2027-07-31T22:00:00Z"))

    english, french = send_digest()

    assert "10 p.m." in english.body
    assert "Times are in the time zone UTC." in english.body
    assert "1 août 2027 07:00" in french.body
    assert "Asia/Tokyo" in french.body
    assert 'lang="fr"' in french.alternatives[0].content


def test_a_sender_in_another_language_changes_nothing(at_once, post, publisher):
    post(payload(), HTTP_ACCEPT_LANGUAGE="fr")
    (message,) = mail.outbox
    assert message.subject == "A course run waits for publication"
    assert "Hello Ada" in message.body


def test_no_value_of_an_lms_gets_into_the_headers_or_becomes_markup(at_once, post, publisher):
    nasty = "10 %\r\nBcc: everybody@example.com\r\n\r\n<script>alert(1)</script> & more"
    assert post(payload(discount=nasty)).status_code == 200
    (message,) = mail.outbox
    sent = message.message()
    assert sent["Bcc"] is None
    assert "\n" not in sent["Subject"]
    assert "<script>" not in message.alternatives[0].content
    assert "& more" in message.body


def test_a_long_digest_lists_some_and_counts_the_rest(daily, post, publisher, django_assert_max_num_queries):
    count = MAX_LISTED + 3
    post([payload(resource_link=link(f"R{number}")) for number in range(count)])
    with django_assert_max_num_queries(25):
        (message,) = send_digest()
    assert message.subject == f"{count} course runs wait for publication"
    assert message.body.count("/edit/") == MAX_LISTED
    assert "3 more are not listed here." in message.body
    assert send_digest() == []


def test_a_mail_server_that_is_down_loses_nothing_and_never_reaches_the_sender(
    at_once, post, publisher, settings, caplog
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", 9
    assert post(payload()).status_code == 200
    with pytest.raises(CommandError, match="No mail could be sent"):
        call_command("send_draft_digest")

    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert len(send_digest()) == 1
    assert "ConnectionRefusedError" in caplog.text
    assert "@example.com" not in caplog.text


def test_an_address_that_is_refused_keeps_nothing_from_the_others(daily, post, publisher, settings, caplog):
    make_client("Course publishers", username="refused", email="refused@example.com")
    settings.EMAIL_BACKEND = f"{__name__}.FailingBackend"
    post(payload())
    assert [message.to for message in send_digest()] == [["publisher@example.com"]]
    assert send_digest() == []
    assert "SMTPRecipientsRefused" in caplog.text
    assert "@example.com" not in caplog.text


def test_a_reader_who_may_not_edit_gets_no_link_to_the_form(at_once, post, publisher):
    group = publisher.user.groups.get()
    group.permissions.remove(group.permissions.get(codename="change_courserun"))
    post(payload())
    (message,) = mail.outbox
    assert "/edit/" not in message.body
    assert "Demonstration" in message.body
