"""Pictures for the documentation: taken while tests walk by, if ``CMS_LMS_SCREENSHOTS`` names a folder for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page

FOLDER = os.environ.get("CMS_LMS_SCREENSHOTS")

COLORS = 64

#: So many pixels of a colour are a ground, kept as it is.
GROUND = 4000

#: Colours further apart than this are not like one another.
UNLIKE = 600

#: Between pieces that stand side by side, in pixels.
GAP = 24


def take_picture(page: Page, name: str, *, pieces: Sequence[Any] = (), **options: Any) -> None:
    """Take a picture of a page, or of pieces of it side by side, if pictures are wanted."""
    if not FOLDER:
        return
    folder = Path(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    page.wait_for_load_state("networkidle")
    shots = [
        page.screenshot(animations="disabled", **options, **clip) for clip in [{"clip": box} for box in pieces] or [{}]
    ]
    images = [Image.open(BytesIO(shot)).convert("RGB") for shot in shots]
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    picture = Image.new("RGB", (width, max(image.height for image in images)), images[0].getpixel((0, 0)))
    left = 0
    for image in images:
        picture.paste(image, (left, 0))
        left += image.width + GAP
    reduce_colors(picture).save(folder / f"{name}.png", optimize=True)


def reduce_colors(picture: Image.Image) -> Image.Image:
    """Return a picture with some of its colours, exactly: those of grounds and those that no other is like.

    A third of the bytes; what is left out are edges of letters. Pillow's own ways mix what is nearly the same, such as
    the grounds of panels.
    """
    counted = sorted(picture.getcolors(picture.width * picture.height), reverse=True)
    chosen: list[tuple[int, ...]] = []
    for count, color in counted:
        if count >= GROUND or not chosen or min(distance(color, other) for other in chosen) > UNLIKE:
            chosen.append(color)
        if len(chosen) == COLORS:
            break
    index_of = {
        bytes(color): min(range(len(chosen)), key=lambda index: distance(color, chosen[index]))
        for _count, color in counted
    }
    pixels = picture.tobytes()
    reduced = Image.new("P", picture.size)
    reduced.putpalette([channel for color in chosen for channel in color])
    reduced.putdata(bytes(index_of[pixels[start : start + 3]] for start in range(0, len(pixels), 3)))
    return reduced


def distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Return how unlike two colours are: the square of their distance."""
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
