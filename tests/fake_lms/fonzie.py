"""What shows that Fonzie, a plugin, is installed: section 3 of the contracts."""

from werkzeug.wrappers import Request, Response

from .responses import json_response, not_found
from .state import State


def version(state: State, request: Request) -> Response:
    """`GET /api/v1.0/status/version`: public."""
    if state.settings.fonzie is None:
        return not_found()
    return json_response({"version": state.settings.fonzie})
