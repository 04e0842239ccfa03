"""Whether an Open edX accepts the credentials of this site, and what they may do.

Two kinds: an OAuth2 application for client credentials, whose token acts as one account, and the older API key. Only
calls from this site's server need either. Sources: ``oauth_dispatch/views.py``, ``openedx/core/lib/api``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cms_lms.backends.connection import MAX_QUOTE, ConnectionCheck, Finding, Status, Visit
from cms_lms.backends.credentials import CredentialField
from cms_lms.backends.http import LMSResponse, NotJSON
from cms_lms.backends.openedx_checks import ENROLLMENT_PATH, releases_of
from cms_lms.backends.openedx_token import Scheme, ask_for_token, token_in
from cms_lms.backends.reachability import expect_json
from cms_lms.encryption import Secret

#: The headers that prove who calls, values as ``Secret``: of the token, else of the API key. Absent if neither works.
PROOF = "openedx_proof"

#: The account that the token acts as.
USERNAME = "openedx_username"

#: What the LMS answered when it was asked whose token it is.
WHOAMI = "openedx_whoami"

#: What Open edX ships with, and what works where nobody has changed it.
SHIPPED_API_KEY = "PUT_YOUR_API_KEY_HERE"

CREDENTIAL_FIELDS = (
    CredentialField(
        "oauth2_client_id",
        gettext_lazy("OAuth2 client id"),
        gettext_lazy(
            "Of an application of the LMS, made under /admin/oauth2_provider/application/: client type “Confidential”, "
            "grant type “Client credentials”, and a user with staff status, whom it acts as."
        ),
    ),
    CredentialField("oauth2_client_secret", gettext_lazy("OAuth2 client secret")),
    CredentialField(
        "api_key",
        gettext_lazy("API key"),
        gettext_lazy("EDX_API_KEY of the LMS. Older and deprecated: prefer an OAuth2 application since Ironwood."),
    ),
)


def proof_headers(visit: Visit) -> dict[str, str]:
    """Return the headers of whichever credentials were accepted, for one call; empty if none were."""
    proof: Mapping[str, Secret] = visit.facts.get(PROOF, {})
    return {name: secret.reveal() for name, secret in proof.items()}


class OAuth2Check(ConnectionCheck):
    """Whether the OAuth2 client gets a token, and whose it is."""

    name = "openedx-oauth2"
    title = gettext_lazy("OAuth2 client")
    requires = ("openedx",)

    def run(self, visit: Visit) -> Finding:
        """Keep the token as a proof if it is one."""
        finding = self._ask(visit)
        if USERNAME not in visit.facts:
            visit.facts.pop(PROOF, None)
        return finding

    def _ask(self, visit: Visit) -> Finding:
        """Ask for a JWT; for an opaque token where the API takes no JWT yet (before Ironwood)."""
        client_id = visit.credentials.get("oauth2_client_id")
        client_secret = visit.credentials.get("oauth2_client_secret")
        if not client_id and not client_secret:
            return self.skipped(_("None is stored. Learners’ browsers need none; calls from this server do."))
        if not client_id or not client_secret:
            missing = _("client secret") if client_id else _("client id")
            return self.failed(
                _("The %(part)s is missing: the other half alone proves nothing.") % {"part": missing},
                _("Enter both, or clear both."),
            )
        finding = self._try(visit, "JWT", client_id, client_secret)
        if finding is not None:
            return finding
        finding = self._try(visit, "Bearer", client_id, client_secret)
        if finding is None:
            return self._token_refused(visit, visit.facts[WHOAMI])
        if finding.status is Status.PASSED and releases_of(visit).since("ironwood"):
            return self.warning(
                _("The LMS gives JWTs and then refuses them; it accepts opaque tokens, which Open edX is giving up."),
                _("Check that the keys that sign JWTs are set on the LMS (JWT_AUTH), and are one pair."),
            )
        return finding

    def _try(self, visit: Visit, scheme: Scheme, client_id: Secret, client_secret: Secret) -> Finding | None:
        """Return how it went with such a token, None if the API did not take it."""
        response = ask_for_token(visit.http, visit.config.base_url, client_id, client_secret, scheme)
        token = self._token_of(visit, response)
        if isinstance(token, Finding):
            return token
        visit.facts[PROOF] = {"Authorization": Secret(f"{scheme} {token.reveal()}")}
        answer = visit.facts[WHOAMI] = self._whoami(visit)
        username = _username_in(answer)
        if username:
            visit.facts[USERNAME] = username
            return self.passed(_("Accepted. It acts as “%(user)s”.") % {"user": username})
        return None if answer.status == 401 else self._token_refused(visit, answer)

    def _token_of(self, visit: Visit, response: LMSResponse) -> Secret | Finding:
        if response.is_redirect:
            return self.failed(
                _("The address for tokens redirects to %(url)s.") % {"url": response.location.partition("?")[0]},
                _("If that is the LMS’s own address, enter it as the base URL."),
            )
        if response.status in (403, 429):
            return self.failed(
                _("The LMS refuses to give tokens for now (status %(status)s): too many were asked for from here.")
                % {"status": response.status},
                _("Check again in a few minutes. If it stays so, look for a firewall in front of the LMS."),
            )
        if response.status == 404:
            return self.failed(
                _("The LMS has no address for tokens (404): it is not an OAuth2 provider."),
                _("Switch its OAuth2 provider on (ENABLE_OAUTH2_PROVIDER, in old releases)."),
            )
        answer = expect_json(response)
        token = token_in(response)
        if token is not None:
            return token.text
        answer = answer if isinstance(answer, dict) else {}
        return self._client_refused(_quoted(visit, answer.get("error")), response.status)

    def _client_refused(self, code: str, status: int) -> Finding:
        application = _("In the LMS: /admin/oauth2_provider/application/")
        match code:
            case "invalid_client":
                return self.failed(
                    _("The LMS does not know the client id, or its secret is another."),
                    _("Enter both again. The LMS shows a secret once, when the application is made. %(where)s")
                    % {"where": application},
                )
            case "unauthorized_client":
                return self.failed(
                    _("The application is known, but it is for another kind of grant."),
                    _("Set its grant type to “Client credentials”. %(where)s") % {"where": application},
                )
            case "unsupported_grant_type":
                return self.failed(
                    _("The LMS gives no tokens for client credentials."),
                    _("Use the API key instead: this release of Open edX is too old, or the grant was switched off."),
                )
        return self.failed(
            _("The LMS refuses the OAuth2 client: “%(code)s” (status %(status)s).")
            % {"code": code or "?", "status": status},
            _("Check the application, and look into the log of the LMS. %(where)s") % {"where": application},
        )

    def _whoami(self, visit: Visit) -> LMSResponse:
        old = releases_of(visit).since("ficus") is False
        # The older address redirects to the account's own.
        path = "/api/mobile/v0.5/my_user_info" if old else "/api/user/v1/me"
        return visit.http.get(visit.config.base_url + path, headers=proof_headers(visit))

    def _token_refused(self, visit: Visit, response: LMSResponse) -> Finding:
        said = _quoted(visit, _words_of(response))
        words = {"status": response.status, "said": said}
        if "expired" in said.lower():
            return self.failed(
                _("The LMS gives a token that it calls expired at once: “%(said)s”.") % words,
                _("Compare the clocks of the LMS’s servers, and how long its tokens live (JWT_EXPIRATION)."),
            )
        if response.status in (401, 403):
            return self.failed(
                _("The LMS gives a token, and then refuses it: “%(said)s” (status %(status)s).") % words,
                _("Check that the application’s user is active, and that the keys that sign JWTs are set on the LMS."),
            )
        return self.failed(
            _("The LMS gives a token, but does not say whose it is (status %(status)s).") % words,
            _("Look into the log of the LMS."),
        )


class RightsCheck(ConnectionCheck):
    """Whether the account that the token acts as is staff."""

    name = "openedx-rights"
    title = gettext_lazy("Rights of the account")
    requires = ("openedx-oauth2",)

    def run(self, visit: Visit) -> Finding:
        """Ask for the list of enrollments, which only staff may see."""
        username = visit.facts[USERNAME]
        query = urlencode({"username": username, "page_size": 1})
        response = visit.http.get(
            f"{visit.config.base_url}/api/enrollment/v1/enrollments?{query}", headers=proof_headers(visit)
        )
        words = {"user": username, "status": response.status}
        if response.status == 403:
            return self.failed(
                _("The account “%(user)s” is not staff: it can enroll nobody but itself.") % words,
                _("Give it staff status, under /admin/auth/user/ of the LMS, or let the application act as another."),
            )
        if response.status == 404:
            return self.skipped(_("Releases before Juniper do not show whether an account is staff."))
        if response.status == 429:
            return self.warning(_("The LMS asks to be called less often (status 429)."), _("Check again in a minute."))
        page = expect_json(response)
        if response.status != 200 or not isinstance(page, dict) or "results" not in page:
            return self.failed(
                _("The LMS does not say what the account “%(user)s” may do (status %(status)s).") % words,
                _("Look into the log of the LMS."),
            )
        return self.passed(_("“%(user)s” is staff: it may read and write everybody’s enrollments.") % words)


class APIKeyCheck(ConnectionCheck):
    """Whether the API key is accepted."""

    name = "openedx-api-key"
    title = gettext_lazy("API key")
    requires = ("openedx",)

    def run(self, visit: Visit) -> Finding:
        """Ask for the enrollments of nobody, which takes the key or an account."""
        key = visit.credentials.get("api_key")
        if not key:
            return self.skipped(_("None is stored. An OAuth2 client replaces it since Ironwood."))
        proof = {"X-Edx-Api-Key": key}
        response = visit.http.get(visit.config.base_url + ENROLLMENT_PATH, headers={"X-Edx-Api-Key": key.reveal()})
        if response.status in (401, 403):
            return self.failed(
                _("The LMS does not accept the key."),
                _("Enter what is in EDX_API_KEY on the LMS. Where that is not set, no key works."),
            )
        if not isinstance(expect_json(response), list) or response.status != 200:
            return self.failed(
                _("The LMS does not say whether it accepts the key (status %(status)s).") % {"status": response.status},
                _("Look into the log of the LMS."),
            )
        visit.facts.setdefault(PROOF, proof)
        if key.reveal() == SHIPPED_API_KEY:
            return self.warning(
                _("Accepted; but it is the key that Open edX ships with, and everybody knows it."),
                _("Set EDX_API_KEY on the LMS to a long random text of your own, and enter it here."),
            )
        if not visit.credentials.get("oauth2_client_id") and releases_of(visit).since("ironwood"):
            return self.warning(
                _("Accepted; but Open edX is going to take API keys away."),
                _("Make an OAuth2 application on the LMS, and enter its client id and secret here."),
            )
        return self.passed(_("Accepted. It may read and write everybody’s enrollments."))


def _username_in(response: LMSResponse) -> str:
    try:
        answer: Any = response.json()
    except NotJSON:
        return ""
    name = answer.get("username") if response.status == 200 and isinstance(answer, dict) else None
    return name[:MAX_QUOTE] if isinstance(name, str) else ""


def _words_of(response: LMSResponse) -> Any:
    """Return what a refusal says of itself."""
    try:
        answer: Any = response.json()
    except NotJSON:
        return None
    answer = answer if isinstance(answer, dict) else {}
    return answer.get("detail") or answer.get("developer_message") or answer.get("error_code")


def _quoted(visit: Visit, said: Any) -> str:
    """Return the LMS's words, in part, without what it was told in confidence: some servers repeat what they got."""
    text = "" if said is None else str(said)
    secrets = [secret.reveal() for secret in visit.credentials.values()]
    # A token stands behind its scheme.
    secrets += [proof.reveal().partition(" ")[2] for proof in visit.facts.get(PROOF, {}).values()]
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return text[:MAX_QUOTE]
