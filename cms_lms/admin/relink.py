"""An LMS that moved: its runs get their new links, once it was seen what becomes of each.

The yes is bound to what was shown, as that to the impact of a change is: to the person, the addresses, the
configuration and every run with what is to become of it. Where one of them is another by then, it is shown anew.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.generic import FormView
from wagtail.admin import messages
from wagtail.admin.widgets.button import Button

from cms_lms.admin.backend_pages import BackendPageMixin
from cms_lms.admin.impact import impact_media
from cms_lms.admin.permissions import may_edit_runs
from cms_lms.matching.handler import LMSHandler
from cms_lms.matching.relocation import PlannedMove, Preview, Relocation, Verdict, plan_moves, preview, runs_by_key
from cms_lms.models import CourseRun, LMSBackend
from cms_lms.patterns.urls import MAX_URL_LENGTH, InvalidURL, normalize_base_url
from cms_lms.sync.relink import relink_runs

#: The buttons beside that which shows the preview: their names in what is posted.
CONFIRM, DOWNLOAD = "relink-confirm", "relink-download"


class AddressField(forms.CharField):
    """A base URL, in its normal form."""

    def __init__(self, **kwargs) -> None:
        widget = forms.TextInput(attrs={"inputmode": "url", "spellcheck": "false", "autocapitalize": "none"})
        super().__init__(max_length=MAX_URL_LENGTH, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        """Return it as it is compared with links. What a backend's own address may not be, runs' links may."""
        try:
            return normalize_base_url(super().clean(value), allow_insecure=True)
        except InvalidURL as error:
            raise ValidationError(error.message, code=error.code) from None


class RelinkForm(forms.Form):
    """From where to where."""

    old = AddressField(
        label=_("Old address"),
        help_text=_("What the links of the course runs begin with now. For example: https://lms.example.com"),
    )
    new = AddressField(
        label=_("New address"),
        help_text=_("What they are to begin with. For example: https://courses.example.com"),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse a move to where the LMS is."""
        data = super().clean() or {}
        if data.get("old") and data["old"] == data.get("new"):
            self.add_error("new", ValidationError(_("This is the old address."), code="same"))
        return data


class ShownMove(NamedTuple):
    """A line of the preview. ``edit_url`` is None for those who may not edit runs."""

    move: PlannedMove
    edit_url: str | None


class Line:
    """Takes what is written, for the one who wants it back."""

    def write(self, text: str) -> str:
        """Return it."""
        return text


class RelinkView(BackendPageMixin, FormView):
    """Asks for the addresses, shows what becomes of each run, and gives the runs their new links."""

    form_class = RelinkForm
    template_name = "cms_lms/admin/relink.html"
    header_icon = "link"
    page_title = _("Move runs to a new address")

    def get_initial(self) -> dict[str, Any]:
        """Start from the backend's own address, for that is most often the new one."""
        return {"new": self.object.base_url}

    def form_valid(self, form: RelinkForm) -> HttpResponse:
        """Show what would be done; do it once that was confirmed."""
        relocation = Relocation(self.object.pk, form.cleaned_data["old"], form.cleaned_data["new"])
        if DOWNLOAD in self.request.POST:
            return self.download(relocation)
        configuration = LMSHandler.configuration()
        shown = preview(relocation, configuration)
        token = self.make_token(relocation, str(configuration.token), shown)
        is_confirmed = constant_time_compare(self.request.POST.get(CONFIRM, ""), token)
        if is_confirmed and shown.moving:
            return self.relink(relocation)
        is_stale = CONFIRM in self.request.POST and not is_confirmed
        context = {"form": form, "relocation": relocation, "shown": shown, "groups": list(self.groups(shown))}
        return self.render_to_response(self.get_context_data(**context, token=token, is_stale=is_stale))

    def relink(self, relocation: Relocation) -> HttpResponse:
        """Give the runs their new links, and say how many have them."""
        moved = relink_runs(relocation, user=self.request.user, now=timezone.now())
        text = ngettext("%(count)d course run has its new link.", "%(count)d course runs have their new links.", moved)
        messages.success(self.request, text % {"count": moved})
        if not may_edit_runs(self.request.user):
            return redirect(self.get_edit_url())
        return redirect(f"{reverse(CourseRun.snippet_viewset.get_url_name('list'))}?matched_backend={self.object.pk}")

    def make_token(self, relocation: Relocation, configuration_token: str, shown: Preview) -> str:
        """Return what says that just this was confirmed."""
        parts = [str(self.request.user.pk), str(relocation), configuration_token, shown.digest]
        return salted_hmac("cms_lms.relink", "\n".join(parts), algorithm="sha256").hexdigest()

    def groups(self, shown: Preview) -> Iterator[dict[str, Any]]:
        """Yield the runs of each verdict: those that move first."""
        url_name = CourseRun.snippet_viewset.get_url_name("edit")
        may_edit = may_edit_runs(self.request.user)
        for verdict in Verdict:
            if count := shown.counts[verdict]:
                lines = [
                    ShownMove(move, reverse(url_name, args=[move.run.pk]) if may_edit else None)
                    for move in shown.samples[verdict]
                ]
                yield {"verdict": verdict, "count": count, "lines": lines, "is_cut_off": count > len(lines)}

    def download(self, relocation: Relocation) -> StreamingHttpResponse:
        """Answer what becomes of every run, as a table for other programs."""
        response = StreamingHttpResponse(self.lines(relocation), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.object.slug}-new-links.csv"'
        return response

    @staticmethod
    def lines(relocation: Relocation) -> Iterator[str]:
        """Yield the table's lines."""
        writer, configuration = csv.writer(Line()), LMSHandler.configuration()
        yield writer.writerow(["id", "old_link", "new_link", "decision"])
        for runs in runs_by_key():
            for move in plan_moves(relocation, configuration, runs):
                yield writer.writerow([move.run.pk, move.run.resource_link, move.new_link, move.verdict.value])

    def get_context_data(self, **kwargs) -> dict[str, Any]:
        """Add the backend, the style, and the names of the buttons."""
        return {
            **super().get_context_data(**kwargs),
            "object": self.object,
            "media": impact_media(),
            "confirm_name": CONFIRM,
            "download_name": DOWNLOAD,
            "cancel_url": self.get_edit_url(),
        }


def index_buttons(view: Any) -> list[Button]:
    """Return the buttons for the header of the listing: none."""
    return []


def edit_buttons(view: Any) -> list[Button]:
    """Return the button for the header of the edit form of ``view.object``."""
    url = reverse(LMSBackend.snippet_viewset.get_url_name("relink"), args=[view.object.pk])
    return [Button(_("Move runs to a new address"), url=url, icon_name="link", priority=70)]


def get_urlpatterns(viewset: Any) -> list[Any]:
    """Return the address below the view set's."""
    return [path("relink/<int:pk>/", viewset.construct_view(RelinkView), name="relink")]
