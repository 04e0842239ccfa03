"""Connects matching to the models, once, when the app starts."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from django.core.signals import request_finished, request_started
from django.db import transaction
from django.db.models.signals import pre_save

from cms_lms.matching.handler import LMSHandler
from cms_lms.matching.run_index import find_match, reindex_runs_for
from cms_lms.models import ConfigurationVersion, CourseRun
from cms_lms.models.configuration import configuration_changed
from cms_lms.models.ownership import set_no_update_fields_resolver


def no_update_fields(resource_link: str) -> Collection[str]:
    """Return the fields that the matching backend protects."""
    backend = LMSHandler.select_lms(resource_link)
    return backend.config.no_update_fields if backend else ()


def on_request_started(**kwargs) -> None:
    """Let the request ask for the configuration once."""
    LMSHandler.open_request()


def on_request_finished(**kwargs) -> None:
    """Forget that it asked."""
    LMSHandler.close_request()


def on_configuration_changed(*, token: str, **kwargs) -> None:
    """Bring the index after a change once it is committed; ask at every use until the request is over.

    For the change may be rolled back in the same request, and nothing tells of that.
    """
    LMSHandler.close_request()
    transaction.on_commit(partial(_reindex_after, token))


def _reindex_after(token: str) -> None:
    """Bring the index after the last of many changes that were committed together."""
    if str(ConfigurationVersion.objects.current()) == token:
        reindex_runs_for.enqueue(token)


def on_run_saved(instance: CourseRun, update_fields=None, **kwargs) -> None:
    """Index a run that is saved whole."""
    if update_fields is None:
        instance.matched_backend_id, instance.matched_course_id = find_match(instance.resource_link)


def connect() -> None:
    """Plug the handler's answers into the models."""
    set_no_update_fields_resolver(no_update_fields)
    request_started.connect(on_request_started, dispatch_uid="cms_lms.open_request")
    request_finished.connect(on_request_finished, dispatch_uid="cms_lms.close_request")
    configuration_changed.connect(on_configuration_changed, dispatch_uid="cms_lms.configuration_changed")
    pre_save.connect(on_run_saved, sender=CourseRun, dispatch_uid="cms_lms.run_saved")
