"""The items of a call: whose runs they are about, and how one is refused.

Nothing here touches a run. The messages are part of the contract with senders.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

from cms_lms.backends.base import BaseLMSBackend
from cms_lms.matching.handler import LMSHandler
from cms_lms.matching.run_index import find_match, match_of
from cms_lms.models import CourseRun
from cms_lms.models.delivery import Outcome
from cms_lms.models.unplaced_run import Problem
from cms_lms.patterns.urls import InvalidURL, normalize_url, resource_key
from cms_lms.runs.codes import CourseKey, normalize_code
from cms_lms.sync.payload import ECHO_LENGTH, Errors, InvalidPayload, validate
from cms_lms.sync.results import Changes, ItemResult, storable
from cms_lms.sync.secrets import Signer

REQUIRED = {"resource_link": ["This field is required."]}
NO_BACKEND = {"resource_link": ["No LMS configuration found for this resource link."]}
NOT_STORED = {"resource_link": ["The database refused this course run."]}
NO_CREATION = {"resource_link": ["Unknown course run when creation is deactivated."]}


class Refused(Exception):
    """An item cannot be applied; ``errors`` is what its sender is told, ``problem`` what the catalogue lacks for it.

    ``detail``: a sentence more for staff.
    """

    def __init__(self, errors: Errors, problem: Problem | Literal[""] = "", detail: str = "") -> None:
        super().__init__(errors)
        self.errors = {storable(name): [storable(text) for text in texts] for name, texts in errors.items()}
        self.problem = problem
        self.detail = detail


class Forbidden(Refused):
    """Whoever signed may not write the run; ``owner`` is the backend that it is of."""

    def __init__(self, owner: BaseLMSBackend, objection: str) -> None:
        super().__init__({"resource_link": [objection]})
        self.owner = owner


class Item:
    """One item of a call whose link a backend owns that ``signer`` may write.

    ``key`` is the link's ``resource_key``; ``course_id`` what the backend's pattern finds in the link, and ``match``
    the same as runs are indexed by it.
    """

    def __init__(
        self,
        payload: Mapping[str, Any],
        *,
        signer: Signer,
        resource_link: str,
        key: str,
        backend: BaseLMSBackend,
        course_id: str,
    ) -> None:
        self.payload = payload
        self.signer = signer
        self.resource_link = resource_link
        self.key = key
        self.backend = backend
        self.course_id = course_id
        self.match = match_of(backend, course_id)
        self._values: dict[bool, dict[str, Any]] = {}

    @cached_property
    def course_key(self) -> CourseKey:
        """The course that the run belongs to, as its LMS says."""
        return self.backend.get_course_key(self.course_id, self.payload)

    def values(self, *, is_new: bool) -> dict[str, Any]:
        """Return the values for a run's columns that the payload asks for. Raises ``Refused``."""
        if is_new not in self._values:
            try:
                self._values[is_new] = validate(self.payload, self.backend, is_new=is_new)
            except InvalidPayload as error:
                raise Refused(error.errors) from None
        return self._values[is_new]

    def refuse_run_of_others(self, run: CourseRun) -> None:
        """Raise ``Forbidden`` if the link under which a run is known belongs to a backend that the secret does not.

        Links of one run may differ in what patterns tell apart: the scheme, or a slash at the end. One that is no
        backend's is open to whoever owns the link that was sent.
        """
        if run.resource_link != self.resource_link:
            owner = LMSHandler.select_lms(run.resource_link)
            if owner is not None and (objection := self.signer.objection(owner)):
                raise Forbidden(owner, objection)

    def is_link_of(self, run: CourseRun) -> bool:
        """Return whether the link is the run's, however the two are written."""
        try:
            return self.resource_link == run.resource_link or self.key == resource_key(run.resource_link)
        except InvalidURL:
            return False

    def is_about_the_run_at(self, link: str) -> bool:
        """Return whether another link leads to the same run: its backend and course id are this one's."""
        return bool(self.match.course_id) and find_match(link) == self.match

    def result(self, outcome: Outcome, *, reason: str = "", changes: Changes | None = None) -> ItemResult:
        """Return the decision on this item."""
        return ItemResult(
            self.payload["resource_link"],
            outcome,
            backend_id=self.backend.record.pk,
            backend_slug=self.backend.config.slug,
            reason=reason,
            changes=changes or {},
            payload=self.payload,
            resource_key=self.key,
        )

    def refused(self, refusal: Refused) -> ItemResult:
        """Return the decision that this item is refused."""
        result = refused(self.payload, refusal, self.backend, self.key)
        if refusal.problem:
            result.course_key = self.course_key
        return result

    def unknown_course(self, detail: str = "") -> Refused:
        """Return the refusal of an item whose course the catalogue does not have; staff read the detail as well."""
        code = normalize_code(self.course_key.code) or self.course_key.code[:ECHO_LENGTH]
        return Refused({"resource_link": [f"Unknown course: {code}."]}, Problem.UNKNOWN_COURSE, detail)


def has_resource_link(payload: Any) -> bool:
    """Return whether an item says which run it is about."""
    return isinstance(payload, Mapping) and isinstance(link := payload.get("resource_link"), str) and bool(link.strip())


def prepare(payload: Mapping[str, Any], signer: Signer) -> Item | ItemResult:
    """Return the item that a payload is, or the result that tells why it is none of the signer's."""
    link = payload["resource_link"].strip()
    key = ""
    try:
        try:
            url = normalize_url(link)
            key = resource_key(link)
        except InvalidURL as error:
            raise Refused({"resource_link": [str(error.message)]}) from None
        backend = LMSHandler.configuration().select(url)
        if backend is None:
            raise Refused(NO_BACKEND, Problem.NO_BACKEND)
        if objection := signer.objection(backend):
            raise Forbidden(backend, objection)
    except Refused as refusal:
        return refused(payload, refusal, None, key)
    course_id = backend.extract_from_normalized(url) or ""
    return Item(payload, signer=signer, resource_link=link, key=key, backend=backend, course_id=course_id)


def refused(payload: Mapping[str, Any], refusal: Refused, backend: BaseLMSBackend | None, key: str) -> ItemResult:
    """Return the result that tells a refusal, and of which backend's run."""
    if isinstance(refusal, Forbidden):
        backend = refusal.owner
    told = [f"{name}: {' '.join(texts)}" for name, texts in refusal.errors.items()]
    return ItemResult(
        payload["resource_link"],
        Outcome.REFUSED,
        backend_id=backend.record.pk if backend else None,
        backend_slug=backend.config.slug if backend else "",
        reason=" ".join([*told, refusal.detail]).strip(),
        errors=refusal.errors,
        is_forbidden=isinstance(refusal, Forbidden),
        payload=payload,
        resource_key=key,
        problem=refusal.problem,
    )
