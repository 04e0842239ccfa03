"""The panel's default colours meet WCAG 2.2 AA on its own surface and on white."""

from __future__ import annotations

import re

import pytest

from .servers import STATIC

CSS = (STATIC / "cms_lms" / "css" / "enrollment.css").read_text()
COLORS = dict(re.findall(r"--_([\w-]+): var\(--lms-[\w-]+, (#\w+)\)", CSS))


def luminance(color: str) -> float:
    digits = color.removeprefix("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", ["text", "muted", "accent-strong", "success", "error"])
@pytest.mark.parametrize("ground", [COLORS["surface"], "#fff"])
def test_text_on_its_ground(name, ground):
    assert contrast(COLORS[name], ground) >= 4.5


@pytest.mark.parametrize(
    ("text", "ground"),
    [("on-accent", "accent"), ("on-accent", "accent-strong"), ("on-accent", "error"), ("text", "border")],
)
def test_text_on_controls(text, ground):
    assert contrast(COLORS[text], COLORS[ground]) >= 4.5


@pytest.mark.parametrize("name", ["accent", "focus"])
@pytest.mark.parametrize("ground", [COLORS["surface"], "#fff"])
def test_what_shows_a_control_or_the_focus(name, ground):
    assert contrast(COLORS[name], ground) >= 3
