"""An LMS that is played in the browser: a JS backend whose answers a test keeps in the site's local storage.

For what no LMS has a part in: who is logged in meanwhile, what was wished before the login, what is read out.
"""

from __future__ import annotations

import json
from typing import Any

from .conftest import make_panel

PATH = "/played.js"

MODULE = """
import { LMSError } from "/static/cms_lms/js/lms-error.js";

const read = (key) => JSON.parse(localStorage.getItem(key) ?? "null");

async function answer(key) {
  localStorage.setItem("calls", JSON.stringify([...(read("calls") ?? []), key]));
  const played = read(key);
  if (played === "never") return new Promise(() => {});
  if (played?.error) throw new LMSError(played.error, played.reason, played);
  return played;
}

export default class {
  constructor({ courseId }) {
    this.courseId = courseId;
    this.capabilities = read("capabilities") ?? ["register", "log-out", "unenroll"];
  }
  loginUrl(next) { return `${location.origin}/login?next=${encodeURIComponent(next)}`; }
  registerUrl(next) { return `${location.origin}/register?next=${encodeURIComponent(next)}`; }
  whoami() { return answer("user"); }
  async logOut() { localStorage.removeItem("user"); }
  getEnrollment() { return answer(`enrollment ${this.courseId}`); }
  enroll() { return this.write("enroll", true); }
  unenroll() { return this.write("unenroll", false); }
  async write(act, isActive) {
    const enrollment = (await answer(`${act} ${this.courseId}`)) ?? { isActive };
    localStorage.setItem(`enrollment ${this.courseId}`, JSON.stringify(enrollment));
    return enrollment;
  }
}
"""

ADA = {"username": "ada", "fullName": "Ada Lovelace"}


def played_panel(course_id: str, **changes: Any) -> Any:
    return make_panel(
        "https://lms.example",
        course_id=course_id,
        name=f"Run {course_id}",
        module_url=PATH,
        js_backend="played",
        learner_url=changes.pop("learner_url", f"https://lms.example/{course_id}"),
        **changes,
    )


def play(page: Any, answers: dict[str, Any]) -> None:
    """Let the LMS answer so from now on; None is nobody, or nothing."""
    page.evaluate(
        "(answers) => { for (const [key, value] of Object.entries(answers)) localStorage.setItem(key, value); }",
        {key: json.dumps(value) for key, value in answers.items()},
    )


def calls(page: Any, key: str) -> int:
    return page.evaluate(
        "(key) => JSON.parse(localStorage.getItem('calls') ?? '[]').filter((c) => c === key).length", key
    )
