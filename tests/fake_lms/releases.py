"""The Open edX releases in order, so that behaviours can be switched by release."""

RELEASES = [
    "dogwood",
    "eucalyptus",
    "ficus",
    "ginkgo",
    "hawthorn",
    "ironwood",
    "juniper",
    "koa",
    "lilac",
    "maple",
    "nutmeg",
    "olive",
    "palm",
    "quince",
    "redwood",
    "sumac",
    "teak",
    "ulmo",
    "verawood",
    "willow",
]


class UnknownRelease(ValueError):
    """No such release."""


# The frameworks' own changes, by the release that brought them: Django 1.11 masked its CSRF tokens (64 characters
# instead of 32), Django 4.2 took the mask off the cookie again.
MASKED_TOKENS, UNMASKED_TOKENS = "hawthorn", "redwood"


def at_least(release: str, other: str) -> bool:
    """Whether `release` is `other` or came after it. Raises UnknownRelease."""
    for name in (release, other):
        if name not in RELEASES:
            raise UnknownRelease(f"Unknown release: {name}. One of: {', '.join(RELEASES)}.")
    return RELEASES.index(release) >= RELEASES.index(other)
