"""LMS backends in the admin."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from wagtail.models import ModelLogEntry

from cms_lms.matching.handler import LMSHandler
from cms_lms.matching.run_index import reindex_runs
from cms_lms.models import CourseRun, LMSBackend
from tests.admin.browsing import errors, form_values, messages, soup, submit, url
from tests.factories import COURSE_REGEX, OPENEDX, course_regex, make_backend, make_course, make_run

pytestmark = pytest.mark.django_db

LIST = url(LMSBackend, "list")
ADD = url(LMSBackend, "add")
LINK = "https://lms.example.com/courses/course-v1:edX+DemoX+1/info"

#: No single JavaScript group can hold what the groups of this pattern hold, which matches the link.
UNDERIVABLE = {
    "backend": "cms_lms.backends.joanie.JoanieBackend",
    "course_regex": r"^https://lms\.example\.com/courses/(?P<resource_type>course-v1)(?::(?P<resource_id>[^/]+))/info",
}


def valid(**fields):
    return {
        "name": "Campus",
        "slug": "campus",
        "base_url": "https://lms.example.com",
        "backend": OPENEDX,
        "js_backend": "openedx-hawthorn",
        "course_regex": COURSE_REGEX,
        "js_course_regex": "",
        "sample_urls": LINK,
        "rejected_urls": "",
        "default_sync_mode": "",
        "is_enabled": "on",
        **fields,
    }


def actions(backend):
    return list(
        ModelLogEntry.objects.for_instance(backend).order_by("timestamp", "pk").values_list("action", flat=True)
    )


def names(response):
    return [row.name for row in response.context["object_list"]]


def test_create(root):
    response = submit(root, ADD, valid())
    backend = LMSBackend.objects.get()
    assert response.url == LIST
    assert backend.sample_urls == [LINK]
    assert backend.js_course_regex
    assert backend.revisions.count() == 1
    assert actions(backend) == ["wagtail.create"]
    assert LMSHandler.select_lms(LINK).record == backend


def test_list_shows_what_matters(root):
    backend = make_backend(name="Campus")
    make_run()
    page = soup(root.get(LIST))
    row = page.select_one("table.listing tbody tr")
    text = row.get_text(" ", strip=True)
    assert "Campus" in text
    assert "https://lms.example.com" in text
    assert "Open edX" in text
    assert "Open edX, Hawthorn and later" in text
    count = row.select_one(f'a[href="{url(CourseRun, "list")}?matched_backend={backend.pk}"]')
    assert count.text == "1"


def test_number_of_queries_does_not_grow(root):
    course = make_course()
    make_run(course=course)
    make_backend()
    root.get(LIST)
    with CaptureQueriesContext(
        connection,
    ) as few:
        root.get(LIST)
    for _ in range(5):
        make_backend()
        make_run(course=course)
    with CaptureQueriesContext(connection) as many:
        root.get(LIST)
    assert len(many) == len(few)


def test_search(root):
    make_backend(name="Campus", slug="campus-1", base_url="https://one.example.com")
    make_backend(name="Extern", slug="extern-2", base_url="https://two.example.com")
    for query, expected in {
        "ampus": ["Campus"],
        "wo.example": ["Extern"],
        "extern-2": ["Extern"],
        "example campus": ["Campus"],
        "nothing": [],
    }.items():
        assert names(root.get(LIST, {"q": query})) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"backend": OPENEDX}, ["A", "B"]),
        ({"backend": "cms_lms.backends.base.BaseLMSBackend"}, ["C"]),
        ({"js_backend": "openedx-hawthorn"}, ["A"]),
        ({"js_backend": "none"}, ["B", "C"]),
        ({"is_enabled": "true"}, ["A", "C"]),
        ({"is_enabled": "false"}, ["B"]),
        ({"default_sync_mode": "manual"}, ["C"]),
        ({"default_sync_mode": "none"}, ["A", "B"]),
        ({"backend": OPENEDX, "is_enabled": "false"}, ["B"]),
    ],
)
def test_filters(root, query, expected):
    make_backend(name="A")
    make_backend(name="B", js_backend="", is_enabled=False)
    make_backend(name="C", backend="cms_lms.backends.base.BaseLMSBackend", js_backend="", default_sync_mode="manual")
    assert names(root.get(LIST, query)) == expected


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"base_url": "http://lms.example.com"}, "base_url", "https"),
        ({"base_url": "https://lms.example.com/?a=b"}, "base_url", ""),
        ({"base_url": "https://me@lms.example.com"}, "base_url", ""),
        ({"base_url": "https://ü.example.com/" + "a" * 478}, "base_url", "500"),
        (UNDERIVABLE, "js_course_regex", ""),
        ({"course_regex": r"^https://lms\.example\.com/(?P<course_id>["}, "course_regex", ""),
        ({"course_regex": r"^https://lms\.example\.com/([^/]+)"}, "course_regex", "course_id"),
        ({"course_regex": r"^https://lms\.example\.com/(?=x)(?P<course_id>[^/]+)"}, "course_regex", ""),
        ({"js_course_regex": r"^https://lms\.example\.com/(a)(b)"}, "js_course_regex", ""),
        ({"js_course_regex": r"^https://lms\.example\.com/("}, "js_course_regex", ""),
        ({"sample_urls": f"{LINK}\nhttps://elsewhere.example.com/"}, "sample_urls", "elsewhere"),
        ({"rejected_urls": LINK}, "rejected_urls", "lms.example.com"),
        ({"backend": "os.path"}, "backend", ""),
        ({"js_backend": "nonsense"}, "js_backend", ""),
        ({"no_update_fields": ["resource_link"]}, "no_update_fields", ""),
        ({"name": ""}, "name", ""),
        ({"default_sync_mode": "often"}, "default_sync_mode", ""),
    ],
)
def test_each_error_is_on_its_field(root, changes, field, words):
    response = submit(root, ADD, valid(**changes))
    assert response.status_code == 200
    assert list(errors(response)) == [field]
    assert words in " ".join(errors(response)[field])
    assert not LMSBackend.objects.exists()
    assert errors(response)[field][0] in soup(response).select_one(f"[id$='-{field}-errors']").get_text()


def test_without_js_backend_no_javascript_pattern_is_needed(root):
    submit(root, ADD, valid(js_backend="", **UNDERIVABLE))
    backend = LMSBackend.objects.get()
    assert (backend.course_regex, backend.js_course_regex) == (UNDERIVABLE["course_regex"], "")
    assert LMSHandler.select_lms(LINK).record == backend
    changed = submit(root, url(LMSBackend, "edit", backend.pk), {"js_backend": "openedx-hawthorn"})
    assert list(errors(changed)) == ["js_course_regex"]
    response = submit(root, ADD, valid(slug="b", js_backend="", rejected_urls=LINK, **UNDERIVABLE))
    assert list(errors(response)) == ["rejected_urls"]


def test_all_wrong_samples_are_named(root):
    response = submit(root, ADD, valid(sample_urls="https://a.example.com/\nhttps://b.example.com/"))
    found = errors(response)["sample_urls"]
    assert len(found) == 2
    assert "a.example.com" in found[0]
    assert "b.example.com" in found[1]
    assert form_values(response)["sample_urls"] == ["https://a.example.com/\nhttps://b.example.com/"]


def test_blank_slug_follows_the_name(root):
    make_backend(slug="campus-ost")
    submit(root, ADD, valid(name="Campus Ost", slug=""))
    assert LMSBackend.objects.get(name="Campus Ost").slug == "campus-ost-2"


def test_slug_of_another_backend(root):
    make_backend(slug="campus")
    assert list(errors(submit(root, ADD, valid()))) == ["slug"]


def test_lists_survive_an_edit_that_touches_nothing(root):
    backend = make_backend(
        sample_urls=[LINK, LINK.replace("info", "about")],
        rejected_urls=["https://elsewhere.example.com/"],
        no_update_fields=["languages", "start"],
    )
    before = LMSBackend.objects.values().get()
    address = url(LMSBackend, "edit", backend.pk)
    response = submit(root, address)
    assert response.status_code == 302
    after = LMSBackend.objects.values().get()
    before.pop("latest_revision_id"), after.pop("latest_revision_id")
    assert set(after.pop("no_update_fields")) == set(before.pop("no_update_fields"))
    assert after == before


def test_warnings_are_said_after_saving_and_on_the_form(root):
    pattern = COURSE_REGEX.replace(r"lms\.example\.com", "lms.example.com")
    response = submit(root, ADD, valid(course_regex=pattern))
    backend = LMSBackend.objects.get()
    warning = str(backend.get_warnings()[0].message)
    assert warning in messages(response)
    assert warning in soup(root.get(url(LMSBackend, "edit", backend.pk))).select_one(".help-warning").get_text()


@pytest.mark.parametrize("written", [("https", "http"), (r"lms\.example", r"lms\.elsewhere")])
def test_a_pattern_for_another_address_than_the_base_url_is_warned_of(root, written):
    pattern = COURSE_REGEX.replace(*written)
    response = submit(root, ADD, valid(course_regex=pattern, js_course_regex="", sample_urls=""))
    (warning,) = LMSBackend.objects.get().get_warnings()
    assert str(warning) in messages(response)


@pytest.mark.parametrize("name", ["course_regex", "js_course_regex"])
def test_too_long_a_pattern_is_refused_for_its_length(root, name):
    # Not cut off by the browser, to be refused for what it then lacks.
    assert not soup(root.get(ADD)).select_one(f"[name={name}]").has_attr("maxlength")
    response = submit(root, ADD, valid(**{name: COURSE_REGEX + "a" * 100_000}))
    assert "at most 2000 characters" in soup(response).select_one(f"[id$=-{name}-errors]").get_text()


def test_no_warnings_without_reason(root):
    response = submit(root, ADD, valid())
    assert len(messages(response)) == 1
    assert soup(root.get(url(LMSBackend, "edit", LMSBackend.objects.get().pk))).select_one(".help-warning") is None


def test_nothing_is_stored_while_somebody_types(root):
    backend = make_backend()
    for address in (ADD, url(LMSBackend, "edit", backend.pk)):
        assert "w-autosave" not in soup(root.get(address)).select_one("form[data-edit-form]")["data-controller"]


def test_copy(root):
    original = make_backend(name="Campus", slug="campus", no_update_fields=["price"])
    address = url(LMSBackend, "copy", original.pk)
    assert submit(root, address).url == LIST
    copy = LMSBackend.objects.exclude(pk=original.pk).get()
    assert (copy.name, copy.slug) == ("Campus (copy)", "campus-2")
    assert (copy.course_regex, copy.no_update_fields) == (original.course_regex, ["price"])
    assert copy.sort_order > original.sort_order
    assert copy.revisions.count() == 1
    original.refresh_from_db()
    assert original.name == "Campus"


def test_copy_posted_to_its_own_address_leaves_the_original(root):
    original = make_backend(name="Campus", slug="campus")
    root.post(url(LMSBackend, "copy", original.pk), valid(name="Other", slug="other"))
    assert set(LMSBackend.objects.values_list("name", flat=True)) == {"Campus", "Other"}


def test_history_compare_and_revert(root):
    submit(root, ADD, valid())
    backend = LMSBackend.objects.get()
    first = backend.latest_revision
    submit(root, url(LMSBackend, "edit", backend.pk), {"name": "Campus West"})
    history = root.get(url(LMSBackend, "history", backend.pk))
    assert url(LMSBackend, "revisions_revert", backend.pk, first.pk) in history.content.decode()
    compare = root.get(url(LMSBackend, "revisions_compare", backend.pk, first.pk, "latest"))
    assert "West" in compare.content.decode()
    submit(root, url(LMSBackend, "revisions_revert", backend.pk, first.pk))
    backend.refresh_from_db()
    assert backend.name == "Campus"
    assert actions(backend)[:2] == ["wagtail.create", "wagtail.edit"]
    assert len(actions(backend)) == 3


def test_revert_keeps_the_order(root):
    first, second = make_backend(name="First"), make_backend(name="Second")
    revision = second.save_revision()
    root.post(f"{url(LMSBackend, 'reorder', second.pk)}?position=0")
    submit(root, url(LMSBackend, "revisions_revert", second.pk, revision.pk))
    assert names(root.get(LIST)) == ["Second", "First"]
    assert first.pk


def test_reorder_decides_who_wins(root):
    make_backend(name="First")
    second = make_backend(name="Second")
    assert LMSHandler.select_lms(LINK).config.name == "First"
    response = root.post(f"{url(LMSBackend, 'reorder', second.pk)}?position=0")
    assert response.json() == {"success": True}
    assert LMSHandler.select_lms(LINK).config.name == "Second"
    assert names(root.get(LIST)) == ["Second", "First"]
    entry = ModelLogEntry.objects.for_instance(second).get(action="cms_lms.reorder")
    assert entry.data == {"position": {"old": 2, "new": 1}}
    assert "position 2 to position 1" in root.get(url(LMSBackend, "history", second.pk)).content.decode()


@pytest.mark.parametrize(
    ("position", "expected"), [("0", "CAB"), ("1", "ACB"), ("2", "ABC"), ("", "ABC"), ("99", "ABC"), ("-1", "ABC")]
)
def test_reorder_mends_an_order_with_twins(root, position, expected):
    for name in "ABC":
        make_backend(name=name)
    LMSBackend.objects.update(sort_order=7)
    moved = LMSBackend.objects.get(name="C")
    root.post(f"{url(LMSBackend, 'reorder', moved.pk)}?position={position}")
    assert "".join(names(root.get(LIST))) == expected
    orders = list(LMSBackend.objects.order_by("sort_order").values_list("sort_order", flat=True))
    assert len(set(orders)) == 3 or expected == "ABC"


def test_order_can_be_changed_with_the_keyboard(root):
    make_backend()
    page = soup(root.get(LIST, {"ordering": "sort_order"}))
    assert page.select_one("[data-controller~=w-orderable]")
    assert page.select_one("tbody tr button, tbody tr [tabindex]")
    assert "Order" not in page.select_one("thead").get_text().split()
    assert soup(root.get(LIST)).select_one('a[href*="ordering=sort_order"]')


@pytest.mark.parametrize(("view", "before"), [("disable", True), ("enable", False)])
def test_switch(root, view, before):
    backend = make_backend(name="Campus", is_enabled=before)
    response = root.post(url(LMSBackend, view, backend.pk), {"next": LIST})
    backend.refresh_from_db()
    assert response.url == LIST
    assert backend.is_enabled is not before
    assert backend.latest_revision.content["is_enabled"] is not before
    assert actions(backend) == [f"cms_lms.{view}"]
    assert "Campus" in messages(response)[0]
    root.post(url(LMSBackend, view, backend.pk))
    assert len(actions(backend)) == 1


def test_opening_the_address_of_a_switch_changes_nothing(root):
    backend = make_backend()
    assert root.get(url(LMSBackend, "disable", backend.pk)).status_code == 200
    assert LMSBackend.objects.get().is_enabled
    assert not actions(backend)


def test_delete(root):
    backend = make_backend()
    assert root.get(url(LMSBackend, "delete", backend.pk)).status_code == 200
    assert root.post(url(LMSBackend, "delete", backend.pk)).url == LIST
    assert not LMSBackend.objects.exists()
    assert ModelLogEntry.objects.filter(action="wagtail.delete", object_id=str(backend.pk)).exists()


def test_usage(root, administrator):
    run = make_run(title="Spring")
    backend = make_backend(name="Campus")
    reindex_runs()
    address = url(LMSBackend, "usage", backend.pk)
    edit = url(CourseRun, "edit", run.pk)
    assert edit in root.get(address).content.decode()
    page = administrator.get(address).content.decode()
    assert run.resource_link in page
    assert edit not in page


def test_a_class_that_the_settings_dropped(root):
    backend = make_backend()
    with override_settings(CMS_LMS_BACKENDS=["cms_lms.backends.base.BaseLMSBackend"]):
        assert root.get(LIST).status_code == 200
        address = url(LMSBackend, "edit", backend.pk)
        assert form_values(root.get(address))["backend"] == [OPENEDX]
        assert "backend" in errors(submit(root, address, {"name": "New"}))


def test_second_host(root):
    submit(root, ADD, valid(course_regex=course_regex("other.example.com"), sample_urls=""))
    assert LMSHandler.select_lms(LINK) is None


def test_a_pattern_is_shown_whole_and_a_line_break_in_it_refused_in_words(administrator):
    backend = make_backend()
    address = url(LMSBackend, "edit", backend.pk)
    area = soup(administrator.get(address)).select_one("textarea[name=course_regex]")
    response = submit(administrator, address, {"course_regex": f"{COURSE_REGEX[:20]}\r\n{COURSE_REGEX[20:]}"})

    assert area.text.strip() == COURSE_REGEX
    assert "control character" in errors(response)["course_regex"][0]
