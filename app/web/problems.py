"""Errors as problems (RFC 9457): each class of the error tree has its status, and its sentences in the reader's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app import errors
from app.errors import MaillageError, Text, Violation

PROBLEM = "application/problem+json"

STATUS: dict[type[MaillageError], int] = {
    errors.Malformed: 400,
    errors.Invalid: 422,
    errors.AddressRefused: 422,
    errors.FetchFailed: 502,
    errors.FormatError: 502,
    errors.MappingRefused: 422,
    errors.BadRequest: 400,
    errors.NotSignedIn: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.WrongMethod: 405,
    errors.NotAcceptable: 406,
    errors.TooSlow: 408,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.StaleVersion: 412,
    errors.TooLarge: 413,
    errors.UnsupportedType: 415,
    errors.VersionRequired: 428,
    errors.BadQuery: 400,
    errors.QueryRefused: 400,
    errors.QueryStopped: 503,
    errors.Busy: 503,
    errors.OverBudget: 429,
    errors.JournalUnavailable: 503,
    errors.StoreUnavailable: 503,
    MaillageError: 500,
}
"""The status of each class; a class that is not here has its parent's."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem, in one language."""

    status: int
    type: str
    title: str
    detail: str
    extra: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the members of the problem document."""
        return {"type": self.type, "title": self.title, "status": self.status, "detail": self.detail, **self.extra}


def status_of(kind: type[MaillageError]) -> int:
    """Return the status of a class of errors, or of the nearest parent that has one."""
    return next(STATUS[parent] for parent in kind.__mro__ if parent in STATUS)


def refusals(*kinds: type[MaillageError]) -> dict[int | str, dict[str, Any]]:
    """Say to the API's description which errors a route may answer with."""
    return {status_of(kind): {"description": kind.title.en, "content": {PROBLEM: {}}} for kind in kinds}


def problem(error: MaillageError, base: str, language: str) -> Problem:
    """Describe the error in `language`; its type leads to its line on the node's documentation page."""
    title, detail = error.title.in_language(language), error.text.in_language(language)
    return Problem(status_of(type(error)), f"{base}/docs#{error.slug}", title, detail, _extra(error, language))


def _extra(error: MaillageError, language: str) -> dict[str, Any]:
    """What some classes say besides their sentence."""
    if isinstance(error, errors.Invalid):
        return {"violations": [finding(found, language) for found in error.violations]}
    if isinstance(error, Unacceptable):
        return {"available": list(error.available)}
    return {}


def finding(found: Violation, language: str) -> dict[str, str]:
    """Return one finding of the shapes for the one who wrote the record."""
    return {"path": found.path, "value": found.value, "message": found.message.in_language(language), "severity": found.severity.value}


class Unacceptable(errors.NotAcceptable):
    """Nothing asked for exists; `available` lists what does."""

    def __init__(self, available: tuple[str, ...]) -> None:
        listed = ", ".join(available)
        super().__init__(Text(f"Cette adresse répond en : {listed}.", f"This address answers in: {listed}."))
        self.available = available
