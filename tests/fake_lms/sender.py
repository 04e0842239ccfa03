"""The LMS's side of the web hook: posts runs as richie-openedx-sync 1.4.0 and Joanie 3.3.0 do, and as worse ones do."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from .state import InvalidChange, State

VARIANTS = {
    "plugin": "as the Open edX plugin does",
    "compact": "as compact JSON",
    "non_ascii": "with non-ASCII bytes",
    "six_fields": "with six fields only",
    "message": "as a message of Standard Webhooks",
    "slow_clock": "as such a message, the clock a day late",
    "wrong_secret": "signed with a wrong secret",
    "no_header": "without a signature",
    "replay": "again, byte for byte",
    "outdated": "as it was sent the time before last",
    "redirected": "through a redirect",
}
_PLUGIN_TIMEOUT, _JOANIE_TIMEOUT = 20, 3
_DAY = 24 * 60 * 60
#: What taught the site nothing, so that it is not worth sending again.
_FRUITLESS = ("wrong_secret", "no_header", "slow_clock", "replay", "outdated")
REDIRECT_PATH = "/hook-moved"


@dataclass
class Delivery:
    """One post of the web hook and what the receiver answered; `status` is None when no answer came."""

    number: int
    course_id: str
    variant: str
    url: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    answer: str = ""
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The delivery in JSON's types."""
        return asdict(self) | {"body": self.body.decode()}


def sign(body: bytes, secret: str) -> str:
    """The value of the Authorization header."""
    return f"SIG-HMAC-SHA256 {hmac.new(secret.encode('utf-8'), body, hashlib.sha256).hexdigest()}"


def sign_message(body: bytes, secret: str, message_id: str, timestamp: int) -> dict[str, str]:
    """The headers of Standard Webhooks, for a secret with or without their prefix."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode("utf-8")
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


class Sender:
    """Posts, and keeps each delivery in the state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def publish(self, key: str, variant: str = "plugin") -> Delivery:
        """Post one run. Raises UnknownRun, and InvalidChange for an unknown variant or a replay of nothing."""
        run = self._state.run(key)
        if variant not in VARIANTS:
            raise InvalidChange(f"Unknown variant: {variant}. One of: {', '.join(VARIANTS)}.")
        payload = run.sync_payload(self._state.url)
        url, secret = self._state.settings.hook_url, self._state.settings.secret
        if variant in ("replay", "outdated"):
            before = self._past(key, 1 if variant == "replay" else 2)
            return self._post(key, variant, url, before.body, before.headers)
        if variant == "compact":
            return self._post_signed(key, variant, url, json.dumps(payload, separators=(",", ":")).encode(), secret)
        if variant == "non_ascii":
            return self._post_signed(key, variant, url, json.dumps(payload, ensure_ascii=False).encode(), secret)
        if variant in ("message", "slow_clock"):
            body = json.dumps(payload).encode()
            sent_at = int(time.time()) - (_DAY if variant == "slow_clock" else 0)
            return self._post(key, variant, url, body, sign_message(body, secret, f"msg_{uuid.uuid4()}", sent_at))
        if variant == "six_fields":
            del payload["enrollment_count"], payload["catalog_visibility"]
        # As the plugin does it: the signature is over one serialisation, and requests makes another for the wire.
        headers = {"Authorization": sign(json.dumps(payload).encode("utf-8"), secret)}
        if variant == "wrong_secret":
            headers = {"Authorization": sign(json.dumps(payload).encode("utf-8"), f"not {secret}")}
        elif variant == "no_header":
            headers = {}
        elif variant == "redirected":
            url = self._state.url + REDIRECT_PATH
        return self._deliver(key, variant, url, json.dumps(payload).encode(), headers, json=payload)

    def learner_enrolls(self, key: str) -> Delivery:
        """A new learner enrolls, and the run is posted with its new count, as the plugin does on each enrollment."""
        run = self._state.run(key)
        with self._state.lock:
            user = self._state.add_user(f"learner{len(self._state.users) + 1}")
            self._state.set_enrollment(user.username, key, mode=run.modes[0].slug)
        return self.publish(key)

    def publish_joanie(self, items: list[dict[str, Any]] | None = None) -> Delivery:
        """Post a list as Joanie does: the bytes that were signed, 3 s, up to 4 retries on connection errors and 500."""
        body = json.dumps(self._state.joanie_items if items is None else items).encode()
        headers = {"Authorization": sign(body, self._state.settings.secret), "Content-Type": "application/json"}
        retry = Retry(total=4, backoff_factor=0.1, status_forcelist=[500], allowed_methods=["POST"])
        with requests.Session() as session:
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=retry))
            return self._deliver(
                "joanie",
                "joanie",
                self._state.settings.hook_url,
                body,
                headers,
                session=session,
                data=body,
                timeout=_JOANIE_TIMEOUT,
            )

    def _past(self, key: str, steps: int) -> Delivery:
        past = [item for item in self._state.deliveries if item.course_id == key and item.variant not in _FRUITLESS]
        if len(past) < steps:
            raise InvalidChange(f"{key} has not been published often enough to be sent that way.")
        return past[-steps]

    def _post_signed(self, key: str, variant: str, url: str, body: bytes, secret: str) -> Delivery:
        return self._post(key, variant, url, body, {"Authorization": sign(body, secret)})

    def _post(self, key: str, variant: str, url: str, body: bytes, headers: dict[str, str]) -> Delivery:
        return self._deliver(key, variant, url, body, headers | {"Content-Type": "application/json"}, data=body)

    def _deliver(
        self,
        key: str,
        variant: str,
        url: str,
        body: bytes,
        headers: dict[str, str],
        *,
        session: requests.Session | None = None,
        timeout: float = _PLUGIN_TIMEOUT,
        **content: Any,
    ) -> Delivery:
        with self._state.lock:
            delivery = Delivery(len(self._state.deliveries) + 1, key, variant, url, body, headers)
            self._state.deliveries.append(delivery)
        try:
            response = (session or requests).post(url, headers=headers, timeout=timeout, **content)
        except requests.RequestException as error:
            # The real senders log the failure and go on: a lost post is lost.
            delivery.error = str(error)
        else:
            delivery.status, delivery.answer = response.status_code, response.text
        return delivery
