"""What the URL tester's answer costs among a thousand backends, and how slow an editor's pattern can be."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.middleware.csrf import CSRF_SECRET_LENGTH
from django.test import Client
from django.urls import reverse

from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.models import LMSBackend
from cms_lms.patterns.course_regex import compile_course_regex
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.javascript import compile_javascript_regex
from tests.bench.measure import Figure, Report, Site, count_queries, interleave, make_environ
from tests.bench.selection import fill_backends, host
from tests.factories import OPENEDX, course_regex, make_backend

BACKENDS = 1000

#: How many are typed or pasted; the last is the most that is tested at once.
URL_COUNTS = (1, 50, 200)

#: A round of the tester takes a good part of a second.
MOST_ROUNDS = 30

ADDRESS = "^https://lms\\.example\\.com/"

#: What engines that go back take exponential time for, and what makes RE2's automata as large as they may be. Some of
#: them are refused at save; those do not run.
HOSTILE = (
    "(?P<course_id>(?:a+)+)$",
    "(?P<course_id>(?:a*)*)$",
    "(?P<course_id>(?:a|a)*)$",
    "(?P<course_id>(?:a|aa)+)$",
    "(?P<course_id>(?:[a-z]+)*[0-9])$",
    "(?P<course_id>(?:.*a){12})!$",
    "(?P<course_id>.*.*.*.*.*.*)!$",
    "(?P<course_id>[ab]*a[ab]{14})!$",
    "(?P<course_id>[ab]*a[ab]{200})!$",
    "(?P<course_id>(?:a?){150}a{150})$",
    "(?P<course_id>(?:(?:a?){20}){20})!$",
    "(?P<course_id>[^/?#]{1,900})!$",
    "(?P<course_id>\\w{1,400}\\W)$",
    f"(?P<course_id>(?:{'|'.join('a' * length for length in range(1, 55))})+)!$",
    f"(?P<course_id>{'(?:' * 40}a{'|b)' * 40}+)!$",
)

#: URLs as long as they may be. The last is another one each time, so that no automaton is ready for it.
_random = random.Random(0)  # noqa: S311  (nothing secret is drawn)
URLS: dict[str, Callable[[], str]] = {
    name: (lambda make=make: f"https://lms.example.com/{make()}")
    for name, make in {
        "a": lambda: "a" * 1970,
        "ab": lambda: "ab" * 985,
        "a!": lambda: "a" * 1969 + "!",
        "é": lambda: "é" * 1970,
        "random": lambda: "".join(_random.choices("ab", k=1970)),
    }.items()
}


def measure_tester(report: Report) -> None:
    """Report the answers, and the slowest matches."""
    measure_answers(report)
    measure_hostile_patterns(report)


def measure_answers(report: Report) -> None:
    """Report the answer to an editor who pastes URLs for the whole list, and to one who types a new pattern."""
    fill_backends(BACKENDS)
    editor = Editor()
    typed = {
        "name": "Typed",
        "backend": OPENEDX,
        "base_url": "https://new.example.com",
        "js_backend": "openedx-hawthorn",
        "js_course_regex": "",
        "is_enabled": True,
    }

    def type_a_pattern() -> Callable[[], Any]:
        # Another pattern each time, as somebody types: nothing of it has been compiled before.
        pattern = course_regex("new.example.com").replace("info", f"info{next(editor.numbers)}")
        return editor.ask({"urls": editor.make_urls(1), "backend": {**typed, "course_regex": pattern}})

    calls: dict[str, Callable[[], Callable[[], Any]]] = {
        f"urls={count}": (lambda count=count: editor.ask({"urls": editor.make_urls(count)})) for count in URL_COUNTS
    }
    calls["urls=1, a pattern being typed"] = type_a_pattern
    LMSHandler.configuration()
    timings = interleave(calls, min(report.repeat, MOST_ROUNDS), warm_up=2)
    for name, prepare in calls.items():
        report.add(
            Figure(
                f"test URLs, backends={BACKENDS}, {name}",
                timings.median(name) * 1e3,
                "ms",
                minimum=timings.minimum(name) * 1e3,
                queries=count_queries(prepare()),
                target="< 1000 ms",
                is_met=timings.median(name) < 1,
            )
        )


class Editor:
    """Somebody who is logged in and asks the tester."""

    def __init__(self) -> None:
        self.site = Site()
        self.numbers = itertools.count(1)
        user, _created = User.objects.get_or_create(username="editor", is_superuser=True)
        client = Client()
        client.force_login(user)
        token = "t" * CSRF_SECRET_LENGTH
        cookies = {settings.SESSION_COOKIE_NAME: client.session.session_key, settings.CSRF_COOKIE_NAME: token}
        self._environ = {
            "HTTP_COOKIE": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "HTTP_X_CSRFTOKEN": token,
            "HTTP_X_REQUESTED_WITH": "XMLHttpRequest",
            "CONTENT_TYPE": "application/json",
        }
        self._address = reverse(LMSBackend.snippet_viewset.get_url_name("test_urls_answer"))

    def ask(self, question: dict[str, Any]) -> Callable[[], bytes]:
        """Return the call that asks."""
        body = json.dumps(question).encode()
        return lambda: self.site.call(make_environ("POST", self._address, **self._environ), body)

    def make_urls(self, count: int) -> str:
        """Return URLs that were never asked about, of which every other one belongs to no backend."""
        numbers = [next(self.numbers) for _url in range(count)]
        hosts = [host(number % BACKENDS) if number % 2 else f"lsm{number}.example.com" for number in numbers]
        links = zip(hosts, numbers, strict=True)
        return "\n".join(f"https://{of_host}/courses/course-v1:a+b+{number}/info" for of_host, number in links)


def measure_hostile_patterns(report: Report) -> None:
    """Report the slowest single match by each engine, by the processor's clock; and all patterns in one automaton."""
    regexes = []
    for pattern in HOSTILE:
        with suppress(InvalidPattern):
            regexes.append(compile_course_regex(ADDRESS + pattern))
    # An editor may write by hand what cannot be derived, and what RE2 refuses.
    scripts = [compile_javascript_regex(ADDRESS + pattern.replace("?P<course_id>", "")) for pattern in HOSTILE]
    LMSBackend.objects.all().delete()
    for number, regex in enumerate(regexes):
        make_backend(slug=f"hostile-{number}", js_backend="", course_regex=regex.pattern)
    configuration = LoadedConfiguration.load(None)
    for name, searches, limit in (
        (f"RE2, patterns={len(regexes)}", [regex.extract for regex in regexes], 50),
        (f"JavaScript, patterns={len(scripts)}", [regex.extract for regex in scripts], 100),
        (f"RE2, all {len(configuration.backends)} in one automaton", [configuration.match], 50),
    ):
        calls = {
            f"{number} {of}": (lambda search=search, make=make: partial(search, make()))
            for number, search in enumerate(searches)
            for of, make in URLS.items()
        }
        # The slowest by their medians: a moment in which the machine was busy is no property of a pattern.
        timings = interleave(calls, min(report.repeat, 5), warm_up=1, clock=time.thread_time)
        slowest = max(calls, key=timings.median)
        report.add(
            Figure(
                f"slowest match of a hostile pattern, {name}",
                timings.median(slowest) * 1e3,
                "ms",
                minimum=timings.minimum(slowest) * 1e3,
                target=f"< {limit} ms",
                is_met=timings.median(slowest) * 1e3 < limit,
            )
        )
