"""Staff look at a course page as a learner in any state, without an LMS; the public cannot."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from cms_lms.backends.registry import js_backend_choices
from cms_lms.enrollment.see_as import LEARNER_STATES, MODE_PREFIX
from tests.catalog.makers import make_course_page
from tests.enrollment_js.servers import STATIC
from tests.factories import make_backend, make_run

pytestmark = pytest.mark.django_db

PREVIEW_JS = (STATIC / "cms_lms" / "js" / "backends" / "preview.js").read_text()


@pytest.fixture
def course_page():
    make_backend()
    return make_course_page(make_run().course)


def panels(page, mode: str):
    """Return the panels of a page's preview, and the response."""
    response = page.make_preview_request(preview_mode=mode)
    return BeautifulSoup(response.content, "html.parser").select("lms-enrollment"), response


def test_the_pages_own_preview_comes_first_and_is_as_it_was(course_page):
    assert course_page.preview_modes[0][0] == course_page.default_preview_mode == ""
    ((panel,), _response) = panels(course_page, "")
    assert panel["data-js-backend"] == "openedx-hawthorn"
    assert not panel.has_attr("data-see-as")


@pytest.mark.parametrize("state", LEARNER_STATES, ids=lambda state: state.name)
def test_each_state_is_a_preview_mode(course_page, state):
    mode = f"{MODE_PREFIX}{state.name}"
    assert dict(course_page.preview_modes)[mode] == state.label

    ((panel,), response) = panels(course_page, mode)

    assert panel["data-see-as"] == state.name
    assert panel["data-module"].endswith("cms_lms/js/backends/preview.js")
    # No LMS is called, and none may be.
    assert re.search("connect-src '(none|self)'(;|$)", response.headers["content-security-policy"])


def test_no_state_is_unknown_to_the_script():
    for name, _label in LEARNER_STATES:
        assert re.search(rf"[\"{{ ]{name}[\": ]", PREVIEW_JS) or name == "idle", name


def test_a_link_is_a_link_for_everybody():
    make_backend(js_backend="")
    found, response = panels(make_course_page(make_run().course), f"{MODE_PREFIX}enrolled")
    assert found == []
    assert b"data-see-as" not in response.content


def test_no_address_of_a_public_page_asks_for_it(course_page, client):
    for query in ("see-as=enrolled", "mode=see-as-enrolled", "preview_mode=see-as-enrolled", "in_preview_panel=true"):
        assert b"data-see-as" not in client.get(f"{course_page.url}?{query}").content


def test_editors_are_not_offered_the_module():

    assert "preview" not in dict(js_backend_choices())
