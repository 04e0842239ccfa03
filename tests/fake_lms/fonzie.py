"""What Fonzie, a plugin, adds where it is installed: section 3 of the contracts."""

import uuid
from datetime import timedelta

from werkzeug.wrappers import Request, Response

from . import jwt
from .authentication import SESSION_COOKIE
from .cors_csrf import set_csrf_cookie
from .responses import detail, json_response, not_found, server_error
from .state import State

TOKEN_LIFETIME = timedelta(minutes=5)


def version(state: State, request: Request) -> Response:
    """`GET /api/v1.0/status/version`: public."""
    if state.settings.fonzie is None:
        return not_found()
    return json_response({"version": state.settings.fonzie})


def me(state: State, request: Request) -> Response:
    """`GET /api/v1.0/user/me`: by the session alone, so that nobody gets 403; with a token for Joanie."""
    if state.settings.fonzie is None:
        return not_found()
    user = state.session_user(request.cookies.get(SESSION_COOKIE))
    if user is None:
        return detail("Authentication credentials were not provided.", 403)
    if not user.has_profile:
        return server_error()
    now = state.clock.now()
    claims = {
        "token_type": "access",
        "exp": int((now + TOKEN_LIFETIME).timestamp()),
        "iat": int(now.timestamp()),
        "jti": uuid.uuid4().hex,
        "username": user.username,
        "email": user.email,
        "full_name": user.name,
        "language": "en",
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "is_superuser": False,
    }
    token = jwt.sign(claims, state.settings.fonzie_signing_key.encode())
    response = json_response({"access_token": token, "username": user.username, "full_name": user.name})
    set_csrf_cookie(state, request, response, cross_domain=True)
    response.delete_cookie("newsletter_subscribed")
    return response
