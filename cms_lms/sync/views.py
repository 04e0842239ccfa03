"""The web hook's view: authenticates, parses, hands over to the engine, answers as the contract says."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.db import transaction
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
from cms_lms.sync.deliveries import DeliveryLog
from cms_lms.sync.engine import REQUIRED, has_resource_link, synchronize
from cms_lms.sync.payload import PayloadNotJSON, parse
from cms_lms.sync.results import ItemResult, count_outcomes, storable
from cms_lms.sync.secrets import Signer, SigningSecrets
from cms_lms.sync.signature import SignatureInvalid, SignatureMissing, find_signer, read_digest

security_logger = logging.getLogger("django.security.cms_lms")

INVALID_SIGNATURE = 401, "Invalid authentication."


class CallRefused(Exception):
    """The call as a whole is refused; ``status`` and ``body`` are the answer."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


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
                return Response(refusal.body, status=refusal.status)

    def receive(self, request: HttpRequest) -> Response:
        """Apply a call. Raises ``CallRefused``; with a valid signature it leaves a delivery all the same."""
        received_at = timezone.now()
        conceal_values(request)
        body = self.read_body(request)
        secrets, signer = self.authenticate(request, body)
        try:
            return self.apply(request, body, signer, received_at)
        finally:
            secrets.note_use(signer, received_at)

    def apply(self, request: HttpRequest, body: bytes, signer: Signer, received_at: dt.datetime) -> Response:
        """Apply a call whose signature is valid. Raises ``CallRefused``."""
        delivery = DeliveryLog(
            received_at=received_at,
            remote_address=request.META.get("REMOTE_ADDR", ""),
            secret_name=signer.name,
            body=body,
        )
        try:
            payload = self.parse(request, body)
        except CallRefused as refusal:
            delivery.record(refusal.status, refusal.body)
            raise
        is_list = isinstance(payload, list)
        results = synchronize(
            payload if is_list else [payload],
            signer=signer,
            now=received_at,
            journal=lambda results: delivery.record(*self.answer(results, is_list), results),
        )
        if forbidden := sum(result.is_forbidden for result in results):
            security_logger.warning(
                "Web hook: the secret %s signed %s course runs that are not of its LMS backend.", signer.name, forbidden
            )
        status, answer = self.answer(results, is_list)
        outcome = ", ".join(f"{name}={count}" for name, count in count_outcomes(results).items())
        return Response(answer, status=status, headers={"Sync-Outcome": outcome})

    @staticmethod
    def read_body(request: HttpRequest) -> bytes:
        """Return the raw bytes, unless there are too many of them."""
        limit = lms_settings.SYNC_MAX_BODY_BYTES
        too_long = CallRefused(413, {"detail": f"The body is longer than {limit} bytes. Send the runs in parts."})
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > limit:
            raise too_long
        try:
            body = request.body
        except RequestDataTooBig:
            raise too_long from None
        if len(body) > limit:
            raise too_long
        return body

    @staticmethod
    def authenticate(request: HttpRequest, body: bytes) -> tuple[SigningSecrets, Signer]:
        """Return the secrets that may sign, and which of them signed the body."""
        try:
            digest = read_digest(request.headers.get("Authorization"))
            secrets = SigningSecrets.in_force()
            return secrets, find_signer(digest, body, secrets.signers)
        except SignatureMissing:
            security_logger.warning("Web hook: a call without a signature.")
            raise CallRefused(403, "Missing authentication.") from None
        except SignatureInvalid:
            security_logger.warning("Web hook: a call with an invalid signature.")
            raise CallRefused(*INVALID_SIGNATURE) from None

    @staticmethod
    def parse(request: HttpRequest, body: bytes) -> Any:
        """Return an object, or a list of objects, each with a resource link."""
        if request.content_type != "application/json":
            raise CallRefused(
                415, {"detail": f'Unsupported media type "{storable(request.content_type or "")}" in request.'}
            )
        try:
            payload = parse(body)
        except PayloadNotJSON as error:
            raise CallRefused(400, {"detail": f"JSON parse error - {storable(str(error))}"}) from None
        items = payload if isinstance(payload, list) else [payload]
        if len(items) > lms_settings.SYNC_MAX_ITEMS:
            limit = lms_settings.SYNC_MAX_ITEMS
            raise CallRefused(413, {"detail": f"The list holds more than {limit} course runs. Send them in parts."})
        if not all(map(has_resource_link, items)):
            raise CallRefused(400, REQUIRED)
        return payload

    @staticmethod
    def answer(results: Sequence[ItemResult], is_list: bool) -> tuple[int, Any]:
        """Return status and body. In a list an error wins over another item with the same link."""
        if not is_list and results[0].is_forbidden:
            return INVALID_SIGNATURE
        status = 400 if any(result.is_refused for result in results) else 200
        if not is_list:
            return status, results[0].errors or {"success": True}
        answer: dict[str, Any] = {}
        for result in results:
            link = storable(result.resource_link)
            if result.is_refused:
                answer[link] = result.errors
            else:
                answer.setdefault(link, {"success": True})
        return status, answer
