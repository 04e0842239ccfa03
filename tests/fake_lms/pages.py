"""The LMS's HTML pages for learners. No scripts; every value is escaped where it enters a page."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Request, Response

from .courses import CourseRun
from .responses import not_found
from .state import State, User

_HERE = Path(__file__).parent
_BASE = Template((_HERE / "templates" / "base.html").read_text(encoding="utf-8"))
_STYLE = (_HERE / "static" / "fake-lms.css").read_bytes()


def page(title: str, body: str, *, user: User | None = None, status: int = 200) -> Response:
    """A whole page around `body`, which is HTML already."""
    who = f'{escape(user.username)} · <a href="/logout">Log out</a>' if user else '<a href="/login">Log in</a>'
    html = _BASE.substitute(title=escape(title), body=body, who=who)
    return Response(html, status, content_type="text/html; charset=utf-8")


def stylesheet() -> Response:
    """The one style sheet."""
    return Response(_STYLE, content_type="text/css; charset=utf-8")


def describe_moment(moment: datetime | None) -> str:
    """A date for readers, in UTC, with the exact value for machines."""
    if moment is None:
        return "not set"
    text = f"{moment.day} {moment:%B %Y, %H:%M} UTC"
    return f'<time datetime="{moment.isoformat()}">{text}</time>'


def home_page(state: State, user: User | None) -> Response:
    """The way to everything."""
    return page(
        "A stand-in for Open edX",
        f"""
    <p>This server plays the learning management system in the demo and in the tests.</p>
    <ul>
      <li><a href="/login">Log in as a learner</a>: username and password are <code>learner</code></li>
      <li><a href="/courses">Courses</a></li>
      <li><a href="/dashboard">Dashboard</a>: the learner's own courses</li>
      <li><a href="/studio">Studio</a>: edit course runs and publish them to the catalogue</li>
      <li><a href="{escape(state.settings.cms_url)}/">The catalogue</a></li>
    </ul>""",
        user=user,
    )


def login_page(state: State, *, next_url: str, username: str = "", error: str = "") -> Response:
    """The login form; 400 when it says what was wrong."""
    return page(
        "Log in",
        f"""
    {_alert(error)}
    <form class="stack" method="post" action="/login">
      <input type="hidden" name="next" value="{escape(next_url)}">
      <p><label for="username">Username</label>
        <input id="username" name="username" value="{escape(username)}" autocomplete="username" required autofocus></p>
      <p><label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required></p>
      <p><button type="submit">Log in</button></p>
    </form>
    <p>No account yet? <a href="/register?next={quote(next_url, safe="")}">Register</a></p>""",
        status=400 if error else 200,
    )


def logout_page(target: str) -> Response:
    """Where a learner has logged out, on her way to `target`. Open edX's page leads on by a script."""
    response = page(
        "You have signed out.",
        f"""
    <p>If you are not redirected within 5 seconds, <a href="{escape(target)}">click here to go to the home page</a>.</p>
    <div id="iframeContainer" style="visibility: hidden" data-redirect-url="{escape(target)}"></div>""",
    )
    response.headers["Refresh"] = f"0; url={iri_to_uri(target)}"
    return response


def register_page(state: State, *, next_url: str, values: Mapping[str, str] | None = None, error: str = "") -> Response:
    """The registration form; 400 when it says what was wrong."""
    values = values or {}

    def row(name: str, label: str, kind: str = "text", attributes: str = "") -> str:
        value = "" if kind == "password" else escape(values.get(name, ""))
        return (
            f'<p><label for="{name}">{label}</label>'
            f'<input id="{name}" name="{name}" type="{kind}" value="{value}" {attributes}></p>'
        )

    return page(
        "Register",
        f"""
    {_alert(error)}
    <form class="stack" method="post" action="/register">
      <input type="hidden" name="next" value="{escape(next_url)}">
      {row("username", "Username", attributes="required")}
      {row("name", "Full name")}
      {row("email", "E-mail", "email")}
      {row("password", "Password", "password", "required")}
      <p><label class="check"><input type="checkbox" name="inactive">
        Leave the e-mail address unconfirmed (inactive)</label></p>
      <p><button type="submit">Register</button></p>
    </form>""",
        status=400 if error else 200,
    )


def dashboard_page(state: State, user: User) -> Response:
    """The runs in which the learner is enrolled, with a way out of each."""
    rows = [row for row in list(state.enrollments.values()) if row.user == user.username and row.is_active]
    cards = "".join(
        f"""
    <article class="card">
      <h2><a href="/courses/{escape(state.runs[row.run].path_key)}/course/">{escape(state.runs[row.run].name)}</a></h2>
      <p><code>{escape(row.run)}</code> · {escape(row.mode)}</p>
      <form method="post" action="/dashboard/unenroll">
        <input type="hidden" name="course_id" value="{escape(row.run)}">
        <button class="second" type="submit">Unenroll <span class="hidden">from {escape(row.run)}</span></button>
      </form>
    </article>"""
        for row in rows
    )
    return page("Dashboard", cards or "<p>You are not enrolled in any course.</p>", user=user)


def course_list_page(state: State, user: User | None) -> Response:
    """All runs that the LMS's own catalogue shows."""
    items = "".join(
        f'<li><a href="/courses/{escape(run.path_key)}/about">{escape(run.name)}</a> '
        f"<code>{escape(run.key)}</code></li>"
        for run in state.runs.values()
        if run.catalog_visibility == "both"
    )
    return page("Courses", f"<ul>{items}</ul>", user=user)


def course_page(state: State, run: CourseRun, user: User | None, request: Request) -> Response:
    """One run: its dates, and whether whoever is logged in is enrolled in it."""
    if user is None:
        login = f"/login?next={quote(request.path, safe='')}"
        status = f'<p class="status" role="status">You are not logged in. <a href="{login}">Log in</a></p>'
    elif state.is_enrolled(user.username, run.key):
        status = '<p class="status good" role="status">You are enrolled in this course</p>'
    else:
        status = '<p class="status bad" role="status">You are not enrolled in this course</p>'
    return page(
        run.name,
        f"""
    {status}
    <section class="card" aria-labelledby="facts">
      <h2 id="facts">This course run</h2>
      <dl>
        <dt>Course key</dt><dd><code>{escape(run.key)}</code></dd>
        <dt>Starts</dt><dd>{describe_moment(run.start)}</dd>
        <dt>Ends</dt><dd>{describe_moment(run.end)}</dd>
        <dt>Enrollment starts</dt><dd>{describe_moment(run.enrollment_start)}</dd>
        <dt>Enrollment ends</dt><dd>{describe_moment(run.enrollment_end)}</dd>
        <dt>Language</dt><dd>{escape(run.language)}</dd>
      </dl>
    </section>""",
        user=user,
    )


def unknown_page(user: User | None) -> Response:
    """404 for people."""
    response = page("Page not found", '<p>There is no such page here. <a href="/">Start again</a></p>', user=user)
    response.status_code = not_found().status_code
    return response


def _alert(error: str) -> str:
    return f'<p class="status bad" role="alert">{escape(error)}</p>' if error else ""
