"""The files for calendars: of one course run, and of all runs of a course that have dates ahead.

They hold what the public sees, the same for everybody, in the language that the address names: shared caches keep them
as long as course pages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import content_disposition_header, quote_etag
from django.views.decorators.http import require_safe

from cms_lms.conf import settings as lms_settings
from cms_lms.enrollment.calendar_file import has_dates_ahead, make_calendar
from cms_lms.enrollment.courses import course_page
from cms_lms.enrollment.identifiers import parse_id
from cms_lms.models import Course, CourseRun
from cms_lms.models.course import course_page_models


@require_safe
def course_run_calendar(request: HttpRequest, run_id: str) -> HttpResponse:
    """Answer with the dates of one public run; whatever is not the id of one is not found."""
    run = _public_runs().filter(pk=_id_or_404(run_id)).first()
    if run is None:
        raise Http404
    return _answer(request, run.course, [run], name=f"{run.course.code}-{run.pk}")


@require_safe
def course_calendar(request: HttpRequest, course_id: str) -> HttpResponse:
    """Answer with the dates of a course's public runs, those that are over left out."""
    now = timezone.now()
    runs = _public_runs().filter(course=_id_or_404(course_id)).order_by("start", "pk")
    ahead = [run for run in runs if has_dates_ahead(run.start, run.end, run.enrollment_end, now=now)]
    if not ahead:
        raise Http404
    return _answer(request, ahead[0].course, ahead, name=ahead[0].course.code)


def _public_runs() -> QuerySet[CourseRun]:
    return CourseRun.objects.public().select_related("course")


def _id_or_404(text: str) -> int:
    number = parse_id(text)
    if number is None:
        raise Http404
    return number


def _answer(request: HttpRequest, course: Course, runs: Iterable[CourseRun], *, name: str) -> HttpResponse:
    language = _language(request)
    page = course_page(course, language, for_everybody=True)
    if page is None and course_page_models():
        raise Http404  # its pages are for some visitors alone, and so is what they say
    page_url = (page.get_full_url(request) if page is not None else None) or ""
    with translation.override(language):
        body = make_calendar(
            runs,
            title=page.title if page is not None else course.title,
            page_url=page_url,
            host=urlsplit(page_url).hostname or request.get_host(),
        )
    if body is None:
        raise Http404
    response = HttpResponse(body, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, f"{name}.ics")
    response["Content-Language"] = language
    response["ETag"] = quote_etag(hashlib.blake2b(body, digest_size=16).hexdigest())
    patch_cache_control(
        response, public=True, max_age=0, must_revalidate=True, s_maxage=lms_settings.PAGE_CACHE_SECONDS
    )
    return get_conditional_response(request, etag=response["ETag"], response=response) or response


def _language(request: HttpRequest) -> str:
    """Return the language of the site that the address names, else the site's own."""
    try:
        return translation.get_supported_language_variant(request.GET.get("language", ""))
    except LookupError:
        return lms_settings.default_language
