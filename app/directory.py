"""Our own groups: published, revised, withdrawn. A record is read and checked whole before anything changes, and then its
statement, its version, its event and its group change in one transaction, or nothing does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    Severity,
    StaleVersion,
    Text,
    VersionRequired,
    Violation,
)
from app.feed import log
from app.journal import Journal, erasure, identities, now, records, sources
from app.journal.records import Outcome, Record, Statement
from app.names import OWN, SLUG, Names, slugify
from app.record import Document

COMPUTED = ("records", "exactMatch")
"""What only the node can know: dropped when an editor sends it."""

UNNAMED = "-"
"""How the place of a document begins until its slug is made: no slug does."""

TURN = 500
"""Records written at once."""

_NO_MARKS: Mapping[str, str] = {}

Settle = Callable[[Connection, Sequence[int]], object]


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


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be published under a slug; `standing` is what is published there now, `mark` what its file calls it."""

    draft: Draft
    slug: str
    standing: Record | None
    mark: str | None = None


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
            (published,) = self._store(c, [self._planned(c, draft)], author)
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
            (published,) = self._store(c, [_Plan(draft, slug, held)], author)
            self._settle(c, [published.record_id])
        return published

    def save_many(
        self, entries: Iterable[tuple[object, str | None]], author: str, *, settled: bool = True, marks: Mapping[str, str] = _NO_MARKS
    ) -> list[Published | MaillageError]:
        """Publish documents, or revise those whose slug is ours already, checked together and written in one transaction.

        The answer has, for each ``(document, slug)`` in order, what was published or the error that kept it out; the others go on.
        Not `settled`, the groups stay as they were until somebody settles what is pending: for one batch of many.
        `marks` says of a slug by what its file will know the record again.
        """
        drafts = self.examine_many(entries)
        with self._journal.write() as c:
            answers = self._save_many(c, drafts, author, marks)
            changed = [answer.record_id for answer in answers if isinstance(answer, Published) and answer.outcome != records.UNCHANGED]
            if changed and settled:
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

    def examine_many(self, entries: Iterable[tuple[object, str | None]]) -> list[Draft | MaillageError]:
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
        return Draft(slug, record.completed(kept, filled), tuple(names), reading.unknown + computed, (), "created" in kept)

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

    def _planned(self, c: Connection, draft: Draft) -> _Plan:
        """Plan a group that is not published at this moment. Raises Conflict when its slug is taken."""
        slug = draft.slug or identities.free_slug(c, slugify(_name(draft.document)))
        held = records.get(c, OWN, slug)
        if held is None and identities.exact(c, slug) is not None:
            raise Conflict(_taken_by_others(slug))
        if held is not None and held.state == records.LIVE:
            raise Conflict(_taken(slug))
        return _Plan(draft, slug, None)

    def _save_many(
        self, c: Connection, drafts: Sequence[Draft | MaillageError], author: str, marks: Mapping[str, str]
    ) -> list[Published | MaillageError]:
        """Create or revise, those that have a slug first; what is refused leaves nothing written."""
        answers: dict[int, Published | MaillageError] = {}
        for turn in _turns(drafts):
            held = records.under(c, OWN, turn)
            others = identities.known(c, turn.keys() - held.keys())
            answers |= {turn[slug][0]: Conflict(_taken_by_others(slug)) for slug in others}
            free = {slug: found for slug, found in turn.items() if slug not in others}
            plans = {place: _Plan(draft, slug, _live(held.get(slug)), marks.get(slug)) for slug, (place, draft) in free.items()}
            answers |= zip(plans, self._store(c, list(plans.values()), author), strict=True)
        for place, draft in enumerate(drafts):
            if place not in answers:
                answers[place] = draft if isinstance(draft, MaillageError) else self._save_unnamed(c, draft, author)
        return [answers[place] for place in range(len(drafts))]

    def _save_unnamed(self, c: Connection, draft: Draft, author: str) -> Published | MaillageError:
        """Create a group under a slug made from its name, entered in the ledger at once so that the next one is given another."""
        try:
            plan = self._planned(c, draft)
        except Conflict as error:
            return error
        identities.claim(c, plan.slug)
        return self._store(c, [plan], author)[0]

    def _store(self, c: Connection, plans: Sequence[_Plan], author: str) -> list[Published]:
        """Write statements, versions and events; nothing where the record already says this."""
        said = {plan.slug: _final(plan, self._names.group(plan.slug)) for plan in plans}
        new = [plan for plan in plans if plan.standing is None or plan.standing.content_hash != said[plan.slug].content_hash]
        written = records.put_many(c, sources.own(c).id, [said[plan.slug] for plan in new], author)
        log.append_many(c, self._names, [_news(plan, said[plan.slug]) for plan in new])
        outcomes = {plan.slug: outcome for plan, outcome in zip(new, written, strict=True)}
        outcomes |= {plan.slug: (plan.standing.id, records.UNCHANGED) for plan in plans if plan.slug not in outcomes and plan.standing}
        return [_published(plan.draft, said[plan.slug], *outcomes[plan.slug]) for plan in plans]


def _turns(drafts: Sequence[Draft | MaillageError]) -> Iterator[dict[str, tuple[int, Draft]]]:
    """Cut the drafts that have a slug, with their places, into turns in which none comes twice, so that a second one revises the first."""
    turn: dict[str, tuple[int, Draft]] = {}
    for place, draft in enumerate(drafts):
        if isinstance(draft, MaillageError) or draft.slug is None:
            continue
        if len(turn) >= TURN or draft.slug in turn:
            yield turn
            turn = {}
        turn[draft.slug] = place, draft
    yield turn


def _live(held: Record | None) -> Record | None:
    """Return the record if it is published now."""
    return held if held is not None and held.state == records.LIVE else None


def _final(plan: _Plan, iri: str) -> Statement:
    """Return the statement; when only its dates would differ from the one that stands, with the dates that stand."""
    document = plan.draft.document if plan.draft.document["id"] == iri else record.read(plan.draft.document, iri=iri).document
    mark = plan.mark or (plan.standing.raw_digest if plan.standing else None)
    if plan.standing is not None:
        before = plan.standing.document
        document = document if plan.draft.dated else document | {"created": before.get("created", document["created"])}
        same = document | {"modified": before.get("modified", document["modified"])}
        if record.content_hash(same) == plan.standing.content_hash:
            return Statement(plan.slug, iri, same, plan.standing.content_hash, mark)
    return Statement(plan.slug, iri, document, record.content_hash(document), mark)


def _news(plan: _Plan, said: Statement) -> log.News:
    """Return what the log says of it: only what anybody may see."""
    public = record.public_view(said.document)
    content_hash = said.content_hash if public is said.document else record.content_hash(public)
    return log.News(log.Kind.UPDATE if plan.standing else log.Kind.CREATE, said.key, public, content_hash)


def _published(draft: Draft, said: Statement, record_id: int, outcome: Outcome) -> Published:
    """Return the answer."""
    return Published(
        said.key, said.iri, said.document, draft.filled, draft.ignored, draft.warnings, outcome, version_of(said.content_hash), record_id
    )


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
