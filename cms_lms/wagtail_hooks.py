"""Registrations with Wagtail's admin; what is registered lives in ``cms_lms.admin``."""

from wagtail import hooks
from wagtail.snippets.models import register_snippet

from cms_lms.admin import actions, deletion, inbox, log_actions, page_runs
from cms_lms.admin.deleted_runs import deleted_run_permission_policy
from cms_lms.admin.deliveries import delivery_permission_policy
from cms_lms.admin.menu import LMSViewSetGroup
from cms_lms.admin.sync_mode import SyncModeBulkAction
from cms_lms.compat import WAGTAIL_8
from cms_lms.models import DeletedRun, SyncDelivery
from cms_lms.sync import history, moderation

if WAGTAIL_8:
    from wagtail.permissions import register_permission_policy

    # Before the view sets, which would register policies of their own.
    register_permission_policy(SyncDelivery, delivery_permission_policy)
    register_permission_policy(DeletedRun, deleted_run_permission_policy)

register_snippet(LMSViewSetGroup)

hooks.register("register_actions", actions.register)
hooks.register("register_log_actions", log_actions.register)
hooks.register("register_log_actions", history.register_log_actions)
hooks.register("register_log_actions", moderation.register_log_actions)
hooks.register("construct_homepage_panels", inbox.add_home_panel)
hooks.register("register_page_action_menu_item", page_runs.PublishWithRunsMenuItem)
hooks.register("after_publish_page", page_runs.publish_run_drafts)
hooks.register("before_delete_snippet", deletion.refuse_deletion)
hooks.register("register_bulk_action", SyncModeBulkAction)
# After Wagtail's own action of the same name, whose place it takes.
hooks.register("register_bulk_action", deletion.LoggedDeleteBulkAction, order=1)
