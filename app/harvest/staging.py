"""Taking what a format yields, record by record: read, believed or not, stripped, checked in bulk, and written as lines that wait.

Nothing a reader of the directory sees changes here. A line holds either why a record is refused, or the record as it would be applied.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from app import record
from app.checking import Checker
from app.errors import RecordError, Severity, Text, Violation
from app.harvest import erasing, lines, references, resuming
from app.harvest.authority import elsewhere, require_authority, require_foreign, require_none_of, with_few_claims
from app.harvest.door import without_contacts
from app.harvest.items import Bad, Found, Gone, Leftover, Peer
from app.harvest.resuming import Place
from app.journal import Journal, erasure, visits
from app.journal.records import GONE, HIDDEN, Head
from app.journal.sources import Source
from app.journal.tables import record as record_table
from app.journal.text import from_text
from app.journal.visits import Item as Line
from app.names import KEY, Names, key_for
from app.record.faults import shown

NAMED = 12
"""How many fields, and how many violations, one message names."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What one visit is about; `state` is that of the records it takes, `anew` says that even what looks unchanged is read.

    `settings` is the digest of what this node says of the peer; `resumed` the place where an earlier visit broke off.
    """

    visit_id: int
    source: Source
    peer: Peer
    own_iris: bool
    state: str
    secret: bytes
    anew: bool
    settings: str
    dry_run: bool
    resumed: resuming.Place | None


class Staging:
    """Writes the lines of one visit, a batch at a time."""

    def __init__(self, journal: Journal, names: Names, checker: Checker, errand: Errand) -> None:
        self._journal = journal
        self._names = names
        self._checker = checker
        self._errand = errand
        with journal.read() as c:
            self._elsewhere = elsewhere(c, errand.source.name, errand.peer.base or "") if errand.own_iris else ()

    def take(self, items: Sequence[Found | Gone | Bad], place: Place | None = None) -> None:
        """Write the lines of a batch, and the place where reading may go on after them.

        A later event of a record replaces its earlier line, unless it is refused; without events, a key comes once.
        """
        keyed = [(item.key if KEY.match(item.key) else key_for(item.key), item) for item in items]
        keys = {key for key, _ in keyed}
        with self._journal.read() as c:
            held = lines.held(c, self._errand.source.id, keys)
            known = lines.known(c, self._errand.visit_id, keys)
        drafts: list[tuple[str, Line | None]] = []
        repeated: list[Line] = []
        met = {*known}
        for key, item in keyed:
            if key in met and getattr(item, "origin", None) is None:
                repeated.append(_refused(key, None, item.message if isinstance(item, Bad) else _twice(key)))
            else:
                drafts.append((key, self._draft(key, item, held.get(key))))
            met.add(key)
        kept, refused = _newest(self._checked(drafts), known)
        written = self._with_differences([line for line in kept.values() if line])
        purged = {key for key, item in keyed if isinstance(item, Gone) and item.purge and key not in held}
        with self._journal.write() as c:
            written = erasing.refused(c, self._errand.source, written)
            for key in purged:  # never taken here; earlier visits may have reported it
                erasure.forget_reports(c, self._errand.source.id, key)
            lines.write(c, self._errand.visit_id, [*written, *refused, *repeated], known.keys() & kept.keys())
            if place is not None and not self._errand.dry_run:
                resuming.note(c, self._errand.visit_id, self._errand.source, self._errand.settings, place)

    def restart(self, why: Text) -> None:
        """Forget the lines written so far, and say why in one that is about no record."""
        with self._journal.write() as c:
            lines.clear(c, self._errand.visit_id)
            visits.forget_place(c, self._errand.visit_id)
            lines.write(c, self._errand.visit_id, [Line("*", "unmapped", None, why)])

    def summarise(self, leftovers: Sequence[Leftover]) -> None:
        """Add one line that names what no record's mapping took, the most frequent field first."""
        if not leftovers:
            return
        shown = [f"{left.path} ({left.records} ×, « {left.sample[:60]} »)" for left in leftovers[:NAMED]]
        fields = ", ".join(shown) + ("…" if len(leftovers) > NAMED else "")
        line = Line("*", "unmapped", None, Text(f"Champs que rien ne reprend : {fields}.", f"Fields that nothing maps: {fields}."))
        with self._journal.write() as c:
            lines.write(c, self._errand.visit_id, [line])

    def _draft(self, key: str, item: Found | Gone | Bad, held: Head | None) -> Line | None:
        """Return the line of one item, as yet unchecked; None when there is nothing to say."""
        iri = None if isinstance(item, Bad) else item.iri
        try:
            if isinstance(item, Bad):
                return _refused(key, held.iri if held else None, item.message)
            return self._found(key, item, held) if isinstance(item, Found) else self._gone(key, item, held)
        except RecordError as error:
            return _refused(key, iri, error.text)

    def _found(self, key: str, item: Found, held: Head | None) -> Line:
        """Return the line of a record that the source shows."""
        current = held is not None and held.state == self._errand.state
        if held and item.origin and held.origin and item.origin < held.origin:
            return Line(key, "unchanged", held.iri, Text("Un événement plus récent est déjà là.", "A newer event is already here."))
        same_bytes = held is not None and item.raw_digest is not None and held.raw_digest == item.raw_digest
        if held and current and same_bytes and not self._errand.anew:
            return Line(key, "unchanged", held.iri, _notes(item, (), None), origin=item.origin)
        reading = self._read(key, item)
        (document, claims), contacts, iri = with_few_claims(reading.document), None, reading.iri
        if not self._errand.source.keep_contacts:
            document, contacts = without_contacts(document, self._errand.secret)
        content_hash = record.content_hash(document)
        notes = _joined(_notes(item, reading.unknown, document), claims)
        if held and current and held.content_hash == content_hash and held.iri == iri:
            return Line(key, "unchanged", iri, notes, raw_digest=item.raw_digest, origin=item.origin)
        outcome = "added" if held is None or held.state in {GONE, HIDDEN} else "changed"
        return Line(key, outcome, iri, notes, document, content_hash, item.raw_digest, contacts, item.origin)

    def _read(self, key: str, item: Found) -> record.Reading:
        """Read a record under its own IRI where the format has such, else under one that this node mints within the record's graph."""
        if self._errand.own_iris:
            base = self._base(item)
            return record.read(item.document, iri=self._believed(item.iri, base), contexts=[f"{base}/vocab/context/v1.jsonld"])
        require_foreign(item.iri, self._names)
        reading = record.read(references.resolve(item.document, self._minted), iri=self._names.record(self._errand.source.name, key))
        document = reading.document | {"id": self._minted(key)}  # its parts are fragments of the graph beside it
        return replace(reading, document=document, iri=self._minted(key))

    def _base(self, item: Found | Gone) -> str:
        """Return the base under which an item is believed: that of its own origin where a relay passed it on, else the peer's."""
        return item.base or self._errand.peer.base or ""

    def _believed(self, iri: str | None, base: str) -> str:
        """Return the IRI of a record that may be spoken of under this base. Raises Malformed for any other."""
        believed = require_authority(iri, base, self._names)
        require_none_of(believed, self._elsewhere)
        return believed

    def _minted(self, key: str) -> str:
        """Return the IRI of a record whose source gives it none."""
        return f"{self._names.record(self._errand.source.name, key)}#group"

    def _gone(self, key: str, item: Gone, held: Head | None) -> Line | None:
        """Return the line of a record that the source withdrew; None when it is not here (any more)."""
        if self._errand.own_iris:
            self._believed(item.iri, self._base(item))
        if held is None or (held.state == GONE and not item.purge) or (item.origin and held.origin and item.origin <= held.origin):
            return None
        if held.state == GONE and not held.content_hash:  # erased already: only its number is new
            return Line(key, "unchanged", held.iri, origin=item.origin)
        if item.elsewhere:
            return Line(key, "gone", held.iri, Text("Une autre source la dit mieux.", "Another source tells it better."), {"act": lines.ELSEWHERE})
        message = Text("Retirée par sa source, avec son histoire.", "Withdrawn by its source, with its history.") if item.purge else None
        return Line(key, "gone", held.iri, message, {"act": lines.PURGE if item.purge else lines.WITHDRAW}, origin=item.origin)

    def _checked(self, drafts: Sequence[tuple[str, Line | None]]) -> list[tuple[str, Line | None]]:
        """Return the lines after the shapes have spoken; a violation refuses the record, a warning does not."""
        documents = {at: line.document for at, (_, line) in enumerate(drafts) if line and line.document is not None and line.outcome != "gone"}
        verdicts = dict(zip(documents, self._checker.check(list(documents.values())), strict=True))
        return [(key, line and _judged(line, verdicts.get(at, ()))) for at, (key, line) in enumerate(drafts)]

    def _with_differences(self, drafts: Sequence[Line]) -> list[Line]:
        """Say in the line of a changed record which of its fields differ."""
        changed = [line.key for line in drafts if line.outcome == "changed"]
        if not changed:
            return list(drafts)
        question = select(record_table.c.key, record_table.c.document).where(
            record_table.c.source_id == self._errand.source.id, record_table.c.key.in_(changed)
        )
        with self._journal.read() as c:
            before = {key: from_text(document) for key, document in c.execute(question)}
        return [
            replace(line, message=_joined(_difference(before[line.key], line.document or {}), line.message)) if line.outcome == "changed" else line
            for line in drafts
        ]


def _newest(drafts: Iterable[tuple[str, Line | None]], known: Mapping[str, str]) -> tuple[dict[str, Line | None], list[Line]]:
    """Return what is to be done about each key, and the refused lines that leave what was said before them as it is.

    What cannot be taken takes nothing back: neither a withdrawal nor a revision that came before it.
    """
    kept: dict[str, Line | None] = {}
    refused: list[Line] = []
    for key, line in drafts:
        before = known.get(key) if key not in kept else (earlier.outcome if (earlier := kept[key]) else None)
        if line and line.outcome == "refused" and before not in {None, "refused"}:
            refused.append(line)
        else:
            kept[key] = line
    return kept, refused


def _judged(line: Line, violations: Sequence[Violation]) -> Line:
    """Refuse the line when the shapes do, naming what is wrong."""
    broken = [violation for violation in violations if violation.severity is Severity.VIOLATION]
    if not broken:
        return line
    named = [Text(f"{violation.path} : {violation.message.fr}", f"{violation.path}: {violation.message.en}") for violation in broken[:NAMED]]
    return _refused(line.key, line.iri, Text(" ".join(text.fr for text in named), " ".join(text.en for text in named)))


def _refused(key: str, iri: str | None, message: Text) -> Line:
    """The line of a record that is not taken."""
    return Line(key[:200], "refused", iri and iri[:2048], message)


def _twice(key: str) -> Text:
    """Say that an identifier comes twice."""
    return Text(
        f"L'identifiant {key} apparaît plusieurs fois : seule la première fiche est prise.",
        f"The identifier {key} comes several times: only the first record is taken.",
    )


def _notes(item: Found, unknown: Sequence[str], document: Mapping[str, Any] | None) -> Text | None:
    """Say what of a record was not taken, or is odd; None when there is nothing to say."""
    message = None
    for note in item.notes[:NAMED]:
        message = _joined(message, note)
    unmapped = (*item.unmapped, *unknown)
    if unmapped:
        fields = ", ".join(dict.fromkeys(shown(field)[:60] for field in unmapped[:NAMED])) + ("…" if len(unmapped) > NAMED else "")
        message = _joined(message, Text(f"{lines.NOT_TAKEN.fr}{fields}.", f"{lines.NOT_TAKEN.en}{fields}."))
    for field in ("modified", "created"):
        if document and _in_the_future(document.get(field)):
            message = _joined(message, _AHEAD[field])
    return message


_AHEAD = {
    "modified": Text("Sa date de modification est dans le futur.", "Its modification date lies in the future."),
    "created": Text("Sa date de création est dans le futur.", "Its creation date lies in the future."),
}


def _in_the_future(value: object) -> bool:
    """Say whether a date and time lies more than a day ahead of this node's clock."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return moment is not None and moment.tzinfo is not None and moment > datetime.now(UTC) + timedelta(days=1)


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Text:
    """Name the fields that differ between two statements of one record."""
    differing = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    fields = ", ".join(differing[:NAMED]) or "—"
    return Text(f"Change : {fields}.", f"Changes: {fields}.")


def _joined(first: Text | None, second: Text | None) -> Text | None:
    """Put two sentences one after the other."""
    if first is None or second is None:
        return first or second
    return Text(f"{first.fr} {second.fr}", f"{first.en} {second.en}")
