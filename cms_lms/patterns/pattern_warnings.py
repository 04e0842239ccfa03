"""What is odd about a valid course regex: it works, but takes more URLs, or more of a URL, than its author is likely to
mean.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.errors import PatternWarning, in_words
from cms_lms.patterns.syntax import OPENING_KINDS, Kind, Token, is_anchored, tokenize

_HOST = re.compile(r"//(?P<host>[^/]*)")


def pattern_warnings(pattern: str) -> list[PatternWarning]:
    """The warnings about a valid pattern, in the order of their positions.

    Codes: ``not_anchored``, ``any_host``, ``upper_case_host``, ``unescaped_dot``, ``greedy_id``.
    """
    tokens = tokenize(pattern)
    return sorted(_warnings(tokens), key=lambda warning: warning.position or 0)


def _warnings(tokens: list[Token]) -> Iterator[PatternWarning]:
    if not is_anchored(tokens):
        yield PatternWarning(
            _("The pattern does not start with ^. It is matched from the start of the URL all the same."),
            code="not_anchored",
            position=0,
        )
    yield from _leading_wildcards(tokens)
    yield from _upper_case_hosts(tokens)
    yield from _unescaped_dots(tokens)
    yield from _greedy_ids(tokens)


def _leading_wildcards(tokens: list[Token]) -> Iterator[PatternWarning]:
    body = [token for token in tokens if not token.is_start and token.kind is not Kind.FLAGS]
    if len(body) > 1 and body[0].kind is Kind.DOT and body[1].repeats_without_end:
        yield _warning(
            _("“.%(text)s” at position %(position)s takes any beginning: URLs of any host match. Write the host."),
            "any_host",
            body[0],
            text=body[1].text,
        )


def _upper_case_hosts(tokens: list[Token]) -> Iterator[PatternWarning]:
    # One character a token, so that an index in the text is an index in the list; what is not plain text is a blank.
    text = "".join(token.text if token.kind is Kind.LITERAL else " " for token in tokens)
    host = _HOST.search(text)
    upper = re.search("[A-Z]", host["host"]) if host else None
    if host and upper and not any(token.kind is Kind.FLAGS for token in tokens):
        yield _warning(
            _("“%(text)s” at position %(position)s never matches: patterns see the host in lower case."),
            "upper_case_host",
            tokens[host.start("host") + upper.start()],
            text=upper.group(),
        )


def _unescaped_dots(tokens: list[Token]) -> Iterator[PatternWarning]:
    for before, token, after in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if token.kind is Kind.DOT and _is_word(before) and _is_word(after):
            yield _warning(
                _("The dot at position %(position)s stands for any character. For a dot as in “%(text)s” write \\."),
                "unescaped_dot",
                token,
                text=f"{before.text}.{after.text}",
            )
            return


def _is_word(token: Token) -> bool:
    return token.kind is Kind.LITERAL and token.text.isalnum()


def _greedy_ids(tokens: list[Token]) -> Iterator[PatternWarning]:
    enclosing: list[bool] = []  # for each open group: is it, or is it inside, a named one
    for token, after in pairwise(tokens):
        if token.kind in OPENING_KINDS:
            enclosing.append(token.kind is Kind.NAMED_GROUP or enclosing[-1:] == [True])
        elif token.kind is Kind.CLOSE:
            enclosing.pop()
        elif token.kind is Kind.DOT and after.repeats_without_end and enclosing[-1:] == [True]:
            yield _warning(
                _(
                    "“.%(text)s” at position %(position)s takes as much of the URL as it can, slashes included, "
                    "into the course id. Write [^/]%(text)s unless the id has slashes."
                ),
                "greedy_id",
                token,
                text=after.text,
            )


def _warning(message: str | Promise, code: str, token: Token, **params: str) -> PatternWarning:
    return PatternWarning(in_words(message, position=token.position, **params), code=code, position=token.position)
