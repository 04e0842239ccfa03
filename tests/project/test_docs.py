"""The documentation says what is so: its links lead somewhere, its names exist, its examples run."""

from __future__ import annotations

import pydoc
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from cms_lms.admin.documentation import ORDER, anchor_of, find_pages
from cms_lms.backends.config import BackendConfig
from cms_lms.backends.moodle_checks import NEEDED_FUNCTIONS, SITE_INFO
from cms_lms.backends.openedx_release import RELEASES, ReleaseRange
from cms_lms.backends.openedx_settings import SETTINGS, settings_block
from cms_lms.conf import PREFIX, Settings
from cms_lms.models import CourseRun, SyncDelivery
from cms_lms.patterns.course_regex import compile_course_regex
from cms_lms.patterns.presets import PRESETS
from tests.factories import make_backend, make_course
from tests.sync.payloads import payload

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]

    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_headings_lead_to_headings(page: Path) -> None:
    lost = []
    for link, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in link and anchor not in headings_of(page.parent / link if link else page):
            lost.append(f"{link}#{anchor}")

    assert lost == []


def headings_of(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return {anchor_of(re.sub(r"[`*]", "", heading)) for heading in re.findall(r"^#+ (.+)$", text, re.M)}


def test_every_page_of_the_documentation_has_its_place() -> None:
    assert set(find_pages()) == set(ORDER)


@pytest.mark.parametrize("picture", sorted(ROOT.glob("docs/screenshots/*")), ids=lambda path: path.name)
def test_pictures_are_shown_and_small(picture: Path) -> None:
    assert picture.stat().st_size < 150_000
    assert any(f"screenshots/{picture.name}" in page.read_text(encoding="utf-8") for page in PAGES)


def commands_in(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each ``manage.py`` command and its options; not those of an LMS, which begin with ``cms`` or ``lms``."""
    for name, rest in re.findall(r"\bmanage\.py (\w+)([^`\n]*)", text):
        if name not in ("cms", "lms"):
            yield name, re.findall(r"(?<=\s)--[\w-]+", rest.partition(" -c ")[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for name, options in commands_in(page.read_text(encoding="utf-8")):
        assert name in get_commands(), name
        app = get_commands()[name]
        command = load_command_class(app, name) if isinstance(app, str) else app
        actions = command.create_parser("manage.py", name)._actions
        known = {option for action in actions for option in action.option_strings}
        assert set(options) <= known, (name, options)


def test_every_command_of_the_app_is_in_the_readme() -> None:
    own = {name for name, app in get_commands().items() if app == "cms_lms"}
    named = {name for name, _options in commands_in((ROOT / "README.md").read_text(encoding="utf-8"))}

    assert own - named == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_and_names_of_the_code_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    settings = {f"{PREFIX}{name}" for name in Settings.DEFAULTS}
    # Variables of the environment: the README's, those of the secrets' examples, and the tests'.
    others = {"CMS_LMS_SYNC_SECRET", "CMS_LMS_SECRET_", "CMS_LMS_SECRET_CAMPUS", "CMS_LMS_SCREENSHOTS"}
    assert set(re.findall(r"\bCMS_LMS_[A-Z_]+", text)) - settings - others == set()

    names = set(re.findall(r"`(cms_lms(?:\.[A-Za-z_]\w*)+)`", text))
    assert [name for name in names if pydoc.locate(name) is None and not name.endswith(".html")] == []


def fences(page: str, language: str = "") -> list[str]:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


@pytest.mark.parametrize("page", ["openedx", "openedx-fonzie", "moodle", "canvas", "joanie"])
def test_patterns_are_those_that_are_offered(page: str) -> None:
    kind = page.partition("-")[0]
    host = "lms" if kind == "openedx" else kind
    offered = {preset.pattern for preset in PRESETS[kind](f"https://{host}.example.com")}
    shown = [block.strip() for block in fences(page) if block.startswith("^")]

    assert shown
    assert set(shown) <= offered


@pytest.mark.parametrize(
    ("heading", "first", "last"),
    [
        ("Ulmo and later", "ulmo", RELEASES[-1]),
        ("Redwood to Teak", "redwood", "teak"),
        ("Maple to Quince", "maple", "palm"),
        ("Hawthorn to Lilac", "hawthorn", "lilac"),
    ],
)
def test_settings_of_an_open_edx_are_those_that_are_printed(heading: str, first: str, last: str) -> None:
    text = (ROOT / "docs" / "openedx.md").read_text(encoding="utf-8").partition(f"### {heading}\n")[2]
    block = text.partition("```python\n")[2].partition("```")[0]

    assert block == settings_block(
        "https://lms.example.com", ["https://catalogue.example.com"], ReleaseRange(first, last), SETTINGS
    )


def test_what_every_setting_of_an_open_edx_is_for() -> None:
    text = (ROOT / "docs" / "openedx.md").read_text(encoding="utf-8").partition("### What they are for\n")[2]

    assert set(SETTINGS) <= set(re.findall(r"`([A-Z_]+)`", text.partition("\n## ")[0]))


def test_functions_of_a_moodle_are_those_that_are_checked() -> None:
    (listed,) = [block.split() for block in fences("moodle") if block.startswith("core_")]

    assert set(listed) == {SITE_INFO, *NEEDED_FUNCTIONS}


def test_the_example_of_a_backend_class_works() -> None:
    (source,) = [block for block in fences("custom-lms", "python") if "pattern_presets" in block]
    namespace: dict = {}
    exec(source, namespace)  # noqa: S102  (the documentation's own)
    (pattern,) = [block.strip() for block in fences("custom-lms") if block.startswith("^")]
    backend_class = namespace["AcademyCourses"]
    config = BackendConfig("academy", "Academy", "https://lms.example.org", pattern)
    course_id = backend_class(config).extract_course_id("https://lms.example.org/course/intro-2027")
    (preset,) = backend_class.pattern_presets("https://lms.example.org")

    assert preset.pattern == pattern
    assert compile_course_regex(pattern, backend_class.required_groups).extract(preset.sample_urls[0]) == course_id
    assert backend_class(config).get_course_key(course_id, {}).code == "intro"


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    documented = re.findall(rf"^\| `{PREFIX}(\w+)`", text.partition("## Of the runnable site")[0], re.M)

    assert sorted(documented) == sorted(Settings.DEFAULTS)


def test_every_variable_of_the_site_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8").partition("## Of the runnable site")[2]
    names = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    documented = set(re.findall(r"`([A-Z_]+)`", "".join(names)))
    source = (ROOT / "cms_lms" / "site" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"\benv(?:\.\w+)?\(\s*\"([A-Z_]+)\"", source))

    assert documented == read


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("curl")), reason="openssl or curl is not installed")
def test_the_examples_in_shell_are_accepted(live_server, settings, tmp_path: Path) -> None:
    script = "\n".join(fences("web-hook", "sh"))
    assert "SECRET=SharedSecret" in script
    settings.CMS_LMS_SYNC_SECRETS = ["SharedSecret"]
    script = script.replace("http://localhost:8000", live_server.url)
    make_course(code="DemoX")
    make_backend(
        base_url="https://localhost:8001",
        course_regex=r"^https?://localhost:8001/courses/(?P<course_id>[^/]+)/info$",
    )

    done = subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ('{"success":true}' * 2, "")
    assert CourseRun.objects.get().enrollment_count == 42
    assert SyncDelivery.objects.latest("pk").webhook_id.startswith("msg_")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("secret", ["SharedSecret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_the_examples_in_python_are_accepted(live_server, settings, secret: str) -> None:
    settings.CMS_LMS_SYNC_SECRETS = [secret]
    make_course(code="DemoX")
    make_backend()
    examples = fences("web-hook", "python")
    assert len(examples) == 2
    for example in examples:
        source = example.replace("https://catalogue.example.com", live_server.url)
        exec(source, {"run": payload(), "secret": secret})  # noqa: S102  (the documentation's own)

    assert list(SyncDelivery.objects.values_list("status_code", flat=True)) == [200, 200]
