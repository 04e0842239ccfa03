"""CourseAlias: another key by which LMSs know a course, remembered when staff said which course it is."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cms_lms.models.course import Course
from cms_lms.runs.codes import CourseKey, normalize_code


class CourseAliasManager(models.Manager["CourseAlias"]):
    """Remembers what staff said."""

    def remember(self, key: CourseKey, course: Course) -> CourseAlias:
        """Let a key mean a course from now on, whatever it meant before. The code must not be empty."""
        # One way of writing the organisation: keys that differ in its case alone are the same.
        known = self.filter(organisation__iexact=key.organisation, code=normalize_code(key.code)).first()
        organisation = known.organisation if known else key.organisation
        return self.update_or_create(
            organisation=organisation, code=normalize_code(key.code), defaults={"course": course}
        )[0]


class CourseAlias(models.Model):
    """Runs whose course key is this one belong to the course. A course of that very key comes first."""

    organisation = models.CharField(verbose_name=_("organisation"), max_length=100, blank=True, default="")
    code = models.CharField(verbose_name=_("code"), max_length=100, help_text=_("The normalised code."))
    course = models.ForeignKey(Course, verbose_name=_("course"), on_delete=models.CASCADE, related_name="aliases")

    objects = CourseAliasManager()

    class Meta:
        verbose_name = _("course alias")
        verbose_name_plural = _("course aliases")
        ordering = ["organisation", "code"]
        constraints = [models.UniqueConstraint(fields=["organisation", "code"], name="cms_lms_alias_key")]

    def __str__(self) -> str:
        return f"{self.organisation}+{self.code}" if self.organisation else self.code
