"""The console of the web hook's sender: edit a run as in Studio, publish it, and read what the receiver answered."""

from html import escape

from werkzeug.wrappers import Request, Response

from .accounts import current_user, redirect
from .cors_csrf import own_origin
from .courses import DATE_FIELDS, CourseRun, iso_z
from .pages import page
from .responses import Refusal, html_error
from .sender import VARIANTS, Delivery, Sender
from .state import InvalidChange, State

_LABELS = {
    "start": "Start",
    "end": "End",
    "enrollment_start": "Enrollment start",
    "enrollment_end": "Enrollment end",
    "language": "Language",
    "enrollment_count": "Enrollment count",
}
_VISIBILITIES = ("both", "about", "none")


class Studio:
    """Shows the runs and carries out what its buttons say."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def respond(self, state: State, request: Request) -> Response:
        """GET shows the console; POST edits and sends, then shows the answer."""
        if request.method != "POST":
            return self._page(state, request)
        if request.headers.get("Origin", own_origin(request)).lower() not in (own_origin(request), "null"):
            raise Refusal(html_error(403, "403 Forbidden", "Not from another site's page."))
        key = request.form.get("course_id", "joanie")
        try:
            delivery = self._act(state, request, key)
        except InvalidChange as error:
            return self._page(state, request, key=key, error=str(error))
        return redirect(f"/studio?delivery={delivery.number}#{_anchor(state, key)}", 303)

    def _act(self, state: State, request: Request, key: str) -> Delivery:
        action = request.form.get("action", "publish")
        if action == "joanie":
            return self._sender.publish_joanie()
        if action == "enroll":
            return self._sender.learner_enrolls(key)
        fields = {name: request.form[name].strip() for name in (*_LABELS, "catalog_visibility") if name in request.form}
        state.update_run(key, **fields)
        return self._sender.publish(key, request.form.get("variant", "plugin") if action == "variant" else "plugin")

    def _page(self, state: State, request: Request, *, key: str = "", error: str = "") -> Response:
        shown = request.args.get("delivery", "")
        latest = {delivery.course_id: delivery for delivery in list(state.deliveries)}
        runs = "".join(
            self._run_card(state, run, latest.get(run.key), shown, error if run.key == key else "")
            for run in state.runs.values()
        )
        joanie = f"""
    <section class="card" id="joanie" data-run="joanie" aria-labelledby="joanie-title">
      <h2 id="joanie-title">A list from Joanie</h2>
      <p>Posts {len(state.joanie_items)} run as an enrollment manager does: a list, retried on 500.</p>
      <form method="post" action="/studio">
        <button type="submit" name="action" value="joanie">Publish the list from Joanie</button>
      </form>
      {self._answer(latest.get("joanie"), shown)}
    </section>"""
        unknown = f'<p class="status bad" role="alert">{escape(error)}</p>' if error and key not in state.runs else ""
        body = f"""
    <p>Publishing posts a run to <code>{escape(state.settings.hook_url)}</code>, signed with the shared secret.
      Dates are in UTC, such as <code>2027-02-01T08:00:00Z</code>; leave a date empty for none.</p>
    {unknown}{runs}{joanie}"""
        return page("Studio", body, user=current_user(state, request), status=400 if error else 200)

    def _run_card(self, state: State, run: CourseRun, latest: Delivery | None, shown: str, error: str) -> str:
        anchor, key = _anchor(state, run.key), escape(run.key)
        values = {name: iso_z(getattr(run, name)) or "" for name in DATE_FIELDS} | {
            "language": run.language,
            "enrollment_count": str(run.enrollment_count),
        }
        fields = "".join(
            f'<p><label for="{anchor}-{name}">{label}</label>'
            f'<input id="{anchor}-{name}" name="{name}" value="{escape(values[name])}"></p>'
            for name, label in _LABELS.items()
        )
        choices = _options(dict.fromkeys((*_VISIBILITIES, run.catalog_visibility)), run.catalog_visibility)
        variants = "".join(
            f'<option value="{name}">{label}</option>' for name, label in VARIANTS.items() if name != "plugin"
        )
        about = f'<span class="hidden">{key}</span>'
        alert = f'<p class="status bad" role="alert">{escape(error)}</p>' if error else ""
        return f"""
    <section class="card" id="{anchor}" data-run="{key}" aria-labelledby="{anchor}-title">
      <h2 id="{anchor}-title">{escape(run.name)}</h2>
      <p><a href="/courses/{escape(run.path_key)}/about"><code>{key}</code></a></p>
      {alert}
      <form method="post" action="/studio">
        <input type="hidden" name="course_id" value="{key}">
        <div class="fields">{fields}
          <p><label for="{anchor}-visibility">Visibility in the catalogue</label>
            <select id="{anchor}-visibility" name="catalog_visibility">{choices}</select></p>
        </div>
        <div class="actions">
          <button type="submit" name="action" value="publish">Publish this run {about}</button>
          <button class="second" type="submit" name="action" value="enroll">A learner enrolls {about}</button>
          <p class="hint"><label for="{anchor}-variant">Send it</label>
            <select id="{anchor}-variant" name="variant">{variants}</select></p>
          <button class="second" type="submit" name="action" value="variant">Send it that way {about}</button>
        </div>
      </form>
      {self._answer(latest, shown)}
    </section>"""

    def _answer(self, delivery: Delivery | None, shown: str) -> str:
        if delivery is None:
            return ""
        # Only the answer to the button that was just pressed is announced.
        role = ' role="status"' if str(delivery.number) == shown else ""
        tone = "good" if delivery.status == 200 else "bad"
        outcome = f"HTTP {delivery.status}" if delivery.status else f"No answer: {escape(delivery.error)}"
        return f"""
      <div class="status {tone}" data-answer="{delivery.number}" data-status="{delivery.status or ""}"{role}>
        <strong>{outcome}</strong> to post {delivery.number}, sent {VARIANTS.get(delivery.variant, "as Joanie does")}
        <pre class="answer">{escape(delivery.answer[:2000])}</pre>
        <details><summary>What was sent</summary><pre>{escape(delivery.body.decode())}</pre></details>
      </div>"""


def _anchor(state: State, key: str) -> str:
    keys = list(state.runs)
    return f"run-{keys.index(key)}" if key in keys else "joanie"


def _options(values: dict[str, None], chosen: str) -> str:
    return "".join(
        f'<option value="{escape(value)}"{" selected" if value == chosen else ""}>{escape(value)}</option>'
        for value in values
    )
