"""What differs between the supported releases of Wagtail (7.4 LTS and 8.0), in one place."""

from __future__ import annotations

import wagtail

WAGTAIL_8 = wagtail.VERSION >= (8, 0)
