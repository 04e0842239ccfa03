"""The one way out to an LMS: a hardened HTTP session.

It has time limits for connecting, for each piece of an answer and for all of it; a cap on the size of an answer; no
redirect to another host and none at all for writes; no netrc, no proxies from the environment, no cookies from one
call to the next; and it connects to no private, loopback or link-local address that the site's settings do not allow
(``transport``). It logs nothing. Secrets belong into headers and bodies, never into URLs, which others log.
"""

from __future__ import annotations

import datetime as dt
import json as json_format
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import requests
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError
from urllib3.util.retry import Retry

from cms_lms.backends.addresses import Resolved
from cms_lms.backends.errors import LMSUnreachable
from cms_lms.backends.transport import Budget, Gate, GuardedAdapter, Limits
from cms_lms.conf import settings as lms_settings
from cms_lms.patterns.urls import InvalidURL, origin_of

__all__ = ["LMSResponse", "LMSSession", "LMSUnreachable", "NotJSON"]

MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)

#: Read again without harm; what else is sent may have been done already.
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

#: Headers that prove nothing and may follow a redirect from http to https; all others of the caller are kept back.
PLAIN_HEADERS = ("accept", "accept-language", "content-type", "origin", "referer", "user-agent")

#: What bodies may be packed in, once: each further layer multiplies what a small answer can grow to.
ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")

CHUNK_BYTES = 16 * 1024

#: Answers that may be different a moment later, and the longest moment, in seconds.
TRY_AGAIN = (429, 502, 503, 504)
MAX_WAIT = 10.0


class NotJSON(ValueError):
    """The answer is not JSON."""


@dataclass(frozen=True)
class LMSResponse:
    """An answer, read to its end. ``url`` is where it came from in the end; ``seconds`` is how long it took.

    ``set_cookies`` are the Set-Cookie headers, each as it came.
    """

    status: int
    # What an LMS answers may be a token.
    headers: CaseInsensitiveDict = field(repr=False)
    body: bytes = field(repr=False)
    url: str
    seconds: float
    set_cookies: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_json(self) -> bool:
        """Whether the LMS says that it is."""
        return "json" in self.headers.get("Content-Type", "").lower()

    @property
    def is_redirect(self) -> bool:
        """Whether it sends the reader elsewhere."""
        return self.status in REDIRECTS and "Location" in self.headers

    @property
    def location(self) -> str:
        """Where a redirect leads, as a whole address."""
        target = self.headers.get("Location", "")
        try:
            return urljoin(self.url, target.encode("latin-1").decode())
        except ValueError:
            return target

    @property
    def retry_after(self) -> float | None:
        """How many seconds the LMS asks to wait, None where it does not say."""
        try:
            return Retry().parse_retry_after(self.headers["Retry-After"])
        except (KeyError, HTTPError, ValueError, OverflowError):
            return None

    def json(self) -> Any:
        """Return the value, whatever the content type says. Raises ``NotJSON``."""
        try:
            value = json_format.loads(self.body)
            # Half a character (a lone surrogate) can be escaped in JSON, but not shown on any page.
            json_format.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise NotJSON(self.url) from None
        return value


class _Requests(requests.Session):
    """Sends, and leaves all redirects alone: to prepare for one it would read the answer before it, without limits."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return nothing."""


class LMSSession:
    """Calls LMSs. Not to be shared between threads; a context manager that closes its connections.

    The settings are read when it is made. A name is resolved once in its life, so it should be short.
    ``time_limit``: seconds for everything that is done with it. ``retries``: how many times a call that only reads
    is repeated when the LMS asks for it (429, 502, 503, 504) or breaks off, within the time of one call.
    """

    def __init__(self, *, retries: int = 0, time_limit: float | None = None) -> None:
        self.retries = retries
        ends_at = float("inf") if time_limit is None else time.monotonic() + time_limit
        self._budget = Budget(Limits.of_site(), ends_at)
        self._gate = Gate(self._budget)
        self._requests = _Requests()
        self._requests.trust_env = False
        self._requests.headers = CaseInsensitiveDict(
            {"User-Agent": user_agent(), "Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
        )
        for scheme in ("http://", "https://"):
            self._requests.mount(scheme, GuardedAdapter(self._gate))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()

    @sensitive_variables()
    def get(self, url: str, **options: Any) -> LMSResponse:
        """As ``request``."""
        return self.request("GET", url, **options)

    @sensitive_variables()
    def post(self, url: str, **options: Any) -> LMSResponse:
        """As ``request``."""
        return self.request("POST", url, **options)

    @sensitive_variables()
    def options(self, url: str, **options: Any) -> LMSResponse:
        """As ``request``."""
        return self.request("OPTIONS", url, **options)

    def addresses(self, url: str) -> Sequence[Resolved]:
        """Return the addresses of a URL's host, each examined. Raises ``LMSUnreachable``."""
        host, port = _host_and_port(_origin(url))
        self._budget.begin_call()
        return self._gate.resolve(host, port)

    def certificate_ends(self, url: str) -> dt.datetime | None:
        """Return when the certificate ends that the host of a URL showed, None while it has shown none."""
        return self._gate.certificate_ends.get(_host_and_port(_origin(url)))

    @sensitive_variables()
    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | Sequence[tuple[str, Any]] | None = None,
        data: Any = None,
        json: Any = None,
        follow_redirects: bool | None = None,
    ) -> LMSResponse:
        """Return the answer, whatever its status. Raises ``LMSUnreachable``.

        Redirects are followed for GET and HEAD without a body unless told otherwise, within the host, at most five;
        those of other calls are answers as any.
        """
        method = method.upper()
        follows = method in ("GET", "HEAD") and data is None and json is None and follow_redirects is not False
        headers = dict(headers or {})
        self._budget.begin_call()
        visited = [url]
        while True:
            self._check_url(url)
            request = requests.Request(method, url, headers=headers, params=params, data=data, json=json)
            response = self._send_patiently(request)
            if not follows or not response.is_redirect:
                return response
            url = self._next_url(response, headers)
            if url in visited or len(visited) > MAX_REDIRECTS:
                raise _redirect_loop(url, visited)
            visited.append(url)
            params = None

    def _check_url(self, url: str) -> None:
        origin = _origin(url)
        if origin.startswith("http:") and not lms_settings.ALLOW_INSECURE_URLS:
            raise LMSUnreachable(
                _("The address %(origin)s is not encrypted; this site calls LMSs over https only.")
                % {"origin": origin},
                "insecure",
                _("Let the base URL start with https://."),
            )

    @sensitive_variables()
    def _send_patiently(self, request: requests.Request) -> LMSResponse:
        for attempt in range(self.retries if request.method in SAFE_METHODS else 0):
            try:
                response = self._send(request)
            except LMSUnreachable as error:
                if error.code not in ("connection_refused", "connection_broken"):
                    raise
                wait = 0.5 * 2**attempt
            else:
                if response.status not in TRY_AGAIN:
                    return response
                asked = response.retry_after
                wait = min(0.5 * 2**attempt if asked is None else asked, MAX_WAIT)
                if wait >= self._budget.seconds_left():
                    return response
            time.sleep(self._budget.seconds(wait))
        return self._send(request)

    @sensitive_variables()
    def _send(self, request: requests.Request) -> LMSResponse:
        started = time.monotonic()
        self._budget.begin_answer()
        try:
            prepared = self._requests.prepare_request(request)
            # One reader of the address, one host: nothing else is to be connected to.
            same_origin = origin_of(_without_query(prepared.url or "")) == origin_of(_without_query(request.url))
        except (requests.RequestException, InvalidURL, ValueError):
            # Their messages quote what could not be sent.
            same_origin = False
        if not same_origin:
            raise _invalid_request() from None
        limits = self._budget.limits
        try:
            response = self._requests.send(
                prepared, stream=True, allow_redirects=False, timeout=(limits.connect_timeout, limits.read_timeout)
            )
            with response:
                body = self._read(response)
        except UnicodeError:
            raise _invalid_request() from None
        except (requests.RequestException, HTTPError, OSError):
            raise _connection_broken() from None
        return LMSResponse(
            status=response.status_code,
            headers=response.headers,
            body=body,
            url=response.url,
            seconds=time.monotonic() - started,
            set_cookies=tuple(response.raw.headers.getlist("Set-Cookie")),
        )

    def _read(self, response: requests.Response) -> bytes:
        if response.headers.get("Content-Encoding", "").strip().lower() not in ENCODINGS:
            raise _connection_broken()
        body = bytearray()
        for chunk in response.raw.stream(CHUNK_BYTES, decode_content=True):
            body += chunk
            if len(body) > self._budget.limits.max_bytes:
                raise self._budget.too_large()
        return bytes(body)

    @staticmethod
    @sensitive_variables()
    def _next_url(response: LMSResponse, headers: Mapping[str, str]) -> str:
        """Return where a redirect leads, if it may be followed. Raises ``LMSUnreachable``."""
        here, target = origin_of(_without_query(response.url)), response.location
        try:
            there = origin_of(target)
        except InvalidURL:
            raise LMSUnreachable(
                _("%(here)s redirects to something that is no address.") % {"here": here},
                "redirect_refused",
                _("Look at the web server of the LMS."),
            ) from None
        if there == here:
            return target
        if urlsplit(here).hostname != urlsplit(there).hostname:
            message = _("%(here)s redirects to another host, %(there)s, which is not followed.")
        elif not (here.startswith("http:") and there.startswith("https:")):
            message = _("%(here)s redirects to %(there)s, which is not followed: it is another port, or not encrypted.")
        elif any(name.lower() not in PLAIN_HEADERS for name in headers):
            message = _("%(here)s redirects to %(there)s; credentials are not taken along.")
        else:
            return target
        raise LMSUnreachable(
            message % {"here": here, "there": there},
            "moved" if response.status in (301, 308) else "redirect_refused",
            _("If the LMS has moved, enter its new address as the base URL: %(there)s") % {"there": there},
        )


@cache
def user_agent() -> str:
    """Return what this site calls itself when it calls."""
    try:
        return f"cms_lms/{version('cms_lms')}"
    except PackageNotFoundError:  # a copy that was never installed
        return "cms_lms"


def _origin(url: str) -> str:
    try:
        return origin_of(url)
    except InvalidURL as error:
        raise LMSUnreachable(error.message, "invalid_request", _("Correct the base URL.")) from None


def _host_and_port(origin: str) -> tuple[str, int]:
    parts = urlsplit(origin)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _without_query(url: str) -> str:
    return url.partition("?")[0]


def _invalid_request() -> LMSUnreachable:
    return LMSUnreachable(
        _("The call could not be written down: the address or a credential has characters that cannot be sent."),
        "invalid_request",
        _("Correct the base URL, or enter the credentials again."),
    )


def _connection_broken() -> LMSUnreachable:
    return LMSUnreachable(
        _("The LMS broke off, or what it answers is not HTTP."),
        "connection_broken",
        _("Check the port in the base URL, and look at the log of the LMS’s web server."),
    )


def _redirect_loop(url: str, visited: Sequence[str]) -> LMSUnreachable:
    if url in visited[-1:]:
        message = _("%(url)s redirects to itself.")
    elif url in visited:
        message = _("The redirects of the LMS lead in a circle, back to %(url)s.")
    else:
        message = _("The LMS redirects more than %(limit)s times, at last to %(url)s.")
    return LMSUnreachable(
        message % {"url": _without_query(url), "limit": MAX_REDIRECTS},
        "redirect_loop",
        _("Check the base URL in a browser. A web server behind a proxy often redirects to https without end."),
    )
