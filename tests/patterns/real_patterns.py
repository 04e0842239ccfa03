"""Course regexes of the kinds that sites have, the URLs that they take and those that they must not."""

from typing import NamedTuple

JOANIE_GROUPS = (("resource_uri",), ("resource_type", "resource_id"))
UUID = "7f2c9f3e-1c1b-4c63-9d0c-5f4d8a0b9a11"


class RealPattern(NamedTuple):
    pattern: str
    javascript: str  # what is derived from it
    ids: dict[str, str | None]  # URL → course id
    groups: tuple[tuple[str, ...], ...] = (("course_id",),)


REAL_PATTERNS = [
    # Open edX, every release: info, course, about, home, nothing; new and old keys; the host of the learning MFE.
    RealPattern(
        r"^https?://(?:lms|apps)\.example\.com/(?:learning/)?courses?/"
        r"(?P<course_id>[^/?#]+:[^/?#]+|[^/?#:]+/[^/?#]+/[^/?#]+?)(?:/(?:info|course|about|home)?)?/?$",
        r"^https?://(?:lms|apps)\.example\.com/(?:learning/)?courses?/"
        r"([^/?#]+:[^/?#]+|[^/?#:]+/[^/?#]+/[^/?#]+?)(?:/(?:info|course|about|home)?)?/?$",
        {
            "https://lms.example.com/courses/course-v1:MITx+0.111x+2T2015/info": "course-v1:MITx+0.111x+2T2015",
            "https://lms.example.com/courses/course-v1:MITx+0.111x+2T2015/course/": "course-v1:MITx+0.111x+2T2015",
            "https://lms.example.com/courses/course-v1:MITx+0.111x+2T2015/about": "course-v1:MITx+0.111x+2T2015",
            "https://lms.example.com/courses/course-v1:MITx+0.111x+2T2015/": "course-v1:MITx+0.111x+2T2015",
            "http://LMS.example.com/courses/course-v1%3AMITx%2B0.111x%2B2T2015": "course-v1:MITx+0.111x+2T2015",
            "https://lms.example.com/courses/MITx/6.002x/2012_Fall/info": "MITx/6.002x/2012_Fall",
            "https://lms.example.com/courses/ccx-v1:HarvardX+CS50+X+ccx@7/info": "ccx-v1:HarvardX+CS50+X+ccx@7",
            "https://lms.example.com/courses/course-v1:Orgé+C1+R1/info": "course-v1:Orgé+C1+R1",
            "https://lms.example.com/courses/course-v1:组织+课程+1/info": "course-v1:组织+课程+1",
            "https://apps.example.com/learning/course/course-v1:edX+DemoX+1/home": "course-v1:edX+DemoX+1",
            "https://evil.example/?https://lms.example.com/courses/course-v1:edX+DemoX+1/info": None,
            "https://lms.example.com.evil.example/courses/course-v1:edX+DemoX+1/info": None,
            "https://lms-example.com/courses/course-v1:edX+DemoX+1/info": None,
            "https://lms.example.com/dashboard": None,
        },
    ),
    # The one in older documentation: not anchored, greedy, blind to /info.
    RealPattern(
        r"^.*/courses/(?P<course_id>.*)/course/?$",
        r"^.*/courses/(.*)/course/?$",
        {
            "https://lms.example.com/courses/course-v1:edX+DemoX+1/course/": "course-v1:edX+DemoX+1",
            "https://lms.example.com/courses/course-v1:edX+DemoX+1/info": None,
            "https://lms.example.com/courses//course": None,  # an empty id is none
        },
    ),
    RealPattern(
        r"https://lms\.example\.com/courses/(?P<course_id>[\w\-~.:+]+)",
        r"^https://lms\.example\.com/courses/([\w\-~.:+]+)",
        {
            "https://lms.example.com/courses/course-v1:a-b+c~d+e.f/info": "course-v1:a-b+c~d+e.f",
            "https://lms.example.com/courses/": None,
            "https://www.example.com/https://lms.example.com/courses/x": None,
        },
    ),
    # Moodle.
    RealPattern(
        r"^https://moodle\.example\.com(?:/moodle)?/course/view\.php\?(?:.*&)?id=(?P<course_id>\d+)(?:&|#|$)",
        r"^https://moodle\.example\.com(?:/moodle)?/course/view\.php\?(?:.*&)?id=(\d+)(?:&|#|$)",
        {
            "https://moodle.example.com/course/view.php?id=42": "42",
            "https://moodle.example.com/moodle/course/view.php?lang=fr&id=42#section-3": "42",
            "https://moodle.example.com/course/view.php?id=4x": None,
            "https://moodle.example.com/course/view.php?id=٤": None,
            "https://moodle.example.com/course/view.php?name=a": None,
        },
    ),
    # Canvas.
    RealPattern(
        r"\Ahttps://canvas\.example\.edu/courses/(?P<course_id>[0-9]{1,18}|sis_course_id:[^/]+)/?",
        r"^https://canvas\.example\.edu/courses/([0-9]{1,18}|sis_course_id:[^/]+)/?",
        {
            "https://canvas.example.edu/courses/1234": "1234",
            "https://canvas.example.edu/courses/sis_course_id:BIO%2D1/": "sis_course_id:BIO-1",
            "https://canvas.example.edu/courses/": None,
        },
    ),
    # Joanie: one group, or two side by side.
    RealPattern(
        r"^https://joanie\.example\.com/api/v1\.0(?P<resource_uri>(?:/courses/[^/]+)?/(?:course-runs|products)/[^/]*)/?$",
        r"^https://joanie\.example\.com/api/v1\.0((?:/courses/[^/]+)?/(?:course-runs|products)/[^/]*)/?$",
        {
            f"https://joanie.example.com/api/v1.0/course-runs/{UUID}/": f"/course-runs/{UUID}",
            f"https://joanie.example.com/api/v1.0/courses/DEMOX/products/{UUID}/": f"/courses/DEMOX/products/{UUID}",
            f"https://joanie.example.com/api/v1.0/orders/{UUID}/": None,
        },
        JOANIE_GROUPS,
    ),
    RealPattern(
        r"^https://joanie\.example\.com/api/v1\.0/(?P<resource_type>course-runs|products)/(?P<resource_id>[0-9a-f\-]{36})/?$",
        r"^https://joanie\.example\.com/api/v1\.0/((?:course-runs|products)/(?:[0-9a-f\-]{36}))/?$",
        {
            f"https://joanie.example.com/api/v1.0/course-runs/{UUID}/": f"course-runs/{UUID}",
            f"https://joanie.example.com/api/v1.0/products/{UUID}": f"products/{UUID}",
            "https://joanie.example.com/api/v1.0/products/1": None,
        },
        JOANIE_GROUPS,
    ),
    # An alternation that only its first branch anchors, a number of its own, a port.
    RealPattern(
        r"^https://a\.example/(?:c)/(?P<course_id>\d+)|https://b\.example/",
        r"^(?:^https://a\.example/(?:c)/(\d+)|https://b\.example/)",
        {"https://a.example/c/5": "5", "https://b.example/": None, "https://c.example/https://b.example/": None},
    ),
    RealPattern(
        r"^http://localhost:8001/(?P<course_id>[^/]+)",
        r"^http://localhost:8001/([^/]+)",
        {"http://localhost:8001/x/y": "x", "http://localhost:8002/x": None},
    ),
]
