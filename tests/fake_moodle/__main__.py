"""The command line of the fake Moodle: `python -m tests.fake_moodle --port 8002`, with what the demo needs in it."""

import argparse
import os
import sys
import threading

from tests.fake_lms.server import PortUnavailable

from .server import FakeMoodle
from .state import State

#: What the demo's Moodle holds, as cms_lms/site/demo.py knows it; a test compares.
COURSES = {"ONLINE-2026": "Teaching Online", "STATS-2031": "Statistics for Everybody"}
TOKEN = "0123456789abcdef0123456789abcdef"


def seed(state: State) -> None:
    """Add the courses of the demo, and the token by which the Moodle knows the site. The learner is there."""
    for shortname, fullname in COURSES.items():
        state.add_course(shortname, fullname)
    state.issue_token(state.service_user, text=TOKEN)


def main() -> int:
    """Serve until Ctrl-C. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_moodle", description="A stand-in Moodle, for the demo.")
    port = os.environ.get("MOODLE_PORT", "8002")
    parser.add_argument("--port", type=int, default=port, help="port to listen on (0: any)")
    try:
        with FakeMoodle(parser.parse_args().port, host="localhost") as moodle:
            seed(moodle.state)
            sys.stdout.write(f"Fake Moodle on {moodle.url}\n")
            sys.stdout.flush()
            threading.Event().wait()
    except PortUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
