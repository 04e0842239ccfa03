"""The menu item under which everything of cms_lms is found."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from wagtail.admin.menu import MenuItem
from wagtail.snippets.views.snippets import SnippetViewSetGroup

from cms_lms.admin.backends import BackendViewSet
from cms_lms.admin.courses import CourseViewSet
from cms_lms.admin.deleted_runs import DeletedRunViewSet
from cms_lms.admin.deliveries import SyncDeliveryViewSet
from cms_lms.admin.help_pages import HelpMenuItem
from cms_lms.admin.inbox import InboxMenuItem
from cms_lms.admin.runs import CourseRunViewSet
from cms_lms.admin.unplaced import UnplacedViewSet
from cms_lms.admin.url_tester import URLTesterMenuItem


class LMSViewSetGroup(SnippetViewSetGroup):
    """What waits for publication or a place, runs, courses, backends, what came, the URL tester, documentation."""

    items = (
        CourseRunViewSet,
        CourseViewSet,
        UnplacedViewSet,
        BackendViewSet,
        SyncDeliveryViewSet,
        DeletedRunViewSet,
    )
    menu_label = _("Courses")
    menu_name = "lms"
    menu_icon = "calendar-alt"
    menu_order = 250

    def get_submenu_items(self) -> list[MenuItem]:
        """Add the inbox of drafts before them, the URL tester and the documentation after."""
        items = super().get_submenu_items()
        after = len(items) + 1
        return [InboxMenuItem(order=0), *items, URLTesterMenuItem(order=after), HelpMenuItem(order=after + 1)]
