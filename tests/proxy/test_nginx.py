"""Course pages in a real shared cache: kept for everybody, until what they say ceases to be true, and never longer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import requests
from django.conf import settings as django_settings
from django.utils import timezone

from cms_lms.models import CourseRun
from tests.admin.conftest import make_client
from tests.catalog.makers import make_course_page, make_index_page
from tests.factories import make_run
from tests.nginx import open_nginx

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def nginx(live_server, tmp_path) -> Iterator[str]:
    """The address of nginx in front of the site."""
    with open_nginx(live_server.url, tmp_path) as address:
        yield address


@pytest.fixture
def page(transactional_db):
    """The page of a course without runs."""
    return make_course_page(make_run(start=None, end=None).course, parent=make_index_page())


def get(address: str, cookies: dict[str, str] | None = None, **headers: str) -> tuple[str, requests.Response]:
    """Ask as a new browser does; return what the cache says of its answer, and the answer."""
    response = requests.get(address, cookies=cookies, headers=headers, timeout=10)
    return response.headers.get("X-Cache-Status", ""), response


def poll(address: str, until: datetime) -> Iterator[tuple[datetime, str, requests.Response]]:
    """Ask again and again until a moment; give when each question was asked, and its answer."""
    while (asked := timezone.now()) < until:
        yield asked, *get(address)
        # The clock itself is what this looks at.
        threading.Event().wait(0.05)


def poll_past(address: str, deadline: datetime) -> Iterator[tuple[datetime, str, requests.Response]]:
    """As ``poll``, until the cache keeps what comes after a deadline."""
    for asked, status, answer in poll(address, until=deadline + timedelta(seconds=30)):
        yield asked, status, answer
        if asked >= deadline and status == "HIT":
            return


def test_a_page_is_kept_until_its_deadline_and_not_a_moment_longer(nginx, live_server):
    """The one test that watches the clock: enrollment ends in a few seconds."""
    now = timezone.now()
    run = make_run(
        start=now + timedelta(days=20),
        end=now + timedelta(days=40),
        enrollment_start=now - timedelta(days=1),
        enrollment_end=now + timedelta(days=10),
    )
    path = make_course_page(run.course, parent=make_index_page()).url
    get(live_server.url + path)  # What is slow the first time.
    deadline = timezone.now() + timedelta(seconds=8)
    CourseRun.objects.filter(pk=run.pk).update(enrollment_end=deadline)
    answers = list(poll_past(nginx + path, deadline))
    hits = [asked for asked, status, _answer in answers if status == "HIT"]
    before = {answer.headers["ETag"] for asked, _status, answer in answers if asked + answer.elapsed < deadline}
    after = {answer.headers["ETag"] for asked, _status, answer in answers if asked >= deadline}

    assert {answer.status_code for _asked, _status, answer in answers} == {200}
    # Kept until shortly before, so that it is nowhere on its way when it ceases to be true.
    assert len(hits) > 10
    assert deadline - max(asked for asked in hits if asked < deadline) < timedelta(seconds=3.5)
    assert len(before) == len(after) == 1
    assert before != after
    assert after == {get(live_server.url + path)[1].headers["ETag"]}
    # What comes then has its own time, and is kept as well.
    assert answers[-1][1] == "HIT"


def test_the_cookies_of_an_lms_do_not_split_the_cache(nginx, page):
    address = nginx + page.url
    statuses = [get(address, cookies={"edx_session": name, "csrftoken": name})[0] for name in ("ann", "bob", "cid")]
    _status, answer = get(address)

    assert statuses == ["MISS", "HIT", "HIT"]
    assert "Set-Cookie" not in answer.headers
    assert "cookie" not in answer.headers.get("Vary", "").lower()


def test_a_page_that_is_known_is_not_sent_again(nginx, page):
    address = nginx + page.url
    _status, first = get(address)
    status, again = get(address, **{"If-None-Match": first.headers["ETag"]})

    assert (status, again.status_code, again.content) == ("HIT", 304, b"")
    assert requests.head(address, timeout=10).headers["Date"]


def test_nor_is_it_sent_to_the_cache_again(nginx, page, settings):
    settings.CMS_LMS_PAGE_CACHE_SECONDS = 1
    address = nginx + page.url
    assert get(address)[0] == "MISS"
    later = poll(address, until=timezone.now() + timedelta(seconds=30))

    assert next(status for _asked, status, _answer in later if status != "HIT") == "REVALIDATED"


def test_who_is_logged_in_on_this_site_passes_it_by(nginx, page):
    client = make_client(superuser=True)
    name = django_settings.SESSION_COOKIE_NAME
    cookies = {name: client.cookies[name].value}
    address = nginx + page.url
    seen = [get(address, cookies=who) for who in (None, cookies, cookies, None)]

    assert [status for status, _answer in seen] == ["MISS", "BYPASS", "BYPASS", "HIT"]
    assert [answer.headers["Cache-Control"] == "private, no-store" for _status, answer in seen] == [
        False,
        True,
        True,
        False,
    ]
    assert ["wagtail-userbar" in answer.text for _status, answer in seen] == [False, True, True, False]


def test_each_language_of_the_site_has_its_copy(nginx, page, settings):
    settings.ROOT_URLCONF = "tests.catalog.flat_urls"
    address = nginx + page.url
    asked = ("fr-CA,fr;q=0.9,en;q=0.8", "fr", "en-GB", "en")
    seen = [get(address, **{"Accept-Language": languages}) for languages in asked]

    assert [status for status, _answer in seen] == ["MISS", "HIT", "MISS", "HIT"]
    assert [answer.headers["Content-Language"] for _status, answer in seen] == ["fr", "fr", "en", "en"]
