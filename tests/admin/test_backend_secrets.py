"""Secrets in the admin: they go in, are shown in one answer alone, and every change is in the history."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.test import Client, override_settings

from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, LMSBackend, SyncSecret
from cms_lms.sync.rotation import SILENCE
from tests.admin.browsing import form_values, messages, soup, submit, url
from tests.admin.conftest import make_client
from tests.asking_backend import ASKING
from tests.factories import OPENEDX, make_backend

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
VALUE = "hunter2-in-clear"
VARIABLE = "CMS_LMS_SECRET_CAMPUS"


@pytest.fixture(autouse=True)
def classes(settings) -> None:
    settings.CMS_LMS_BACKENDS = [ASKING, OPENEDX, "cms_lms.backends.base.BaseLMSBackend"]


@pytest.fixture
def backend() -> LMSBackend:
    return make_backend(name="Campus", backend=ASKING)


def text(response) -> str:
    """Return what the page says, in single spaces."""
    return " ".join(soup(response).select_one("main, #main, body").get_text().split())


def credentials_url(backend: LMSBackend) -> str:
    return url(LMSBackend, "credentials", backend.pk)


def secrets_url(backend: LMSBackend) -> str:
    return url(LMSBackend, "sync_secrets", backend.pk)


def post_credentials(client: Client, backend: LMSBackend, **changes: str):
    """Open the page, enter something as a browser would and send it; ``value_token`` is the field ``value-token``."""
    address = credentials_url(backend)
    values = form_values(client.get(address), "main form[method=post], #main form[method=post]")
    return client.post(address, {**values, **{name.replace("_", "-", 1): value for name, value in changes.items()}})


def store(backend: LMSBackend, name: str = "api_key", value: str = VALUE) -> BackendCredential:
    return BackendCredential.objects.store(backend, name, Secret(value), now=NOW)


def stored(backend: LMSBackend) -> dict[str, str]:
    return {credential.name: credential.get_secret().reveal() for credential in backend.credentials.all()}


def history(client: Client, backend: LMSBackend) -> str:
    return text(client.get(url(LMSBackend, "history", backend.pk)))


class TestCredentials:
    def test_entered_kept_replaced_and_cleared(self, administrator, backend):
        response = post_credentials(administrator, backend, value_api_key=f"  {VALUE}\n", value_token="tok")
        assert response.status_code == 302
        assert messages(response) == ["The API credentials of “Campus” were changed."]
        assert stored(backend) == {"api_key": VALUE, "token": "tok"}
        assert {credential.changed_by for credential in backend.credentials.all()} == {administrator.user}
        response = post_credentials(administrator, backend)
        assert messages(response)[-1].startswith("Nothing was entered or cleared")
        assert stored(backend) == {"api_key": VALUE, "token": "tok"}
        post_credentials(administrator, backend, value_api_key="new", clear_token="on")
        assert stored(backend) == {"api_key": "new"}

    def test_the_page_says_what_is_set_and_never_what_it_is(self, root, backend):
        post_credentials(root, backend, value_api_key=VALUE)
        page = root.get(credentials_url(backend))
        assert VALUE not in page.content.decode()
        assert "encrypted:" not in page.content.decode()
        assert "Stored encrypted." in text(page)
        assert "by root for https://lms.example.com." in text(page)
        assert "Not set" in text(page)
        inputs = soup(page).select("input[type=password]")
        assert [field["name"] for field in inputs] == ["value-api_key", "value-token"]
        for field in inputs:
            assert field["autocomplete"] == "new-password"
            assert not field.get("value")

    def test_both_at_once_is_an_error(self, root, backend):
        store(backend)
        response = post_credentials(root, backend, value_api_key="another", clear_api_key="on")
        assert response.status_code == 200
        assert "not both" in text(response)
        assert "another" not in response.content.decode()
        assert stored(backend) == {"api_key": VALUE}

    @pytest.mark.parametrize(
        ("value", "says"),
        [
            ("hunter2" * 600, "longer than 4096 bytes"),
            ("hun\nter2", "cannot be seen"),
            ("hun\x00ter2", "cannot be seen"),
            ("env:SECRET_KEY", "must begin with CMS_LMS_SECRET_"),
            ("env:hunter2", "must begin with CMS_LMS_SECRET_"),
        ],
    )
    def test_refused_without_repeating_it(self, root, backend, value, says):
        response = post_credentials(root, backend, value_api_key=value, value_token="tok")
        assert response.status_code == 200
        assert says in text(response)
        assert "hun" not in response.content.decode()
        assert "SECRET_KEY" not in response.content.decode()
        assert stored(backend) == {}  # all or nothing

    def test_a_variable_is_named_and_its_state_told(self, root, backend, monkeypatch):
        post_credentials(root, backend, value_api_key=f"env:{VARIABLE}")
        assert f"The environment variable {VARIABLE} is not set" in text(root.get(credentials_url(backend)))
        monkeypatch.setenv(VARIABLE, VALUE)
        page = root.get(credentials_url(backend))
        assert f"Read from the environment variable {VARIABLE}." in text(page)
        assert VALUE not in page.content.decode()
        assert f"API key set to the environment variable {VARIABLE}" in history(root, backend)

    def test_a_key_that_was_removed_is_told(self, root, backend):
        with override_settings(CMS_LMS_ENCRYPTION_KEYS=["old"]):
            store(backend)
        with override_settings(CMS_LMS_ENCRYPTION_KEYS=["new"]):
            for address in (credentials_url(backend), url(LMSBackend, "edit", backend.pk)):
                assert "cannot be decrypted: the site’s encryption key has changed" in text(root.get(address))
            post_credentials(root, backend, value_api_key="again")
            assert stored(backend) == {"api_key": "again"}

    def test_of_another_origin_they_are_not_used(self, root, backend):
        store(backend)
        response = submit(root, url(LMSBackend, "edit", backend.pk), {"base_url": "https://new.example.com"})
        assert any(
            "were entered for https://lms.example.com. They are not sent to https://new.example.com" in message
            for message in messages(response)
        )
        assert "Not used: entered for https://lms.example.com." in text(root.get(credentials_url(backend)))

    def test_of_the_same_origin_nothing_is_said(self, root, backend):
        store(backend)
        response = submit(root, url(LMSBackend, "edit", backend.pk), {"base_url": "https://LMS.example.com:443/sub"})
        assert response.status_code == 302
        assert not any("credentials" in message for message in messages(response))

    def test_an_address_that_changed_while_they_were_typed(self, root, backend):
        address = credentials_url(backend)
        values = form_values(root.get(address), "main form[method=post], #main form[method=post]")
        LMSBackend.objects.update(base_url="https://evil.example")
        response = root.post(address, {**values, "value-api_key": VALUE})
        assert response.status_code == 200
        assert "has been changed to https://evil.example" in text(response)
        assert stored(backend) == {}
        # What the page shows now is agreed to by sending it.
        assert form_values(response, "main form[method=post], #main form[method=post]")["origin"] == [
            "https://evil.example"
        ]

    def test_an_address_that_is_none(self, root, backend):
        store(backend)
        LMSBackend.objects.update(base_url="nonsense")
        response = post_credentials(root, backend, value_api_key="another")
        assert response.status_code == 200
        assert "base URL is not valid. Correct it first." in text(response)
        assert "Not used: entered for https://lms.example.com." in text(response)
        post_credentials(root, backend, clear_api_key="on")
        assert stored(backend) == {}

    def test_what_another_class_left_can_be_cleared(self, root, backend):
        store(backend, "secret_of_old")
        page = root.get(credentials_url(backend))
        assert "does not ask for it" in text(page)
        assert not soup(page).select("[name=value-secret_of_old]")
        post_credentials(root, backend, clear_secret_of_old="on")
        assert stored(backend) == {}

    def test_a_class_that_asks_for_none(self, root):
        backend = make_backend(backend="cms_lms.backends.base.BaseLMSBackend", js_backend="base")
        page = root.get(credentials_url(backend))
        assert "asks for no credentials" in text(page)
        assert not soup(page).select("input[type=password]")

    def test_a_class_that_the_settings_dropped(self, root, backend, settings):
        settings.CMS_LMS_BACKENDS = [OPENEDX]
        store(backend)
        assert "does not ask for it" in text(root.get(credentials_url(backend)))

    def test_the_history_names_what_changed(self, administrator, backend):
        post_credentials(administrator, backend, value_api_key=VALUE, value_token=VALUE)
        post_credentials(administrator, backend, clear_token="on")
        said = history(administrator, backend)
        assert "API credentials changed: API key set, Token set." in said
        assert "API credentials changed: Token cleared." in said
        assert VALUE not in said


class TestSyncSecrets:
    def generate(
        self, client: Client, backend: LMSBackend, name: str = "production 2027", kind: str = "generate", **more
    ):
        address = secrets_url(backend)
        page = client.get(address)
        (form,) = [form for form in soup(page).select("form") if form.get("aria-labelledby") == kind]
        values = {field["name"]: field.get("value", "") for field in form.select("input[name]")}
        return client.post(address, {**values, f"{kind}-name": name, **{f"{kind}-{key}": v for key, v in more.items()}})

    def test_generated_and_shown_once(self, administrator, backend):
        response = self.generate(administrator, backend)
        assert response.status_code == 200
        secret = backend.sync_secrets.get()
        value = secret.get_secret().reveal()
        assert (secret.name, secret.created_by) == ("production 2027", administrator.user)
        field = soup(response).select_one("#new-secret")
        assert (field["value"], field.has_attr("readonly")) == (value, True)
        assert response.content.decode().count(value) == 1
        assert "no-store" in response["Cache-Control"]
        assert value not in str(dict(administrator.session))
        assert value not in str(response.headers)
        page = administrator.get(secrets_url(backend))
        assert value not in page.content.decode()
        assert "production 2027" in text(page)
        said = history(administrator, backend)
        assert "Web hook secret “production 2027” generated." in said
        assert value not in said

    def test_sending_the_form_again_makes_none_and_shows_none(self, root, backend):
        response = self.generate(root, backend)
        request = response.wsgi_request
        again = root.post(request.path, request.POST)
        assert again.status_code == 302
        assert "was sent before" in messages(again)[0]
        assert backend.sync_secrets.count() == 1
        value = backend.sync_secrets.get().get_secret().reveal()
        assert value not in root.get(again.url).content.decode()

    def test_a_third_is_refused(self, root, backend):
        values = {"generate-form_id": "2a3d5f0e-8c0b-4d3c-9a55-0d3f8f7f6a11", "generate-name": "three"}
        for name in ("one", "two"):
            self.generate(root, backend, name)
        assert not soup(root.get(secrets_url(backend))).select("form[aria-labelledby]")
        response = root.post(secrets_url(backend), values)
        assert "Retire the old one first" in messages(response)[-1]
        assert backend.sync_secrets.count() == 2

    @pytest.mark.parametrize(
        ("name", "says"),
        [
            ("", "This field is required."),
            ("x" * 61, "at most 60 characters"),
            ("a\x07b", "Control characters"),
            ("OLD", "has or had a secret of that name"),
        ],
    )
    def test_names(self, root, backend, name, says):
        SyncSecret.add(backend, name="old", now=NOW)
        response = self.generate(root, backend, name)
        assert response.status_code == 200
        assert says in text(response)
        assert backend.sync_secrets.count() == 1

    def test_a_form_without_its_id_makes_none(self, root, backend):
        for values in ({}, {"generate-form_id": "1"}, {"environment-form_id": "", "environment-variable": VALUE}):
            response = root.post(secrets_url(backend), {"generate-name": "one", **values})
            assert response.status_code == 302
            assert "nothing was added" in messages(response)[-1]
        assert not backend.sync_secrets.exists()

    def test_of_a_disabled_backend_they_sign_nothing(self, root, backend):
        assert "The backend is disabled" not in text(root.get(secrets_url(backend)))
        LMSBackend.objects.update(is_enabled=False)
        assert "The backend is disabled" in text(root.get(secrets_url(backend)))

    @pytest.mark.parametrize("entered", [VARIABLE, f"env:{VARIABLE}", f" {VARIABLE} "])
    def test_a_variable(self, root, backend, entered, monkeypatch):
        monkeypatch.setenv(VARIABLE, VALUE)
        response = self.generate(root, backend, kind="environment", variable=entered)
        assert response.status_code == 302
        assert backend.sync_secrets.get().get_secret().reveal() == VALUE
        page = root.get(response.url)
        assert f"env:{VARIABLE}" in text(page)
        assert VALUE not in page.content.decode()
        assert f"read from the environment variable {VARIABLE}" in history(root, backend)

    def test_a_variable_that_is_not_set_is_told(self, root, backend):
        self.generate(root, backend, kind="environment", variable=VARIABLE)
        assert f"The environment variable {VARIABLE} is not set" in text(root.get(secrets_url(backend)))

    @pytest.mark.parametrize("entered", ["SECRET_KEY", VALUE, "env:", "x" * 5000])
    def test_other_variables_are_refused_without_repeating_them(self, root, backend, entered):
        response = self.generate(root, backend, kind="environment", variable=entered)
        assert response.status_code == 200
        assert soup(response).select_one(".error-message")
        assert not soup(response).select_one("[name=environment-variable]").get("value")
        assert VALUE not in response.content.decode()
        assert not backend.sync_secrets.exists()

    def test_retired_after_asking(self, administrator, backend):
        secret = SyncSecret.add(backend, name="production", now=NOW)
        address = url(LMSBackend, "retire_sync_secret", backend.pk, secret.pk)
        page = administrator.get(address)
        assert "It is the backend’s only live secret." in text(page)
        assert backend.sync_secrets.live().exists()
        response = administrator.post(address)
        assert messages(response) == ["The web hook secret “production” is retired."]
        assert not backend.sync_secrets.live().exists()
        assert "Retired secrets" in text(administrator.get(secrets_url(backend)))
        assert "Web hook secret “production” retired." in history(administrator, backend)
        for method in (administrator.get, administrator.post):
            assert method(address).status_code == 302
        assert history(administrator, backend).count("“production” retired.") == 1

    def test_of_another_backend_there_is_none(self, root, backend):
        secret = SyncSecret.add(make_backend(backend=ASKING), name="theirs", now=NOW)
        assert root.post(url(LMSBackend, "retire_sync_secret", backend.pk, secret.pk)).status_code == 404
        secret.refresh_from_db()
        assert secret.is_live


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("same_form", [True, False])
def test_sent_twice_at_the_same_moment(backend, same_form):
    SyncSecret.add(backend, name="production", now=NOW)
    clients = [make_client(superuser=True, username=name) for name in ("ada", "grace")]
    address, barrier, form_id = secrets_url(backend), Barrier(2), str(uuid.uuid4())

    def send(client: Client) -> int:
        own = form_id if same_form else str(uuid.uuid4())
        barrier.wait(timeout=30)
        try:
            return client.post(address, {"generate-form_id": own, "generate-name": client.user.username}).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(send, clients)) == [200, 302]
    assert backend.sync_secrets.live().count() == 2


class TestRotation:
    @pytest.fixture
    def pair(self, backend) -> tuple[SyncSecret, SyncSecret]:
        return (
            SyncSecret.add(backend, name="of 2023", now=NOW - dt.timedelta(days=400)),
            SyncSecret.add(backend, name="of 2024", now=NOW),
        )

    def use(self, secret: SyncSecret, moment: dt.datetime) -> None:
        SyncSecret.objects.filter(pk=secret.pk).update(last_used_at=moment)

    @pytest.fixture
    def page(self, root, backend):
        return lambda: root.get(secrets_url(backend))

    def step(self, page) -> str:
        return soup(page).select_one("[aria-current=step]").get_text()

    def test_nothing_to_rotate(self, page, backend):
        assert "Replacing a secret" not in text(page())
        SyncSecret.add(backend, name="of 2023", now=NOW)
        assert self.step(page()).startswith("Generate a second secret")

    def test_the_new_one_is_unused(self, page, pair):
        assert "The LMS has not begun to use the new secret “of 2024”" in text(page())
        assert self.step(page()).startswith("Enter the new one")

    def test_the_old_one_is_in_use(self, page, pair):
        self.use(pair[0], NOW + dt.timedelta(hours=1))
        self.use(pair[1], NOW + dt.timedelta(hours=2))
        assert "that is too short a time to tell" in text(page())
        assert "for 7 days" in text(page())
        assert self.step(page()).startswith("Wait until")

    def test_the_old_one_is_silent(self, root, backend, page, pair):
        self.use(pair[0], NOW + dt.timedelta(hours=1))
        self.use(pair[1], NOW + SILENCE * 2)
        assert "The old secret “of 2023” may be retired" in text(page())
        assert self.step(page()).startswith("Retire the old one")
        confirmation = text(root.get(url(LMSBackend, "retire_sync_secret", backend.pk, pair[0].pk)))
        assert "too early" not in confirmation
        assert "It is the newer one; “of 2023” is the older." in text(
            root.get(url(LMSBackend, "retire_sync_secret", backend.pk, pair[1].pk))
        )

    def test_too_early(self, root, backend, pair):
        assert "It is too early to tell" in text(
            root.get(url(LMSBackend, "retire_sync_secret", backend.pk, pair[0].pk))
        )


class TestPanel:
    def test_it_sums_up(self, administrator, backend):
        store(backend)
        SyncSecret.add(backend, name="production", now=NOW)
        page = administrator.get(url(LMSBackend, "edit", backend.pk))
        assert "API key: set" in text(page)
        assert "Token: not set" in text(page)
        assert "“production”, never used" in text(page)
        links = {link.get("href") for link in soup(page).select("a")}
        assert {credentials_url(backend), secrets_url(backend)} <= links
        assert VALUE not in page.content.decode()

    @pytest.mark.parametrize("view", ["add", "copy"])
    def test_a_new_backend_has_none_yet(self, root, backend, view):
        store(backend)
        page = root.get(url(LMSBackend, view, *([backend.pk] if view == "copy" else [])))
        assert page.status_code == 200
        assert "None of its own" not in text(page)

    def test_a_copy_takes_no_secret_along(self, root, backend):
        store(backend)
        SyncSecret.add(backend, name="production", now=NOW)
        assert submit(root, url(LMSBackend, "copy", backend.pk)).status_code == 302
        copy = LMSBackend.objects.exclude(pk=backend.pk).get()
        assert not copy.credentials.exists()
        assert not copy.sync_secrets.exists()


@pytest.mark.parametrize("view", ["credentials", "sync_secrets"])
def test_no_answer_is_stored_anywhere(root, backend, view):
    assert "no-store" in root.get(url(LMSBackend, view, backend.pk))["Cache-Control"]


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("where", ["cms_lms.encryption.Fernet.encrypt", "cms_lms.admin.credentials.log"])
def test_a_report_of_an_error_shows_no_value(backend, root, debug, where, monkeypatch, settings, mailoutbox, caplog):
    class Broken(Exception):
        pass

    def fail(*args, **kwargs):
        local = f"{args} {kwargs}"
        raise Broken(len(local))

    settings.DEBUG = debug
    settings.ADMINS = [("Ada", "ada@example.com")]
    root.raise_request_exception = False
    address = credentials_url(backend)
    values = form_values(root.get(address), "main form[method=post], #main form[method=post]")
    monkeypatch.setattr("cms_lms.encryption.MultiFernet.encrypt" if "Fernet" in where else where, fail)
    with caplog.at_level(logging.DEBUG):
        response = root.post(address, {**values, "value-api_key": VALUE})
    assert response.status_code == 500
    reports = [response.content.decode(), *(str(mail.message()) for mail in mailoutbox)]
    reports += [part for mail in mailoutbox for part, _type in getattr(mail, "alternatives", [])]
    assert any("Broken" in report for report in reports) or not debug
    for report in [*reports, caplog.text]:
        assert VALUE not in report
    assert stored(backend) == {}
