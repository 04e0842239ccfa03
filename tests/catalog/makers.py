"""Makers of catalogue pages, below the root page of the default site."""

from __future__ import annotations

from wagtail.models import Page, Site

from cms_lms.catalog.models import CourseIndexPage, CoursePage
from cms_lms.models import Course


def make_index_page(title: str = "Courses") -> CourseIndexPage:
    """Publish an index page and make it the root of the default site."""
    page = CourseIndexPage(title=title, slug="courses", introduction="<p>All courses.</p>")
    Page.objects.get(depth=1).add_child(instance=page)
    Site.objects.update_or_create(is_default_site=True, defaults={"hostname": "testserver", "root_page": page})
    return page


def make_course_page(course: Course | None, *, parent: CourseIndexPage | None = None, **fields) -> CoursePage:
    """Publish the page of a course below an index page."""
    parent = parent or CourseIndexPage.objects.first() or make_index_page()
    page = CoursePage(course=course, **{"title": "A course", "body": [("paragraph", "<p>Its text.</p>")], **fields})
    parent.add_child(instance=page)
    return page
