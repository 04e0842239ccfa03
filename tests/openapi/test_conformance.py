"""Schemathesis calls every endpoint with what the schema allows and with what it does not: no 5xx, no other answer."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance

from tests.catalog.makers import make_course_page
from tests.factories import make_backend, make_course, make_run
from tests.openapi.sender import SigningSender
from tests.sync.payloads import link

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)

#: A run that is there, one that may be made, and one whose course is unknown.
LINKS = (link("R1"), link("NEW"), link("R1", course="Unknown"))

#: ``ignored_auth``: every call is signed on its way. ``positive_data_acceptance``: a date or a link of the right
#: form may still be none that the catalogue has. ``negative_data_rejection``: a page size that is no number is the
#: usual one, and a key of a protected field is not even read.
LEFT_OUT = [ignored_auth, positive_data_acceptance, negative_data_rejection]


@pytest.fixture
def api(transactional_db, settings) -> Any:
    """The schema as the site serves it, and a catalogue to meet; after many calls of strangers none are read."""
    settings.CMS_LMS_SYNC_FAILURE_RATE = None
    make_backend()
    run = make_run(course=make_course(code="DemoX"), resource_link=link("R1"), sync_mode="sync_to_public")
    make_course_page(run.course)
    api = schemathesis.openapi.from_wsgi("/api/v1.0/schema/", SigningSender(WSGIHandler()))

    @api.hook
    def map_body(context, body):
        return known(body)

    return api


def known(body: Any) -> Any:
    """Return a body whose links, as far as they are texts, lead somewhere."""
    if isinstance(body, list):
        return [known(item) for item in body]
    if isinstance(body, dict) and isinstance(body.get("resource_link"), str):
        return {**body, "resource_link": LINKS[len(body["resource_link"]) % len(LINKS)]}
    return body


quick = examples(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def calls(api: Any) -> st.SearchStrategy[Any]:
    """Return calls of every operation, half of them as the schema forbids."""
    return st.one_of(
        operation.ok().as_strategy(generation_mode=mode)
        for operation in api.get_all_operations()
        for mode in GenerationMode
    )


@quick
@given(data=st.data())
def test_answers_are_those_of_the_schema(api, data):
    data.draw(calls(api)).call_and_validate(excluded_checks=LEFT_OUT)


@pytest.mark.long
@examples(quick, max_examples=5_000)
@given(data=st.data())
def test_answers_to_thousands_of_calls_are_those_of_the_schema(api, data):
    data.draw(calls(api)).call_and_validate(excluded_checks=LEFT_OUT)
