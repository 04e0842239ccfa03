"""The menu item under which everything of cms_lms is found."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail.snippets.views.snippets import SnippetViewSetGroup

from cms_lms.admin.backends import BackendViewSet
from cms_lms.admin.courses import CourseViewSet
from cms_lms.admin.deliveries import SyncDeliveryViewSet
from cms_lms.admin.runs import CourseRunViewSet


class LMSViewSetGroup(SnippetViewSetGroup):
    """Runs, courses, backends and deliveries."""

    items = (CourseRunViewSet, CourseViewSet, BackendViewSet, SyncDeliveryViewSet)
    menu_label = _("Courses")
    menu_name = "lms"
    menu_icon = "calendar-alt"
    menu_order = 250
