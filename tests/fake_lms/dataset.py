"""Loads the runs of the demo's data files, moved to the address of this LMS."""

import json
from pathlib import Path
from typing import Any

from .courses import CourseRun, Mode, parse_moment

DATA_DIRECTORY = Path(__file__).resolve().parents[2] / "cms_lms" / "site" / "data"


def load_json(name: str, base_url: str) -> Any:
    """A data file, with the example LMS's address replaced by `base_url`."""
    text = (DATA_DIRECTORY / name).read_text(encoding="utf-8")
    for scheme in ("https", "http"):
        text = text.replace(f"{scheme}://lms.example.com", base_url)
    return json.loads(text)


def load_runs(base_url: str) -> dict[str, CourseRun]:
    """All runs by key: the course list API's record of each, and from the sync payloads what that API lacks."""
    links = {payload["resource_link"]: payload for payload in load_json("openedx-sync-payloads.json", base_url)}
    runs = {}
    for record in load_json("openedx-courses-api.json", base_url)["results"]:
        payload = links[f"{base_url}/courses/{record['id']}/info"]
        runs[record["id"]] = CourseRun(
            key=record["id"],
            name=record["name"],
            start=parse_moment(record["start"]),
            end=parse_moment(record["end"]),
            enrollment_start=parse_moment(record["enrollment_start"]),
            enrollment_end=parse_moment(record["enrollment_end"]),
            language=payload["languages"][0],
            enrollment_count=payload["enrollment_count"],
            catalog_visibility=payload["catalog_visibility"],
            invitation_only=record["invitation_only"],
            pacing=record["pacing"],
            # Runs from before audit tracks existed offered the honour code alone.
            modes=[Mode("honor", "Honor")]
            if "/" in record["id"]
            else [Mode("audit", "Audit"), Mode("verified", "Verified", 50)],
            record=record,
        )
    return runs


def load_joanie_items(base_url: str) -> list[dict[str, Any]]:
    """The list that Joanie posts."""
    return load_json("joanie-sync-payload.json", base_url)
