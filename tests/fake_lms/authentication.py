"""Who is calling: session cookie, JWT, opaque Bearer token or API key, and where tokens come from."""

import hmac
import uuid
from dataclasses import dataclass
from typing import Any

from werkzeug.wrappers import Request, Response

from . import jwt
from .cors_csrf import SAFE_METHODS, csrf_failure
from .faults import TOKEN, Target
from .responses import Refusal, detail, json_response
from .state import State, User

SESSION_COOKIE = "edx_session"
_CREDENTIALS_MISSING = "Authentication credentials were not provided."


@dataclass(frozen=True)
class Caller:
    """The user on whose behalf a request is made, if any, and whether it carries the server's API key."""

    user: User | None
    has_api_key: bool = False

    @property
    def username(self) -> str:
        """The user's name; empty for nobody, as Django's AnonymousUser has it."""
        return self.user.username if self.user else ""

    @property
    def is_staff(self) -> bool:
        """Whether the user is global staff."""
        return self.user is not None and self.user.is_staff


def unauthorized(text: str = _CREDENTIALS_MISSING) -> Response:
    """401 as the JWT authenticator, the first in line, gives it."""
    response = detail(text, 401)
    response.headers["WWW-Authenticate"] = 'JWT realm="api"'
    return response


def authenticate(state: State, request: Request) -> Caller:
    """The caller of a REST framework view. Raises a Refusal: 401 for a bad token, 403 for a failed CSRF check."""
    has_key = bool(state.settings.api_key) and hmac.compare_digest(
        request.headers.get("X-Edx-Api-Key", "").encode(), (state.settings.api_key or "").encode()
    )
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    # Before Ironwood these APIs had no authenticator for JWTs: the header says nothing to them.
    if scheme == "JWT" and state.since("ironwood"):
        return Caller(_jwt_user(state, request, credentials), has_key)
    if scheme.lower() == "bearer":
        return Caller(_bearer_user(state, request, credentials), has_key)
    user = state.session_user(request.cookies.get(SESSION_COOKIE))
    if user and request.method not in SAFE_METHODS:
        reason = csrf_failure(state, request)
        if reason:
            raise Refusal(detail(f"CSRF Failed: {reason}", 403))
    return Caller(user, has_key)


def require_user(state: State, request: Request) -> Caller:
    """The caller, who must be somebody. Raises a Refusal with 401 for nobody."""
    caller = authenticate(state, request)
    if caller.user is None:
        raise Refusal(unauthorized())
    return caller


def require_user_or_key(state: State, request: Request) -> Caller:
    """The caller, who must be somebody or hold the API key."""
    caller = authenticate(state, request)
    if caller.user is None and not caller.has_api_key:
        raise Refusal(unauthorized())
    return caller


def _expired_by_fault(state: State, request: Request) -> bool:
    return state.faults.take(TOKEN, Target(request.method, request.path)) is not None


def _jwt_user(state: State, request: Request, token: str) -> User:
    try:
        data = jwt.read(token, state.signing_key)
    except ValueError as error:
        raise Refusal(unauthorized("Error decoding token.")) from error
    if _expired_by_fault(state, request) or data["exp"] <= state.clock.now().timestamp():
        raise Refusal(unauthorized("Token has expired."))
    user = state.users.get(data["preferred_username"])
    if user is None:
        raise Refusal(unauthorized("User retrieval failed."))
    return user


def _bearer_user(state: State, request: Request, credentials: str) -> User:
    def refusal(code: str, text: str) -> Refusal:
        response = json_response({"error_code": code, "developer_message": text}, 401)
        response.headers["WWW-Authenticate"] = 'Bearer realm="api"'
        return Refusal(response)

    parts = credentials.split()
    if not parts:
        raise refusal("token_not_provided", "Invalid token header. No credentials provided.")
    if len(parts) > 1:
        raise refusal("token_malformed", "Invalid token header. Token string should not contain spaces.")
    token = state.tokens.get(parts[0])
    if token is None:
        raise refusal("token_nonexistent", "The provided access token does not match any valid tokens.")
    if _expired_by_fault(state, request) or token.expires <= state.clock.now():
        raise refusal("token_expired", "The provided access token has expired and is no longer valid.")
    user = state.users.get(token.user)
    if user is None:
        raise refusal("user_is_disabled", "User account has been disabled.")
    return user


def access_token(state: State, request: Request) -> Response:
    """`POST /oauth2/access_token`: client credentials for a JWT or an opaque token."""
    form = request.form
    application = state.applications.get(form.get("client_id", ""))
    if application is None or not hmac.compare_digest(
        application.client_secret.encode(), form.get("client_secret", "").encode()
    ):
        return json_response({"error": "invalid_client"}, 401)
    if form.get("grant_type") not in ("client_credentials", "authorization_code", "password", "refresh_token"):
        return json_response({"error": "unsupported_grant_type"}, 400)
    if form["grant_type"] != application.grant_type:
        return json_response({"error": "unauthorized_client"}, 400)
    if form["grant_type"] != "client_credentials":
        return json_response({"error": "invalid_grant"}, 400)
    wants_jwt = "jwt" in (form.get("token_type", "").lower(), request.headers.get("X-Token-Type", "").lower())
    return json_response(
        {
            "access_token": _make_jwt(state, application.user) if wants_jwt else state.issue_token(application.user),
            "token_type": "JWT" if wants_jwt else "Bearer",
            "expires_in": state.settings.token_lifetime,
            "scope": "read write profile email",
        }
    )


def _make_jwt(state: State, username: str) -> str:
    issued = int(state.clock.now().timestamp())
    claims: dict[str, Any] = {
        "aud": "openedx",
        "exp": issued + state.settings.token_lifetime,
        "iat": issued,
        "iss": f"{state.url}/oauth2",
        "preferred_username": username,
        "scopes": ["read", "write", "profile", "email"],
        "version": "1.2.0",
        "sub": uuid.uuid5(uuid.NAMESPACE_URL, f"{state.url}/{username}").hex,
        "filters": ["user:me"],
        "email_verified": True,
        "grant_type": "client-credentials",
    }
    return jwt.sign(claims, state.signing_key)
