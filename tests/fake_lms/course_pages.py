"""Where a learner lands: the course's addresses over the releases, and which of them lead on to another."""

from werkzeug.wrappers import Request, Response

from . import pages
from .accounts import current_user, redirect
from .state import State


def info(state: State, request: Request, key: str) -> Response:
    """`/courses/{key}/info`: the home up to Ficus, then a redirect, gone in Willow."""
    if key in state.runs and not state.since("willow"):
        if state.since("ginkgo"):
            return redirect(f"/courses/{state.runs[key].path_key}/course/")
        return _page(state, request, key)
    return pages.unknown_page(current_user(state, request))


def outline(state: State, request: Request, key: str) -> Response:
    """`/courses/{key}/course/`: the home up to Lilac, since Maple a redirect to the learning micro-frontend."""
    if key in state.runs and state.since("maple"):
        return redirect(f"/learning/course/{state.runs[key].path_key}/home")
    return _page(state, request, key)


def about(state: State, request: Request, key: str) -> Response:
    """`/courses/{key}/about` and `/courses/{key}/`: the public page, or the catalog micro-frontend's since Ulmo."""
    if key in state.runs and state.settings.catalog_mfe_url and state.since("ulmo"):
        return redirect(f"{state.settings.catalog_mfe_url}/courses/{state.runs[key].path_key}/about")
    return _page(state, request, key)


def learning(state: State, request: Request, key: str) -> Response:
    """`/learning/course/{key}/home`: the learning micro-frontend, since Maple."""
    if not state.since("maple"):
        return pages.unknown_page(current_user(state, request))
    return _page(state, request, key)


def choose(state: State, request: Request, key: str) -> Response:
    """`/course_modes/choose/{key}/`: where a learner takes a track, and pays for it."""
    user = current_user(state, request)
    if key not in state.runs:
        return pages.unknown_page(user)
    modes = state.runs[key].available_modes(state.clock.now())
    tracks = "".join(f"<li>{mode.name}: {mode.min_price} {mode.currency}</li>" for mode in modes)
    return pages.page("Choose your track", f"<ul>{tracks}</ul>", user=user)


def embargo(state: State, request: Request) -> Response:
    """The page that explains an embargo."""
    text = "<p>Learners from your country cannot take this course.</p>"
    return pages.page("This course is not available here", text, user=current_user(state, request))


def _page(state: State, request: Request, key: str) -> Response:
    user = current_user(state, request)
    return pages.course_page(state, state.runs[key], user, request) if key in state.runs else pages.unknown_page(user)
