"""CourseIndexPage and CoursePage: the catalogue's pages, one per locale."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.admin.panels import FieldPanel
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page
from wagtail.search import index

from cms_lms.models import Course


class CoursePageMixin(models.Model):
    """What makes a page present a course; for sites that bring their own page model."""

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


class CourseIndexPage(Page):
    """Lists the course pages below it."""

    introduction = RichTextField(verbose_name=_("introduction"), blank=True)

    content_panels = [*Page.content_panels, FieldPanel("introduction")]
    subpage_types = ["cms_lms_catalog.CoursePage"]
    template = "cms_lms/catalog/course_index_page.html"

    class Meta:
        verbose_name = _("course index page")
        verbose_name_plural = _("course index pages")


class CoursePage(CoursePageMixin, Page):
    """Presents a course and its runs in one language."""

    body = StreamField(
        [
            ("heading", blocks.CharBlock(form_classname="title", label=_("Heading"))),
            ("paragraph", blocks.RichTextBlock(label=_("Paragraph"))),
            ("quote", blocks.BlockQuoteBlock(label=_("Quote"))),
        ],
        verbose_name=_("body"),
        blank=True,
    )

    content_panels = [*Page.content_panels, FieldPanel("course"), FieldPanel("body")]
    search_fields = [*Page.search_fields, index.SearchField("body"), index.FilterField("course_id")]
    parent_page_types = ["cms_lms_catalog.CourseIndexPage"]
    subpage_types: list[str] = []
    template = "cms_lms/catalog/course_page.html"

    class Meta:
        verbose_name = _("course page")
        verbose_name_plural = _("course pages")
