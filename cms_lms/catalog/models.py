"""CourseIndexPage and CoursePage: the catalogue's pages, one per locale.

Runs hang on the course, so copies and translations of a page show the same runs, and a page that goes
takes none with it.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.admin.panels import FieldPanel
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page
from wagtail.search import index

from cms_lms.catalog.panels import CourseRunsPanel
from cms_lms.enrollment.courses import course_states
from cms_lms.enrollment.headers import PageNotes, secure_course_page
from cms_lms.enrollment.see_as import preview_modes, state_of_mode
from cms_lms.models import Course


class CoursePageMixin(models.Model):
    """What makes a page present a course; for sites that bring their own page model.

    Its template shows the runs by ``{% course_runs page.course %}``.
    """

    course = models.ForeignKey(
        Course,
        verbose_name=_("course"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Its course runs are shown on this page."),
    )

    class Meta:
        abstract = True

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As the page's, under the headers that the panels work under."""
        return secure_course_page(request, super().serve(request, *args, **kwargs))  # type: ignore[misc]

    @property
    def preview_modes(self) -> list[tuple[str, Any]]:
        """The page's own, then one for each state of a learner: the panel as she sees it, without an LMS."""
        return [*super().preview_modes, *preview_modes()]  # type: ignore[misc]

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        """As the page's, under the same headers as the live page; in some modes as a learner in a given state."""
        PageNotes.of(request).see_as = state_of_mode(mode_name)
        return secure_course_page(request, super().serve_preview(request, mode_name))  # type: ignore[misc]


class CourseIndexPage(Page):
    """Lists the course pages below it."""

    introduction = RichTextField(verbose_name=_("introduction"), blank=True)

    content_panels = [*Page.content_panels, FieldPanel("introduction")]
    search_fields = [*Page.search_fields, index.SearchField("introduction")]
    subpage_types = ["cms_lms_catalog.CoursePage", "cms_lms_catalog.CourseIndexPage"]
    template = "cms_lms/catalog/course_index_page.html"

    class Meta:
        verbose_name = _("course index page")
        verbose_name_plural = _("course index pages")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the live course pages below, by title, each with the state of its course."""
        pages = CoursePage.objects.live().child_of(self).select_related("course").order_by("title", "pk")
        courses = [page.course for page in pages if page.course is not None]
        now = timezone.now()
        found = course_states(courses, now=now)
        PageNotes.of(request).add_change(found.next_change)
        return {
            **super().get_context(request, *args, **kwargs),
            "course_pages": [(page, found.states.get(page.course_id)) for page in pages],
        }

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """As Wagtail's, under the same headers as the course pages."""
        return secure_course_page(request, super().serve(request, *args, **kwargs))

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        """As Wagtail's, under the same headers as the live page."""
        return secure_course_page(request, super().serve_preview(request, mode_name))


class CoursePage(CoursePageMixin, Page):  # noqa: DJ008 (Page has it)
    """Presents a course and its runs in one language."""

    body = StreamField(
        [
            ("heading", blocks.CharBlock(label=_("Heading"), template="cms_lms/catalog/blocks/heading.html")),
            ("paragraph", blocks.RichTextBlock(label=_("Paragraph"), template="cms_lms/catalog/blocks/paragraph.html")),
            ("quote", blocks.BlockQuoteBlock(label=_("Quote"))),
        ],
        verbose_name=_("body"),
        blank=True,
    )

    content_panels = [
        *Page.content_panels,
        FieldPanel("course"),
        CourseRunsPanel(heading=_("Course runs")),
        FieldPanel("body"),
    ]
    search_fields = [*Page.search_fields, index.SearchField("body"), index.FilterField("course_id")]
    parent_page_types = ["cms_lms_catalog.CourseIndexPage"]
    subpage_types: list[str] = []
    template = "cms_lms/catalog/course_page.html"

    class Meta:
        verbose_name = _("course page")
        verbose_name_plural = _("course pages")
