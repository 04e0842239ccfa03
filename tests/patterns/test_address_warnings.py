"""Warnings about patterns that fit another address than the backend's."""

import pytest

from cms_lms.patterns.address_warnings import address_warnings
from cms_lms.patterns.course_regex import compile_course_regex

BASE_URL = "https://lms.example.com"


@pytest.mark.parametrize(
    ("pattern", "base_url", "codes"),
    [
        (r"^https://lms\.example\.com/(?P<course_id>[^/]+)", BASE_URL, []),
        (r"^https?://lms\.example\.com/(?P<course_id>[^/]+)", BASE_URL, []),
        (r"^https?://lms\.example\.com/(?P<course_id>[^/]+)", "http://lms.example.com", []),
        (r"(?i)^https://LMS\.example\.com/(?P<course_id>[^/]+)", BASE_URL, []),
        (r"^https://lms\.example\.com/(?P<course_id>[^/]+)", "https://lms.example.com/sub/path", []),
        # The host is left open.
        (r"^.*/courses/(?P<course_id>[^/]+)", BASE_URL, []),
        (r"^https://[^/]+/courses/(?P<course_id>[^/]+)", BASE_URL, []),
        (r"^https://lms.example.com/(?P<course_id>[^/]+)", BASE_URL, []),
        # A micro-frontend of the LMS.
        (r"^https://apps\.lms\.example\.com/learning/(?P<course_id>[^/]+)", BASE_URL, []),
        (r"^http://apps\.local\.openedx\.io:2000/(?P<course_id>[^/]+)", "http://local.openedx.io:8000", []),
        (r"^https://(?:lms|learning)\.example\.com/(?P<course_id>[^/]+)", BASE_URL, []),
        (r"^https://(?:lms\.example\.com|lms\.old\.org)/(?P<course_id>[^/]+)", BASE_URL, []),
        # Not the LMS.
        (r"^http://lms\.example\.com/(?P<course_id>[^/]+)", BASE_URL, ["other_scheme"]),
        (r"^https://lms\.example\.com/(?P<course_id>[^/]+)", "http://lms.example.com", ["other_scheme"]),
        (r"^https://lms\.example\.org/(?P<course_id>[^/]+)", BASE_URL, ["other_host"]),
        (r"^http://localhost:8000/(?P<course_id>[^/]+)", "http://localhost:8001", ["other_host"]),
        (r"^https://(?:a\.one\.org|b\.two\.org)/(?P<course_id>[^/]+)", BASE_URL, ["other_host"]),
        # A base URL that is refused anyway.
        (r"^https://lms\.example\.org/(?P<course_id>[^/]+)", "", []),
    ],
)
def test_warnings(pattern, base_url, codes):
    compile_course_regex(pattern)
    warnings = address_warnings(pattern, base_url)
    assert [warning.code for warning in warnings] == codes
    assert not any("%(" in str(warning) for warning in warnings)
