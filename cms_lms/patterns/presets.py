"""Course regexes that are known to work, for each kind of LMS, filled in with the address of one. Knows the URLs of the
LMSs, and nothing of backend classes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cms_lms.patterns.pattern_text import MAX_PATTERN_LENGTH
from cms_lms.patterns.urls import normalize_base_url, normalize_url

# A host name has 253 characters at most, and "learning." goes before it.
_MAX_NEIGHBOUR_LENGTH = 240


@dataclass(frozen=True, slots=True)
class PatternPreset:
    """A course regex to start from. ``name`` never changes; each of the sample URLs matches."""

    name: str
    label: str | Promise
    pattern: str
    sample_urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Address:
    """The address of an LMS as patterns see it: the scheme, the host with its port, the path without trailing slash."""

    scheme: str
    host: str
    path: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}"

    @property
    def pattern(self) -> str:
        """The address and nothing before it; a link may be http where the LMS is https, and the other way round."""
        return f"^https?://{_escape(self.host)}{_escape(self.path)}"

    @property
    def can_have_neighbours(self) -> bool:
        """Whether a longer name can stand for a host beside it: not so for an IP address."""
        is_number = self.host.startswith("[") or self.host.partition(":")[0].rpartition(".")[2].isdecimal()
        return not is_number and len(self.host) <= _MAX_NEIGHBOUR_LENGTH


def openedx_presets(base_url: str) -> list[PatternPreset]:
    """For an Open edX of any release, at the address of its LMS.

    Sources: edx-platform's ``lms/urls.py`` and ``openedx/features/course_experience``, Tutor's addresses of
    micro-frontends. Raises InvalidURL.
    """
    return _usable(_openedx, base_url)


def moodle_presets(base_url: str) -> list[PatternPreset]:
    """For a Moodle, at its ``wwwroot``. Source: ``course/view.php``. Raises InvalidURL."""
    return _usable(_moodle, base_url)


def joanie_presets(base_url: str) -> list[PatternPreset]:
    """For a Joanie, at its root. Source: the ``resource_link`` of ``core/models``. Raises InvalidURL."""
    return _usable(_joanie, base_url)


def canvas_presets(base_url: str) -> list[PatternPreset]:
    """For a Canvas, at its root. Source: ``app/controllers/courses_controller.rb``. Raises InvalidURL."""
    return _usable(_canvas, base_url)


PRESETS: dict[str, Callable[[str], list[PatternPreset]]] = {
    "openedx": openedx_presets,
    "moodle": moodle_presets,
    "joanie": joanie_presets,
    "canvas": canvas_presets,
}

# Any characters but those that end a segment: the parts of a key may be in any script.
_OPENEDX_KEY = "(?P<course_id>(?:course|ccx)-v1:[^/?#]+)"
_OPENEDX_SAMPLE = "course-v1:Org+Course+2027_T1"
_UUID = "7f2c9f3e-1c1b-4c63-9d0c-5f4d8a0b9a11"


def _openedx(address: _Address) -> Iterator[PatternPreset]:
    lms_samples = tuple(f"{address.url}/courses/{_OPENEDX_SAMPLE}{end}" for end in ("/info", "/course/", "/about", "/"))
    ccx_sample = f"{address.url}/courses/ccx-v1:Org+Course+2027_T1+ccx@1/info"
    if address.can_have_neighbours:
        apps = f"apps.{address.host}/learning/course"
        yield PatternPreset(
            "openedx-any",
            _("Any course page, of the LMS or of Tutor’s learning micro-frontend"),
            f"^https?://(?:{_escape(address.host + address.path)}/courses|{_escape(apps)})/"
            rf"{_OPENEDX_KEY}(?:/(?:info|course|about|home))?/?$",
            (*lms_samples, ccx_sample, f"{address.scheme}://{apps}/{_OPENEDX_SAMPLE}/home"),
        )
    yield PatternPreset(
        "openedx-lms",
        _("Any course page of the LMS: /info, /course/, /about or none of them"),
        rf"{address.pattern}/courses/{_OPENEDX_KEY}(?:/(?:info|course|about))?/?$",
        (*lms_samples, ccx_sample),
    )
    for name, end, label in (
        ("openedx-info", "info", _("/info alone, as richie-openedx-sync sends it")),
        ("openedx-course", "course", _("/course/ alone")),
        ("openedx-about", "about", _("/about alone")),
    ):
        yield PatternPreset(
            name,
            label,
            rf"{address.pattern}/courses/{_OPENEDX_KEY}/{end}/?$",
            (f"{address.url}/courses/{_OPENEDX_SAMPLE}/{end}", f"{address.url}/courses/{_OPENEDX_SAMPLE}/{end}/"),
        )
    yield PatternPreset(
        "openedx-old-keys",
        _("Any course page of the LMS, with keys of before 2015 (organisation/course/run) as well"),
        rf"{address.pattern}/courses/(?P<course_id>[^/?#]+:[^/?#]+|[^/?#:]+/[^/?#:]+/[^/?#:]+)"
        r"(?:/(?:info|course|about))?/?$",
        (*lms_samples, f"{address.url}/courses/Org/Course/2012_Fall/info"),
    )
    yield from _micro_frontends(address)


def _micro_frontends(address: _Address) -> Iterator[PatternPreset]:
    """Its host and its path both vary: Tutor's, mitxonline's and edx.org's are known."""
    own_host = _("The learning micro-frontend on the LMS's own host")
    places = [("openedx-mfe-path", own_host, address.host, "/learn", "/learn(?:ing)?")]
    if address.can_have_neighbours:
        tutor = _("Tutor’s learning micro-frontend, on apps.…/learning")
        places.insert(0, ("openedx-mfe-tutor", tutor, f"apps.{address.host}", "/learning", "/learning"))
        parent = address.host.partition(".")[2]
        if "." in parent:
            another_host = _("The learning micro-frontend on a host of its own")
            places.append(("openedx-mfe-host", another_host, f"learning.{parent}", "", ""))
    for name, label, host, path, path_pattern in places:
        yield PatternPreset(
            name,
            label,
            rf"^https?://{_escape(host)}{path_pattern}/course/{_OPENEDX_KEY}(?:/home)?/?$",
            tuple(f"{address.scheme}://{host}{path}/course/{_OPENEDX_SAMPLE}{end}" for end in ("/home", "/home/", "")),
        )


def _moodle(address: _Address) -> Iterator[PatternPreset]:
    page = f"{address.url}/course/view.php"
    for name, label, parameter, value, sample in (
        ("moodle-id", _("course/view.php?id=…, the number of the course"), "id", "[0-9]+", "42"),
        ("moodle-name", _("course/view.php?name=…, the short name"), "name", "[^&#]+", "CS101-2027"),
        ("moodle-idnumber", _("course/view.php?idnumber=…, the ID number"), "idnumber", "[^&#]+", "CS-101"),
    ):
        # Greedy: where a parameter is there twice, PHP too takes the last.
        yield PatternPreset(
            name,
            label,
            rf"{address.pattern}/course/view\.php\?(?:[^#]*&)?{parameter}=(?P<course_id>{value})(?:[&#]|$)",
            (
                f"{page}?{parameter}={sample}",
                f"{page}?lang=fr&{parameter}={sample}",
                f"{page}?{parameter}={sample}&section=2#section-2",
            ),
        )


def _joanie(address: _Address) -> Iterator[PatternPreset]:
    api = f"{address.url}/api/v1.0"
    run = f"{api}/course-runs/{_UUID}/"
    yield PatternPreset(
        "joanie-any",
        _("Course runs, and products of a course"),
        rf"{address.pattern}/api/v1\.0(?P<resource_uri>/course-runs/[^/?#]+|/courses/[^/?#]+/products/[^/?#]+)/?$",
        (run, f"{api}/courses/00001/products/{_UUID}/"),
    )
    yield PatternPreset(
        "joanie-runs",
        _("Course runs alone"),
        rf"{address.pattern}/api/v1\.0/(?P<resource_type>course-runs)/(?P<resource_id>[^/?#]+)/?$",
        (run, run.removesuffix("/")),
    )


def _canvas(address: _Address) -> Iterator[PatternPreset]:
    yield PatternPreset(
        "canvas-id",
        _("/courses/…, the number of the course"),
        # 1~234: course 234 of shard 1.
        rf"{address.pattern}/courses/(?P<course_id>[0-9]+(?:~[0-9]+)?)/?$",
        (f"{address.url}/courses/1234", f"{address.url}/courses/10~1234/"),
    )
    yield PatternPreset(
        "canvas-sis",
        _("/courses/sis_course_id:…, the identifier of the student information system"),
        rf"{address.pattern}/courses/(?P<course_id>sis_course_id:[^/?#]+)/?$",
        (f"{address.url}/courses/sis_course_id:BIO-101",),
    )


def _usable(presets: Callable[[_Address], Iterator[PatternPreset]], base_url: str) -> list[PatternPreset]:
    """The presets at an address, but for those that a very long address makes too long to be patterns."""
    # Patterns see the path of a link with its escapes decoded.
    url = normalize_url(normalize_base_url(base_url, allow_insecure=True))
    scheme, __, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    address = _Address(scheme, host, slash + path)
    return [preset for preset in presets(address) if len(preset.pattern) <= MAX_PATTERN_LENGTH]


def _escape(text: str) -> str:
    """As ``re.escape``, but only the characters that have a meaning: people read these patterns."""
    return "".join(f"\\{character}" if character in r"\.^$*+?{}[]()|" else character for character in text)
