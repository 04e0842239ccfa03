"""Courses that nobody knows, in the admin: the queue, and what staff decide."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from wagtail.models import GroupPagePermission, Page, PageLogEntry

from cms_lms.admin.log_actions import CREATE_COURSE_ACTION
from cms_lms.catalog.models import CoursePage
from cms_lms.models import Course, CourseAlias, CourseRun, LMSBackend, SyncDelivery, UnplacedRun
from cms_lms.sync.decisions import ADD_ALIAS_ACTION, MAX_SENT_AGAIN, REMOVE_ALIAS_ACTION
from cms_lms.sync.signature import sign
from tests.admin.browsing import form_values, messages, soup, url
from tests.admin.conftest import make_client
from tests.catalog.makers import make_course_page, make_index_page
from tests.factories import make_backend, make_course, make_run
from tests.sync.conftest import SECRET, URL
from tests.sync.payloads import link, payload

pytestmark = pytest.mark.django_db

INDEX = "/admin/lms-unknown-courses/"
ELSEWHERE = "https://elsewhere.example/courses/course-v1:edX+T201+1/info"


@pytest.fixture
def backend(db) -> LMSBackend:
    return make_backend(name="Campus")


@pytest.fixture
def post():
    """Let an LMS post a value."""

    def post(value):
        body = json.dumps(value).encode()
        headers = {"Authorization": sign(body, SECRET)}
        return Client().post(URL, body, content_type="application/json", headers=headers)

    return post


@pytest.fixture
def send(post):
    """Let an LMS post runs of an unknown course; return where the last one's group is shown."""

    def send(*runs: str, course: str = "T201", **fields):
        for run in runs or ("1",):
            post(payload(resource_link=link(run, course=course), **fields))
        return group_address(UnplacedRun.objects.order_by("pk").last())

    return send


def group_address(run: UnplacedRun) -> str:
    return f"{INDEX}{run.pk}/"


def decide(client, address: str, decision: str, **fields):
    return client.post(address, {"decision": decision, **fields})


def rows(response) -> list[list[str]]:
    """The text of each row of the page's table."""
    return [
        [" ".join(cell.text.split()) for cell in row.select("th, td")]
        for row in soup(response).select("main table tbody tr")
    ]


def test_the_queue_groups_by_course(editor, backend, send, post):
    send("1", "2", "3")
    send("1", course="T300")
    post(payload(resource_link=ELSEWHERE))

    page = editor.get(INDEX)

    assert [row[:4] for row in rows(page)] == [
        ["elsewhere.example", "No LMS backend", "1", "–"],
        ["edX+T300", "Unknown course", "1", "Campus"],
        ["edX+T201", "Unknown course", "3", "Campus"],
    ]


def test_the_queue_costs_the_same_for_many(editor, backend, send, django_assert_max_num_queries):
    for number in range(12):
        send("1", course=f"T{number}")
    with django_assert_max_num_queries(20):
        editor.get(INDEX)


def test_the_menu_counts_what_waits(editor, backend, send):
    assert "Unknown courses (" not in editor.get("/admin/").content.decode()
    send("1", "2")
    send("1", course="T300")
    assert "Unknown courses (2)" in editor.get("/admin/").content.decode()


def test_a_group_shows_its_runs_and_what_was_sent(editor, backend, send):
    page = editor.get(send("1", "2"))

    assert [row[0] for row in rows(page)] == [link("2", course="T201"), link("1", course="T201")]
    assert '"enrollment_count": 42' in soup(page).select_one("pre").text


def test_attach_remembers_the_key(editor, backend, send, post):
    make_run(course=make_course(code="BOTANY", title="Botany"))
    course = Course.objects.get()

    answer = decide(editor, send("1", "2"), "attach", course=course.pk)

    assert CourseRun.objects.filter(course=course).count() == 3
    assert CourseAlias.objects.get().course == course
    assert not UnplacedRun.objects.exists()
    assert [row[2] for row in rows(editor.get(answer.url))] == ["Created", "Created"]
    assert history(course) == [ADD_ALIAS_ACTION]
    assert post(payload(resource_link=link("3", course="T201"))).status_code == 200
    assert CourseRun.objects.filter(course=course).count() == 4


def history(course: Course) -> list[str]:
    from wagtail.models import ModelLogEntry

    return list(ModelLogEntry.objects.for_instance(course).values_list("action", flat=True))


def test_the_replay_is_under_the_users_name(editor, backend, send):
    address = send()
    original = SyncDelivery.objects.get()
    decide(editor, address, "create", title="Water")
    replay = SyncDelivery.objects.latest("pk")
    assert (replay.replayed_by, replay.replay_of, replay.created_count) == (editor.user, original, 1)


def test_courses_are_found_by_words_without_javascript(editor, backend, send):
    address = send()
    make_course(code="BOTANY", title="Botany")
    for query, found in (("bot", ["BOTANY – Botany"]), ("zzz", []), ("\x00", [])):
        choices = soup(editor.get(address, {"q": query})).select("[name=course]")
        assert [choice.parent.text.strip() for choice in choices] == found


def test_courses_that_are_probably_meant_are_offered(editor, backend, send):
    make_course(code="XT201", title="Water")
    make_course(code="BOTANY", title="Botany")
    choices = soup(editor.get(send())).select("[name=course]")
    assert [choice.parent.text.strip() for choice in choices] == ["XT201 – Water"]


def test_create_the_course_and_a_draft_page(editor, backend, send):
    index = make_index_page()
    page = editor.get(send("1", "2"))
    values = form_values(page, "form[action='#create']")
    assert values["title"] == ["T201"]
    assert values["parent"] == [str(index.pk)]

    answer = decide(editor, page.request["PATH_INFO"], "create", title="Drinking Water", parent=index.pk)

    course, draft = Course.objects.get(), CoursePage.objects.get()
    assert (course.organisation, course.code, course.title) == ("edX", "T201", "Drinking Water")
    assert (draft.course, draft.title, draft.live, draft.slug) == (course, "Drinking Water", False, "drinking-water")
    assert (draft.owner, draft.latest_revision.user) == (editor.user, editor.user)
    assert PageLogEntry.objects.filter(page=draft.pk, action="wagtail.create", user=editor.user).exists()
    assert history(course) == [CREATE_COURSE_ACTION]
    assert CourseRun.objects.filter(course=course, live=True).count() == 2
    assert not UnplacedRun.objects.exists()
    assert "a draft of its page were created" in " ".join(messages(answer))
    assert "Created for Campus" in editor.get(url(Course, "history", course.pk)).content.decode()


def test_the_course_alone(editor, backend, send):
    make_index_page()
    decide(editor, send(), "create", title="Water", parent="")
    assert Course.objects.get().title == "Water"
    assert not CoursePage.objects.exists()


def test_two_people_who_create_at_once_make_one(editor, publisher, backend, send):
    index = make_index_page()
    address = send()
    run = UnplacedRun.objects.get()
    decide(editor, address, "create", title="Water", parent=index.pk)
    assert decide(publisher, address, "create", title="Water too", parent=index.pk).url == INDEX
    # The LMS sends another run meanwhile, whose course is still wanting to whoever looked before.
    run.pk = None
    run.resource_key = "other"
    run.save()
    answer = decide(publisher, group_address(run), "create", title="Water too", parent=index.pk)
    assert "was there already" in " ".join(messages(answer))
    assert (Course.objects.count(), CoursePage.objects.count()) == (1, 1)


def test_a_title_that_is_taken_gets_another_address(editor, backend, send):
    index = make_index_page()
    make_course_page(None, parent=index, title="Water", slug="water")
    decide(editor, send(), "create", title="Water", parent=index.pk)
    assert CoursePage.objects.get(live=False).slug == "water-2"


def test_a_title_without_letters_gets_an_address(editor, backend, send):
    index = make_index_page()
    decide(editor, send(), "create", title="!?", parent=index.pk)
    assert CoursePage.objects.get().slug == f"course-{Course.objects.get().pk}"


def test_a_page_that_takes_no_course_page(root, backend, send):
    index = make_index_page()
    page = make_course_page(None, parent=index)
    for value in (page.pk, Page.objects.get(depth=1).pk, "abc", "9" * 40, "\x00"):
        answer = decide(root, send(), "create", title="Water", parent=value)
        assert answer.status_code == 200
        assert "parent" in answer.context["create_form"].errors
    assert not Course.objects.exists()


def test_where_somebody_may_add_no_page(backend, send, db):
    """The server decides: neither offered nor taken."""
    index = make_index_page()
    client = make_client("Course editors")
    GroupPagePermission.objects.all().delete()
    address = send()
    assert form_values(client.get(address), "form[action='#create']")["parent"] == [""]
    answer = decide(client, address, "create", title="Water", parent=index.pk)
    assert "parent" in answer.context["create_form"].errors
    assert not Course.objects.exists()


def test_who_may_not_add_courses_only_attaches(backend, send):
    client = make_client(username="helper")
    client.user.user_permissions.add(*Permission.objects.filter(codename__in=["change_course", "change_courserun"]))
    address = send()
    assert soup(client.get(address)).select_one("[value=create]") is None
    decide(client, address, "create", title="Water")
    assert not Course.objects.exists()


def test_ignore_and_bring_back(editor, backend, send):
    address = send("1", "2")
    assert decide(editor, address, "ignore").url == INDEX
    send("3")
    assert rows(editor.get(INDEX)) == []
    assert UnplacedRun.objects.ignored().count() == 3
    assert [row[2] for row in rows(editor.get(INDEX, {"ignored": "1"}))] == ["3"]
    decide(editor, address, "restore")
    assert [row[2] for row in rows(editor.get(INDEX))] == ["3"]


def test_send_again_once_the_cause_is_mended(editor, backend, send):
    address = send()
    course = make_course(code="T201", title="Water")
    page = editor.get(address)
    assert "The catalogue knows the course by now" in page.content.decode()
    assert soup(page).select_one("[value=attach]") is None
    answer = decide(editor, address, "send")
    assert CourseRun.objects.get().course == course
    assert [row[0] for row in rows(editor.get(answer.url))] == ["Water"]


def test_what_is_still_refused_is_said(editor, backend, send):
    answer = decide(editor, send(), "send")
    assert rows(editor.get(answer.url))[0][2:] == ["Refused", "It was refused. Resource link: Unknown course: T201."]
    assert UnplacedRun.objects.get().times_seen == 1


def test_many_runs_are_sent_in_parts(editor, backend, send, post):
    items = [payload(resource_link=link(str(number), course="T201")) for number in range(MAX_SENT_AGAIN + 3)]
    post(items)
    make_course(code="T201")
    answer = decide(editor, group_address(UnplacedRun.objects.first()), "send")
    assert "3 more runs wait" in " ".join(messages(answer))
    assert UnplacedRun.objects.count() == 3


def test_links_without_a_backend(root, backend, post):
    post(payload(resource_link=ELSEWHERE))
    page = soup(root.get(group_address(UnplacedRun.objects.get())))
    assert page.select_one("[name=urls]")["value"] == ELSEWHERE
    address = page.find("a", string="Add an LMS backend for them")["href"]
    form = form_values(root.get(address))
    assert (form["base_url"], form["sample_urls"]) == (["https://elsewhere.example"], [ELSEWHERE])
    assert page.select_one("[value=create]") is None


def test_a_backend_for_them_is_added(editor, backend, post):
    post(payload(resource_link=ELSEWHERE))
    make_course(code="T201")
    address = group_address(UnplacedRun.objects.get())
    make_backend(course_regex=r"^https://elsewhere\.example/courses/(?P<course_id>[^/]+)/info$")
    decide(editor, address, "send")
    assert CourseRun.objects.get().resource_link == ELSEWHERE


def test_a_secret_that_may_not_write_the_run_still_may_not(editor, backend, post):
    other = make_backend(course_regex=r"^https://other\.example/(?P<course_id>[^/]+)$")
    post(payload(resource_link=ELSEWHERE))
    UnplacedRun.objects.update(signer_scope=[other.pk])
    make_course(code="T201")
    make_backend(course_regex=r"^https://elsewhere\.example/courses/(?P<course_id>[^/]+)/info$")
    answer = decide(editor, group_address(UnplacedRun.objects.get()), "send")
    assert "Not allowed for this secret." in rows(editor.get(answer.url))[0][3]
    assert not CourseRun.objects.exists()


def test_what_became_of_the_runs_is_told_to_who_asked(editor, publisher, backend, send):
    answer = decide(editor, send(), "send")
    assert rows(editor.get(answer.url))
    assert rows(publisher.get(answer.url)) == []
    assert rows(editor.get(f"{INDEX}result/", {"delivery": SyncDelivery.objects.earliest("pk").pk})) == []


@pytest.mark.parametrize("value", ["", "abc", "\x00", "-1", "9" * 40, "²", "😀"])
def test_rubbish(editor, backend, send, value):
    address = send()
    for response in (
        editor.get(INDEX, {"p": value, "ignored": value}),
        editor.get(f"{INDEX}result/", {"delivery": value}),
        editor.get(address, {"q": value}),
        decide(editor, address, value),
        decide(editor, address, "attach", course=value),
        decide(editor, address, "create", title=value, parent=value),
    ):
        assert response.status_code in (200, 302)
    assert editor.get(f"{INDEX}999999/").url == INDEX
    assert editor.get(f"{INDEX}{'9' * 40}/").status_code in (302, 404)


def test_a_course_without_a_code(editor, backend, post):
    post(payload(resource_link=link("1", course="---")))
    run = UnplacedRun.objects.get()
    assert run.code == ""
    page = soup(editor.get(group_address(run)))
    assert page.select_one("[value=attach]") is None
    decide(editor, group_address(run), "attach", course=make_course().pk)
    assert not CourseAlias.objects.exists()
    decide(editor, group_address(run), "create", title="Water")
    assert Course.objects.count() == 1


def test_aliases_on_the_courses_form(editor, publisher):
    course = make_course(code="BOTANY")
    alias = CourseAlias.objects.create(organisation="edX", code="T201", course=course)
    remove = url(Course, "remove_alias", course.pk, alias.pk)
    assert soup(editor.get(url(Course, "edit", course.pk))).select_one(f'a[href="{remove}"]')
    assert "edX+T201" in editor.get(remove).content.decode()
    assert editor.post(remove).url == url(Course, "edit", course.pk)
    assert not CourseAlias.objects.exists()
    assert history(course) == [REMOVE_ALIAS_ACTION]
    # Somebody was quicker.
    assert publisher.get(remove).url == publisher.post(remove).url == url(Course, "edit", course.pk)


def test_an_alias_of_another_course(editor):
    alias = CourseAlias.objects.create(code="T201", course=make_course(code="BOTANY"))
    editor.post(url(Course, "remove_alias", make_course(code="OTHER").pk, alias.pk))
    assert CourseAlias.objects.exists()


def test_a_parent_page_is_checked_when_a_backend_is_saved(root, backend):
    from tests.admin.browsing import errors, submit

    index = make_index_page()
    page = make_course_page(None, parent=index)
    edit = url(LMSBackend, "edit", backend.pk)
    refused = errors(submit(root, edit, {"course_parent_page": page.pk}))
    assert list(refused) == ["course_parent_page"]
    assert "No course page can be created under “A course”" in refused["course_parent_page"][0]
    submit(root, edit, {"course_parent_page": index.pk})
    backend.refresh_from_db()
    assert backend.course_parent_page_id == index.pk
