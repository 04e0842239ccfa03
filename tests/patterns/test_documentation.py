"""docs/patterns.md says what is so: every code has its row, each example is refused with it, each remedy accepted."""

import re
from pathlib import Path

import pytest

from cms_lms.patterns.address_warnings import address_warnings
from cms_lms.patterns.course_regex import compile_course_regex, pattern_warnings
from cms_lms.patterns.derive import derive_javascript_pattern
from cms_lms.patterns.errors import InvalidPattern
from tests.patterns.real_patterns import JOANIE_GROUPS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "patterns.md").read_text(encoding="utf-8")
ROOM = ROOT / "cms_lms" / "patterns"


def rows(section):
    """The rows of a section's table, as lists of cells; only cells that are all code are patterns."""
    body = TEXT.partition(f"## {section}\n")[2].partition("\n## ")[0]
    lines = [line for line in body.splitlines() if line.startswith("| `")]
    return [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def code_in(cell):
    return cell.strip("`") if re.fullmatch("`[^`]+`", cell) else None


def groups_for(pattern):
    return JOANIE_GROUPS if "resource_" in pattern else (("course_id",),)


REFUSED = rows("What is refused")
UNDERIVABLE = rows("The JavaScript pattern")
EXAMPLES = [(code_in(code), code_in(pattern)) for code, pattern, *__ in REFUSED if code_in(pattern)]
LIMITS = [
    ("empty", ""),
    ("too_long", "(?P<course_id>" + "a" * 2000 + ")"),
    ("control_character", "(?P<course_id>a\t)"),
    ("surrogate", "(?P<course_id>\ud83d)"),
    ("too_deep", "(" * 51 + "(?P<course_id>a)" + ")" * 51),
    ("too_many_groups", "(?P<course_id>a)" + "(b)" * 20),
]


def test_every_code_has_its_row():
    documented = [code_in(row[0]) for row in REFUSED]
    declared = re.findall(r"``(\w+)``", compile_course_regex.__doc__.partition("codes are part of the API")[2])
    assert sorted(documented) == sorted(declared)


def test_every_code_is_declared():
    """Whatever the room raises is in the table of one of the two patterns."""
    names = ("course_regex", "shared_syntax", "engine_errors", "pattern_text", "repetition", "derive", "flags")
    source = "".join((ROOM / f"{name}.py").read_text(encoding="utf-8") for name in names)
    raised = set(re.findall(r'\bcode="(\w+)"|^ +"(\w+)",$|", "(\w+)", _\(|code, message = "(\w+)"', source, re.M))
    codes = {code for found in raised for code in found if code}
    assert codes == {code_in(row[0]) for row in REFUSED + UNDERIVABLE}


@pytest.mark.parametrize(("code", "pattern"), EXAMPLES + LIMITS)
def test_refused(code, pattern):
    with pytest.raises(InvalidPattern) as refusal:
        compile_course_regex(pattern, groups_for(pattern))
    assert refusal.value.code == code


def test_every_refusal_has_an_example():
    assert {code for code, __ in EXAMPLES + LIMITS} == {code_in(row[0]) for row in REFUSED}


@pytest.mark.parametrize("pattern", [code_in(row[2]) for row in REFUSED])
def test_what_to_write_instead(pattern):
    assert derive_javascript_pattern(pattern, groups_for(pattern))


@pytest.mark.parametrize("row", UNDERIVABLE, ids=lambda row: row[0])
def test_what_cannot_be_derived(row):
    code, pattern = code_in(row[0]), code_in(row[1])
    compile_course_regex(pattern, groups_for(pattern))
    with pytest.raises(InvalidPattern) as refusal:
        derive_javascript_pattern(pattern, groups_for(pattern))
    assert refusal.value.code == code


def test_every_warning_is_named():
    codes = re.findall(r"``(\w+)``", pattern_warnings.__doc__ + address_warnings.__doc__)
    assert codes
    assert [code for code in codes if f"(`{code}`)" not in TEXT] == []
