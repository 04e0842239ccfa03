"""A stand-in Moodle on its own port, for the tests: it knows nothing of Django or of cms_lms."""

from .server import FakeMoodle

__all__ = ["FakeMoodle"]
