"""A backend class that asks for credentials, whatever those of the real LMSs ask for."""

from __future__ import annotations

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.backends.credentials import CredentialField


class AskingBackend(BaseLMSBackend):
    """Asks for an API key and a token."""

    label = "Asking LMS"
    credential_fields = (
        CredentialField("api_key", "API key", "As its operators gave it to you."),
        CredentialField("token", "Token"),
    )


#: The class, as ``CMS_LMS_BACKENDS`` and a backend's record name it.
ASKING = f"{__name__}.AskingBackend"
