"""The command line of the fake LMS: `python -m tests.fake_lms --port 8001 --cms http://localhost:8000 --secret …`."""

import argparse
import logging
import os
import sys
import threading

from .server import FakeLMS, PortUnavailable
from .state import DEFAULT_SECRET


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Options of the command line; what is missing comes from the environment, then from the demo's defaults."""
    secrets = [secret.strip() for secret in os.environ.get("CMS_LMS_SYNC_SECRETS", "").split(",") if secret.strip()]
    parser = argparse.ArgumentParser(prog="python -m tests.fake_lms", description="A stand-in Open edX, for tests.")
    parser.add_argument(
        "--port", type=int, default=os.environ.get("LMS_PORT", "8001"), help="port to listen on (0: any)"
    )
    parser.add_argument("--cms", default=os.environ.get("CMS_URL", "http://localhost:8000"), help="address of the site")
    parser.add_argument("--secret", default=(secrets or [DEFAULT_SECRET])[0], help="secret that signs the web hook")
    parser.add_argument("--verbose", action="store_true", help="log each request")
    return parser.parse_args(arguments)


def main() -> int:
    """Serve until Ctrl-C. Returns the exit code."""
    options = parse_arguments()
    if options.verbose:
        logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with FakeLMS(port=options.port, cms_url=options.cms, secret=options.secret, quiet=not options.verbose) as lms:
            sys.stdout.write(f"Fake LMS on {lms.url} for the site on {lms.state.settings.cms_url}\n")
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
