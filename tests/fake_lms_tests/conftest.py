"""A running fake LMS for each test, browsers to talk to it, and a receiver that stands in for the site."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.fake_lms import FakeLMS

CMS = "http://localhost:8000"


class Browser(requests.Session):
    """A session that sends what a browser sends from a page of the site, cookies marked Secure included."""

    def __init__(self, lms: FakeLMS, origin: str | None = CMS) -> None:
        super().__init__()
        self.trust_env = False
        self.lms, self.origin = lms, origin

    def request(self, method, url, **options):
        headers = options.pop("headers", None) or {}
        if self.origin:
            headers = {"Referer": f"{self.origin}/", "Origin": self.origin} | headers
        # Browsers trust localhost with Secure cookies; requests does not.
        for cookie in self.cookies:
            cookie.secure = False
        return super().request(method, self.lms.url + url, headers=headers, timeout=10, **options)

    def log_in(self, username: str = "learner") -> "Browser":
        self.cookies.set("edx_session", self.lms.state.open_session(username))
        return self

    @property
    def csrf(self) -> str | None:
        return self.cookies.get("edx_csrf_token")

    def enroll(self, key: str, *, headers: dict[str, str | None] | None = None, **data) -> requests.Response:
        if not self.csrf:
            self.get(f"/api/enrollment/v1/enrollment/{key}")
        body = {"course_details": {"course_id": key}} | data
        headers = {"X-CSRFToken": self.csrf} | (headers or {})
        return self.post("/api/enrollment/v1/enrollment", json=body, headers=headers)


@dataclass
class Receiver:
    """What the site would get, and what it answers."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=list)
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def __call__(self, environ, start_response):
        request = Request(environ)
        self.received.append((request.path, dict(request.headers), request.get_data()))
        status, body = self.answers.pop(0) if self.answers else (200, '{"success": true}')
        return Response(body, status, content_type="application/json")(environ, start_response)


@pytest.fixture
def lms() -> Iterator[FakeLMS]:
    with FakeLMS(cms_url=CMS) as server:
        server.clock.set("2026-11-23T12:00:00Z", frozen=True)
        yield server


@pytest.fixture
def anonymous(lms) -> Browser:
    return Browser(lms)


@pytest.fixture
def learner(lms) -> Browser:
    return Browser(lms).log_in()


@pytest.fixture
def server_call(lms) -> Browser:
    """A caller with the API key and without a session."""
    session = Browser(lms, origin=None)
    session.headers["X-Edx-Api-Key"] = "fake-lms-api-key"
    return session


@pytest.fixture
def staff(lms) -> Browser:
    """A caller with a token of the staff account."""
    session = Browser(lms, origin=None)
    session.headers["Authorization"] = f"Bearer {lms.state.issue_token('staff')}"
    return session


@pytest.fixture
def receiver(lms) -> Iterator[Receiver]:
    site = Receiver()
    server = make_server("127.0.0.1", 0, site, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    lms.state.settings.cms_url = site.url
    yield site
    server.shutdown()
    thread.join()
    server.server_close()
