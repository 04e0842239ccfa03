"""The normal form of URLs, the key of a link and the base URL of an LMS."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cms_lms.patterns.urls import MAX_URL_LENGTH, InvalidURL, normalize_base_url, normalize_url, resource_key

DATA = Path(__file__).parents[2] / "cms_lms" / "site" / "data"
KEY = "course-v1:MITx+0.111x+2T2015"


def real_links() -> list[str]:
    payloads = [json.loads(path.read_text()) for path in sorted(DATA.glob("*-payload*.json"))]
    return [run["resource_link"] for payload in payloads for run in payload]


@pytest.mark.parametrize("link", real_links())
def test_real_links_are_their_own_normal_form(link):
    assert normalize_url(link) == link


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        # Open edX: the key raw or escaped, old and new course homes, a micro-frontend.
        (f"HTTPS://LMS.Example.COM/courses/{KEY}/info", f"https://lms.example.com/courses/{KEY}/info"),
        (f"https://lms.example.com:443/courses/{KEY}/", f"https://lms.example.com/courses/{KEY}/"),
        (f"http://lms.example.com:80/courses/{KEY}", f"http://lms.example.com/courses/{KEY}"),
        ("https://h/courses/course-v1%3AMITx%2B0.111x%2B2T2015/", f"https://h/courses/{KEY}/"),
        ("https://h/courses/course-v1%3aMITx%2b0.111x%2b2T2015/", f"https://h/courses/{KEY}/"),
        ("https://h/?course_id=course-v1%3AMITx%2B0.111x%2B2T2015", f"https://h/?course_id={KEY}"),
        (
            "https://h/courses/ccx-v1:HarvardX+CS50+X+ccx%407/info",
            "https://h/courses/ccx-v1:HarvardX+CS50+X+ccx@7/info",
        ),
        ("https://h/courses/course-v1:Orgé+C1+R1/info", "https://h/courses/course-v1:Orgé+C1+R1/info"),
        ("https://h/courses/course-v1:Org%C3%A9+C1+R1/info", "https://h/courses/course-v1:Orgé+C1+R1/info"),
        # Moodle.
        ("https://moodle.example.com/course/view.php?id=42", "https://moodle.example.com/course/view.php?id=42"),
        ("https://h/course/view.php?name=a%20b", "https://h/course/view.php?name=a%20b"),
        ("https://h/course/view.php?name=a+b", "https://h/course/view.php?name=a+b"),
        # Ports that are not the default one, hosts that are no names.
        ("https://localhost:8443/x", "https://localhost:8443/x"),
        ("http://my_lms:443/x", "http://my_lms:443/x"),
        ("https://h:/x", "https://h/x"),
        ("https://h:0443/x", "https://h/x"),
        ("https://127.0.0.1:18010/x", "https://127.0.0.1:18010/x"),
        ("https://[2001:DB8:0::1]:443/x", "https://[2001:db8::1]/x"),
        ("https://[::1]:8000/x", "https://[::1]:8000/x"),
        # International hosts, in every spelling, come out as browsers send them.
        ("https://université.example/x", "https://xn--universit-j4a.example/x"),
        ("https://UNIVERSITÉ.example/x", "https://xn--universit-j4a.example/x"),
        ("https://xn--universit-j4a.EXAMPLE/x", "https://xn--universit-j4a.example/x"),
        ("https://straße.example/x", "https://xn--strae-oqa.example/x"),
        # Decoding moves no border and happens once.
        ("https://h/a%2fb%3fc%23d%25e%5cf", "https://h/a%2Fb%3Fc%23d%25e%5Cf"),
        ("https://h/%2541", "https://h/%2541"),
        ("https://h/%%34%31", "https://h/%2541"),
        ("https://h/?a=b%2fc%3Fd%26e%23f", "https://h/?a=b/c?d%26e%23f"),
        ("https://h/#a%2Fb%26c", "https://h/#a/b%26c"),
        ("https://h/a%26b", "https://h/a&b"),
        ("https://h?a#b", "https://h?a#b"),
        ("https://h/100%", "https://h/100%25"),
        # Not UTF-8, not decoded.
        ("https://h/%ff%C3%A9%c3", "https://h/%FFé%C3"),
        ("https://h/%ed%a0%80", "https://h/%ED%A0%80"),
        ("https://h/%C2%A0", "https://h/%C2%A0"),
        # Untouched.
        ("https://h", "https://h"),
        ("https://h/", "https://h/"),
        ("https://h/A//b/../C;x=1?Q=Z&&#F?f", "https://h/A//b/../C;x=1?Q=Z&&#F?f"),
        ("https://h/a?", "https://h/a?"),
    ],
)
def test_normal_form(url, expected):
    assert normalize_url(url) == expected
    assert normalize_url(expected) == expected


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "scheme"),
        ("lms.example.com/courses", "scheme"),
        ("//lms.example.com/courses", "scheme"),
        ("ftp://lms.example.com", "scheme"),
        ("javascript:alert(1)//https://lms.example.com", "scheme"),
        ("https:/lms.example.com", "scheme"),
        ("https:lms.example.com", "scheme"),
        ("https://", "host"),
        ("https:///courses", "host"),
        ("https://:443/", "host"),
        ("https://a..b/", "host"),
        ("https://.a/", "host"),
        ("https://a./", "host"),
        ("https://-a/", "host"),
        ("https://a%2eb/", "host"),
        ("https://a,b/", "host"),
        (f"https://{'a' * 64}.example/", "host"),
        (f"https://{'.'.join(['a' * 50] * 6)}/", "host"),
        (f"https://{'é' * 300}/", "host"),
        ("https://a℀b/", "host"),
        ("https://[::1/", "host"),
        ("https://::1/", "host"),
        ("https://[fe80::1%25eth0]/", "host"),
        ("https://[::1]x/", "host"),
        ("https://[v1.a]/", "host"),
        ("https://h:x/", "host"),
        ("https://h:٤٤٣/", "host"),
        ("https://h:65536/", "port"),
        ("https://h:0/", "port"),
        ("https://user@h/", "user_info"),
        ("https://lms.example.com:pass@evil.example/", "user_info"),
        ("https://lms.example.com\\@evil.example/", "backslash"),
        ("https://h/a\\b", "backslash"),
        ("https://h/a b", "space"),
        (" https://h/", "space"),
        ("https://h/a\u00a0b", "space"),
        ("https://h/\u3000", "space"),
        ("https://h/\n", "control_character"),
        ("https://h/\x00", "control_character"),
        ("https://h/\x7f", "control_character"),
        ("https://h/\x85", "control_character"),
        ("https://h/\u2028", "control_character"),
        ("https://h/%00", "control_character"),
        ("https://h/%0a", "control_character"),
        ("https://h/?%0D%0AX", "control_character"),
        ("https://h/%C2%85", "control_character"),
        ("https://h/%E2%80%A8", "control_character"),
        ("https://h/\ud800", "surrogate"),
        ("https://h/" + "a" * MAX_URL_LENGTH, "too_long"),
        ("https://h/" + "%" * 1000, "too_long"),
    ],
)
def test_refused_urls(url, code):
    with pytest.raises(InvalidURL) as refusal:
        normalize_url(url)
    assert refusal.value.code == code
    assert str(refusal.value)
    with pytest.raises(InvalidURL):
        resource_key(url)


@pytest.mark.parametrize("length", [MAX_URL_LENGTH - 1, MAX_URL_LENGTH])
def test_long_urls(length):
    url = "https://h/".ljust(length, "a")
    assert normalize_url(url) == url


def test_the_limit_is_named():
    with pytest.raises(InvalidURL, match="2000"):
        normalize_url("https://h/" + "a" * MAX_URL_LENGTH)


SAME_RUN = [
    f"https://lms.example.com/courses/{KEY}",
    f"https://lms.example.com/courses/{KEY}/",
    f"http://lms.example.com/courses/{KEY}/",
    f"http://lms.example.com:80/courses/{KEY}",
    f"https://lms.example.com:443/courses/{KEY}",
    f"hTTps://LMS.EXAMPLE.com/courses/{KEY}",
    "https://lms.example.com/courses/course-v1%3AMITx%2B0.111x%2B2T2015/",
    "https://lms.example.com/courses/%63ourse-v1%3aMITx%2b0.111x%2b2T2015",
]


@pytest.mark.parametrize("link", SAME_RUN)
def test_links_of_the_same_run(link):
    assert resource_key(link) == resource_key(SAME_RUN[0])
    assert re.fullmatch("[0-9a-f]{64}", resource_key(link))


def test_links_of_different_runs():
    links = [
        *real_links(),
        SAME_RUN[0],
        SAME_RUN[0].lower(),
        SAME_RUN[0] + "/info",
        SAME_RUN[0] + "//",
        SAME_RUN[0] + "?a",
        SAME_RUN[0] + "#a",
        SAME_RUN[0].replace("+", "%20"),
        SAME_RUN[0].replace("lms.", "lms2."),
        SAME_RUN[0].replace(".com/", ".com:8443/"),
        "https://h/course/view.php?id=4",
        "https://h/course/view.php?id=42",
        "https://h/course/view.php?id=42/",
        "https://h/a%2Fb",
        "https://h/a/b",
        "https://h/a%252Fb",
    ]
    keys = {resource_key(link) for link in links}
    assert len(keys) == len(links) - 1  # one of SAME_RUN is among the real links, but for its /info


def test_the_slash_before_a_query_is_a_trailing_one():
    assert resource_key("https://h/course/?id=4") == resource_key("https://h/course?id=4")
    assert resource_key("https://h/#/a") == resource_key("https://h#/a") != resource_key("https://h#/a/")


HOSTS = st.sampled_from(["lms.example.com", "LMS.Example.com", "université.example", "[2001:db8::1]", "127.0.0.1", "x"])
REST = st.text(
    st.one_of(
        st.sampled_from(list("/?#&=+%:@;,.~-_abAB019é漢٣")),
        st.characters(min_codepoint=0x21, exclude_categories=["C", "Z"], exclude_characters="\\"),
    ),
    max_size=60,
)
ESCAPED = st.lists(st.one_of(REST, st.integers(0x21, 0xFF).map("%{:02x}".format)), max_size=12).map("".join)


def urls() -> st.SearchStrategy[str]:
    return st.builds(
        "{}://{}{}/{}".format, st.sampled_from(["http", "https"]), HOSTS, st.sampled_from(["", ":81"]), ESCAPED
    )


def normal_form_or_code(url: str) -> str:
    try:
        return normalize_url(url)
    except InvalidURL as error:
        return error.code


@given(urls())
@example("https://h/%%32%35")
@example("https://h/%25%32%35")
@example("https://h/%C3%2541")
def test_normalising_twice_changes_nothing(url):
    once = normal_form_or_code(url)
    assert normal_form_or_code(once) in (once, "scheme")  # a code, such as "control_character", is no URL


@given(st.text(max_size=40), st.booleans())
def test_any_text_is_normalised_or_refused(text, with_scheme):
    normal_form_or_code(("https://h/" if with_scheme else "") + text)


@given(urls(), st.data())
def test_variants_of_a_link_have_its_key(url, data):
    try:
        key = resource_key(url)
    except InvalidURL:
        return
    scheme, address = url.split("://", 1)
    host, slash, rest = address.partition("/")
    if not host.endswith(":81"):
        host = data.draw(st.sampled_from([host, host + ":", host + (":443" if scheme == "https" else ":80")]))
    assert resource_key(f"{scheme.upper()}://{host.upper()}{slash}{rest}") == key
    # Any letter may be escaped, as long as it is not part of an escape.
    escaped = re.sub(
        r"%[0-9A-Fa-f]{2}|%|[g-zé漢]", lambda match: match[0] if match[0][0] == "%" else quoted(match[0]), rest
    )
    assert resource_key(f"{scheme}://{host}{slash}{escaped}") == key


def quoted(character: str) -> str:
    return "".join(f"%{octet:02x}" for octet in character.encode())


@given(urls())
def test_the_scheme_is_no_part_of_the_key(url):
    try:
        key = resource_key(url)
    except InvalidURL:
        return
    other = url.replace("https://", "http://", 1) if url.startswith("https") else url.replace("http://", "https://", 1)
    assert resource_key(other) == key


@given(st.lists(st.text("abc+%", min_size=1, max_size=6), min_size=2, max_size=2, unique=True))
def test_different_courses_have_different_keys(courses):
    keys = {resource_key(f"https://h/courses/{course.replace('%', '%25')}/") for course in courses}
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://LMS.example.com/", "https://lms.example.com"),
        ("https://lms.example.com:443", "https://lms.example.com"),
        ("https://lms.example.com:8443/", "https://lms.example.com:8443"),
        ("https://example.com/moodle/", "https://example.com/moodle"),
        ("https://example.com/a%20b", "https://example.com/a%20b"),
        ("https://example.com/~moodle/v1.0", "https://example.com/~moodle/v1.0"),
        ("https://[::1]:8000/", "https://[::1]:8000"),
        ("https://université.example/", "https://xn--universit-j4a.example"),
    ],
)
def test_base_url(url, expected):
    assert normalize_base_url(url, allow_insecure=False) == expected
    assert normalize_base_url(expected, allow_insecure=False) == expected


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://lms.example.com", "insecure"),
        ("ftp://lms.example.com", "scheme"),
        ("lms.example.com", "scheme"),
        ("https://", "host"),
        ("https://user:pass@lms.example.com", "user_info"),
        ("https://lms.example.com?", "query"),
        ("https://lms.example.com/?a=b", "query"),
        ("https://lms.example.com/#", "fragment"),
        ("https://lms.example.com/#a?b", "fragment"),
        ("https://lms.example.com/a/../b", "path"),
        ("https://lms.example.com/./b", "path"),
        ("https://lms.example.com/..", "path"),
        ("https://lms.example.com/%2e%2E/b", "path"),
        ("https://lms.example.com/.%2e", "path"),
        ("https://lms.example.com//", "path"),
        ("https://lms.example.com/a//b", "path"),
        ("https://lms.example.com/a%2Fb", "path"),
        ("https://lms.example.com/a%5cb", "path"),
        ("https://lms.example.com/100%", "path"),
        ("https://lms.example.com/%00", "control_character"),
        ("https://lms.example.com\\a", "backslash"),
        ("https://lms example.com", "space"),
        ("https://" + "a" * 2000, "too_long"),
    ],
)
def test_refused_base_urls(url, code):
    with pytest.raises(InvalidURL) as refusal:
        normalize_base_url(url, allow_insecure=False)
    assert refusal.value.code == code
    assert str(refusal.value)


def test_insecure_base_urls_in_development():
    assert normalize_base_url("http://localhost:8001/", allow_insecure=True) == "http://localhost:8001"
    assert normalize_base_url("http://localhost:80", allow_insecure=True) == "http://localhost"
