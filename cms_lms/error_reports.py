"""Error pages and error mails of requests that hold a secret: where the request failed, and nothing of what it held.

Django shows the local variables and the posted values of a failed request, in its debug page and in the mail to the
administrators. ``Secret`` does not print, but what Django and other packages make of it on the way is plain text.
"""

from __future__ import annotations

from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest, QueryDict
from django.views.debug import SafeExceptionReporterFilter


class ConcealingFilter(SafeExceptionReporterFilter):
    """Names variables and parameters without their values, also while debugging."""

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """Return the names."""
        return dict.fromkeys(request.POST if request else QueryDict(), self.cleansed_substitute)

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> ItemsView[str, Any]:
        """Return the names, for every frame: those of other packages are not known beforehand."""
        return dict.fromkeys(tb_frame.f_locals, self.cleansed_substitute).items()


def conceal_values(request: HttpRequest) -> None:
    """Let no report of an error in this request show a value."""
    request.exception_reporter_filter = ConcealingFilter()  # type: ignore[attr-defined]
