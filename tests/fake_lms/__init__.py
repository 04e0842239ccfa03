"""A stand-in Open edX on its own port, for the demo and the tests: it knows nothing of Django or of cms_lms."""

from .server import FakeLMS

__all__ = ["FakeLMS"]
