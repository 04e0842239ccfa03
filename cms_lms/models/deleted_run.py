"""DeletedRun: the tombstone of a course run that was deleted here, so that the next call of its LMS does not bring
it back.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_lms.conf import settings as lms_settings
from cms_lms.models.course_run import MATCHED_COURSE_ID_MAX_LENGTH, RESOURCE_LINK_MAX_LENGTH


class DeletedRun(models.Model):
    """Calls about this link are answered 200 and change nothing, until the tombstone is lifted."""

    resource_link = models.CharField(verbose_name=_("resource link"), max_length=RESOURCE_LINK_MAX_LENGTH)
    resource_key = models.CharField(max_length=64, unique=True, editable=False)
    title = models.CharField(verbose_name=_("title"), max_length=255, blank=True, default="")
    matched_backend = models.ForeignKey(
        "cms_lms.LMSBackend",
        verbose_name=_("LMS backend"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    matched_course_id = models.CharField(
        max_length=MATCHED_COURSE_ID_MAX_LENGTH, blank=True, default="", editable=False
    )
    deleted_at = models.DateTimeField(verbose_name=_("deleted at"))
    deleted_by = models.ForeignKey(
        lms_settings.user_model,
        verbose_name=_("deleted by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        verbose_name = _("deleted run")
        verbose_name_plural = _("deleted runs")
        ordering = ["-deleted_at", "-pk"]
        indexes = [models.Index(fields=["matched_backend", "matched_course_id"], name="cms_lms_deleted_course_id")]

    def __str__(self) -> str:
        return self.resource_link
