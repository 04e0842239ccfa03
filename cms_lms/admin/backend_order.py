"""The order of backends: a move is in force at once, shown right after with what it did to the runs, and can be undone.

The listing says of a move no more than that it was made; what it was is kept in the session until the next one.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import View
from wagtail.admin import messages
from wagtail.admin.views.generic.permissions import PermissionCheckedMixin
from wagtail.log_actions import log
from wagtail.snippets.views import snippets

from cms_lms.admin.log_actions import REORDER
from cms_lms.matching.changed_configuration import hold_configuration
from cms_lms.matching.handler import LMSHandler, LoadedConfiguration
from cms_lms.matching.impact import Impact, compute_impact
from cms_lms.models import LMSBackend

SESSION_KEY = "cms_lms.reorder"


@dataclass(frozen=True)
class Move:
    """A backend that went from one position to another, counted from 0, and the order that this left."""

    pk: int
    old: int
    new: int
    order: str


def digest(backends: list[LMSBackend]) -> str:
    """Return what tells one order from another."""
    return hashlib.sha256(",".join(str(backend.pk) for backend in backends).encode()).hexdigest()


def move_backend(backends: list[LMSBackend], moved: LMSBackend, position: int, *, user: Any) -> Move | None:
    """Move one of all backends to a position, counted from 0, and say so in its history.

    Numbers all anew: an order with gaps or twins would move the wrong ones. Returns None where nothing moved.
    """
    old = backends.index(moved)
    backends.insert(position, backends.pop(old))
    changed = []
    for number, backend in enumerate(backends):
        if backend.sort_order != number:
            backend.sort_order = number
            changed.append(backend)
    if changed:
        LMSBackend.objects.bulk_update(changed, ["sort_order"])
    if position == old:
        return None
    positions = {"old": old + 1, "new": position + 1}
    log(moved, REORDER, user=user, data={"position": positions}, content_changed=False)
    return Move(moved.pk, old, position, digest(backends))


def held_backends() -> list[LMSBackend]:
    """Return all backends in order, which nobody else changes before the caller's transaction ends."""
    hold_configuration()
    return list(LMSBackend.objects.in_order())


def last_move(request: HttpRequest) -> Move | None:
    """Return the last move that was made in this session."""
    stored = request.session.get(SESSION_KEY)
    return Move(**stored) if stored else None


def impact_of(move: Move, backends: list[LMSBackend]) -> Impact:
    """Return what a move did, from the order that it left."""
    after = LMSHandler.configuration()
    by_key = {backend.record.pk: backend for backend in after.backends}
    if move.pk not in by_key:
        return Impact()
    before = list(backends)
    before.insert(move.old, before.pop(move.new))
    return compute_impact(
        LoadedConfiguration(None, [by_key[backend.pk] for backend in before if backend.pk in by_key]), after
    )


class BackendReorderView(snippets.ReorderView):
    """Moves a backend in the order."""

    def post(self, request: HttpRequest, *args, **kwargs) -> JsonResponse:
        """Move it, and remember the move."""
        with transaction.atomic():
            backends = held_backends()
            moved = get_object_or_404(LMSBackend, pk=kwargs["pk"])
            position = self.get_position(request, last=len(backends) - 1)
            move = move_backend(backends, moved, position, user=request.user)
        request.session[SESSION_KEY] = asdict(move) if move else None
        return JsonResponse({"success": True})

    def get_position(self, request: HttpRequest, last: int) -> int:
        """Return the position asked for, counted from 0; the last where none or a wrong one is given."""
        try:
            position = int(request.GET.get("position", ""))
        except ValueError:
            return last
        return position if 0 <= position <= last else last


class ReorderImpactView(PermissionCheckedMixin, View):
    """What the last move did to the runs, with the button that undoes it. Part of the listing; empty where nothing."""

    model = LMSBackend
    permission_required = "change"

    def get(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Say it, as long as the order is the one that the move left."""
        move, impact, moved = last_move(request), Impact(), None
        backends = list(LMSBackend.objects.in_order())
        if move and move.order == digest(backends):
            impact, moved = impact_of(move, backends), backends[move.new]
        context = {
            "sentences": impact.as_sentences(),
            "moved": moved,
            "move": move,
            "undo_url": reverse(LMSBackend.snippet_viewset.get_url_name("reorder_undo")),
        }
        return TemplateResponse(request, "cms_lms/admin/impact_reorder.html", context)


class ReorderUndoView(PermissionCheckedMixin, View):
    """Brings the backend that was moved last back to where it was."""

    model = LMSBackend
    permission_required = "change"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args, **kwargs) -> HttpResponse:
        """Undo, unless somebody has changed the order since."""
        move = last_move(request)
        listing = f"{reverse(LMSBackend.snippet_viewset.get_url_name('list'))}?ordering=sort_order"
        with transaction.atomic():
            backends = held_backends()
            # The order that the button was shown with, that of the last move and that in force.
            if move is None or not request.POST.get("order") == move.order == digest(backends):
                text = _("Nothing was undone: the order has been changed since.")
                messages.error(request, text)
                return redirect(listing)
            moved = backends[move.new]
            move_backend(backends, moved, move.old, user=request.user)
        request.session[SESSION_KEY] = None
        text = _("“%(name)s” is back at position %(position)s.")
        messages.success(request, text % {"name": moved.name, "position": move.old + 1})
        return redirect(f"{listing}&undone={moved.pk}")
