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

COLORS = 96

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
    # A third of the bytes: the colours that are there most often, which are all but some edges of letters.
    often = sorted(picture.getcolors(picture.width * picture.height), reverse=True)[:COLORS]
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for _count, color in often for channel in color])
    picture.quantize(palette=palette, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)
