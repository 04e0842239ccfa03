"""Pictures for the documentation: taken while tests walk by, if ``CMS_LMS_SCREENSHOTS`` names a folder for them."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page

FOLDER = os.environ.get("CMS_LMS_SCREENSHOTS")

#: Enough for flat pages, and a third of the bytes.
COLORS = 96


def take_picture(page: Page, name: str, **options: Any) -> None:
    """Take a picture of a page, if pictures are wanted."""
    if not FOLDER:
        return
    folder = Path(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    page.wait_for_load_state("networkidle")
    picture = Image.open(BytesIO(page.screenshot(animations="disabled", **options))).convert("RGB")
    picture.quantize(COLORS, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)
