"""JavaScript patterns derived from Python ones."""

import pytest

from cms_lms.patterns.derive import derive_javascript_pattern
from cms_lms.patterns.errors import InvalidPattern
from cms_lms.patterns.javascript import compile_javascript_regex
from cms_lms.patterns.urls import normalize_url
from tests.patterns.real_patterns import JOANIE_GROUPS, REAL_PATTERNS


@pytest.mark.parametrize("real", REAL_PATTERNS)
def test_real_patterns(real):
    derived = derive_javascript_pattern(real.pattern, real.groups)
    assert derived == real.javascript
    regex = compile_javascript_regex(derived)
    assert {url: regex.extract(normalize_url(url)) for url in real.ids} == real.ids


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("(?P<course_id>a)", "^(a)"),
        ("(b)(?:c)(?P<course_id>(a)+)", "^(?:b)(?:c)((?:a)+)"),
        (r"\A(?P<course_id>a)$", "^(a)$"),
        # What flag u does not allow.
        (r"^\-\_\#\ \@\"\~\&(?P<course_id>a)", '^-_# @"~&(a)'),
        (r"^\/\.\*\{\}\[\]\|\^\$\(\)\\(?P<course_id>a)", r"^/\.\*\{\}\[\]\|\^\$\(\)\\(a)"),
        ("^x{a}{1,b}{]}(?P<course_id>a)", r"^x\{a\}\{1,b\}\{\]\}(a)"),
        ("^x{2}y{1,}z{1,3}?(?P<course_id>a)", "^x{2}y{1,}z{1,3}?(a)"),
        (r"^\a\x41\t(?P<course_id>a)", r"^\x07\x41\t(a)"),
        # Classes.
        (r"^(?P<course_id>[]^/\-a-z_.@\]-]+)", r"^([\]\^/\-a-z_.@\]\-]+)"),
        (r"^(?P<course_id>[^]])", r"^([^\]])"),
        (r"^(?P<course_id>[\w-])", r"^([\w\-])"),
        (r"^(?P<course_id>[\.\#a[])", r"^([.#a\[])"),
        (r"^(?P<course_id>[\x41-\x5a])", r"^([\x41-\x5a])"),
        # RE2's white space, not Unicode's.
        (r"^\s\S(?P<course_id>[\s\d])", r"^[\t\n\f\r ][^\t\n\f\r ]([\t\n\f\r \d])"),
        (r"^(?P<course_id>[\Sx])", r"^([\0-\x08\x0b\x0e-\x1f!-\u{10ffff}x])"),
        # Inline flags, spelled out.
        ("(?i)^http(?P<course_id>a1)", "^[hH][tT][tT][pP]([aA]1)"),
        ("^(?i:b)c(?P<course_id>a)", "^(?:[bB])c(a)"),
        ("^(?i:a(?-i:b)c(?s:d))(?P<course_id>a)", "^(?:[aA](?:b)[cC](?:[dD]))(a)"),
        ("(?s)^.(?P<course_id>a)", "^.(a)"),
        (r"(?i)^\x41\w[x-z_](?P<course_id>[^b\]-]+é)", r"^[\x41a]\w[x-z_X-Z]([^b\]\-B]+é)"),
        (r"(?i)^[+-^][]A-](?P<course_id>[^\d]{2})", r"^[+-\^a-z][\]A\-a]([^\d]{2})"),
        # Where ^ is missing.
        ("a|(?P<course_id>b)", "^(?:a|(b))"),
        ("^a|(?P<course_id>b)", "^(?:^a|(b))"),
        ("^a|^(?P<course_id>b)", "^a|^(b)"),
    ],
)
def test_derived_patterns(pattern, expected):
    assert derive_javascript_pattern(pattern, (("course_id",),)) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^(?P<resource_type>a)/(?P<resource_id>b)/", "^((?:a)/(?:b))/"),
        ("^(?:x/(?P<resource_type>a)(b)(?P<resource_id>c))?", "^(?:x/((?:a)(?:b)(?:c)))?"),
    ],
)
def test_several_groups_become_one(pattern, expected):
    assert derive_javascript_pattern(pattern, JOANIE_GROUPS) == expected


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("^(?P<resource_type>a)|(?P<resource_id>b)", "scattered_groups"),
        ("^(?:(?P<resource_type>a))(?P<resource_id>b)", "scattered_groups"),
        ("^(?P<resource_type>a(?P<resource_id>b))", "scattered_groups"),
        ("^(?P<resource_type>a)?(?P<resource_id>b)", "scattered_groups"),
        ("^(?:(?P<resource_type>a)|(?P<resource_id>b))", "scattered_groups"),
        ("^(?:(?P<resource_type>a)x)(?:y(?P<resource_id>b))", "scattered_groups"),
        # What compile_course_regex refuses.
        (r"^(?P<resource_uri>a)\Z", "escape"),
        ("^(?=b)(?P<resource_uri>a)", "look_around"),
        ("^(?P<resource_uri>a)(?P=resource_uri)", "back_reference"),
        ("(?x)^(?P<resource_uri>a)", "verbose"),
        ("^(?P<resource_uri>a", "syntax"),
        ("^a", "missing_group"),
    ],
)
def test_refused_patterns(pattern, code):
    with pytest.raises(InvalidPattern) as refusal:
        derive_javascript_pattern(pattern, JOANIE_GROUPS)
    assert refusal.value.code == code
    assert str(refusal.value)
