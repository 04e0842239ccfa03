"""One group of the queue: its runs, and the decisions that there are on them. Each decision is a button of the page."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext, ngettext
from django.views.generic import TemplateView
from wagtail.admin import messages
from wagtail.permission_policies import ModelPermissionPolicy

from cms_lms.admin.permissions import may_add_courses, may_test_urls
from cms_lms.admin.unplaced_forms import AttachForm, CreateCourseForm
from cms_lms.admin.unplaced_pages import UnplacedPageMixin
from cms_lms.models import Course, LMSBackend, UnplacedRun
from cms_lms.models.unplaced_run import Problem
from cms_lms.sync.decisions import MAX_SENT_AGAIN, attach, create, send_again
from cms_lms.sync.new_courses import CourseNotCreated, NewCourse
from cms_lms.sync.redaction import redacted

#: How many of the runs the page names.
MAX_SHOWN = 100

#: What is long in the deliveries by which runs came, and not needed to send them again.
LONG_COLUMNS = ("delivery__payload", "delivery__response", "delivery__items")


class UnplacedGroupView(UnplacedPageMixin, TemplateView):
    """Shows a group by any of its runs, and does what was decided on it."""

    template_name = "cms_lms/admin/unplaced_group.html"

    def setup(self, request: HttpRequest, *args, **kwargs) -> None:
        """Load the run by which the group is named; None if it has found its place."""
        super().setup(request, *args, **kwargs)
        self.run = UnplacedRun.objects.select_related("backend").filter(pk=kwargs["pk"]).first()

    def get_page_title(self) -> str:
        """Name the course, or the host."""
        return self.run.group_label or gettext("Without a code")

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Show the group."""
        if self.run is None:
            return self.leave_placed()
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Do what the pressed button says."""
        if self.run is None:
            return self.leave_placed()
        decisions = {
            "attach": self.attach,
            "create": self.create,
            "ignore": self.ignore,
            "restore": self.restore,
            "send": self.send_again,
        }
        decide = decisions.get(request.POST.get("decision", ""))
        return decide() if decide is not None else self.render_to_response(self.get_context_data())

    @cached_property
    def runs(self) -> Any:
        """The group's runs."""
        return UnplacedRun.objects.of_group(self.run).order_by("-last_seen_at", "pk")

    @property
    def has_key(self) -> bool:
        """Whether the runs name a course that there can be."""
        return self.run.problem == Problem.UNKNOWN_COURSE and bool(self.run.code)

    @cached_property
    def known_course(self) -> Course | None:
        """The course that the key means by now: it was added since, or another decision was made."""
        return Course.objects.get_by_key(self.run.course_key) if self.has_key else None

    @property
    def may_create(self) -> bool:
        """Whether the reader may create the course."""
        return self.has_key and may_add_courses(self.request.user)

    def attach(self) -> HttpResponse:
        """Remember whose the runs are, and send them again."""
        form = self.make_attach_form(self.request.POST)
        if not self.has_key or self.known_course or not form.is_valid():
            return self.render_to_response(self.get_context_data(attach_form=form))
        course = form.cleaned_data["course"]
        attach(self.run.course_key, course, user=self.request.user)
        messages.success(
            self.request,
            gettext("Runs of “%(key)s” belong to “%(course)s” from now on.")
            % {"key": self.run.group_label, "course": course},
        )
        return self.send_again()

    def create(self) -> HttpResponse:
        """Create the course and its page, and send the runs again."""
        form = self.make_create_form(self.request.POST)
        if not self.may_create or not form.is_valid():
            return self.render_to_response(self.get_context_data(create_form=form))
        title, parent = form.cleaned_data["title"], form.cleaned_data.get("parent")
        try:
            created = create(self.run, title=title, parent=parent, user=self.request.user)
        except CourseNotCreated as error:
            form.add_error(None, error.message)
            return self.render_to_response(self.get_context_data(create_form=form))
        self.tell_of(created)
        return self.send_again()

    def tell_of(self, created: NewCourse) -> None:
        """Say what was created, with a link to it."""
        words = {"course": created.course}
        if not created.is_new:
            messages.warning(self.request, gettext("The course “%(course)s” was there already.") % words)
        elif created.page is None:
            messages.success(self.request, gettext("The course “%(course)s” was created.") % words)
        else:
            edit_url = reverse("wagtailadmin_pages:edit", args=[created.page.pk])
            messages.success(
                self.request,
                gettext("The course “%(course)s” and a draft of its page were created.") % words,
                buttons=[messages.button(edit_url, gettext("Edit the page"))],
            )

    def ignore(self) -> HttpResponse:
        """Put the group out of the queue."""
        self.runs.update(is_ignored=True)
        text = gettext("“%(label)s” is ignored from now on. You find it under “Ignored”.")
        messages.success(self.request, text % {"label": self.get_page_title()})
        return redirect(self.index_url_name)

    def restore(self) -> HttpResponse:
        """Put the group into the queue again."""
        self.runs.update(is_ignored=False)
        messages.success(self.request, gettext("“%(label)s” is in the queue again.") % {"label": self.get_page_title()})
        return redirect(self.group_url_name, self.run.pk)

    def send_again(self) -> HttpResponse:
        """Send the runs again, and show what became of them."""
        runs = list(self.runs.select_related("delivery").defer(*LONG_COLUMNS)[: MAX_SENT_AGAIN + 1])
        left = len(runs) > MAX_SENT_AGAIN and self.runs.count() - MAX_SENT_AGAIN
        deliveries = send_again(runs[:MAX_SENT_AGAIN], user=self.request.user, now=timezone.now())
        if left:
            text = ngettext(
                "%(count)d more run waits: send them again once more.",
                "%(count)d more runs wait: send them again once more.",
                left,
            )
            messages.warning(self.request, text % {"count": left})
        query = QueryDict(mutable=True)
        query.setlist("delivery", [str(delivery.pk) for delivery in deliveries])
        return redirect(f"{reverse(self.result_url_name)}?{query.urlencode()}")

    def leave_placed(self) -> HttpResponse:
        """Go back to the queue: somebody else has decided, or the LMS sent the run again and it found its place."""
        messages.warning(self.request, gettext("These runs wait no more: they have found their place meanwhile."))
        return redirect(self.index_url_name)

    def make_attach_form(self, data: Any = None) -> AttachForm:
        """Return the choice of a course; the search is in the address, also of what is posted."""
        return AttachForm(data, run=self.run, query=self.request.GET.get("q", ""))

    def make_create_form(self, data: Any = None) -> CreateCourseForm:
        """Return the form for a new course."""
        return CreateCourseForm(data, run=self.run, user=self.request.user)

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the runs and what can be decided."""
        if self.has_key and not self.known_course:
            kwargs.setdefault("attach_form", self.make_attach_form())
            if self.may_create:
                kwargs.setdefault("create_form", self.make_create_form())
        shown = list(self.runs.select_related("backend")[:MAX_SHOWN])
        return {
            **super().get_context_data(**kwargs),
            "run": self.run,
            "runs": shown,
            "run_count": self.runs.count(),
            "payload": json.dumps(redacted(shown[0].payload), indent=2, ensure_ascii=False) if shown else "",
            "has_key": self.has_key,
            "known_course": self.known_course,
            "urls_to_test": "\n".join(run.resource_link for run in shown),
            "has_backend": self.run.problem != Problem.NO_BACKEND,
            "index_url": reverse(self.index_url_name),
            **self.get_backend_urls(),
        }

    def get_backend_urls(self) -> dict[str, str | None]:
        """Return where links without a backend are tried, and get one, for those who may."""
        viewset, user = LMSBackend.snippet_viewset, self.request.user
        may_add = ModelPermissionPolicy(LMSBackend).user_has_permission(user, "add")
        return {
            "test_urls_url": reverse(viewset.get_url_name("test_urls")) if may_test_urls(user) else None,
            "add_backend_url": reverse(viewset.get_url_name("add")) if may_add else None,
        }
