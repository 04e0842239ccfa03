"""Accounts: who am I, log in, register, log out, and where `next` may lead."""

from urllib.parse import quote, urlsplit

from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Request, Response

from . import pages
from .authentication import SESSION_COOKIE, require_user
from .cors_csrf import set_csrf_cookie
from .responses import json_response, not_found
from .state import InvalidChange, State, User

DASHBOARD = "/dashboard"
_MOBILE_VERSIONS = ("v0.5", "v1", "v2", "v3", "v4")


def redirect(location: str, status: int = 302) -> Response:
    """A redirect without a body."""
    return Response(b"", status, headers={"Location": iri_to_uri(location)}, content_type="text/html; charset=utf-8")


def whoami(state: State, request: Request) -> Response:
    """`GET /api/user/v1/me`: came with Ficus."""
    if not state.since("ficus"):
        return not_found()
    return json_response({"username": require_user(state, request).username})


def mobile_whoami(state: State, request: Request, version: str) -> Response:
    """`GET /api/mobile/v0.5/my_user_info`: a redirect to the user's own record."""
    if version not in _MOBILE_VERSIONS:
        return not_found()
    username = require_user(state, request).username
    return redirect(f"{request.root_path}/api/mobile/{version}/users/{quote(username)}")


def mobile_user(state: State, request: Request, version: str, username: str) -> Response:
    """`GET /api/mobile/v0.5/users/{username}`: one's own record."""
    user = require_user(state, request).user
    if version not in _MOBILE_VERSIONS or user is None or user.username != username:
        return not_found()
    return json_response(
        {
            "id": list(state.users).index(username) + 1,
            "username": username,
            "email": user.email,
            "name": user.name,
            "course_enrollments": f"{state.url}/api/mobile/{version}/users/{quote(username)}/course_enrollments/",
        }
    )


def safe_next(state: State, target: str | None) -> str | None:
    """`target` when it is a path of the LMS or on a whitelisted host (LOGIN_REDIRECT_WHITELIST), else None."""
    if not target or "\\" in target or any(ord(character) <= 32 for character in target):
        return None
    try:
        parts = urlsplit(target)
    except ValueError:
        return None
    own = urlsplit(state.url)
    if parts.netloc and parts.scheme in ("http", "https"):
        # Whoever came by https is not led back to http.
        is_downgrade = own.scheme == "https" and parts.scheme == "http"
        is_allowed = parts.netloc.lower() in (own.netloc, *state.settings.login_hosts())
        return target if is_allowed and not is_downgrade else None
    if parts.scheme or parts.netloc or target.startswith("//"):
        return None
    return target


def login(state: State, request: Request) -> Response:
    """The login form, and what it does."""
    target = request.values.get("next", "")
    if request.method != "POST":
        if current_user(state, request):
            return redirect(safe_next(state, target) or DASHBOARD)
        if state.settings.authn_mfe_url:
            # The micro-frontend gets the query as it came; only who logs in finds out where it leads.
            query = request.query_string.decode("latin-1")
            response = redirect(f"{state.settings.authn_mfe_url}/login{'?' if query else ''}{query}")
        else:
            response = pages.login_page(state, next_url=target)
        set_csrf_cookie(state, request, response)
        return response
    username = request.form.get("username", "")
    user = state.users.get(username)
    if user is None or user.password != request.form.get("password"):
        return pages.login_page(state, next_url=target, username=username, error="Username or password is incorrect.")
    return _start_session(state, user, target)


def register(state: State, request: Request) -> Response:
    """The registration form, and what it does. An inactive account can do all that an active one can."""
    target = request.values.get("next", "")
    if request.method != "POST":
        return pages.register_page(state, next_url=target)
    form = request.form
    if not form.get("username", "").strip() or not form.get("password"):
        return pages.register_page(state, next_url=target, values=form, error="Username and password are required.")
    try:
        user = state.add_user(
            form["username"].strip(),
            form["password"],
            email=form.get("email", ""),
            name=form.get("name", ""),
            is_active="inactive" not in form,
        )
    except InvalidChange as error:
        return pages.register_page(state, next_url=target, values=form, error=str(error))
    return _start_session(state, user, target)


def logout(state: State, request: Request) -> Response:
    """End the session, whatever the method. The target is read from the query alone."""
    state.close_session(request.cookies.get(SESSION_COOKIE))
    target = safe_next(state, request.args.get("redirect_url") or request.args.get("next")) or "/"
    # A page that logs out of other services on its way, since the releases with several of them.
    response = pages.logout_page(target) if state.since("hawthorn") else redirect(target)
    response.delete_cookie(SESSION_COOKIE)
    return response


def to_cms(state: State, request: Request, path: str) -> Response:
    """`/richie/<path>`: the rewrite that sites put on the LMS so that `next=richie/<path>` leads back to the CMS."""
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    return redirect(f"{state.settings.cms_url}/{quote(path)}{query}")


def current_user(state: State, request: Request) -> User | None:
    """Who is logged in by the session cookie."""
    return state.session_user(request.cookies.get(SESSION_COOKIE))


def dashboard(state: State, request: Request) -> Response:
    """The learner's own runs; the login form for everybody else."""
    user = current_user(state, request)
    if user is None:
        return redirect(f"/login?next={quote(DASHBOARD, safe='')}")
    return pages.dashboard_page(state, user)


def leave(state: State, request: Request) -> Response:
    """The dashboard's unenroll button."""
    user = current_user(state, request)
    row = state.enrollment(user.username, request.form.get("course_id", "")) if user else None
    if row:
        state.set_enrollment(row.user, row.run, mode=row.mode, is_active=False)
    return redirect(DASHBOARD, 303)


def _start_session(state: State, user: User, target: str) -> Response:
    response = redirect(safe_next(state, target) or DASHBOARD)
    response.set_cookie(SESSION_COOKIE, state.open_session(user.username), httponly=True, samesite="Lax")
    return response
