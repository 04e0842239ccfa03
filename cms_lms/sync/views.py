"""The web hook's view: tells who calls, lets the call be processed, and answers what its delivery says."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError, transaction
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cms_lms.conf import settings as lms_settings
from cms_lms.error_reports import conceal_values
from cms_lms.sync.addresses import limited_address, sender_address
from cms_lms.sync.authentication import find_signer, read_claims
from cms_lms.sync.calls import INVALID_AUTHENTICATION, Call, CallRefused, process
from cms_lms.sync.conflicts import is_conflict
from cms_lms.sync.rate_limit import RateLimit
from cms_lms.sync.secrets import SigningSecret, SigningSecrets
from cms_lms.sync.signature import SignatureInvalid, SignatureMissing
from cms_lms.sync.standard_webhooks import Message

#: More digits of a length are no number that Python would read.
MAX_LENGTH_DIGITS = 20

BUSY = {"detail": "Too many calls about the same course runs at once. Try again."}

logger = logging.getLogger("cms_lms")
security_logger = logging.getLogger("django.security.cms_lms")


class AlwaysJSON(BaseContentNegotiation):
    """Answers JSON whatever the sender accepts: a 406 would lose the delivery."""

    def select_parser(self, request, parsers):
        """Return None: the view parses the signed bytes itself."""
        return None

    def select_renderer(self, request, renderers, format_suffix=None):
        """Return the only renderer."""
        return renderers[0], renderers[0].media_type


@method_decorator([login_not_required, transaction.non_atomic_requests], name="dispatch")
class CourseRunsSyncView(APIView):
    """Takes course runs from LMSs. The contract's messages are in English, whatever the site's language."""

    http_method_names = ["post"]
    authentication_classes: Sequence[Any] = ()
    permission_classes: Sequence[Any] = ()
    # What a site sets for its own API does not apply to a fixed contract.
    throttle_classes: Sequence[Any] = ()
    versioning_class = None
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJSON

    def perform_authentication(self, request: Request) -> None:
        """Look for no user: who calls is told by the signature, which is checked over the body."""

    def post(self, request: Request) -> Response:
        """Synchronise one course run, or a list of them."""
        with translation.override("en"):
            try:
                return self.receive(request._request)
            except CallRefused as refusal:
                return Response(refusal.body, status=refusal.status, headers=refusal.headers)

    def receive(self, request: HttpRequest) -> Response:
        """Let a call be processed, and answer what its delivery says. Raises ``CallRefused``."""
        received_at = timezone.now()
        conceal_values(request)
        address = sender_address(request.META)
        failures = RateLimit("failures", lms_settings.SYNC_FAILURE_RATE, limited_address(address), received_at)
        self.refuse_too_many(failures)
        body = self.read_body(request)
        try:
            secrets, signer, message = self.authenticate(request, body)
        except CallRefused:
            self.count_failure(failures, address)
            raise
        calls = RateLimit("calls", lms_settings.SYNC_RATE, signer.name, received_at)
        self.refuse_too_many(calls)
        calls.count()
        call = Call(
            body=body,
            signer=signer,
            received_at=received_at,
            content_type=request.content_type or "",
            remote_address=address,
            message_id=message.id if message else "",
            event_at=message.sent_at if message else None,
            is_dry_run=request.GET.get("dry_run", "false").lower() not in ("false", "0"),
        )
        try:
            delivery = process(call)
        except OperationalError as error:
            if not is_conflict(error):
                raise
            # It lost every attempt. What it was about to change waits as an interrupted delivery.
            logger.exception("Web hook: a call met other transactions too often.")
            raise CallRefused(503, BUSY, {"Retry-After": "1"}) from None
        finally:
            secrets.note_use(signer, received_at)
        if call.is_of_another_time:
            self.count_failure(failures, address)
        outcome = ", ".join(f"{name}={count}" for name, count in delivery.counts.items())
        return Response(delivery.response, status=delivery.status_code, headers={"Sync-Outcome": outcome})

    @staticmethod
    def refuse_too_many(limit: RateLimit) -> None:
        """Refuse a call beyond a limit, before anything is hashed or stored for it."""
        if limit.is_reached():
            seconds = limit.retry_after
            detail = f"Too many calls. Try again in {seconds} seconds."
            raise CallRefused(429, {"detail": detail}, {"Retry-After": str(seconds)})

    @staticmethod
    def count_failure(failures: RateLimit, address: str) -> None:
        """Count a call whose sender could not be told, and say so once if those became too many."""
        if failures.count():
            security_logger.warning("Web hook: further calls from %s are refused unread for a while.", address)

    @staticmethod
    def read_body(request: HttpRequest) -> bytes:
        """Return the raw bytes, unless there are too many of them."""
        limit = lms_settings.SYNC_MAX_BODY_BYTES
        too_long = CallRefused(413, {"detail": f"The body is longer than {limit} bytes. Send the runs in parts."})
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or len(length) > MAX_LENGTH_DIGITS or int(length) > limit:
            raise too_long
        try:
            body = request.body
        except RequestDataTooBig:
            raise too_long from None
        if len(body) > limit:
            raise too_long
        return body

    @staticmethod
    def authenticate(request: HttpRequest, body: bytes) -> tuple[SigningSecrets, SigningSecret, Message | None]:
        """Return the secrets in force, which of them signed the call, and the message that it is, if it is one.

        Raises ``CallRefused``.
        """
        try:
            claims, message = read_claims(request.headers)
            secrets = SigningSecrets.in_force()
            signer = find_signer(claims, body, secrets.signers)
        except SignatureMissing:
            security_logger.warning("Web hook: a call without a signature.")
            raise CallRefused(403, "Missing authentication.") from None
        except SignatureInvalid as error:
            security_logger.warning("Web hook: a call with an invalid signature: %s.", error)
            raise CallRefused(*INVALID_AUTHENTICATION) from None
        return secrets, replace(signer, is_protected=message is not None), message
