"""CourseAlias: another key by which LMSs know a course, remembered when staff said which course it is."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_lms.models.course import Course


class CourseAlias(models.Model):
    """Runs whose course key is this one belong to the course. A course of that very key comes first."""

    organisation = models.CharField(verbose_name=_("organisation"), max_length=100, blank=True, default="")
    code = models.CharField(verbose_name=_("code"), max_length=100, help_text=_("The normalised code."))
    course = models.ForeignKey(Course, verbose_name=_("course"), on_delete=models.CASCADE, related_name="aliases")

    class Meta:
        verbose_name = _("course alias")
        verbose_name_plural = _("course aliases")
        ordering = ["organisation", "code"]
        constraints = [models.UniqueConstraint(fields=["organisation", "code"], name="cms_lms_alias_key")]

    def __str__(self) -> str:
        return f"{self.organisation}+{self.code}" if self.organisation else self.code
