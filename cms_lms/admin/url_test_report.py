"""The tests of URLs as a user sees them: in a sentence, and one by one with links to what she may edit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.text import get_text_list
from django.utils.translation import gettext, ngettext
from wagtail.admin.admin_url_finder import AdminURLFinder

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.matching.url_test import URLTest
from cms_lms.patterns.literal_beginning import Difference


class Report:
    """The tests of some of ``total`` URLs; ``candidate`` is the backend that is being edited, if there is one."""

    def __init__(
        self, tests: Sequence[URLTest], total: int, user: Any, candidate: BaseLMSBackend | None = None
    ) -> None:
        self.tests = tests
        self.total = total
        self.candidate = candidate
        self._get_edit_url = AdminURLFinder(user).get_edit_url

    @property
    def summary(self) -> str:
        """The result in a sentence, for a live region; empty where there is nothing to say."""
        if not self.tests:
            return ""
        counted = ngettext("%(count)d URL: ", "%(count)d URLs: ", len(self.tests)) % {"count": len(self.tests)}
        sentence = counted + ", ".join(self._outcomes()) + "."
        if self.total > len(self.tests):
            sentence += " " + gettext("Only the first %(tested)d of %(total)d were tested.") % {
                "tested": len(self.tests),
                "total": self.total,
            }
        return sentence

    def _outcomes(self) -> list[str]:
        matched = sum(test.is_match for test in self.tests)
        refused = sum(test.verdict is None for test in self.tests)
        mine = sum(self._is_winner(test) for test in self.tests)
        shadowed = sum(self._is_shadowed(test) for test in self.tests)
        differing = sum(test.verdict is not None and test.verdict.ids_agree is False for test in self.tests)
        unmatched = len(self.tests) - matched - refused
        counts = [
            (mine, ngettext("%(count)d goes to this backend", "%(count)d go to this backend", mine)),
            (
                matched - mine,
                ngettext("%(count)d goes to another backend", "%(count)d go to another backend", matched - mine)
                if self.candidate
                else ngettext("%(count)d goes to a backend", "%(count)d go to a backend", matched),
            ),
            (
                shadowed,
                ngettext(
                    "%(count)d is shadowed by an earlier backend",
                    "%(count)d are shadowed by an earlier backend",
                    shadowed,
                ),
            ),
            (unmatched, ngettext("%(count)d is not matched", "%(count)d are not matched", unmatched)),
            (refused, ngettext("%(count)d is not a valid URL", "%(count)d are not valid URLs", refused)),
            (
                differing,
                ngettext(
                    "the Python and the JavaScript pattern differ about %(count)d",
                    "the Python and the JavaScript pattern differ about %(count)d",
                    differing,
                ),
            ),
        ]
        return [message % {"count": count} for count, message in counts if count]

    def _is_winner(self, test: URLTest) -> bool:
        return self.candidate is not None and test.verdict is not None and test.verdict.backend is self.candidate

    def _is_shadowed(self, test: URLTest) -> bool:
        return self.candidate is not None and test.verdict is not None and self.candidate in test.verdict.others

    def get_rows(self) -> list[dict[str, Any]]:
        """Return what the template shows of each URL."""
        return [self._get_row(test) for test in self.tests]

    def _get_row(self, test: URLTest) -> dict[str, Any]:
        verdict = test.verdict
        if verdict is None:
            return {"status": "refused", "url": test.url, "refusal": test.refusal}
        is_shadowed = self._is_shadowed(test)
        has_trouble = is_shadowed or verdict.ids_agree is False or verdict.course_id is None
        seen = verdict.normalized_url
        return {
            "status": ("trouble" if has_trouble else "match") if verdict.is_match else "none",
            "url": test.url,
            "verdict": verdict,
            "is_rewritten": seen != test.url,
            "backend": self._get_backend(verdict.backend, seen) if verdict.backend else None,
            "others": [self._get_backend(other, seen) for other in verdict.others],
            "is_shadowed": is_shadowed,
            "course_url": self._get_edit_url(verdict.course) if verdict.course else None,
            "run_url": self._get_edit_url(verdict.run) if verdict.run else None,
            "candidate_miss": _in_words(test.candidate_miss) if test.candidate_miss else None,
            "nearest": [
                {**self._get_backend(near.backend), "miss": _in_words(near.difference)} for near in test.nearest
            ],
        }

    def _get_backend(self, backend: BaseLMSBackend, matched_url: str = "") -> dict[str, Any]:
        is_candidate = backend is self.candidate
        return {
            "name": backend.config.name,
            "js_course_regex": backend.config.js_course_regex,
            "is_candidate": is_candidate,
            "edit_url": None if is_candidate else self._get_edit_url(backend.record),
            "course_id": backend.extract_from_normalized(matched_url) if matched_url else None,
        }


def _in_words(difference: Difference) -> dict[str, Any]:
    return {
        "difference": difference,
        "same": len(difference.common),
        "expected": get_text_list([f"“{character}”" for character in difference.expected], gettext("or")),
    }
