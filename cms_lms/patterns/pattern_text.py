"""What any pattern, Python's or JavaScript's, must be before its syntax is looked at: text of a sane length that a
person can see.
"""

import unicodedata

from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.errors import InvalidPattern

MAX_PATTERN_LENGTH = 2000


def refuse_unreadable_text(pattern: str) -> None:
    """Raise InvalidPattern (``empty``, ``too_long``, ``control_character``, ``surrogate``)."""
    if not pattern:
        raise InvalidPattern(_("The pattern is empty."), code="empty")
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise InvalidPattern(
            _("The pattern is longer than %(limit)s characters."), code="too_long", limit=MAX_PATTERN_LENGTH
        )
    for position, character in enumerate(pattern):
        if character.isascii() and character.isprintable():
            continue
        category = unicodedata.category(character)
        if category in ("Cc", "Zl", "Zp"):
            raise InvalidPattern(
                _("There is a control character (a line break or a tab, perhaps) at position %(position)s."),
                code="control_character",
                position=position,
            )
        if category == "Cs":
            raise InvalidPattern(
                _("There is half a character (a lone surrogate) at position %(position)s."),
                code="surrogate",
                position=position,
            )
