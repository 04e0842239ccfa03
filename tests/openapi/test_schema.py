"""The OpenAPI schema: complete, stable, and at peace with a project's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from django.test import override_settings

SCHEMA = "/api/v1.0/schema/"
SNAPSHOT = Path(__file__).with_name("openapi.yaml")

#: What the contract says the web hook answers.
STATUSES = {"200", "400", "401", "403", "409", "413", "415", "429", "503"}


@pytest.fixture
def schema(client):
    """The document as it is served."""
    response = client.get(SCHEMA)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json")
    return response.json()


def test_a_change_of_the_schema_shows_up(schema, request):
    written = yaml.safe_dump(schema, sort_keys=False, allow_unicode=True, width=120)
    if request.config.getoption("--write-snapshots"):
        SNAPSHOT.write_text(written, encoding="utf-8")

    assert written == SNAPSHOT.read_text(encoding="utf-8"), "python -m pytest --write-snapshots writes it anew."


def test_every_endpoint_and_answer_is_described(schema):
    assert set(schema["paths"]) == {
        "/api/v1.0/course-runs-sync/",
        "/api/v1.0/course-runs/",
        "/api/v1.0/course-runs/{run_id}/",
        "/api/v1.0/enrollments/session/",
        "/api/v1.0/enrollments/{run_id}/",
    }
    hook = schema["paths"]["/api/v1.0/course-runs-sync/"]["post"]
    assert set(hook["responses"]) == STATUSES
    assert hook["security"] == [{"signature": []}, {"standardWebhooks": []}]
    assert "Sync-Outcome" in hook["responses"]["200"]["headers"]
    assert "Retry-After" in hook["responses"]["429"]["headers"]


def test_it_is_the_same_in_every_language(client, schema):
    assert client.get(SCHEMA, headers={"Accept-Language": "fr"}).json() == schema


@pytest.mark.urls("tests.openapi.project")
@override_settings(REST_FRAMEWORK={"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"})
def test_a_project_s_own_document_and_ours_leave_each_other_alone(client):
    own = yaml.safe_load(client.get("/api/own-schema/").content)
    ours = client.get("/lms/api/v1.0/schema/").json()

    assert (own["info"]["title"], ours["info"]["title"]) == ("Boasted", "Course runs")
    assert "/api/teachers/" in own["paths"]
    assert set(ours["paths"]) == {
        "/lms/api/v1.0/course-runs-sync/",
        "/lms/api/v1.0/course-runs/",
        "/lms/api/v1.0/course-runs/{run_id}/",
        "/lms/api/v1.0/enrollments/session/",
        "/lms/api/v1.0/enrollments/{run_id}/",
    }
    assert {path: own["paths"][path].keys() for path in ours["paths"]} == {
        path: operations.keys() for path, operations in ours["paths"].items()
    }
    assert set(own["paths"]["/lms/api/v1.0/course-runs-sync/"]["post"]["responses"]) == STATUSES
