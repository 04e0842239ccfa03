"""Visits a site that has just installed cms_lms, with that site's own Python, and prints what it found as JSON.

Run in the site's folder: ``python -P visit_new_site.py``. Knows nothing of this repository, and reports without
judging; ``test_wheel.py`` judges.
"""

import hashlib
import hmac
import json
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, os.getcwd())

import django

django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from wagtail.models import Page

import cms_lms
from cms_lms.catalog.models import CourseIndexPage, CoursePage
from cms_lms.models import Course, CourseRun, LMSBackend

LINK = "https://lms.example.com/courses/course-v1:Org+C1+R1/info"
RUN = {
    "resource_link": LINK,
    "start": "2001-01-01T00:00:00Z",
    "end": None,
    "enrollment_start": "2000-01-01T00:00:00Z",
    "enrollment_end": None,
    "languages": ["en"],
    "enrollment_count": 3,
    "catalog_visibility": "course_and_search",
}


def post(client: Client, body: bytes, secret: str | None) -> tuple[int, object]:
    """Post a body to the web hook, signed where a secret is given; return status and answer."""
    signature = f"SIG-HMAC-SHA256 {hmac.digest(secret.encode(), body, hashlib.sha256).hex()}" if secret else ""
    answer = client.post(
        "/api/v1.0/course-runs-sync/", body, content_type="application/json", headers={"Authorization": signature}
    )
    return answer.status_code, answer.json()


User.objects.create_superuser("admin", "admin@example.com", "admin")
client = Client(headers={"Host": "localhost"})
client.login(username="admin", password="admin")
dashboard = client.get("/admin/")

course = Course.objects.create(code="C1", title="Course one")
backend = LMSBackend(
    name="Campus",
    slug="campus",
    base_url="https://lms.example.com",
    backend="cms_lms.backends.openedx.OpenEdXBackend",
    course_regex=r"^https://lms\.example\.com/courses/(?P<course_id>[^/]+)/info$",
    js_backend="openedx-hawthorn",
)
backend.full_clean()
backend.save()
home = Page.objects.get(slug="home")
index = home.add_child(instance=CourseIndexPage(title="Courses", slug="courses"))
page = index.add_child(instance=CoursePage(title="Course one", slug="one", course=course))

body = json.dumps(RUN).encode()
visitor = Client(headers={"Host": "localhost"})
hook = {
    "unsigned": post(visitor, body, None),
    "wrong": post(visitor, body, "not the secret"),
    "signed": post(visitor, body, settings.CMS_LMS_SYNC_SECRETS[0]),
}
course_page = visitor.get(page.url)
html = course_page.content.decode()
static_files = re.findall(r"(?:src|href|data-module)=\"/static/([^\"?]+)", html)

json.dump(
    {
        "package": str(Path(cms_lms.__file__).parent),
        "dashboard": dashboard.status_code,
        "menu": dashboard.content.decode(),
        "hook": hook,
        "runs": list(CourseRun.objects.values_list("resource_link", "live")),
        "read": visitor.get("/api/v1.0/course-runs/").json(),
        "listings": {
            model.__name__: client.get(f"/admin/snippets/cms_lms/{model.__name__.lower()}/").status_code
            for model in (LMSBackend, Course, CourseRun)
        },
        "course_page": course_page.status_code,
        "html": html,
        "headers": dict(course_page.headers),
        "static": {name: (Path(settings.STATIC_ROOT) / name).is_file() for name in static_files},
        "session_cookie": settings.SESSION_COOKIE_NAME,
    },
    sys.stdout,
)
