"""Everything that can go wrong, in one tree; no HTTP here, the web floor maps each class to a status.

Who may go on is said by the branch: a RecordError stops one record, a PeerError one visit,
a RequestError one request, a NodeError the whole run.

    MaillageError
    ├── RecordError                 this record only
    │   ├── Malformed               it cannot be read as a record
    │   └── Invalid                 it can be read and breaks the shapes (carries the violations)
    ├── PeerError                   this visit only; what was there stays
    │   ├── AddressRefused          the address may not be contacted
    │   ├── FetchFailed             nothing usable arrived
    │   ├── FormatError             what arrived is not what the peer announced
    │   └── MappingRefused          the mapping asks for what does not exist
    ├── RequestError                this request only
    │   ├── BadRequest  NotSignedIn  Forbidden  NotFound  Gone  NotAcceptable
    │   ├── Conflict  StaleVersion  VersionRequired  TooLarge  TooSlow  UnsupportedType  WrongMethod
    │   ├── BadQuery                the SPARQL text cannot be parsed
    │   ├── QueryRefused            it can, and asks for what is not allowed here
    │   ├── QueryStopped  Busy      limits were reached; trying later may help
    │   └── OverBudget              this client asked for too much lately
    └── NodeError                   the whole run
        ├── SettingsError           a setting is missing, misspelt or impossible
        ├── DataDirectoryBusy       another node holds the data directory
        ├── JournalUnavailable      the journal cannot be read or written (a full disk, a newer version)
        ├── StoreUnavailable        the graph store cannot be read or written
        └── OutputFailed            what was asked for cannot be written out
"""

import errno
from dataclasses import dataclass
from enum import StrEnum
from socket import EAI_NONAME
from typing import ClassVar, Final


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence for people, in the two languages of the house."""

    fr: str
    en: str

    def in_language(self, language: str) -> str:
        """Return the sentence in `language` (a tag such as "fr" or "en-GB"); French is the fallback."""
        return self.en if language.lower().startswith("en") else self.fr

    def as_json(self) -> dict[str, str]:
        """Return ``{"fr": …, "en": …}``, the form in which the journal keeps sentences."""
        return {"fr": self.fr, "en": self.en}

    @classmethod
    def from_json(cls, value: dict[str, str]) -> "Text":
        """Read what `as_json` wrote."""
        return cls(value["fr"], value["en"])


class Severity(StrEnum):
    """SHACL's severities that matter here: a violation refuses the record, a warning is shown."""

    VIOLATION = "violation"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that a record does against the shapes.

    `path` is the JSON key (``location.latitude`` for a nested one), `value` the offending value as text.
    """

    path: str
    value: str
    message: Text
    severity: Severity = Severity.VIOLATION


class MaillageError(Exception):
    """The root; `text` is a plain sentence that says what to do."""

    slug: ClassVar[str] = "error"
    title: ClassVar[Text] = Text("Erreur", "Error")

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class RecordError(MaillageError):
    """This record cannot be taken; the others go on."""


class Malformed(RecordError):
    """It cannot be read as a record."""

    slug = "malformed"
    title = Text("Fiche illisible", "Unreadable record")


class Invalid(RecordError):
    """It breaks the shapes."""

    slug = "invalid"
    title = Text("Fiche non conforme", "Record does not conform")

    def __init__(self, text: Text, violations: tuple[Violation, ...]) -> None:
        super().__init__(text)
        self.violations = violations


class PeerError(MaillageError):
    """This visit cannot go on; what was there stays."""


class AddressRefused(PeerError):
    """The address may not be contacted from here."""

    slug = "address-refused"
    title = Text("Adresse refusée", "Address refused")


class FetchFailed(PeerError):
    """Nothing usable arrived; `status` is that of the peer's answer if there was one, `retry_after` the seconds it asks to be left alone."""

    slug = "fetch-failed"
    title = Text("Pair injoignable", "Peer out of reach")

    def __init__(self, text: Text, status: int | None = None, retry_after: int | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after = retry_after


class FormatError(PeerError):
    """What arrived is not what the peer announced."""

    slug = "format"
    title = Text("Format inattendu", "Unexpected format")


class MappingRefused(PeerError):
    """The mapping asks for what does not exist; the sentence names it."""

    slug = "mapping"
    title = Text("Correspondance incorrecte", "Wrong mapping")


class RequestError(MaillageError):
    """This request cannot be answered as asked."""


class BadRequest(RequestError):
    """The request cannot be understood."""

    slug = "bad-request"
    title = Text("Demande incompréhensible", "Request not understood")


class NotSignedIn(RequestError):
    """A token is needed, or the one given is not valid (any more)."""

    slug = "not-signed-in"
    title = Text("Jeton nécessaire", "Token needed")


class Forbidden(RequestError):
    """The token's role does not allow it."""

    slug = "forbidden"
    title = Text("Droit insuffisant", "Not allowed")


class NotFound(RequestError):
    """There is nothing at this address."""

    slug = "not-found"
    title = Text("Introuvable", "Not found")


class Gone(RequestError):
    """There was something, and it was withdrawn."""

    slug = "gone"
    title = Text("Retiré", "Gone")


class NotAcceptable(RequestError):
    """None of the formats asked for exists; the sentence lists those that do."""

    slug = "not-acceptable"
    title = Text("Format non disponible", "Format not available")


class Conflict(RequestError):
    """It contradicts what is already there."""

    slug = "conflict"
    title = Text("Conflit", "Conflict")


class StaleVersion(RequestError):
    """Somebody else changed it meanwhile."""

    slug = "stale-version"
    title = Text("Version dépassée", "Stale version")


class VersionRequired(RequestError):
    """A revision must name the version it was made from."""

    slug = "version-required"
    title = Text("Version à préciser", "Version required")


class TooLarge(RequestError):
    """The body is larger than what is read here."""

    slug = "too-large"
    title = Text("Trop volumineux", "Too large")


class TooSlow(RequestError):
    """The body did not arrive in time."""

    slug = "too-slow"
    title = Text("Trop lent", "Too slow")


class WrongMethod(RequestError):
    """The address exists, and this is not what can be done with it."""

    slug = "wrong-method"
    title = Text("Méthode non permise", "Method not allowed")


class UnsupportedType(RequestError):
    """The body's media type is not read here."""

    slug = "unsupported-type"
    title = Text("Type non pris en charge", "Unsupported type")


class BadQuery(RequestError):
    """The SPARQL text cannot be parsed."""

    slug = "bad-query"
    title = Text("Requête SPARQL incorrecte", "Malformed SPARQL query")


class QueryRefused(RequestError):
    """The SPARQL text asks for what is not allowed here."""

    slug = "query-refused"
    title = Text("Requête refusée", "Query refused")


class QueryStopped(RequestError):
    """The query reached a limit and was stopped."""

    slug = "query-stopped"
    title = Text("Requête interrompue", "Query stopped")


class Busy(RequestError):
    """Too much is being asked at once; `retry_after` is in seconds."""

    slug = "busy"
    title = Text("Occupé", "Busy")

    def __init__(self, text: Text, retry_after: int = 5) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class OverBudget(Busy):
    """This client has asked for more than its share; `retry_after` is in seconds."""

    slug = "over-budget"
    title = Text("Trop de requêtes de votre part", "Too many queries of yours")


class NodeError(MaillageError):
    """The node cannot run."""


class SettingsError(NodeError):
    """A setting is missing, misspelt or impossible."""

    slug = "settings"
    title = Text("Réglage incorrect", "Wrong setting")


class DataDirectoryBusy(NodeError):
    """Another node holds the data directory."""

    slug = "data-directory-busy"
    title = Text("Dossier de données occupé", "Data directory in use")


class JournalUnavailable(NodeError):
    """The journal cannot be read or written."""

    slug = "journal-unavailable"
    title = Text("Journal indisponible", "Journal unavailable")


class StoreUnavailable(NodeError):
    """The graph store cannot be read or written."""

    slug = "store-unavailable"
    title = Text("Graphe indisponible", "Graph unavailable")


class OutputFailed(NodeError):
    """What was asked for cannot be written out: a full disk, a folder that is not ours, a reader that left."""

    slug = "output-failed"
    title = Text("Sortie impossible", "Output failed")


def why(error: OSError) -> Text:
    """Return the reason that the system gives, in words that people use; the system's own words where it is a rare one."""
    return _REASONS.get(error.errno or 0) or Text(error.strerror or str(error), error.strerror or str(error))


_NOT_ALLOWED: Final = Text("Maillage n'en a pas le droit", "Maillage is not allowed to")
_REASONS: Final = {
    errno.ENOENT: Text("il n'y a rien de ce nom", "there is nothing of that name"),
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EISDIR: Text("c'est un dossier", "it is a directory"),
    errno.ENOTDIR: Text("un fichier se trouve là où il faudrait un dossier", "a file stands where a directory is needed"),
    errno.EEXIST: Text("un fichier se trouve là où il faudrait un dossier", "a file stands where a directory is needed"),
    errno.ENAMETOOLONG: Text("ce nom est trop long", "this name is too long"),
    errno.ENOSPC: Text("le disque est plein", "the disk is full"),
    errno.EDQUOT: Text("le quota du disque est atteint", "the disk quota is reached"),
    errno.EROFS: Text("ce disque est en lecture seule", "this disk is read-only"),
    errno.EPIPE: Text("le programme qui la lisait s'est arrêté", "the program that was reading it has stopped"),
    errno.EADDRINUSE: Text("un autre programme y écoute déjà", "another program already listens there"),
    errno.EADDRNOTAVAIL: Text("ce n'est pas une adresse de cette machine", "it is no address of this machine"),
    EAI_NONAME: Text("ce nom de machine n'existe pas", "there is no machine of that name"),
}
