"""Course codes and keys: how "DemoX", "demox" and an Open edX key come to mean one course. Pure."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.text import slugify


class CourseKey(NamedTuple):
    """What identifies a course; the organisation is blank where the LMS does not say."""

    organisation: str
    code: str


def normalize_code(code: str) -> str:
    """Return the form in which course codes are stored and compared; empty when nothing is left of it.

    The same rule as Richie's, so that a catalogue that moves here keeps its codes.
    """
    return slugify(code, allow_unicode=True).upper()
