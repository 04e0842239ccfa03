"""``manage.py check_lms [SLUG …]``: the examination of LMS connections, as a table or as JSON, and an exit code."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cms_lms.backends.connection import Finding, Status
from cms_lms.matching.connection import visit_backend
from cms_lms.models import LMSBackend
from cms_lms.patterns.urls import InvalidURL, origin_of

FAILED, MISUSED = 1, 2

SIGNS = {Status.PASSED: "✓", Status.WARNING: "!", Status.FAILED: "✗", Status.SKIPPED: "–"}


def printable(text: Any) -> str:
    """Return a text without the characters that a terminal would obey: part of it may be an LMS's."""
    return "".join("�" if unicodedata.category(character) in ("Cc", "Cf") else character for character in str(text))


class Command(BaseCommand):
    """Prints what was found; exits 1 when something failed, 2 when it was asked for what there is not."""

    help = (
        "Check the connections to LMSs: of the backends named, or of all that are enabled. "
        "Exits 0 when all checks passed or only warn, 1 when one failed, 2 for a backend that does not exist."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the backends, the site's address and the form of the answer."""
        parser.add_argument("slugs", metavar="SLUG", nargs="*", help="an LMS backend; none: all that are enabled")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print JSON instead of tables")
        parser.add_argument(
            "--site-origin",
            metavar="URL",
            dest="site_origins",
            action="append",
            help="the address of this site's pages, instead of those of its Wagtail sites; may be repeated",
        )

    def handle(
        self, *args: Any, slugs: list[str], as_json: bool, site_origins: list[str] | None, **options: Any
    ) -> None:
        """Examine one after the other."""
        origins = None if site_origins is None else [self._read_origin(text) for text in site_origins]
        reports, failed = [], 0
        for record in self._find(slugs):
            if not as_json:
                self.stdout.write(self.style.MIGRATE_HEADING(printable(f"{record.slug}  {record.base_url}")))
            findings = list(visit_backend(record, site_origins=origins))
            failed += any(finding.status is Status.FAILED for finding in findings)
            if as_json:
                reports.append(
                    {
                        "slug": record.slug,
                        "name": record.name,
                        "base_url": record.base_url,
                        "findings": [finding.as_json() for finding in findings],
                    }
                )
            else:
                self._print(findings)
        if as_json:
            self.stdout.write(json.dumps(reports, indent=2, ensure_ascii=False))
        if failed:
            message = ngettext(
                "%(count)s LMS backend has a failed check.", "%(count)s LMS backends have a failed check.", failed
            )
            raise CommandError(message % {"count": failed}, returncode=FAILED)

    def _find(self, slugs: list[str]) -> Iterable[LMSBackend]:
        if not slugs:
            enabled = LMSBackend.objects.enabled()
            if not enabled:
                self.stderr.write(_("No LMS backend is enabled."))
            return enabled
        by_slug = {record.slug: record for record in LMSBackend.objects.all()}
        for slug in slugs:
            if slug not in by_slug:
                message = _("There is no LMS backend “%(slug)s”. There are: %(slugs)s.")
                known = ", ".join(by_slug) or _("none")
                raise CommandError(message % {"slug": printable(slug), "slugs": known}, returncode=MISUSED)
        return [by_slug[slug] for slug in dict.fromkeys(slugs)]

    def _read_origin(self, text: str) -> str:
        try:
            return origin_of(text)
        except InvalidURL as error:
            message = _("--site-origin: %(reason)s") % {"reason": error.message}
            raise CommandError(message, returncode=MISUSED) from None

    def _print(self, findings: list[Finding]) -> None:
        words = {
            Status.PASSED: _("passed"),
            Status.WARNING: _("warning"),
            Status.FAILED: _("failed"),
            Status.SKIPPED: _("skipped"),
        }
        styles: dict[Status, Callable[[str], str]] = {
            Status.PASSED: self.style.SUCCESS,
            Status.WARNING: self.style.WARNING,
            Status.FAILED: self.style.ERROR,
        }
        status_width = max(map(len, words.values()))
        title_width = max((len(str(finding.title)) for finding in findings), default=0)
        indent = " " * (status_width + 6)
        for finding in findings:
            status = f"{SIGNS[finding.status]} {words[finding.status]:{status_width}}"
            style = styles.get(finding.status, str)
            cause = printable(finding.cause)
            self.stdout.write(f"  {style(status)}  {printable(finding.title):{title_width}}  {cause}".rstrip())
            if finding.fix:
                self.stdout.write(f"{indent}→ {printable(finding.fix)}")
            for line in finding.snippet.splitlines():
                self.stdout.write(f"{indent}    {printable(line)}".rstrip())
        self.stdout.write("")
