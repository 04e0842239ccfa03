"""The pages that learners see: a course, the login, and maintenance. No scripts; every value is escaped."""

from html import escape
from typing import Any

from werkzeug.wrappers import Request, Response

from .state import Course, State, User

SESSION_COOKIE = "MoodleSession"


def page(title: str, body: str, status: int = 200) -> Response:
    """A whole page around `body`, which is HTML already."""
    html = f"<!doctype html>\n<html lang=en><title>{escape(title)}</title><h1>{escape(title)}</h1>{body}</html>\n"
    return Response(html, status, content_type="text/html; charset=utf-8")


def maintenance() -> Response:
    """What `climaintenance.html` answers, before any script starts."""
    return page("Under maintenance", "<p>This site is undergoing maintenance.</p>", 503)


def front(state: State, request: Request) -> Response:
    """The site's front page."""
    user = _current_user(state, request)
    who = escape(user.fullname) if user else f'<a href="{state.url}/login/index.php">Log in</a>'
    return page("Fake Moodle", f"<p>{who}</p>")


def course(state: State, request: Request) -> Response:
    """`/course/view.php`: the login for strangers, the enrolment page for those who are not in it."""
    found = _find_course(state, request)
    if found is None:
        return page("Error", "<p>Can't find data record in database table course.</p>", 404)
    user = _current_user(state, request)
    if user is None:
        session = state.open_session(wantsurl=request.url)
        response = _redirect(f"{state.url}/login/index.php")
        response.set_cookie(SESSION_COOKIE, session, httponly=True)
        return response
    if not state.is_enrolled(user.id, found.id):
        return _redirect(f"{state.url}/enrol/index.php?id={found.id}")
    return page(found.fullname, "<p>You are enrolled in this course.</p>")


def enrol(state: State, request: Request) -> Response:
    """`/enrol/index.php`: what those see who are not in the course."""
    found = _find_course(state, request)
    title = found.fullname if found else "Error"
    return page(title, "<p>You cannot enrol yourself in this course.</p>", 200 if found else 404)


def login(state: State, request: Request) -> Response:
    """`/login/index.php`: back to the page that the session remembers, else to the front page."""
    session = state.sessions.get(request.cookies.get(SESSION_COOKIE, ""), {})
    if request.method != "POST":
        return _login_form("")
    username = request.form.get("username", "").strip().lower()
    user = next((user for user in state.users.values() if user.username == username), None)
    if user is None or user.password != request.form.get("password"):
        return _login_form("Invalid login, please try again")
    response = _redirect(session.get("wantsurl", f"{state.url}/"))
    response.set_cookie(SESSION_COOKIE, state.open_session(user=user.id), httponly=True)
    return response


def logout(state: State, request: Request) -> Response:
    """`/login/logout.php`."""
    state.sessions.pop(request.cookies.get(SESSION_COOKIE, ""), None)
    response = _redirect(f"{state.url}/")
    response.delete_cookie(SESSION_COOKIE)
    return response


def _login_form(error: str) -> Response:
    return page(
        "Log in to Fake Moodle",
        f'<p role="alert">{escape(error)}</p><form method="post" action="">'
        '<label>Username <input name="username"></label> <label>Password <input name="password" type="password">'
        '</label> <button type="submit">Log in</button></form>',
    )


def _find_course(state: State, request: Request) -> Course | None:
    given: dict[str, Any] = request.args
    for argument, name in (("id", "id"), ("name", "shortname"), ("idnumber", "idnumber")):
        if argument in given:
            return next((item for item in state.courses.values() if str(getattr(item, name)) == given[argument]), None)
    return None


def _current_user(state: State, request: Request) -> User | None:
    session = state.sessions.get(request.cookies.get(SESSION_COOKIE, ""), {})
    return state.users.get(session.get("user", 0))


def _redirect(location: str) -> Response:
    return Response(b"", 303, headers={"Location": location}, content_type="text/html; charset=utf-8")
