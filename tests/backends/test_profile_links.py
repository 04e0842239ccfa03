"""The lines that become the links of a learner's menu."""

from __future__ import annotations

import pytest

from cms_lms.backends.profile_links import InvalidProfileLink, ProfileLink, fill_base_url, read_profile_links


def test_lines_become_links():
    lines = ["Dashboard | {base_url}/dashboard", "My profile|https://lms.example.com/u/(username)?tab=1"]
    assert read_profile_links(lines) == [
        ProfileLink("Dashboard", "{base_url}/dashboard"),
        ProfileLink("My profile", "https://lms.example.com/u/(username)?tab=1"),
    ]


def test_the_base_url_is_filled_in_and_the_username_left_to_the_browser():
    link = fill_base_url(ProfileLink("Profile", "{base_url}/u/(username)"), "https://lms.example.com/")
    assert link.url == "https://lms.example.com/u/(username)"


@pytest.mark.parametrize(
    "line",
    [
        "Dashboard",
        "| {base_url}/dashboard",
        "Dashboard |",
        "Dashboard | javascript:alert(1)",
        "Dashboard | //evil.example.com/",
        "Dashboard | {base_url}.evil.example.com/",
        "Dashboard | {base_url}@evil.example.com/",
        "Dashboard | https://(username).example.com/",
        "Dashboard | https://lms.example.com/{user}",
        "Dashboard | https://lms.example.com/a b",
        "Dashboard | https://[::1/",
        "Dash\x00board | {base_url}/dashboard",
        f"{'x' * 61} | {{base_url}}/dashboard",
    ],
)
def test_what_is_no_link_is_refused_with_the_line(line):
    with pytest.raises(InvalidProfileLink) as error:
        read_profile_links([line])
    assert line in str(error.value)


@pytest.mark.parametrize("lines", ["Dashboard | {base_url}/", [1], None, {"a": 1}])
def test_what_is_no_list_of_lines_is_refused(lines):
    with pytest.raises(InvalidProfileLink):
        read_profile_links(lines)
