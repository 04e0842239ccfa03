"""The floor: what any signed web hook costs that stores what it is told. Plain Django views."""

from __future__ import annotations

import hashlib
import hmac
import json

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt

from cms_lms.conf import settings as lms_settings
from tests.bench.models import FloorDelivery, FloorRun


def floor_key(resource_link: str) -> str:
    """Return the key under which the floor knows a run."""
    return hashlib.sha256(resource_link.encode()).hexdigest()


def _is_signed(request: HttpRequest) -> bool:
    claimed = request.headers["Authorization"].partition(" ")[2]
    expected = hmac.digest(lms_settings.SYNC_SECRETS[0].encode(), request.body, "sha256").hex()
    return hmac.compare_digest(claimed, expected)


@csrf_exempt
def update_one(request: HttpRequest) -> HttpResponse:
    """One transaction: one locked row, one update, one insert."""
    if not _is_signed(request):
        return JsonResponse("Invalid authentication.", status=401, safe=False)
    payload = json.loads(request.body)
    with transaction.atomic():
        run = FloorRun.objects.select_for_update().get(key=floor_key(payload["resource_link"]))
        FloorRun.objects.filter(pk=run.pk).update(
            start=parse_datetime(payload["start"]), enrollment_count=payload["enrollment_count"]
        )
        FloorDelivery.objects.create(received_at=timezone.now(), payload=request.body.decode())
    return JsonResponse({"success": True})


@csrf_exempt
def update_list(request: HttpRequest) -> HttpResponse:
    """One transaction: the rows locked by one query, updated by one, one insert."""
    if not _is_signed(request):
        return JsonResponse("Invalid authentication.", status=401, safe=False)
    payloads = {floor_key(payload["resource_link"]): payload for payload in json.loads(request.body)}
    with transaction.atomic():
        runs = list(FloorRun.objects.select_for_update().filter(key__in=payloads).order_by("key"))
        for run in runs:
            run.start = parse_datetime(payloads[run.key]["start"])
            run.enrollment_count = payloads[run.key]["enrollment_count"]
        FloorRun.objects.bulk_update(runs, ["start", "enrollment_count"])
        FloorDelivery.objects.create(received_at=timezone.now(), payload=request.body.decode())
    return JsonResponse({payload["resource_link"]: {"success": True} for payload in payloads.values()})
