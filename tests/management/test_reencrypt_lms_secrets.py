"""``reencrypt_lms_secrets``: every stored secret comes under the first key, and what cannot is named."""

from __future__ import annotations

import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from cms_lms.encryption import Secret
from cms_lms.models import LMSBackend
from cms_lms.models.credential import BackendCredential
from cms_lms.models.sync_secret import SyncSecret
from tests.factories import make_backend

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2027, 1, 4, 12, tzinfo=dt.UTC)
OLD, NEW = "an old key for tests", "a new key for tests"
TOKEN, SIGNS = "the API's token", "the web hook's secret"


@pytest.fixture
def keys(settings):
    """Set the encryption keys."""

    def keys(*values: str) -> None:
        settings.CMS_LMS_ENCRYPTION_KEYS = list(values)

    return keys


@pytest.fixture
def backend(keys) -> LMSBackend:
    """A backend with one secret of each kind, one in the environment and a retired one, all under the old key."""
    keys(OLD)
    backend = make_backend(slug="campus")
    BackendCredential.objects.store(backend, "token", Secret(TOKEN), now=NOW)
    SyncSecret.add(backend, name="gone", now=NOW).retire(now=NOW)
    SyncSecret.add(backend, name="production", now=NOW, secret=Secret(SIGNS))
    SyncSecret.add(backend, name="outside", now=NOW, secret=Secret("env:CMS_LMS_SECRET_CAMPUS"))
    return backend


def run(*args: str) -> tuple[int, str, str]:
    """Return the exit code and what was printed to either side."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("reencrypt_lms_secrets", *args, stdout=out, stderr=err)
    except CommandError as error:
        return error.returncode, out.getvalue(), f"{err.getvalue()}{error}"
    return 0, out.getvalue(), err.getvalue()


def texts() -> tuple[str, str]:
    return (
        BackendCredential.objects.get().get_secret().reveal(),
        SyncSecret.objects.get(name="production").get_secret().reveal(),
    )


def stored() -> list[str]:
    return [row.stored_value for model in (BackendCredential, SyncSecret) for row in model.objects.order_by("pk")]


def test_everything_comes_under_the_first_key(backend, keys):
    keys(NEW, OLD)

    assert run() == (
        0,
        "API credentials: 1 encrypted anew, 0 under the first key already, 0 in the environment, "
        "0 cannot be decrypted.\n"
        "Web hook secrets: 1 encrypted anew, 0 under the first key already, 1 in the environment, "
        "0 cannot be decrypted.\n"
        "No secret needs any other key than the first.\n",
        "",
    )
    keys(NEW)
    assert texts() == (TOKEN, SIGNS)
    assert SyncSecret.objects.get(name="gone").stored_value == ""
    assert SyncSecret.objects.get(name="outside").stored_value == "env:CMS_LMS_SECRET_CAMPUS"


def test_a_second_time_writes_nothing(backend, keys):
    keys(NEW, OLD)
    run()
    before = stored()

    status, out, err = run()

    assert (status, err, stored()) == (0, "", before)
    assert "API credentials: 0 encrypted anew, 1 under the first key already" in out


def test_check_says_whether_an_older_key_is_needed_and_writes_nothing(backend, keys):
    keys(NEW, OLD)
    before = stored()

    status, out, err = run("--check")

    assert (status, stored()) == (1, before)
    assert "Web hook secrets: 1 under an older key, 0 under the first key, 1 in the environment" in out
    assert err == "Older keys are still needed. Run reencrypt_lms_secrets without --check."

    run()
    status, out, err = run("--check")
    assert (status, err) == (0, "")
    assert "No secret needs any other key than the first." in out


@pytest.mark.parametrize("args", [(), ("--check",)])
def test_what_cannot_be_decrypted_is_named_and_the_rest_is_done(backend, keys, args):
    BackendCredential.objects.update(stored_value="encrypted:lost")
    keys(NEW, OLD)

    status, out, err = run(*args)

    assert status == 1
    assert "LMS backend campus: API credential token cannot be decrypted.\n1 secret cannot be decrypted." in err
    assert "lost" not in out + err
    if not args:
        keys(NEW)
        assert SyncSecret.objects.get(name="production").get_secret().reveal() == SIGNS


def test_a_key_that_was_removed_too_early_is_found_out(backend, keys):
    keys(NEW)

    status, _out, err = run()

    assert status == 1
    assert "LMS backend campus: web hook secret production cannot be decrypted." in err
    assert "2 secrets cannot be decrypted." in err
    keys(NEW, OLD)
    assert texts() == (TOKEN, SIGNS)


def test_without_secrets_there_is_nothing_to_do():
    status, out, err = run("--check")

    assert (status, err) == (0, "")
    assert "API credentials: 0 under an older key" in out


@pytest.mark.parametrize("args", [(), ("--check",)])
def test_no_secret_is_printed(backend, keys, args):
    keys(NEW, OLD)

    _status, out, err = run(*args, "--verbosity=3")

    assert not [text for text in (TOKEN, SIGNS, OLD, NEW, *filter(None, stored())) if text in out + err]


def test_one_that_is_retired_meanwhile_does_not_come_back(backend, keys):
    keys(NEW, OLD)
    secret = SyncSecret.objects.get(name="production")

    def retire(execute, sql, params, many, context):
        # The list of keys has been read; the first lock on a web hook secret comes next.
        if "cms_lms_syncsecret" in sql and "LIMIT 1" in sql and SyncSecret.objects.live().filter(pk=secret.pk):
            secret.retire(now=NOW)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(retire):
        status, _out, _err = run()

    assert status == 0
    assert SyncSecret.objects.get(name="production").stored_value == ""
