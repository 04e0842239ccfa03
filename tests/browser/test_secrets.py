"""Secrets as the editor meets them: entered and never seen again, generated and seen once, replaced in four steps."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from cms_lms.models import LMSBackend, SyncSecret
from tests.admin.browsing import url
from tests.asking_backend import ASKING
from tests.browser.test_accessibility import WAGTAILS_OWN, violations  # noqa: F401  (fixtures)
from tests.browser.test_walk import log_in
from tests.factories import make_backend

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

LONG_AGO = dt.datetime(2024, 3, 1, 9, tzinfo=dt.UTC)
VALUE = "hunter2-in-clear"


@pytest.fixture
def backend(catalogue, settings) -> LMSBackend:
    """A backend whose class asks for credentials, with a secret that has been in use for long."""
    settings.CMS_LMS_BACKENDS = [ASKING]
    backend = make_backend(name="Campus", backend=ASKING)
    secret = SyncSecret.add(backend, name="production 2024", now=LONG_AGO)
    SyncSecret.objects.filter(pk=secret.pk).update(last_used_at=LONG_AGO + dt.timedelta(days=30))
    return backend


@pytest.fixture
def addresses(backend) -> dict[str, str]:
    """Made before the browser starts: the database is out of reach then."""
    return {view: url(LMSBackend, view, backend.pk) for view in ("edit", "credentials", "sync_secrets")}


def test_secrets(addresses, new_page, picture, violations):  # noqa: F811
    page = new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log_in(page, "admin")

    # Credentials: entered, kept by a blank field, cleared by a tick; at no time is the value on a page.
    page.goto(addresses["edit"])
    page.locator("dd").get_by_role("link", name="API credentials").click()
    fields = page.get_by_label(re.compile("new value"))
    fields.nth(0).fill(VALUE)
    fields.nth(1).fill("token-in-clear")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The API credentials of “Campus” were changed.")).to_be_visible()
    expect(page.get_by_text("Stored encrypted.")).to_have_count(2)
    expect(fields.nth(0)).to_have_value("")
    fields.nth(0).fill("env:HOME")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This is not the name of a variable for secrets")).to_be_visible()
    picture(page, "secrets-credentials-error", full_page=True)
    page.get_by_label("Token: clear the stored value").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Stored encrypted.")).to_have_count(1)
    expect(page.get_by_text("Not set")).to_have_count(1)
    assert VALUE not in page.content()
    picture(page, "secrets-credentials", full_page=True)

    # The web hook's: generated, copied, seen once.
    page.goto(addresses["sync_secrets"])
    page.get_by_role("form", name="Generate a secret").get_by_label("Name").fill("production 2027")
    page.get_by_role("button", name="Generate").click()
    secret = page.get_by_label("Secret “production 2027”")
    value = secret.input_value()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", value)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == value
    picture(page, "secrets-created", full_page=True)
    assert violations(page, *WAGTAILS_OWN) == []
    page.reload()  # the browser sends the form again
    expect(page.get_by_text("This form was sent before.")).to_be_visible()
    assert value not in page.content()
    page.go_back()
    assert value not in page.content()

    # Two are live: the page says which is which and what comes next; the old one goes, after a question.
    page.goto(addresses["sync_secrets"])
    expect(page.get_by_role("button", name="Generate")).to_have_count(0)
    expect(page.get_by_text("The LMS has not begun to use the new secret “production 2027”.")).to_be_visible()
    expect(page.locator("[aria-current=step]")).to_have_text("Enter the new one at the LMS.")
    picture(page, "secrets-rotation", full_page=True)
    page.get_by_role("link", name="Retire “production 2024”").click()
    expect(page.get_by_text("It is too early to tell")).to_be_visible()
    picture(page, "secrets-retire")
    page.get_by_role("button", name="Retire").click()
    expect(page.get_by_text("The web hook secret “production 2024” is retired.")).to_be_visible()
    expect(page.get_by_role("heading", name="Retired secrets")).to_be_visible()
    picture(page, "secrets-retired", full_page=True)
    page.goto(addresses["edit"])
    page.get_by_text("“production 2027”, never used").scroll_into_view_if_needed()
    picture(page, "secrets-panel")
