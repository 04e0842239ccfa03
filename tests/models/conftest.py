"""Users for the tests that publish as an editor does."""

from tests.admin.conftest import editor, publisher, root  # noqa: F401
