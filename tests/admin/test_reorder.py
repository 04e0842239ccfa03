"""The order of backends: in force at once, shown with what it did, undone while nobody has changed it since."""

from __future__ import annotations

import pytest

from cms_lms.matching.handler import LMSHandler
from cms_lms.models import LMSBackend
from tests.admin.browsing import messages, soup, url
from tests.admin.conftest import make_client
from tests.factories import COURSE_REGEX, course_regex, make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

LIST = url(LMSBackend, "list")
IMPACT, UNDO = url(LMSBackend, "reorder_impact"), url(LMSBackend, "reorder_undo")
LINK = "https://lms.example.com/courses/course-v1:edX+DemoX+1/info"


@pytest.fixture
def backends() -> dict[str, LMSBackend]:
    """Three backends, of which the first two match two runs, and the last one more."""
    backends = {
        "A": make_backend(name="A"),
        "B": make_backend(name="B", course_regex=COURSE_REGEX.replace(r"lms\.example\.com", r"[a-z]+\.example\.com")),
        "C": make_backend(name="C", course_regex=course_regex("other.example.com")),
    }
    course = make_course()
    for link in (LINK, LINK.replace("+1/", "+2/"), LINK.replace("lms.", "other.")):
        make_run(course=course, resource_link=link)
    return backends


def order() -> str:
    return "".join(LMSBackend.objects.order_by("sort_order", "pk").values_list("name", flat=True))


def move(client, backend: LMSBackend, position: int) -> None:
    response = client.post(f"{url(LMSBackend, 'reorder', backend.pk)}?position={position}")
    assert response.json() == {"success": True}


def shown(client) -> list[str]:
    """Return what is said of the last move."""
    return [item.get_text() for item in soup(client.get(IMPACT)).select("li")]


def undo(client, response=None):
    form = soup(response or client.get(IMPACT)).select_one("form")
    assert form["action"] == UNDO
    return client.post(form["action"], {"order": form.select_one("[name=order]")["value"]})


def test_what_a_move_did(root, backends):
    assert shown(root) == []
    move(root, backends["B"], 0)
    assert shown(root) == ["2 course runs move from “A” to “B”.", "1 course run stays where it is."]
    assert LMSHandler.select_lms(LINK).record == backends["B"]
    move(root, backends["C"], 0)
    assert shown(root) == ["1 course run moves from “B” to “C”.", "2 course runs stay where they are."]


def test_a_move_that_moves_no_run_says_nothing(root, backends):
    move(root, backends["C"], 0)
    assert shown(root)
    LMSBackend.objects.filter(name="C").update(is_enabled=False)
    move(root, backends["C"], 2)
    assert root.get(IMPACT).content.strip() == b""
    move(root, backends["C"], 2)
    assert root.get(IMPACT).content.strip() == b""


@pytest.mark.parametrize(
    ("name", "position", "moved"), [("B", 0, "BAC"), ("A", 1, "BAC"), ("A", 2, "BCA"), ("C", 0, "CAB")]
)
def test_undo(root, backends, name, position, moved):
    move(root, backends[name], position)
    assert order() == moved
    response = undo(root)
    assert order() == "ABC"
    assert response.url == f"{LIST}?ordering=sort_order&undone={backends[name].pk}"
    assert messages(response) == [f"“{name}” is back at position {'ABC'.index(name) + 1}."]
    assert LMSHandler.select_lms(LINK).record == backends["A"]
    assert shown(root) == []


def test_undo_is_in_the_history(root, backends):
    move(root, backends["B"], 0)
    undo(root)
    history = root.get(url(LMSBackend, "history", backends["B"].pk)).content.decode()
    assert "position 2 to position 1" in history
    assert "position 1 to position 2" in history


def test_undo_leaves_somebody_elses_later_move(root, administrator, backends):
    move(root, backends["B"], 0)
    response = root.get(IMPACT)
    move(administrator, backends["C"], 0)
    assert shown(root) == []
    answer = undo(root, response)
    assert "Nothing was undone" in messages(answer)[0]
    assert order() == "CBA"


def test_undo_of_a_move_that_another_window_overtook(root, backends):
    move(root, backends["B"], 0)
    response = root.get(IMPACT)
    move(root, backends["C"], 0)
    assert "Nothing was undone" in messages(undo(root, response))[-1]
    assert order() == "CBA"


def test_undo_twice(root, backends):
    move(root, backends["B"], 0)
    response = root.get(IMPACT)
    undo(root, response)
    assert "Nothing was undone" in messages(undo(root, response))[-1]
    assert order() == "ABC"


def test_undo_of_what_was_deleted_meanwhile(root, backends):
    move(root, backends["B"], 0)
    response = root.get(IMPACT)
    backends["B"].delete()
    assert shown(root) == []
    assert "Nothing was undone" in messages(undo(root, response))[-1]


def test_undo_without_a_move(root, backends):
    assert "Nothing was undone" in messages(root.post(UNDO))[0]
    assert root.get(UNDO).status_code == 405
    assert order() == "ABC"


def test_what_a_move_did_is_for_those_who_may_move(root, backends):
    move(root, backends["B"], 0)
    client = make_client("Course publishers")
    assert client.get(IMPACT).status_code == 302
    assert client.post(UNDO, {"order": "x"}).status_code == 302
    assert order() == "BAC"


def test_the_listing_has_a_live_region_for_it(root, backends):
    region = soup(root.get(LIST, {"ordering": "sort_order"})).select_one("cms-lms-reorder-impact")
    assert (region["role"], region["data-url"]) == ("status", IMPACT)
    assert not region.get_text(strip=True)
    assert soup(root.get(LIST)).select_one("cms-lms-reorder-impact") is None


def test_a_thousand_backends(root):
    LMSBackend.objects.bulk_create(
        LMSBackend(
            name=f"LMS {n}",
            slug=f"many-{n}",
            base_url="https://lms.example.com",
            backend="cms_lms.backends.openedx.OpenEdXBackend",
            course_regex=COURSE_REGEX,
            sort_order=n,
        )
        for n in range(1000)
    )
    make_run(resource_link=LINK)
    move(root, LMSBackend.objects.get(slug="many-999"), 0)
    assert shown(root) == ["1 course run moves from “LMS 0” to “LMS 999”."]
    undo(root)
    assert LMSHandler.select_lms(LINK).record.slug == "many-0"
