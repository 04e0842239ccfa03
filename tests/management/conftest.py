"""The commands that call LMSs need what the calls themselves need."""

from tests.backends.conftest import loopback, names  # noqa: F401
