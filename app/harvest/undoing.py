"""Taking back a visit that was applied: each record becomes again what it was before, unless something changed it since.

Versions say what a visit did to each record, so that any visit can be taken back, however old. What was erased stays erased.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from app.errors import Conflict, Text
from app.feed import relay
from app.harvest import applying
from app.harvest.erasing import READ_SO_FAR
from app.journal import records, sources, visits
from app.journal.records import GONE, HIDDEN, Record, Statement
from app.journal.sources import Source
from app.journal.tables import record, version, visit_item
from app.journal.text import from_text, sentence_from, sentence_text
from app.journal.visits import Visit

AT_ONCE = 200
CHANGED_SINCE = Text("Changée depuis : elle est restée comme elle est.", "Changed since: it was left as it is.")


@dataclass(slots=True)
class Undone:
    """How many records were put back, came back, were taken back, were left because they changed since, and stay erased."""

    restored: int = 0
    revived: int = 0
    taken_back: int = 0
    erased: int = 0
    kept: list[str] = field(default_factory=list)

    def sentence(self, visit: Visit) -> Text:
        """Say what taking back the visit did, not who did: everybody reads it."""
        french = [f"Visite {visit.id} annulée : {self.restored} fiches remises en l'état, {self.revived} revenues, "]
        english = [f"Visit {visit.id} was undone: {self.restored} records put back as they were, {self.revived} came back, "]
        french.append(f"{self.taken_back} retirées.")
        english.append(f"{self.taken_back} were withdrawn.")
        if self.kept:
            french.append(f" {len(self.kept)} ont changé depuis et restent comme elles sont.")
            english.append(f" {len(self.kept)} changed since and stay as they are.")
        if self.erased:
            french.append(f" {self.erased} avaient été effacées et le restent.")
            english.append(f" {self.erased} had been erased and stay so.")
        return Text("".join(french), "".join(english))


def require_applied(visit: Visit) -> None:
    """Raise Conflict unless the visit is one that was applied and not taken back yet."""
    if visit.outcome != "applied":
        raise Conflict(Text("Cette visite n'a rien changé : il n'y a rien à annuler.", "This visit changed nothing: there is nothing to undo."))
    if visit.undone_at is not None:
        raise Conflict(Text("Cette visite est déjà annulée.", "This visit is undone already."))


def undo(c: Connection, visit: Visit, source: Source, author: str) -> Text:
    """Take back what the visit did to the records of its source, and return what was done. The groups wait to be settled.

    The source is read again as a whole at its next visit; should that say the same again, it waits for a person. Raises Conflict.
    """
    require_applied(visit)
    done = Undone()
    for page in _touched(c, visit, source):
        _put_back(c, page, source, visit.id, f"undo of visit {visit.id}, {author}", done)
    applying.keep_apart(c, source)
    _say_which(c, visit.id, done.kept)
    text = done.sentence(visit)
    visits.mark_undone(c, visit.id, author, text)
    _hold(c, source, visit.id)
    return text


def undone_visit(source: Source) -> int | None:
    """Return the visit to this source that was taken back and that nobody decided about since; None when there is none."""
    found = source.cursor.get("undone")
    return found if isinstance(found, int) else None


def why_held(visit_id: int) -> Text:
    """Say why a visit waits although its peer is trusted."""
    return Text(
        f"La visite {visit_id} à ce pair a été annulée : une personne doit accepter ce qui change.",
        f"Visit {visit_id} to this peer was undone: a person must accept what changes.",
    )


@dataclass(frozen=True, slots=True)
class _Touched:
    """One record that the visit touched: as it is now, as the visit left it, and as it was before (None: it was not)."""

    now: Record
    left: Row[Any]
    before: Row[Any] | None

    @property
    def is_erased(self) -> bool:
        """Whether nothing of it is here any more."""
        return self.left.kind == "delete" and not self.now.content_hash

    @property
    def stands(self) -> bool:
        """Whether it still is what the visit made of it."""
        if self.left.kind == "delete":
            return self.now.state == GONE
        return (self.now.state == HIDDEN) == (self.left.kind == "hide") and self.now.state != GONE and self.now.content_hash == self.left.content_hash


def _touched(c: Connection, visit: Visit, source: Source) -> Iterator[list[_Touched]]:
    """Yield what the visit touched, page by page."""
    mine = select(version.c.record_id, func.min(version.c.version), func.max(version.c.version)).join(record, record.c.id == version.c.record_id)
    question = mine.where(record.c.source_id == source.id, version.c.visit_id == visit.id).group_by(version.c.record_id).order_by(version.c.record_id)
    found = c.execute(question).all()
    for at in range(0, len(found), AT_ONCE):
        yield [one for number, first, last in found[at : at + AT_ONCE] if (one := _one(c, number, first, last))]


def _one(c: Connection, number: int, first: int, last: int) -> _Touched | None:
    """Return one record with the two versions that matter."""
    now = records.by_id(c, number)
    mine = select(version).where(version.c.record_id == number)
    left = c.execute(mine.where(version.c.version == last)).one()
    before = c.execute(mine.where(version.c.version < first).order_by(version.c.version.desc()).limit(1)).first()
    return None if now is None else _Touched(now, left, before)


def _put_back(c: Connection, page: Sequence[_Touched], source: Source, visit_id: int, author: str, done: Undone) -> None:
    """Take back what the visit did to these records, and count it."""
    ready = [one for one in page if one.stands and not one.is_erased]
    done.erased += sum(one.is_erased for one in page)
    done.kept += [one.now.key for one in page if not one.stands and not one.is_erased]
    contacts = visits.contacts_before(c, visit_id, [one.now.key for one in ready])
    statements = [_statement(one.now.key, one.before, contacts.get(one.now.key)) for one in ready if one.before and one.before.kind != "delete"]
    records.put_many(c, source.id, statements, author)
    for one in ready:
        if one.before is None or one.before.kind == "delete":
            done.taken_back += records.withdraw(c, one.now.id, author)
        elif one.before.kind == "hide":
            done.taken_back += records.hide(c, one.now.id, author)
        elif one.now.state in {GONE, HIDDEN}:
            done.revived += 1
        else:
            done.restored += 1
    _forget_origin(c, [one.now.id for one in ready])
    relay.forget(c, [one.now.iri for one in ready])  # it is not passed on either; what the source says next is listed again


def _statement(key: str, before: Row[Any], contacts: Mapping[str, Any] | None) -> Statement:
    """Return what a version said, with the hashes of contacts of that time where they are known."""
    document = from_text(before.document)
    return Statement(key, str(document["id"]), document, before.content_hash, contacts=contacts)


def _forget_origin(c: Connection, numbers: Sequence[int]) -> None:
    """Let whatever its source says next of these records be read, even what was read before."""
    fresh = {"origin_epoch": None, "origin_sequence": None, "raw_digest": None, "missed": 0, "missing_since": None}
    c.execute(update(record).where(record.c.id.in_(numbers)).values(fresh))


def _say_which(c: Connection, visit_id: int, kept: Sequence[str]) -> None:
    """Note in the lines of the visit which records were left as they are."""
    for at in range(0, len(kept), AT_ONCE):
        mine = (visit_item.c.visit_id == visit_id, visit_item.c.key.in_(kept[at : at + AT_ONCE]))
        for line in c.execute(select(visit_item.c.id, visit_item.c.message).where(*mine)).all():
            said = sentence_from(line.message)
            text = Text(f"{said.fr} {CHANGED_SINCE.fr}", f"{said.en} {CHANGED_SINCE.en}") if said else CHANGED_SINCE
            c.execute(update(visit_item).where(visit_item.c.id == line.id).values(message=sentence_text(text)))


def _hold(c: Connection, source: Source, visit_id: int) -> None:
    """Let the source be read again as a whole, and wait for a person with what it says."""
    for waiting in visits.held(c):
        if waiting.source_id == source.id:
            text = Text(f"Écartée : la visite {visit_id} a été annulée.", f"Dropped: visit {visit_id} was undone.")
            visits.finish(c, waiting.id, "discarded", text)
            visits.clear_documents(c, waiting.id)
    of: Mapping[str, Any] = source.cursor.get("of") or {}
    cursor = {**source.cursor, "of": {key: of[key] for key in READ_SO_FAR if key in of}, "undone": visit_id}
    sources.update(c, source.name, cursor=cursor, state="held", message=why_held(visit_id))
