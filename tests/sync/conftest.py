"""How senders call the web hook."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cms_lms.sync.signature import sign

URL = "/api/v1.0/course-runs-sync/"
SECRET = "SharedSecret"


@pytest.fixture
def send(client, django_capture_on_commit_callbacks):
    """Post bytes, signed unless told otherwise, and let what follows the commit happen."""

    def send(body: bytes, authorization: str | None = "", content_type: str = "application/json", url: str = URL, **kw):
        if authorization == "":
            authorization = sign(body, SECRET)
        headers = {} if authorization is None else {"Authorization": authorization}
        with django_capture_on_commit_callbacks(execute=True):
            # Django's client sends no content type with an empty body, unlike LMSs.
            return client.generic(
                "POST", url, body, content_type=content_type, headers=headers, CONTENT_TYPE=content_type, **kw
            )

    return send


@pytest.fixture
def post(send):
    """Post a value as the stock sender does."""

    def post(payload: Any, **kwargs: Any):
        return send(json.dumps(payload).encode(), **kwargs)

    return post
