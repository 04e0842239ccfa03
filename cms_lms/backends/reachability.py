"""The checks that make sense for every LMS: its address, the connection and its encryption, an answer, its clock.

They ask for the page at the base URL, once (``first_answer``); each then reads what is its own from how that ended.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cms_lms.backends.addresses import address_refused
from cms_lms.backends.connection import ConnectionCheck, Finding, Text, Visit
from cms_lms.backends.errors import LMSUnreachable
from cms_lms.backends.http import LMSResponse, NotJSON

#: Where the outcome of the first call is kept for the checks that follow.
FIRST_ANSWER = "first_answer"

#: Errors that come before a connection stands.
_NOT_CONNECTED = ("invalid_request", "insecure", "connect_timeout", "connection_refused", "tls")

CERTIFICATE_WARNING = dt.timedelta(days=14)
SLOW_SECONDS = 5.0

#: Signatures and tokens are given a few minutes by those who check them; beyond that they are refused.
CLOCK_WARNING = dt.timedelta(minutes=1)
CLOCK_FAILURE = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class FirstAnswer:
    """How the call of the base URL ended, and when. An error beside an answer is that of following its redirect."""

    at: dt.datetime
    response: LMSResponse | None = None
    error: LMSUnreachable | None = None


def first_answer(visit: Visit) -> FirstAnswer:
    """Call the base URL, or say how that ended when it was called before."""
    outcome = visit.facts.get(FIRST_ANSWER)
    if outcome is None:
        response = None
        try:
            response = visit.http.get(visit.config.base_url, follow_redirects=False)
            if response.is_redirect:
                response = visit.http.get(visit.config.base_url)
            outcome = FirstAnswer(visit.now(), response)
        except LMSUnreachable as error:
            outcome = FirstAnswer(visit.now(), response, error)
        visit.facts[FIRST_ANSWER] = outcome
    return outcome


def expect_json(response: LMSResponse) -> Any:
    """Return what a call of an API answered. Raises ``LMSUnreachable`` for what is no answer of an API.

    Codes: ``server_error``, ``empty``, ``html``, ``not_json``.
    """
    if response.status >= 500:
        raise _server_error(response)
    path = urlsplit(response.url).path
    try:
        return response.json()
    except NotJSON:
        pass
    fix = _(
        "Check that the base URL is the address of the LMS itself, without the path of a page, and of no other site."
    )
    if not response.body.strip():
        raise LMSUnreachable(
            _("The LMS answers nothing at %(path)s (status %(status)s).") % {"path": path, "status": response.status},
            "empty",
            fix,
        )
    if "html" in response.headers.get("Content-Type", "").lower() or response.body.lstrip()[:1] == b"<":
        raise LMSUnreachable(
            _("At %(path)s there is a web page (status %(status)s) where the API of the LMS should be.")
            % {"path": path, "status": response.status},
            "html",
            fix,
        )
    raise LMSUnreachable(
        _("What the LMS answers at %(path)s is not JSON (status %(status)s).")
        % {"path": path, "status": response.status},
        "not_json",
        fix,
    )


class AddressCheck(ConnectionCheck):
    """The name has an address, and one that may be called."""

    name = "address"
    title: ClassVar[Text] = gettext_lazy("Name and address")

    def run(self, visit: Visit) -> Finding:
        """Ask the name service."""
        host = urlsplit(visit.config.base_url).hostname or ""
        addresses = visit.http.addresses(visit.config.base_url)
        good = ", ".join(str(entry.address) for entry in addresses if entry.owner is None)
        refused = [entry for entry in addresses if entry.owner is not None]
        if not good:
            raise address_refused(host, refused[0])
        if refused:
            return self.warning(
                _("“%(host)s” is at %(good)s, and also at %(bad)s, which belongs to %(owner)s and is not called.")
                % {"host": host, "good": good, "bad": refused[0].address, "owner": refused[0].owner},
                _("Remove the second address from the name service (DNS): browsers may try it."),
            )
        return self.passed(_("“%(host)s” is at %(good)s.") % {"host": host, "good": good})


class EncryptionCheck(ConnectionCheck):
    """A connection comes about, it is encrypted, and its certificate will last."""

    name = "connection"
    title: ClassVar[Text] = gettext_lazy("Connection and encryption")
    requires = ("address",)

    def run(self, visit: Visit) -> Finding:
        """Connect."""
        error = first_answer(visit).error
        if error is not None and error.code in _NOT_CONNECTED:
            raise error
        url = visit.config.base_url
        if urlsplit(url).scheme == "http":
            return self._not_encrypted(visit)
        ends = visit.http.certificate_ends(url)
        if ends is None:
            return self.passed(_("Encrypted."))
        left = ends - visit.now()
        cause = _("Encrypted. The certificate is valid until %(date)s.") % {"date": date_format(ends, "DATE_FORMAT")}
        if left > CERTIFICATE_WARNING:
            return self.passed(cause)
        return self.warning(
            ngettext(
                "The certificate ends in %(days)s day; from then on nobody reaches the LMS.",
                "The certificate ends in %(days)s days; from then on nobody reaches the LMS.",
                left.days,
            )
            % {"days": left.days},
            _("Renew the certificate on the LMS, and see to it that it is renewed by itself."),
        )

    def _not_encrypted(self, visit: Visit) -> Finding:
        if all(entry.address.is_loopback for entry in visit.http.addresses(visit.config.base_url)):
            return self.passed(_("Not encrypted, and it need not be: the LMS is on this machine."))
        return self.warning(
            _("Not encrypted: names, cookies and credentials can be read on the way."),
            _("Let the LMS serve https, and let the base URL start with https://."),
        )


class AnswerCheck(ConnectionCheck):
    """Something answers at the base URL, in time."""

    name = "answer"
    title: ClassVar[Text] = gettext_lazy("The LMS answers")
    requires = ("address", "connection")

    def run(self, visit: Visit) -> Finding:
        """Look at the first answer."""
        outcome = first_answer(visit)
        if outcome.error is not None:
            if outcome.error.code in ("moved", "redirect_refused"):
                # Some have their front page elsewhere and the LMS here. If the LMS is gone, so is its API.
                return self.warning(outcome.error.message, outcome.error.fix)
            raise outcome.error
        response = outcome.response
        if response is None:
            raise AssertionError("An outcome is an answer or an error.")
        if response.status >= 500:
            raise _server_error(response)
        words = {"status": response.status, "seconds": f"{response.seconds:.1f}"}
        if response.status == 429:
            return self.warning(
                _("The LMS asks to be called less often (status 429)."), _("Wait a little and check again.")
            )
        if response.status in (404, 410):
            # Some have nothing but an API, which checks of its own ask for.
            return self.passed(
                _("A server answers; it has no page at the base URL itself (status %(status)s).") % words
            )
        if response.seconds > SLOW_SECONDS:
            return self.warning(
                _("The LMS answers slowly: it took %(seconds)s seconds (status %(status)s).") % words,
                _("Try again. If it stays like this, learners wait as long; look at the load of the LMS."),
            )
        return self.passed(_("Status %(status)s after %(seconds)s seconds.") % words)


class ClockCheck(ConnectionCheck):
    """The clocks of the LMS and of this site agree: signatures and tokens say when they were made."""

    name = "clock"
    title: ClassVar[Text] = gettext_lazy("Clocks")
    requires = ("answer",)

    def run(self, visit: Visit) -> Finding:
        """Compare the Date header with this site's time."""
        outcome = first_answer(visit)
        there = None if outcome.response is None else _moment_of(outcome.response)
        if outcome.response is None or there is None:
            return self.skipped(_("The LMS does not say what time it is."))
        # It wrote the date somewhere between the question and the end of the answer.
        ahead = there - (outcome.at - dt.timedelta(seconds=outcome.response.seconds / 2))
        difference = abs(ahead)
        if difference <= CLOCK_WARNING:
            return self.passed(_("They agree."))
        message = (
            _("The clock of the LMS is %(difference)s ahead of this site’s.")
            if ahead > dt.timedelta()
            else _("The clock of the LMS is %(difference)s behind this site’s.")
        )
        find = self.failed if difference > CLOCK_FAILURE else self.warning
        return find(
            message % {"difference": _in_words(difference)},
            _(
                "Let both servers set their clocks by the network (NTP). Signatures and tokens are refused where the "
                "clocks differ. On a Linux server with systemd, to see and to mend it:"
            ),
            "timedatectl status\ntimedatectl set-ntp true",
        )


#: What every LMS is asked, before what is particular to its kind.
GENERIC_CHECKS: tuple[type[ConnectionCheck], ...] = (AddressCheck, EncryptionCheck, AnswerCheck, ClockCheck)


def _server_error(response: LMSResponse) -> LMSUnreachable:
    return LMSUnreachable(
        _("The LMS answers with an error of its own (status %(status)s).") % {"status": response.status},
        "server_error",
        _("Look at the log of the LMS. Status 502, 503 or 504: its web server runs, the LMS behind it does not."),
    )


def _moment_of(response: LMSResponse) -> dt.datetime | None:
    """Return what time it was on the LMS, to a second; a copy from a cache says how old it is."""
    try:
        moment = parsedate_to_datetime(response.headers["Date"])
        age = dt.timedelta(seconds=int(response.headers.get("Age", "0")))
        return moment.replace(tzinfo=moment.tzinfo or dt.UTC) + age
    except (KeyError, ValueError, OverflowError):
        return None


def _in_words(difference: dt.timedelta) -> str:
    for seconds, one, many in (
        (86400, "%(count)s day", "%(count)s days"),
        (3600, "%(count)s hour", "%(count)s hours"),
        (60, "%(count)s minute", "%(count)s minutes"),
    ):
        count = difference.total_seconds() / seconds
        if count >= 2:
            return ngettext(one, many, round(count)) % {"count": round(count)}
    count = round(difference.total_seconds())
    return ngettext("%(count)s second", "%(count)s seconds", count) % {"count": count}
