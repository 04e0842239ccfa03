"""The secret hunt: a secret of every kind is put in its place, the whole site is walked, and no trace of any is found.

Walked are all addresses of the URL configuration, all forms on them (as they are, blank, filled in, with secrets where
none can be), all commands, the web hook, the examination of LMSs that repeat whatever they are told, and error pages
and error mails from where secrets are in hand. Searched are all answers, sessions, mails, logs of every level and
every row of every table. The one place where a secret may be is the answer that generated it.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from bs4 import BeautifulSoup, Tag
from django.contrib import messages
from django.core import mail
from django.core.cache import cache
from django.core.management import CommandError, call_command, get_commands
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from django.utils.http import urlencode
from django.utils.log import AdminEmailHandler

from cms_lms.admin.credentials import CredentialsView
from cms_lms.backends.registry import get_backend_class
from cms_lms.conf import Settings
from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, CourseAlias, LMSBackend, SyncDelivery, SyncSecret
from cms_lms.runs.codes import CourseKey
from cms_lms.sync.signature import sign
from tests.admin.browsing import url
from tests.admin.conftest import make_client
from tests.asking_backend import ASKING
from tests.catalog.makers import make_course_page, make_index_page
from tests.factories import make_backend, make_course, make_run, make_unplaced_run
from tests.security.addresses import Address, all_addresses
from tests.security.echo_lms import MOODS, EchoLMS, echo_lms
from tests.security.evidence import Evidence, logs_kept, make_marker

pytestmark = pytest.mark.django_db

WEB_HOOK = "/api/v1.0/course-runs-sync/"
VARIABLE = "CMS_LMS_SECRET_HUNT"

#: The views that end what others are to look at come last.
LAST = ("delete", "retire", "unpublish", "disable", "clear")

#: What the commands of the app are called with; one that is not named is called with nothing.
ARGUMENTS = {
    "select_lms": ["https://lms.example.com/courses/course-v1:edX+DemoX+2027/info"],
    "import_lms_backends": ["/dev/null"],
    "diff_lms_backends": ["/dev/null"],
}


class Hunt:
    """A site with a secret in every place that there is for one, and what a walk through it leaves behind."""

    def __init__(self, lms: EchoLMS) -> None:
        self.lms = lms
        self.evidence = Evidence()
        self.secrets: dict[str, str] = {}
        self.statuses: list[tuple[str, int]] = []
        self.visited: set[str] = set()
        self.unfilled: set[str] = set()

    def hide(self, name: str) -> str:
        """Return a new secret that is searched for from now on."""
        self.secrets[name] = make_marker(name)
        return self.secrets[name]

    # The site.

    def furnish(self) -> None:
        """Make a backend of every class with all its credentials, and what else there is to look at."""
        self.root = make_client(superuser=True)
        self.root.raise_request_exception = False
        self.anonymous = Client(raise_request_exception=False)
        now = timezone.now()
        self.backends = []
        for number, path in enumerate([*Settings.DEFAULTS["BACKENDS"], ASKING]):
            backend_class = get_backend_class(path)
            required = backend_class.required_groups[0]
            backend = make_backend(
                name=f"Campus {number}",
                backend=path,
                base_url=self.lms.url,
                js_backend="",
                course_regex=rf"^https://lms{number}\.example\.com/(?P<{required[0]}>[^/]+)/info$",
                sample_urls=[f"https://lms{number}.example.com/course-v1:edX+DemoX+2027/info"],
            )
            for field in backend_class.credential_fields:
                secret = Secret(self.hide(f"credential {path} {field.name}"))
                BackendCredential.objects.store(backend, field.name, secret, now=now, user=self.root.user)
            self.backends.append(backend)
        # The last one is what the pages are looked at with.
        self.backend = self.backends[-1]
        BackendCredential.objects.store(self.backend, "token", Secret(f"env:{VARIABLE}"), now=now)
        BackendCredential.objects.store(self.backend, "left_over", Secret(self.hide("left over")), now=now)
        for name in ("Campus A", "Campus B"):
            self.backend.name = name
            self.backend.save()
            self.backend.save_revision(user=self.root.user)
        self.course = make_course()
        self.run = make_run(course=self.course, resource_link=self.link("2027"))
        self.run.save_revision()
        self.alias = CourseAlias.objects.remember(CourseKey("edX", "Demo"), self.course)
        self.unplaced = make_unplaced_run()
        make_index_page()
        self.page = make_course_page(self.course)

    def link(self, number: str) -> str:
        """Return a link to a run of the backend."""
        return f"https://lms{len(self.backends) - 1}.example.com/course-v1:edX+DemoX+{number}/info"

    def generate_web_hook_secret(self) -> None:
        """Let the site make one; its answer is the one that may hold it, once."""
        address = url(LMSBackend, "sync_secrets", self.backend.pk)
        form = BeautifulSoup(self.root.get(address).content, "html.parser").select_one("[aria-labelledby=generate]")
        values = {field["name"]: field.get("value", "") for field in form.select("input[name]")}
        response = self.root.post(address, {**values, "generate-name": "production"})
        secret = self.backend.sync_secrets.get(name="production").get_secret().reveal()
        assert response.content.decode().count(secret) == 1
        self.secrets["generated"] = secret
        self.evidence.add("the answer that shows it, headers", response.headers)
        self.evidence.add("the answer that shows it, session", dict(self.root.session))
        # Sent again as a browser does when it reloads.
        self.keep("generate again", self.root.post(address, {**values, "generate-name": "production"}))
        SyncSecret.add(self.backend, name="from outside", now=timezone.now(), secret=Secret(f"env:{VARIABLE}"))

    # The walk.

    def keep(self, place: str, response: HttpResponse) -> HttpResponse:
        """Remember an answer."""
        self.statuses.append((place, response.status_code))
        self.evidence.add_response(f"{place} → {response.status_code}", response)
        return response

    def values_for(self, address: Address) -> dict[str, Any]:
        """Return what the arguments of an address stand for, for the kind of object that it is about."""
        instance: Any = self.backend
        others = {
            "courserun": self.run,
            "_course:": self.course,
            "syncdelivery": self.delivery,
            "lms_unplaced": self.unplaced,
        }
        for part, other in others.items():
            if part in address.name:
                instance = other
        return {
            "pk": instance.pk,
            "revision_id": getattr(instance, "latest_revision_id", None),
            "revision_id_a": "earliest",
            "revision_id_b": "latest",
            "secret_pk": self.backend.sync_secrets.first().pk,
            "alias_pk": self.alias.pk,
            "run_id": self.run.pk,
            "course_id": self.course.pk,
            "page_id": self.page.pk,
            "action_name": "approve",
            "task_state_id": 1,
            "task_id": 1,
            "workflow_state_id": 1,
            "slug": "index",
            "page": "index",
        }

    def addresses(self) -> Iterator[tuple[Address, str]]:
        """Yield every address that can be filled in; those of this app that cannot are remembered."""
        for address in all_addresses():
            filled = address.fill(self.values_for(address))
            if filled:
                yield address, filled
            elif address.is_own:
                self.unfilled.add(f"{address.name} {address.arguments}")

    def open_everything(self) -> list[tuple[Address, str, HttpResponse]]:
        """Get every address, and the course's page; return this app's with their pages."""
        own = []
        for address, filled in self.addresses():
            response = self.keep(f"GET {filled}", self.root.get(filled, {"q": "Campus"}))
            self.visited.add(address.name)
            if address.is_own:
                own.append((address, filled, response))
        for client, who in ((self.root, "root"), (self.anonymous, "anonymous")):
            for address in (self.page.url, "/", "/api/v1.0/course-runs/", f"/api/v1.0/course-runs/{self.run.pk}/"):
                self.keep(f"{who}: GET {address}", client.get(address))
        return own

    def send_everything(self, pages: list[tuple[Address, str, HttpResponse]]) -> None:
        """Send every form on the pages in every way, and something to the addresses that have none."""
        typed = self.hide("typed")
        ways: list[tuple[str, Callable[[Tag], str | None]]] = [
            ("as it is", lambda field: None),
            ("blank", lambda field: ""),
            ("filled in", lambda field: None if field.get("value") else "Walked"),
            *(
                (way, lambda field, value=value: value if _takes_a_secret(field) else field.get("value") or "Walked")
                for way, value in (
                    ("with a secret", typed),
                    ("with a long secret", typed * 100),
                    ("with a broken secret", f"{typed}\n{typed}"),
                    ("with a secret as a variable", f"env:{typed.upper()}"),
                )
            ),
        ]
        self.secrets["typed as a variable"] = typed.upper()
        ordered = sorted(pages, key=lambda page: any(word in page[0].name for word in LAST))
        for address, filled, page in ordered:
            forms = (
                BeautifulSoup(page.content, "html.parser").select("form[method=post i]") if not page.streaming else []
            )
            for form in forms:
                takes_secrets = any(map(_takes_a_secret, form.select("input")))
                for way, choose in ways if takes_secrets else ways[:3]:
                    values = _fill(form, choose)
                    target = form.get("action") or filled
                    # To log out would end the walk.
                    if target.startswith("/") and "logout" not in target:
                        self.keep(f"POST {target} {way}", self.root.post(target, values))
            if not forms:
                self.keep(f"POST {address.name}", self.root.post(filled, {"urls": self.link("1"), "text": "x"}))

    def call_web_hook(self) -> None:
        """Call it with every secret and with none, with good and with bad runs."""
        run = {"resource_link": self.link("2028"), "course": "DemoX", "languages": ["en"]}
        bodies = [json.dumps(run).encode(), json.dumps([run, {}]).encode(), b"{", b'{"resource_link": 1}']
        for name in ("site", "generated", "environment", "typed"):
            for body in bodies:
                signature = sign(body, self.secrets.get(name, "wrong"))
                self.secrets_never_sent(signature)
                response = self.anonymous.post(
                    WEB_HOOK, body, content_type="application/json", headers={"Authorization": signature}
                )
                self.keep(f"web hook, {name}", response)
        self.keep("web hook, unsigned", self.anonymous.post(WEB_HOOK, b"{}", content_type="application/json"))
        self.delivery = SyncDelivery.objects.earliest("pk")

    def secrets_never_sent(self, text: str) -> None:
        """What this test sends itself must not be what it finds."""
        assert not any(secret in text for secret in self.secrets.values())

    def examine_connections(self) -> None:
        """Let every backend be examined while its LMS repeats the call in each of its moods."""
        for mood in MOODS:
            self.lms.mood = mood
            for backend in self.backends:
                address = url(LMSBackend, "connection", backend.pk)
                self.keep(f"connection of {backend.backend}, {mood}", self.root.post(address))

    def run_commands(self) -> None:
        """Run each command of the app, and Django's dump."""
        names = [name for name, app in get_commands().items() if app == "cms_lms"]
        assert len(names) >= 5
        for name in [*sorted(names), "dumpdata"]:
            out = io.StringIO()
            try:
                call_command(name, *ARGUMENTS.get(name, []), stdout=out, stderr=out)
            except (CommandError, SystemExit) as error:
                self.evidence.add(f"command {name}", f"{error!r} {error}")
            self.evidence.add(f"command {name}", out.getvalue())
            assert name != "dumpdata" or "cms_lms.backendcredential" in out.getvalue()

    def break_everything(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        """Let the site fail where it has secrets in hand, with and without debugging."""

        class Broken(Exception):
            """No error that anything here knows."""

        def fail(*args: Any, **kwargs: Any) -> None:
            raise Broken("broken")

        typed = {"value-api_key": self.secrets["typed"], "origin": self.lms.url}
        body = json.dumps({"resource_link": self.link("2029"), "languages": ["en"]}).encode()
        signed = {"content_type": "application/json", "headers": {"Authorization": sign(body, self.secrets["site"])}}
        credentials = url(LMSBackend, "credentials", self.backend.pk)
        connection = url(LMSBackend, "connection", self.backends[-1].pk)
        BackendCredential.objects.store(self.backend, "token", Secret(f"env:{VARIABLE}"), now=timezone.now())
        broken: list[tuple[str, Callable[[], HttpResponse]]] = [
            ("cms_lms.encryption.MultiFernet.encrypt", lambda: self.root.post(credentials, typed)),
            ("cms_lms.encryption._ciphers", lambda: self.root.post(credentials, typed)),
            ("cms_lms.admin.credentials.log", lambda: self.root.post(credentials, typed)),
            ("cms_lms.models.stored_secret.decrypt", lambda: self.root.get(credentials)),
            ("cms_lms.models.stored_secret.clean_secret", lambda: self.root.get(credentials)),
            ("cms_lms.sync.signature.hmac.compare_digest", lambda: self.anonymous.post(WEB_HOOK, body, **signed)),
            ("cms_lms.sync.calls.synchronize", lambda: self.anonymous.post(WEB_HOOK, body, **signed)),
            ("cms_lms.matching.connection.check_connection", lambda: self.root.post(connection)),
            ("socket.socket.sendall", lambda: self.root.post(url(LMSBackend, "connection", self.backends[0].pk))),
        ]
        for debug in (True, False):
            settings.DEBUG = debug
            for target, call in broken:
                cache.clear()
                with monkeypatch.context() as patch:
                    patch.setattr(target, fail)
                    assert self.keep(f"{target} broken, DEBUG={debug}", call()).status_code == 500, target

    def search(self) -> list[str]:
        """Return where traces of secrets are."""
        for message in mail.outbox:
            self.evidence.add_mail(message)
        self.evidence.add_storage()
        return self.evidence.search(self.secrets)


def _takes_a_secret(field: Tag) -> bool:
    return field.get("type") == "password" or field.get("name", "").endswith("-variable")


def _fill(form: Tag, choose: Callable[[Tag], str | None]) -> dict[str, Any]:
    """Return what a browser would send of a form; ``choose`` may give a text field another value."""
    values: dict[str, Any] = {}
    for field in form.select("input[name], textarea[name], select[name]"):
        name, kind = field["name"], field.get("type", "text")
        if field.name == "select":
            chosen = field.select_one("option[selected]") or field.select_one("option")
            values[name] = chosen["value"] if chosen else ""
        elif kind in ("checkbox", "radio"):
            if field.has_attr("checked"):
                values[name] = field.get("value", "on")
        elif kind == "hidden" or name == "csrfmiddlewaretoken":
            values[name] = field.get("value", "")
        else:
            own = field.text if field.name == "textarea" else field.get("value", "")
            value = choose(field)
            values[name] = own if value is None else value
    return values


@pytest.fixture
def hunt(settings, monkeypatch) -> Iterator[Hunt]:
    with echo_lms() as lms:
        hunt = Hunt(lms)
        settings.SECRET_KEY = hunt.hide("SECRET_KEY")
        settings.CMS_LMS_ENCRYPTION_KEYS = [hunt.hide("encryption key"), hunt.hide("old encryption key")]
        settings.CMS_LMS_SYNC_SECRETS = [hunt.hide("site")]
        settings.CMS_LMS_BACKENDS = [*Settings.DEFAULTS["BACKENDS"], ASKING]
        settings.CMS_LMS_ALLOW_INSECURE_URLS = True
        settings.CMS_LMS_PRIVATE_NETWORKS = ["127.0.0.0/8"]
        settings.ADMINS = [("Ada", "ada@example.com")]
        settings.MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
        monkeypatch.setenv(VARIABLE, hunt.hide("environment"))
        for handler in logging.getLogger("django").handlers:
            if isinstance(handler, AdminEmailHandler):
                monkeypatch.setattr(handler, "include_html", True)
        cache.clear()
        with logs_kept(hunt.evidence, monkeypatch):
            yield hunt
        cache.clear()


def test_no_secret_is_anywhere(hunt, monkeypatch, settings):
    hunt.furnish()
    hunt.generate_web_hook_secret()
    hunt.call_web_hook()
    pages = hunt.open_everything()
    hunt.send_everything(pages)
    hunt.examine_connections()
    hunt.run_commands()
    # Wagtail shows its own page of errors at that address.
    assert [place for place, status in hunt.statuses if status >= 500] == ["GET /admin/failwhale/"]
    hunt.break_everything(monkeypatch, settings)
    found = hunt.search()
    assert found == []
    # That is worth something only if the walk went everywhere, and if the secrets were in use.
    assert hunt.unfilled == set(), "Tell Hunt.values_for() what these arguments stand for."
    own = {address.name for address in all_addresses() if address.is_own}
    assert own == hunt.visited & own
    assert sum(status == 200 for _place, status in hunt.statuses) > 200
    sent = "\n".join(hunt.lms.calls)
    assert [name for name in hunt.secrets if name.startswith("credential") and hunt.secrets[name] in sent]
    logged = " ".join(set(hunt.evidence.texts.values()))
    for place in ("log django.db.backends", "log django.request", "mail “", "table wagtailcore_revision", ", session"):
        assert place in logged, place


class TestTheHuntFinds:
    """What is planted in each place, and however it is written down."""

    secret = make_marker("planted")

    @pytest.mark.parametrize(
        "write",
        [
            str,
            repr,
            ascii,
            escape,
            json.dumps,
            DjangoJSONEncoder().encode,
            str.encode,
            lambda secret: quote(f"&{secret}=", safe=""),
            lambda secret: urlencode({"q": f"{secret} "}),
            lambda secret: base64.b64encode(f"id:{secret}".encode()),
            lambda secret: base64.b64encode(f"name:{secret}:".encode()),
            lambda secret: base64.urlsafe_b64encode(f"né:{secret}?".encode()),
            lambda secret: secret.encode().hex(),
            lambda secret: secret[:-5],
            lambda secret: f"…{secret[14:40]}…",
            lambda secret: {"a": [secret]},
            lambda secret: pickle.dumps({"a": secret}),
        ],
    )
    def test_however_it_is_written(self, write):
        evidence = Evidence()
        evidence.add("here", f"before {secret!r}" if isinstance(secret := write(self.secret), str) else secret)
        (found,) = {line.rpartition(": ")[2] for line in evidence.search({"planted": self.secret})}
        assert found == "here"

    def test_nothing_where_nothing_is(self):
        evidence = Evidence()
        evidence.add("here", make_marker("another"))
        assert evidence.search({"planted": self.secret}) == []

    @pytest.mark.parametrize(
        "place",
        [
            "page",
            "header",
            "session",
            "message",
            "log",
            "traceback",
            "mail",
            "table",
            "revision",
            "cache",
            "error-page",
        ],
    )
    def test_wherever_it_is(self, hunt, place, monkeypatch, settings):
        hunt.furnish()
        secret = hunt.secrets["left over"]
        plant(place, secret, hunt, monkeypatch, settings)
        assert any(line.startswith("left over, plain: ") for line in hunt.search())


def plant(place: str, secret: str, hunt: Hunt, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Leak a secret as a careless change would."""
    page = url(LMSBackend, "credentials", hunt.backend.pk)

    def careless(request: HttpRequest) -> None:
        if place == "session":
            request.session["credentials"] = {"token": secret}
        elif place == "message":
            messages.success(request, f"Stored {secret}.")
        elif place == "log":
            logging.getLogger("cms_lms.quiet").debug("The token is %s.", secret)
        elif place == "traceback":
            try:
                raise ValueError(secret)
            except ValueError:
                logging.getLogger("cms_lms").exception("Refused.")
        elif place == "mail":
            mail.mail_admins("A new credential", secret)
        elif place == "cache":
            cache.set("credentials", {"token": secret})
        elif place == "revision":
            hunt.backend.name = secret
            hunt.backend.save_revision()
        elif place == "table":
            LMSBackend.objects.filter(pk=hunt.backend.pk).update(name=secret)
        elif place == "error-page":
            token = secret  # noqa: F841 - what an error page shows of a frame
            raise ValueError("Refused.")

    def dispatch(view: CredentialsView, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = honest(view, request, *args, **kwargs)
        if place == "error-page":
            del request.exception_reporter_filter
            settings.DEBUG = True
        careless(request)
        if place == "header":
            response["X-Token"] = secret
        if place == "page":
            response.context_data["origin"] = secret
        return response

    honest = CredentialsView.dispatch
    monkeypatch.setattr(CredentialsView, "dispatch", dispatch)
    hunt.keep("planted", hunt.root.get(page))
