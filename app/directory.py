"""Our own groups: published, revised, withdrawn. A record is read and checked whole before anything changes, and then its
statement, its version, its event and its group change in one transaction, or nothing does.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from app import record
from app.checking import Checker
from app.errors import (
    BadRequest,
    Conflict,
    Gone,
    Invalid,
    MaillageError,
    NotFound,
    RequestError,
    Severity,
    StaleVersion,
    Text,
    VersionRequired,
    Violation,
)
from app.feed import log
from app.journal import Journal, erasure, identities, now, records, sources
from app.journal.records import Outcome, Record
from app.names import OWN, SLUG, Names, slugify
from app.record import Document

COMPUTED = ("records", "exactMatch")
"""What only the node can know: dropped when an editor sends it."""

UNNAMED = "-"
"""How the place of a document begins until its slug is made: no slug does."""

Settle = Callable[[Connection, Sequence[int]], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that was read and checked; `filled` and `ignored` are JSON keys, `slug` is None until one is made."""

    slug: str | None
    document: Document
    filled: tuple[str, ...]
    ignored: tuple[str, ...]
    warnings: tuple[Violation, ...]
    dated: bool


@dataclass(frozen=True, slots=True)
class Published:
    """What is published now; `version` is what a revision must name, `outcome` what changed."""

    slug: str
    iri: str
    document: Document
    filled: tuple[str, ...]
    ignored: tuple[str, ...]
    warnings: tuple[Violation, ...]
    outcome: Outcome
    version: str
    record_id: int

    @property
    def created(self) -> bool:
        """Whether the group was not published just before."""
        return self.outcome == records.ADDED


def version_of(content_hash: str) -> str:
    """Return the mark of a statement: the first 16 hexadecimal digits of its hash."""
    return content_hash.removeprefix("sha-256:")[:16]


class Directory:
    """Writes our own groups; `settle` rebuilds, in the same transaction, the groups that records are part of."""

    def __init__(self, journal: Journal, names: Names, checker: Checker, settle: Settle, licence: str) -> None:
        self._journal = journal
        self._names = names
        self._checker = checker
        self._settle = settle
        self._licence = licence

    def publish(self, document: object, slug: str | None, author: str) -> Published:
        """Publish a group under `slug`, under the one that its id names, or under one made from its name.

        Raises Malformed, Invalid, BadRequest (an impossible slug or id), Conflict (the slug is taken).
        """
        draft = self.examine(document, slug)
        with self._journal.write() as c:
            published = self._create(c, draft, author)
            self._settle(c, [published.record_id])
        return published

    def revise(self, slug: str, document: object, expected: str | None, author: str) -> Published:
        """Replace our statement of a group. `expected` is the version it was made from, or ``*`` for whichever stands.

        Raises NotFound, Gone, VersionRequired, StaleVersion, and what `publish` raises for a document.
        """
        with self._journal.read() as c:
            _require_version(_standing(c, slug), expected)
        draft = self.examine(document, slug)
        with self._journal.write() as c:
            held = _standing(c, slug)
            _require_version(held, expected)
            published = self._store(c, draft, slug, held, author)
            self._settle(c, [published.record_id])
        return published

    def save_many(self, entries: Iterable[tuple[object, str | None]], author: str) -> list[Published | MaillageError]:
        """Publish documents, or revise those whose slug is ours already, checked together and written in one transaction.

        The answer has, for each ``(document, slug)`` in order, what was published or the error that kept it out; the others go on.
        """
        drafts = self._examine_many(entries)
        with self._journal.write() as c:
            answers = [draft if isinstance(draft, MaillageError) else self._save(c, draft, author) for draft in drafts]
            changed = [answer.record_id for answer in answers if isinstance(answer, Published) and answer.outcome != records.UNCHANGED]
            if changed:
                self._settle(c, changed)
        return answers

    def withdraw(self, slug: str, author: str, expected: str | None = None, purge: bool = False) -> None:
        """Take a group back; with `purge` every statement it ever was is erased, here and at the peers that follow.

        `expected` is optional. Raises NotFound, Gone, StaleVersion.
        """
        with self._journal.write() as c:
            held = _erasable(c, slug) if purge else _standing(c, slug)
            if expected is not None:
                _require_version(held, expected)
            records.withdraw(c, held.id, author)
            if purge:
                erasure.erase(c, held.id, author)
            log.append(c, self._names, log.Kind.DELETE, slug, None, None, purge)
            self._settle(c, [held.id])
        if purge:
            erasure.scrub(self._journal)

    def statement(self, slug: str) -> Record:
        """Return our own record of a group as it stands. Raises NotFound, Gone."""
        with self._journal.read() as c:
            return _standing(c, slug)

    def examine(self, document: object, slug: str | None = None) -> Draft:
        """Read and check a document without publishing it. Raises Malformed, Invalid, BadRequest."""
        draft = self._read(document, slug)
        return replace(draft, warnings=self._checker.require(draft.document))

    def _examine_many(self, entries: Iterable[tuple[object, str | None]]) -> list[Draft | MaillageError]:
        """Read each document, then check all that could be read at once."""
        drafts: list[Draft | MaillageError] = []
        for place, (document, slug) in enumerate(entries):
            try:
                drafts.append(self._read(document, slug, f"{UNNAMED}{place}"))
            except MaillageError as error:
                drafts.append(error)
        found = iter(self._checker.check([draft.document for draft in drafts if isinstance(draft, Draft)]))
        return [draft if isinstance(draft, MaillageError) else _judged(draft, next(found)) for draft in drafts]

    def _read(self, document: object, slug: str | None, unnamed: str = UNNAMED) -> Draft:
        """Read a document and fill in what the editor left to the node; `unnamed` stands for the slug until one is made."""
        slug, given = self._slug(document, slug)
        reading = record.read(document, iri=self._names.group(slug or unnamed), contexts=(self._names.context,))
        kept = {key: value for key, value in reading.document.items() if key not in COMPUTED}
        computed = tuple(key for key in COMPUTED if key in reading.document)
        at = now()
        filled = {"created": kept.get("created", at), "modified": at, "license": kept.get("license", self._licence)}
        names = [*(() if given else ("id",)), *(key for key in filled if key not in kept or key == "modified")]
        return Draft(slug, kept | filled, tuple(names), reading.unknown + computed, (), "created" in kept)

    def _slug(self, document: object, slug: str | None) -> tuple[str | None, bool]:
        """Return the slug that the address or the document's id asks for, and whether the document has an id."""
        if slug is not None and not SLUG.match(slug):
            raise BadRequest(_odd_slug(slug))
        given = document.get("id", document.get("@id")) if isinstance(document, dict) else None
        if given is None or (isinstance(given, str) and given.startswith("_:")):
            return slug, False
        named = self._names.slug_of(given) if isinstance(given, str) else None
        if named is None:
            raise BadRequest(_foreign_id(given, self._names))
        if slug is not None and named != slug:
            raise BadRequest(_other_id(given, self._names.group(slug)))
        return named, True

    def _create(self, c: Connection, draft: Draft, author: str) -> Published:
        """Write a group that is not published at this moment."""
        slug = draft.slug or identities.free_slug(c, slugify(_name(draft.document)))
        held = records.get(c, OWN, slug)
        if held is None and identities.exact(c, slug) is not None:
            raise Conflict(_taken_by_others(slug))
        if held is not None and held.state == records.LIVE:
            raise Conflict(_taken(slug))
        return self._store(c, draft, slug, held, author)

    def _save(self, c: Connection, draft: Draft, author: str) -> Published | MaillageError:
        """Create or revise; what is refused leaves nothing written."""
        held = records.get(c, OWN, draft.slug) if draft.slug else None
        try:
            return self._create(c, draft, author) if held is None or held.state != records.LIVE else self._store(c, draft, held.key, held, author)
        except RequestError as error:
            return error

    def _store(self, c: Connection, draft: Draft, slug: str, held: Record | None, author: str) -> Published:
        """Write statement, version and event; nothing when the record already says this."""
        standing = held if held is not None and held.state == records.LIVE else None
        iri = self._names.group(slug)
        document, content_hash = _final(draft, iri, standing)
        published = Published(slug, iri, document, draft.filled, draft.ignored, draft.warnings, records.UNCHANGED, version_of(content_hash), 0)
        if standing is not None and standing.content_hash == content_hash:
            return replace(published, record_id=standing.id)
        record_id, outcome = records.put(c, sources.own(c).id, slug, iri, document, content_hash, author)
        public = record.public_view(document)
        kind = log.Kind.UPDATE if standing else log.Kind.CREATE
        log.append(c, self._names, kind, slug, public, record.content_hash(public))
        return replace(published, outcome=outcome, record_id=record_id)


def _final(draft: Draft, iri: str, standing: Record | None) -> tuple[Document, str]:
    """Return the document under its IRI with its hash; when only its dates would differ from what stands, with the dates that stand."""
    document = draft.document
    if standing is not None:
        created = document["created"] if draft.dated else standing.document.get("created", document["created"])
        document = document | {"created": created}
        same = record.read(document | {"modified": standing.document.get("modified", document["modified"])}, iri=iri)
        if same.content_hash == standing.content_hash:
            return same.document, same.content_hash
    reading = record.read(document, iri=iri)
    return reading.document, reading.content_hash


def _standing(c: Connection, slug: str) -> Record:
    """Return our record of a group that is published now. Raises NotFound, Gone."""
    held = _ours(c, slug)
    if held.state != records.LIVE:
        raise Gone(_WITHDRAWN)
    return held


def _erasable(c: Connection, slug: str) -> Record:
    """Return our record of a group of which something is left to erase. Raises NotFound, Gone."""
    held = _ours(c, slug)
    if not held.document:
        raise Gone(_WITHDRAWN)
    return held


def _ours(c: Connection, slug: str) -> Record:
    """Return our record of a group, published or not. Raises NotFound, which says so when others speak of the group."""
    held = records.get(c, OWN, slug)
    if held is None:
        raise NotFound(_UNKNOWN if identities.exact(c, slug) is None else _OTHERS)
    return held


def _require_version(held: Record, expected: str | None) -> None:
    """Refuse a revision that does not say, or is wrong about, what it was made from."""
    if expected is None:
        raise VersionRequired(_WHICH)
    if expected not in {"*", version_of(held.content_hash)}:
        raise StaleVersion(_STALE)


def _judged(draft: Draft, found: tuple[Violation, ...]) -> Draft | Invalid:
    """Return the draft with its warnings, or the error that keeps it out."""
    if any(violation.severity is Severity.VIOLATION for violation in found):
        return record.refusal(found)
    return replace(draft, warnings=found)


def _name(document: Document) -> str:
    """Return the name a slug is made from, the French one first."""
    names = document.get("name") or {}
    return str(names.get("fr") or next(iter(names.values()), ""))


_WITHDRAWN = Text("Ce groupe a été retiré de l'annuaire.", "This group was withdrawn from the directory.")
_UNKNOWN = Text("Nous ne publions pas de groupe à cette adresse.", "We publish no group at this address.")
_OTHERS = Text(
    "Ce groupe nous vient d'autres annuaires : seuls ceux qui le publient peuvent changer ce qu'ils en disent.",
    "This group comes to us from other directories: only those who publish it can change what they say of it.",
)
_WHICH = Text(
    "Dites quelle version vous modifiez : l'en-tête If-Match avec l'ETag de la fiche que vous avez lue.",
    "Say which version you are changing: the header If-Match with the ETag of the record that you read.",
)
_STALE = Text(
    "Quelqu'un d'autre a modifié ce groupe entre-temps : relisez-le, reportez vos changements et envoyez-le de nouveau.",
    "Somebody else has changed this group meanwhile: read it again, make your changes anew and send it again.",
)


def _taken(slug: str) -> Text:
    return Text(
        f"Nous publions déjà un groupe sous « {slug} » : révisez-le (If-Match), ou choisissez un autre nom dans l'adresse.",
        f"We already publish a group as '{slug}': revise it (If-Match), or choose another name in the address.",
    )


def _taken_by_others(slug: str) -> Text:
    return Text(
        f"« {slug} » désigne ici un autre groupe, connu par d'autres annuaires : choisissez un autre nom dans l'adresse.",
        f"'{slug}' names another group here, known from other directories: choose another name in the address.",
    )


def _odd_slug(slug: str) -> Text:
    return Text(
        f"« {slug[:100]} » ne peut pas être la fin d'une adresse : 80 lettres minuscules sans accent, chiffres ou tirets au plus.",
        f"'{slug[:100]}' cannot be the end of an address: at most 80 lower-case letters without accents, digits or hyphens.",
    )


def _foreign_id(given: object, names: Names) -> Text:
    return Text(
        f"L'id « {str(given)[:200]} » n'est pas une adresse de cet annuaire : laissez-le vide, ou commencez-le par {names.groups}/.",
        f"The id '{str(given)[:200]}' is not an address of this directory: leave it out, or begin it with {names.groups}/.",
    )


def _other_id(given: str, iri: str) -> Text:
    return Text(f"La fiche dit s'appeler {given}, mais elle est envoyée à {iri}.", f"The record says that it is {given}, but it is sent to {iri}.")
