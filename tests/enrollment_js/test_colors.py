"""The panel's default colours meet WCAG 2.2 AA on each other, in light and in dark, and after every mix of them."""

from __future__ import annotations

import re

import pytest

from .servers import STATIC

CSS = (STATIC / "cms_lms" / "css" / "enrollment.css").read_text()

#: Name to its light and its dark value.
PAIRS = re.findall(r"--_([\w-]+): var\(--lms-[\w-]+, light-dark\((#\w+), (#\w+)\)\)", CSS)
SCHEMES = {
    "light": {name: light for name, light, _ in PAIRS},
    "dark": {name: dark for name, _, dark in PAIRS},
}

#: What a step may mix into the panel's ground, and how much of it.
TONES = sorted(set(re.findall(r"--_tone: var\(--_([\w-]+)\)", CSS)))
(GROUND_PERCENT,) = map(
    int, re.findall(r"background: color-mix\(in srgb, var\(--_tone\) (\d+)%, var\(--_surface\)\)", CSS)
)


def channels(color: str) -> list[int]:
    digits = color.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    return [int(digits[start : start + 2], 16) for start in (0, 2, 4)]


def mix(one: str, other: str, percent: int) -> str:
    """As CSS's color-mix(in srgb, one percent%, other)."""
    pairs = zip(channels(one), channels(other), strict=True)
    return "#" + "".join(f"{round((a * percent + b * (100 - percent)) / 100):02x}" for a, b in pairs)


def luminance(color: str) -> float:
    values = [channel / 255 for channel in channels(color)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def grounds(colors: dict[str, str]) -> list[str]:
    """Whatever text stands on: the card, and the panel in each tone."""
    return [colors["surface"], *(mix(colors[tone], colors["surface"], GROUND_PERCENT) for tone in TONES)]


@pytest.fixture(params=sorted(SCHEMES))
def colors(request) -> dict[str, str]:
    return SCHEMES[request.param]


def test_the_style_sheet_is_read():
    assert {"surface", "text", "accent", "warning"} <= set(SCHEMES["dark"])
    assert TONES == ["accent-strong", "error", "muted", "success", "warning"]


@pytest.mark.parametrize("name", ["text", "muted", "accent-strong", "success", "warning", "error"])
def test_text_on_its_ground(colors, name):
    assert min(contrast(colors[name], ground) for ground in grounds(colors)) >= 4.5


@pytest.mark.parametrize(
    ("text", "ground"), [("on-accent", "accent"), ("on-accent", "accent-strong"), ("text", "border")]
)
def test_text_on_controls(colors, text, ground):
    assert contrast(colors[text], colors[ground]) >= 4.5


@pytest.mark.parametrize("name", ["accent", "focus", *TONES])
def test_what_shows_a_control_a_picture_or_the_focus(colors, name):
    assert min(contrast(colors[name], ground) for ground in grounds(colors)) >= 3
