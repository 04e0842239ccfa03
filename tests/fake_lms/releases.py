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


def at_least(release: str, other: str) -> bool:
    """Whether `release` is `other` or came after it. Raises UnknownRelease."""
    for name in (release, other):
        if name not in RELEASES:
            raise UnknownRelease(f"Unknown release: {name}. One of: {', '.join(RELEASES)}.")
    return RELEASES.index(release) >= RELEASES.index(other)
