"""Where course pages may stand: which page model a parent takes, and which pages are such parents.

What a site's own page models say of parents and children is asked of them; no page model is named here.
"""

from __future__ import annotations

from django.db.models import QuerySet
from wagtail.models import Page

from cms_lms.models.course import course_page_models


def course_page_model_for(parent: Page) -> type[Page] | None:
    """Return the first page model of courses of which a page may be created below this one now; None for none."""
    if parent.specific_class is None:  # the code of its kind is gone
        return None
    specific = parent.specific
    return next((model for model in course_page_models() if model.can_create_at(specific)), None)


def course_page_parents() -> QuerySet[Page]:
    """Return the pages of the kinds below which course pages may stand, in the order of the tree."""
    kinds = {kind for model in course_page_models() for kind in model.allowed_parent_page_models()}
    if not kinds:
        return Page.objects.none()
    # The root of the tree is above all sites: what stands there has no address.
    return Page.objects.exact_type(*kinds).filter(depth__gt=1).order_by("path")
