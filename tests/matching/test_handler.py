"""Which backend owns a URL, and when a change of the configuration is in force."""

from __future__ import annotations

import logging
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, transaction

from cms_lms.matching import handler
from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.models import ConfigurationVersion, LMSBackend
from tests.factories import course_regex, make_backend

pytestmark = pytest.mark.django_db

URL = "https://lms.example.com/courses/course-v1:edX+DemoX+2024/info"
BASE = "cms_lms.backends.base.BaseLMSBackend"


def selected(url: str = URL) -> str | None:
    backend = LMSHandler.select_lms(url)
    return backend.config.slug if backend else None


@pytest.fixture
def request_open():
    """A request is being answered; calling this begins the next one."""
    LMSHandler.open_request()
    yield LMSHandler.open_request
    LMSHandler.close_request()


class TestChoice:
    def test_the_answer_is_the_backend_bound_to_its_record(self):
        record = make_backend()
        backend = LMSHandler.select_lms(URL)
        assert backend.record == record
        assert backend.extract_course_id(URL) == "course-v1:edX+DemoX+2024"

    def test_the_first_in_the_editors_order_wins(self):
        make_backend(slug="second", sort_order=2)
        make_backend(slug="first", sort_order=1)
        assert selected() == "first"
        assert [backend.config.slug for backend in LMSHandler.match_all(URL)] == ["first", "second"]

    def test_disabled_backends_take_no_part(self):
        make_backend(slug="off", is_enabled=False)
        assert selected() is None
        make_backend(slug="on")
        assert selected() == "on"

    def test_each_url_goes_to_its_own(self):
        for number in range(30):
            make_backend(slug=f"n{number}", course_regex=course_regex(f"lms{number}.example.com"))
        for number in (0, 13, 29):
            assert selected(URL.replace("lms.", f"lms{number}.")) == f"n{number}"
        assert selected() is None

    def test_patterns_match_from_the_start_of_the_url(self):
        make_backend(course_regex=r"lms\.example\.com/courses/(?P<course_id>[^/]+)")
        assert selected() is None

    def test_patterns_see_the_normal_form(self):
        make_backend(slug="main")
        assert selected("HTTPS://LMS.Example.com:443/courses/course-v1:edX%2BDemoX%2B2024/info") == "main"

    @pytest.mark.parametrize("url", ["", "x", "https://lms.example.com/courses/\x00/info", URL + "\ud800", "//" * 2000])
    def test_what_is_no_url_belongs_to_nobody(self, url):
        make_backend(course_regex=r"^(?P<course_id>.*)$")
        assert selected(url) is None
        assert LMSHandler.match_all(url) == []

    def test_a_match_without_an_id_is_a_match(self):
        make_backend(slug="empty", course_regex=r"^https://lms\.example\.com/(?P<course_id>x?)")
        make_backend(slug="later")
        assert selected() == "empty"
        assert LMSHandler.select_lms(URL).extract_course_id(URL) is None

    def test_nothing_configured(self):
        assert selected() is None


class TestForce:
    """A change is in force at the next request."""

    def test_any_way_of_writing_is_noticed(self):
        backend = make_backend(slug="main")
        assert selected() == "main"
        LMSBackend.objects.filter(pk=backend.pk).update(is_enabled=False)
        assert selected() is None
        backend.is_enabled = True
        backend.save()
        assert selected() == "main"
        LMSBackend.objects.bulk_create(
            [LMSBackend(slug="first", course_regex="^(?P<course_id>.*)", backend=BASE, sort_order=-1)]
        )
        assert selected() == "first"
        LMSBackend.objects.filter(slug="first").delete()
        assert selected() == "main"
        backend.slug = "renamed"
        LMSBackend.objects.bulk_update([backend], ["slug"])
        assert selected() == "renamed"
        backend.delete()
        assert selected() is None

    def test_a_new_order_is_in_force(self):
        a, b = make_backend(slug="a"), make_backend(slug="b")
        assert selected() == "a"
        a.sort_order, b.sort_order = 1, 0
        LMSBackend.objects.bulk_update([a, b], ["sort_order"])
        assert selected() == "b"

    def test_a_change_by_another_process_is_noticed_by_its_token_alone(self, request_open):
        make_backend(slug="main")
        request_open()
        assert selected() == "main"
        with connection.cursor() as cursor:
            cursor.execute("UPDATE cms_lms_lmsbackend SET slug = 'renamed'")
        ConfigurationVersion.objects.filter(pk=1).update(token=uuid.uuid4())
        assert selected() == "main", "a request keeps what it found in force"
        request_open()
        assert selected() == "renamed"

    def test_a_request_asks_once(self, request_open, django_assert_num_queries):
        make_backend()
        selected()
        request_open()
        with django_assert_num_queries(1):
            for _time in range(50):
                selected()
                LMSHandler.match_all(URL)

    def test_loading_takes_one_query_more(self, django_assert_num_queries):
        for number in range(5):
            make_backend(course_regex=course_regex(f"lms{number}.example.com"))
        with django_assert_num_queries(2):
            selected()
        with django_assert_num_queries(1):
            selected()

    def test_a_web_hook_call_with_many_runs_asks_once(self, client, django_assert_max_num_queries):
        make_backend()
        body = "[" + ", ".join(f'{{"resource_link": "{URL}{number}"}}' for number in range(100)) + "]"
        from cms_lms.sync.signature import sign

        with django_assert_max_num_queries(15) as captured:
            client.post(
                "/api/v1.0/course-runs-sync/",
                body,
                content_type="application/json",
                headers={"Authorization": sign(body.encode(), "SharedSecret")},
            )
        asked = [query for query in captured.captured_queries if "cms_lms_configurationversion" in query["sql"]]
        assert len(asked) == 1

    def test_a_change_that_is_rolled_back_never_was(self):
        make_backend(slug="main")
        assert selected() == "main"
        with transaction.atomic():
            LMSBackend.objects.update(slug="renamed")
            assert selected() == "renamed"
            transaction.set_rollback(True)
        assert selected() == "main"

    def test_nor_in_the_request_that_made_it(self, request_open):
        make_backend(slug="main")
        request_open()
        assert selected() == "main"
        with transaction.atomic():
            LMSBackend.objects.update(slug="renamed")
            assert selected() == "renamed"
            transaction.set_rollback(True)
        assert selected() == "main"

    def test_a_request_is_not_told_of_what_another_thread_has_not_committed(self, request_open, monkeypatch):
        make_backend(slug="main")
        request_open()
        assert selected() == "main"
        monkeypatch.setattr(LMSHandler, "_loaded", LoadedConfiguration(uuid.uuid4(), []))
        assert selected() == "main"


class TestRobustness:
    def test_a_record_that_cannot_be_used_is_left_out_and_logged(self, caplog):
        make_backend(slug="no-class")
        make_backend(slug="no-pattern")
        make_backend(slug="good")
        LMSBackend.objects.filter(slug="no-class").update(backend="gone.Backend")
        LMSBackend.objects.filter(slug="no-pattern").update(course_regex="(?P<course_id>")
        with caplog.at_level(logging.ERROR, logger="cms_lms"):
            assert selected() == "good"
        assert sorted(record.args[0] for record in caplog.records) == ["no-class", "no-pattern"]

    @pytest.mark.parametrize(
        "pattern",
        [
            r"^https://lms\.example\.com/(?P<course_id>(?:a+)+)!$",
            r"^https://lms\.example\.com/(?P<course_id>(?:a|a)*)!$",
            r"^https://lms\.example\.com/(?P<course_id>(?:.*a){12})!$",
        ],
    )
    def test_no_pattern_can_hang_a_worker(self, pattern):
        make_backend(course_regex=pattern, js_backend="")
        assert selected("https://lms.example.com/" + "a" * 1900) is None
        assert LMSHandler.select_lms("https://lms.example.com/" + "a" * 1800 + "!") is not None

    @pytest.mark.parametrize("pattern", [r"(?P<course_id>.)(?=x)", r"(?P<course_id>.)\1", r"(?P<course_id>a++)"])
    def test_what_re2_cannot_run_is_refused_before_it_gets_here(self, pattern):
        with pytest.raises(ValidationError) as refusal:
            make_backend(course_regex=pattern)
        assert "course_regex" in refusal.value.message_dict

    def test_patterns_too_large_for_one_automaton_are_asked_one_by_one(self, monkeypatch):
        make_backend(slug="catch", course_regex=r"^(?P<course_id>.*)/catch$")
        for number in range(5):
            make_backend(slug=f"n{number}", course_regex=rf"^https://(?P<course_id>.*)/(?:n{number}|all)$")
        monkeypatch.setattr(handler, "SET_MAX_MEMORY", 1)
        assert selected("https://lms.example.com/n3") == "n3"
        assert selected("https://lms.example.com/all") == "n0"
        assert [backend.config.slug for backend in LMSHandler.match_all("https://lms.example.com/all")] == [
            f"n{number}" for number in range(5)
        ]
        assert selected("https://lms.example.com/none") is None

    def test_an_automaton_that_runs_out_of_memory_is_no_answer(self):
        """RE2 answers "nothing matches" then, the pattern that matches everything included."""
        make_backend(slug="main")
        configuration = LoadedConfiguration.load(None)
        assert configuration.select(URL).config.slug == "main"
        configuration._match = lambda url: []
        assert configuration.select(URL).config.slug == "main"
        assert configuration.select("https://lms.example.com/none") is None

    def test_the_fallback_agrees_with_the_automaton_on_a_match_without_an_id(self, monkeypatch):
        make_backend(slug="empty", course_regex=r"^https://lms\.example\.com/(?P<course_id>x?)")
        make_backend(slug="later")
        monkeypatch.setattr(handler, "SET_MAX_MEMORY", 1)
        assert LoadedConfiguration.load(None).select(URL).config.slug == "empty"


def test_flags_mean_the_same_alone_and_among_others() -> None:
    make_backend(course_regex=r"(?i)^https://lms\.example\.com/kurs/(?P<course_id>[a-z]+)$", js_backend="")
    make_backend(course_regex=course_regex("other.example.com"), base_url="https://other.example.com")

    assert LMSHandler.select_lms("https://lms.example.com/KURS/ABC").extract_course_id(
        "https://lms.example.com/KURS/ABC"
    )
    # The Kelvin sign, which RE2 by itself takes for a K.
    assert LMSHandler.select_lms("https://lms.example.com/\u212aurs/abc") is None
