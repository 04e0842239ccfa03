"""A stand-in Joanie on its own port, for the demo and the tests: it knows nothing of Django or of cms_lms."""

from .server import FakeJoanie
from .state import API, RUN, Run

__all__ = ["API", "RUN", "FakeJoanie", "Run"]
