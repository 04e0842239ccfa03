"""API credentials and web hook secrets as records: what is stored, for whom, and what cannot be had."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import override_settings

from cms_lms.encryption import Secret
from cms_lms.models import BackendCredential, ConfigurationVersion, LMSBackend, SyncSecret
from cms_lms.models.stored_secret import SecretUnavailable
from cms_lms.models.sync_secret import AlreadyAdded, TooManySecrets
from tests.asking_backend import ASKING
from tests.factories import make_backend

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2027, 3, 1, 9, tzinfo=dt.UTC)
VALUE = "hunter2-in-clear"
VARIABLE = "CMS_LMS_SECRET_CAMPUS"


@pytest.fixture
def backend(settings) -> LMSBackend:
    settings.CMS_LMS_BACKENDS = [ASKING, "cms_lms.backends.base.BaseLMSBackend"]
    return make_backend(backend=ASKING)


def store(backend: LMSBackend, name: str = "api_key", value: str = VALUE, **kwargs) -> BackendCredential:
    return BackendCredential.objects.store(backend, name, Secret(value), now=NOW, **kwargs)


def add(backend: LMSBackend, name: str = "production", now: dt.datetime = NOW, **kwargs) -> SyncSecret:
    return SyncSecret.add(backend, name=name, now=now, **kwargs)


def usable(backend: LMSBackend) -> dict[str, str]:
    secrets = BackendCredential.objects.for_address(backend).secrets()
    return {name: secret.reveal() for name, secret in secrets.items()}


class TestCredentials:
    def test_stored_encrypted_and_read_again(self, backend):
        user = User.objects.create(username="ada")
        credential = store(backend, user=user)
        assert VALUE not in credential.stored_value
        credential = BackendCredential.objects.get()
        assert credential.get_secret().reveal() == VALUE
        assert (credential.origin, credential.changed_at, credential.changed_by) == (
            "https://lms.example.com",
            NOW,
            user,
        )

    def test_storing_again_replaces(self, backend):
        store(backend)
        store(backend, value="another")
        assert usable(backend) == {"api_key": "another"}
        assert BackendCredential.objects.count() == 1

    def test_used_for_the_origin_that_they_were_entered_for_alone(self, backend):
        store(backend)
        backend.base_url = "https://lms.example.com/sub"
        assert usable(backend) == {"api_key": VALUE}
        for base_url in ("https://evil.example", "https://lms.example.com:8443", "http://lms.example.com", "nonsense"):
            backend.base_url = base_url
            assert usable(backend) == {}

    def test_an_origin_that_was_altered_in_the_database_opens_nothing(self, backend):
        store(backend)
        BackendCredential.objects.update(origin="https://evil.example")
        backend.base_url = "https://evil.example"
        with pytest.raises(SecretUnavailable):
            usable(backend)

    def test_a_row_that_was_copied_to_another_backend_opens_nothing(self, backend):
        credential = store(backend)
        other = make_backend(backend=ASKING)
        BackendCredential.objects.create(
            backend=other,
            name=credential.name,
            origin=credential.origin,
            changed_at=NOW,
            stored_value=credential.stored_value,
        )
        with pytest.raises(SecretUnavailable):
            usable(other)

    def test_what_the_class_does_not_ask_for_is_not_used(self, backend):
        store(backend)
        store(backend, "left_from_another_class")
        assert usable(backend) == {"api_key": VALUE}
        backend.backend = "no.longer.Registered"
        assert usable(backend) == {}

    def test_a_backend_without_a_valid_address_takes_none(self, backend):
        backend.base_url = "nonsense"
        with pytest.raises(ValidationError):
            store(backend)

    def test_a_removed_key_is_said_in_words(self, backend):
        with override_settings(CMS_LMS_ENCRYPTION_KEYS=["old"]):
            store(backend)
        with override_settings(CMS_LMS_ENCRYPTION_KEYS=["new"]), pytest.raises(SecretUnavailable) as unavailable:
            usable(backend)
        assert unavailable.value.code == "decryption"
        assert "Put the old key back" in str(unavailable.value)

    def test_moving_to_the_first_key(self, backend):
        with override_settings(CMS_LMS_ENCRYPTION_KEYS=["old"]):
            credential = store(backend)
        with override_settings(CMS_LMS_ENCRYPTION_KEYS=["new", "old"]):
            assert credential.reencrypt_secret() is True
            credential.save()
        with override_settings(CMS_LMS_ENCRYPTION_KEYS=["new"]):
            assert usable(backend) == {"api_key": VALUE}

    def test_a_dump_holds_no_clear_text(self, backend, capsys):
        store(backend)
        added = add(backend)
        call_command("dumpdata", "cms_lms")
        dump = capsys.readouterr().out
        assert "cms_lms.backendcredential" in dump
        assert "encrypted:" in dump
        assert VALUE not in dump
        assert added.get_secret().reveal() not in dump


class TestWhatMayBeASecret:
    def test_white_space_around_it_goes(self, backend):
        store(backend, value=f"\n {VALUE}\t\r\n")
        assert usable(backend) == {"api_key": VALUE}

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("", "empty"),
            (" \n", "empty"),
            ("hunter2" * 600, "too_long"),
            ("é" * 2049, "too_long"),
            ("hun\nter2", "control_character"),
            ("hun\x00ter2", "control_character"),
            ("hun\u200bter2", "control_character"),
            ("\ufeffhunter2", "control_character"),
            ("hunter2\udcff", "control_character"),
            ("env:hunter2", "environment_name"),
            ("env:HUNTER2", "environment_name"),
            ("env:", "environment_name"),
            ("env:CMS_LMS_SECRET_", "environment_name"),
            ("env:CMS_LMS_SECRET_é", "environment_name"),
            ("env:SECRET_KEY", "environment_name"),
        ],
    )
    def test_refused_without_repeating_it(self, backend, value, code):
        with pytest.raises(ValidationError) as refusal:
            store(backend, value=value)
        assert refusal.value.code == code
        assert "hun" not in str(refusal.value).lower()
        assert not BackendCredential.objects.exists()

    def test_the_longest(self, backend):
        store(backend, value="é" * 2048)
        assert usable(backend) == {"api_key": "é" * 2048}

    @override_settings(CMS_LMS_SECRET_ENVIRONMENT_PREFIX="")
    def test_without_a_prefix_no_variable_may_be_named(self, backend):
        with pytest.raises(ValidationError):
            store(backend, value="env:DATABASE_URL")


class TestEnvironment:
    def test_the_name_is_stored_and_the_value_read_when_it_is_used(self, backend, monkeypatch):
        credential = store(backend, value=f"env:{VARIABLE}")
        assert (credential.stored_value, credential.environment_name) == (f"env:{VARIABLE}", VARIABLE)
        monkeypatch.setenv(VARIABLE, f"{VALUE}\n")
        assert usable(backend) == {"api_key": VALUE}
        assert credential.reencrypt_secret() is False

    @pytest.mark.parametrize(
        ("value", "code"),
        [(None, "environment_missing"), (" ", "environment_missing"), ("hun\nter2", "environment_invalid")],
    )
    def test_a_variable_that_cannot_be_used(self, backend, monkeypatch, value, code):
        store(backend, value=f"env:{VARIABLE}")
        if value is not None:
            monkeypatch.setenv(VARIABLE, value)
        with pytest.raises(SecretUnavailable) as unavailable:
            usable(backend)
        assert unavailable.value.code == code
        assert VARIABLE in str(unavailable.value)
        assert "hun" not in str(unavailable.value)

    def test_bytes_that_are_no_text(self, backend, monkeypatch):
        store(backend, value=f"env:{VARIABLE}")
        monkeypatch.setenv(VARIABLE, "hunter2\udcff")  # as Python reads the byte FF
        with pytest.raises(SecretUnavailable) as unavailable:
            usable(backend)
        assert unavailable.value.code == "environment_invalid"

    def test_a_prefix_that_changed_since(self, backend, monkeypatch):
        store(backend, value=f"env:{VARIABLE}")
        monkeypatch.setenv(VARIABLE, VALUE)
        with override_settings(CMS_LMS_SECRET_ENVIRONMENT_PREFIX="OTHER_"), pytest.raises(SecretUnavailable):
            usable(backend)


class TestSyncSecrets:
    def test_a_generated_one_is_long_random_and_encrypted(self, backend):
        first, second = add(backend, "one"), add(backend, "two")
        assert len(first.get_secret().reveal()) >= 43
        assert first.get_secret() != second.get_secret()
        assert first.get_secret().reveal() not in first.stored_value

    def test_two_may_be_live(self, backend):
        first = add(backend, "one")
        add(backend, "two")
        with pytest.raises(TooManySecrets):
            add(backend, "three")
        first.retire(now=NOW)
        add(backend, "three")
        assert [secret.name for secret in backend.sync_secrets.live()] == ["two", "three"]

    def test_others_do_not_count(self, backend):
        other = make_backend(backend=ASKING)
        for name in ("one", "two"):
            add(other, name)
            add(backend, name)

    def test_a_name_is_used_once(self, backend):
        add(backend, "Production").retire(now=NOW)
        with pytest.raises(ValidationError):
            add(backend, "production")

    def test_a_form_adds_one(self, backend):
        form_id = uuid.uuid4()
        add(backend, "one", form_id=form_id)
        with pytest.raises(AlreadyAdded):
            add(backend, "two", form_id=form_id)
        assert SyncSecret.objects.count() == 1

    def test_retiring_forgets_the_secret_and_keeps_the_row(self, backend):
        secret = add(backend)
        secret.retire(now=NOW + dt.timedelta(days=1))
        secret = SyncSecret.objects.get()
        assert (secret.stored_value, secret.is_live) == ("", False)
        with pytest.raises(SecretUnavailable) as unavailable:
            secret.get_secret()
        assert unavailable.value.code == "retired"

    def test_retiring_twice_keeps_the_first_date(self, backend):
        secret = add(backend)
        stale = SyncSecret.objects.get()
        secret.retire(now=NOW + dt.timedelta(days=1))
        stale.retire(now=NOW + dt.timedelta(days=2))
        assert stale.retired_at == SyncSecret.objects.get().retired_at == NOW + dt.timedelta(days=1)

    def test_every_process_learns_of_it(self, backend):
        versions = {ConfigurationVersion.objects.current()}
        secret = add(backend)
        versions.add(ConfigurationVersion.objects.current())
        secret.retire(now=NOW)
        versions.add(ConfigurationVersion.objects.current())
        assert len(versions) == 3

    def test_a_variable(self, backend, monkeypatch):
        monkeypatch.setenv(VARIABLE, VALUE)
        assert add(backend, secret=Secret(f"env:{VARIABLE}")).get_secret().reveal() == VALUE
        with pytest.raises(ValidationError):
            add(backend, "other", secret=Secret("env:SECRET_KEY"))
        assert SyncSecret.objects.count() == 1


def test_revisions_hold_no_secret(backend):
    store(backend)
    added = add(backend)
    content = str(backend.save_revision().content)
    assert VALUE not in content
    assert added.get_secret().reveal() not in content
    assert "encrypted:" not in content


def test_deleting_a_backend_deletes_its_secrets(backend):
    store(backend)
    add(backend)
    backend.delete()
    assert not BackendCredential.objects.exists()
    assert not SyncSecret.objects.exists()
