"""Presets: each does what its label says for its LMS, and nothing for any other host."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cms_lms.patterns.course_regex import compile_course_regex, pattern_warnings
from cms_lms.patterns.derive import derive_javascript_pattern
from cms_lms.patterns.errors import InvalidURL
from cms_lms.patterns.javascript import compile_javascript_regex
from cms_lms.patterns.presets import PRESETS
from cms_lms.patterns.samples import check_samples
from cms_lms.patterns.urls import normalize_url
from tests.patterns.real_patterns import JOANIE_GROUPS, UUID

GROUPS = dict.fromkeys(PRESETS, (("course_id",),)) | {"joanie": JOANIE_GROUPS}
BASE_URLS = [
    "https://lms.example.com",
    "https://LMS.example.com:443/",
    "http://localhost:8001",
    "http://127.0.0.1:8001",
    "https://[2001:DB8::1]:8443",
    "https://lms.example.com:8443/sub.path/(x)+[y]",
    "https://écoles.example.fr/caf%C3%A9/%20",
    "https://lms-1.example.co.uk/moodle",
]


def presets_of(base_url):
    return [(GROUPS[kind], preset) for kind, make in PRESETS.items() for preset in make(base_url)]


def look_alikes(url):
    """The same path on hosts that a careless pattern would take for the right one."""
    normal = normalize_url(url)
    scheme, __, rest = normal.partition("://")
    host, __, path = rest.partition("/")
    name = host.partition(":")[0]
    yield f"{scheme}://other.example.org/{path}"
    yield f"{scheme}://{host.replace('.', 'X', 1)}x/{path}"
    yield f"{scheme}://{host.replace('.', '-')}-/{path}"
    yield f"{scheme}://evil-{host}/{path}"
    yield f"{scheme}://evil.{host}/{path}"
    yield f"{scheme}://{name}.evil/{path}"
    yield f"{scheme}://evil.example/{normal}"
    yield f"{scheme}://evil.example/?{normal}"
    yield f"{scheme}://evil.example/#{normal}"
    yield f"{scheme}://{name}:444/{path}"
    yield f"ftp://{host}/{path}"
    yield f"{scheme}://{host}@evil.example/{path}"
    yield f"{scheme}://{host}/elsewhere/{path}"
    yield f"{scheme}://{host}//{path}"


def check(base_url):
    for groups, preset in presets_of(base_url):
        course_regex = compile_course_regex(preset.pattern, groups)
        js_regex = compile_javascript_regex(derive_javascript_pattern(preset.pattern, groups))
        rejected = [other for url in preset.sample_urls for other in look_alikes(url)]
        assert preset.sample_urls
        assert check_samples(course_regex, js_regex, preset.sample_urls, rejected) == []
        assert pattern_warnings(preset.pattern) == []
        assert str(preset.label)


@pytest.mark.parametrize("base_url", BASE_URLS)
def test_every_preset_works(base_url):
    check(base_url)


LABELS = st.from_regex(r"[a-z][a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True).filter(lambda text: text[2:4] != "--")
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
SEGMENTS = st.text(st.sampled_from("aZ09-_.~!$&'()*+,;=:@[]{}^|é漢"), min_size=1, max_size=8).filter(
    lambda text: text not in (".", "..")
)
ANY_BASE_URL = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http"]),
    HOSTS,
    st.sampled_from(["", ":8443"]),
    st.lists(SEGMENTS, max_size=3).map(lambda segments: "".join(f"/{segment}" for segment in segments)),
)


@settings(max_examples=25, deadline=None)
@given(ANY_BASE_URL)
def test_at_any_address(base_url):
    check(base_url)


@pytest.mark.long
@settings(max_examples=1000, deadline=None)
@given(ANY_BASE_URL)
def test_at_many_addresses(base_url):
    check(base_url)


@pytest.mark.parametrize("kind", PRESETS)
def test_names_are_unique(kind):
    presets = PRESETS[kind]("https://lms.example.com")
    assert len({preset.name for preset in presets}) == len(presets) == len({str(preset.label) for preset in presets})
    assert all(preset.name.startswith(f"{kind}-") for preset in presets)


def test_patterns_can_be_read():
    patterns = {preset.name: preset.pattern for __, preset in presets_of("https://lms-1.example.com/a")}
    key = "(?P<course_id>(?:course|ccx)-v1:[^/?#]+)"
    assert patterns["openedx-info"] == rf"^https?://lms-1\.example\.com/a/courses/{key}/info/?$"
    assert patterns["openedx-any"] == (
        r"^https?://(?:lms-1\.example\.com/a/courses|apps\.lms-1\.example\.com/learning/course)/"
        rf"{key}(?:/(?:info|course|about|home))?/?$"
    )
    assert patterns["openedx-mfe-host"] == rf"^https?://learning\.example\.com/course/{key}(?:/home)?/?$"
    assert patterns["moodle-id"] == (
        r"^https?://lms-1\.example\.com/a/course/view\.php\?(?:[^#]*&)?id=(?P<course_id>[0-9]+)(?:[&#]|$)"
    )


@pytest.mark.parametrize(
    ("name", "url", "expected"),
    [
        ("openedx-any", "https://lms.example.com/courses/course-v1%3Aa%2Bb%2Bc", "course-v1:a+b+c"),
        ("openedx-any", "https://apps.lms.example.com/learning/course/course-v1:a+b+c/home/", "course-v1:a+b+c"),
        ("openedx-any", "https://apps.lms.example.com/course/course-v1:a+b+c/home", None),
        ("openedx-any", "https://lms.example.com/courses/course-v1:a+b+c/courseware/x/", None),
        ("openedx-any", "https://lms.example.com/courses/library-v1:a+b/info", None),
        ("openedx-lms", "http://lms.example.com/courses/course-v1:组织+课程+1/about", "course-v1:组织+课程+1"),
        ("openedx-lms", "https://lms.example.com/courses/MITx/6.002x/2012_Fall/info", None),
        ("openedx-old-keys", "https://lms.example.com/courses/MITx/6.002x/2012_Fall/about", "MITx/6.002x/2012_Fall"),
        ("openedx-old-keys", "https://lms.example.com/courses/MITx/6.002x/2012_Fall/", "MITx/6.002x/2012_Fall"),
        ("openedx-old-keys", "https://lms.example.com/courses/course-v1:a+b+c/course/x", None),
        ("openedx-info", "https://lms.example.com/courses/course-v1:a+b+c/about", None),
        ("openedx-mfe-path", "https://lms.example.com/learning/course/course-v1:a+b+c/home", "course-v1:a+b+c"),
        ("moodle-id", "https://lms.example.com/course/view.php?id=1&id=42", "42"),
        ("moodle-id", "https://lms.example.com/course/view.php?id=4x", None),
        ("moodle-id", "https://lms.example.com/course/view.php?courseid=4", None),
        ("moodle-id", "https://lms.example.com/course/view.php#?id=4", None),
        ("moodle-name", "https://lms.example.com/course/view.php?name=a%26id=4+5%C3%A9", "a%26id=4+5é"),
        ("joanie-any", f"https://lms.example.com/api/v1.0/course-runs/{UUID}/", f"/course-runs/{UUID}"),
        ("joanie-any", f"https://lms.example.com/api/v1.0/products/{UUID}/", None),
        ("joanie-runs", f"https://lms.example.com/api/v1.0/course-runs/{UUID}", f"course-runs/{UUID}"),
        ("canvas-id", "https://lms.example.com/courses/10~1234/", "10~1234"),
        ("canvas-id", "https://lms.example.com/courses/12ab", None),
        ("canvas-sis", "https://lms.example.com/courses/sis_course_id%3ABIO%2D1", "sis_course_id:BIO-1"),
    ],
)
def test_what_they_extract(name, url, expected):
    ((groups, preset),) = [found for found in presets_of("https://lms.example.com") if found[1].name == name]
    assert compile_course_regex(preset.pattern, groups).extract(normalize_url(url)) == expected


@pytest.mark.parametrize("kind", PRESETS)
def test_no_address(kind):
    with pytest.raises(InvalidURL):
        PRESETS[kind]("https://user@lms.example.com")


def test_an_address_too_long_for_a_pattern():
    base_url = f"https://lms.example.com/{'a' * 1940}"
    check(base_url)
    assert not any("aaa" in preset.pattern for __, preset in presets_of(base_url))


def test_a_name_too_long_for_neighbours():
    base_url = "https://" + ".".join(["a" * 62] * 4)
    check(base_url)
    assert not any("apps" in preset.pattern for __, preset in presets_of(base_url))
