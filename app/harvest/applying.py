"""What the lines of a visit say becomes what the source says: one transaction for all of it, so that no reader ever sees half a visit."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select, update

from app.errors import FormatError, Text
from app.harvest import erasing, lines, relaying
from app.journal import changes, erasure, evidence, pending, records, visits
from app.journal.moments import now
from app.journal.records import LIVE, Head, Statement
from app.journal.sources import Source, Trust
from app.journal.tables import feature, record, version
from app.journal.text import as_text
from app.journal.visits import Item as Line

QUARANTINED = "quarantined"
NOTHING = "{}"


def state_under(trust: Trust) -> str:
    """Return the state of the records that a source of this trust holds: in quarantine they are kept, and combined with nothing."""
    return QUARANTINED if trust is Trust.QUARANTINE else LIVE


def apply(c: Connection, visit_id: int, source: Source, author: str, *, confirmed: bool, passed: relaying.Passed | None = None) -> None:
    """Apply the lines of a visit; a person who `confirmed` them also hides at once what was merely missing.

    `passed` says of records that came through a relay how they came.
    """
    for page in visits.staged(c, visit_id, "added", "changed"):
        taken = [line for line in erasing.refused(c, source, page) if line.document is not None]  # something may have been erased while it waited
        replaced = _replaced(c, source.id, taken)
        records.put_many(c, source.id, [_statement(line) for line in taken], author, visit_id)
        visits.keep_contacts(c, replaced)
        if any(line.outcome == "added" for line in taken):
            evidence.read_again(c)
    lines.mark_met(c, visit_id, source.id, now())
    relaying.note(c, visit_id, source, passed or {})  # before anything is erased: with it go the lines that say so
    for page in visits.staged(c, visit_id, "gone"):
        held = lines.held(c, source.id, [line.key for line in page])
        for line in page:
            if line.key in held:
                _take_away(c, held[line.key], line, author, visit_id, confirmed=confirmed)
    keep_apart(c, source)


def _replaced(c: Connection, source_id: int, page: Sequence[Line]) -> dict[int, str]:
    """Return, by line, the hashes of contacts that these lines are about to replace, for the visit to be undone with them."""
    kept = {line.key: (line.id, line.contacts) for line in page if line.contacts is not None}
    question = select(record.c.key, feature.c.contacts).outerjoin(feature, feature.c.record_id == record.c.id)
    found = c.execute(question.where(record.c.source_id == source_id, record.c.key.in_(kept))).all()
    return {kept[key][0]: contacts or NOTHING for key, contacts in found if contacts != as_text(kept[key][1])}


def _statement(line: Line) -> Statement:
    """Return what a line says as the journal takes it."""
    assert line.iri is not None
    assert line.document is not None
    assert line.content_hash is not None
    return Statement(line.key, line.iri, line.document, line.content_hash, line.raw_digest, line.origin, line.contacts)


def _take_away(c: Connection, held: Head, line: Line, author: str, visit_id: int, *, confirmed: bool) -> None:
    """Do what a ``gone`` line says."""
    act = (line.document or {}).get("act")
    if act == lines.MISS and not confirmed:
        records.mark_missed(c, [held.id])
    elif act in {lines.MISS, lines.HIDE, lines.ELSEWHERE}:
        records.hide(c, held.id, author, visit_id)
    else:
        records.withdraw(c, held.id, author, line.origin, visit_id)
        if act == lines.PURGE:
            erasure.erase(c, held.id, author)
            c.execute(update(version).where(version.c.record_id == held.id).values(visit_id=visit_id))  # the one that says that it was erased


def refuse_flood(c: Connection, source: Source, added: int, most: int) -> None:
    """Bound what one peer may fill the journal with, visit after visit, withdrawn records included. Raises FormatError."""
    kept = c.execute(select(func.count()).select_from(record).where(record.c.source_id == source.id)).scalar_one()
    if added and kept + added > most:
        raise FormatError(
            Text(
                f"Ce pair aurait ici plus de {most} fiches ({kept} connues, {added} nouvelles) : rien n'est pris.",
                f"This peer would have more than {most} records here ({kept} known, {added} new): nothing is taken.",
            )
        )


def keep_apart(c: Connection, source: Source) -> None:
    """Put what a quarantined source says where no page, search, merge or graph looks."""
    if state_under(source.trust) == LIVE:
        return
    relaying.forget(c, source)
    live = list(c.execute(select(record.c.id, record.c.key).where(record.c.source_id == source.id, record.c.state == LIVE)))
    c.execute(update(record).where(record.c.source_id == source.id, record.c.state == LIVE).values(state=QUARANTINED))
    changes.note(c, "record", [f"{source.name}/{key}" for _, key in live])
    pending.add(c, [number for number, _ in live])


def conclude(c: Connection, source: Source, visit_id: int, outcome: str, *, may_go_on: bool = False) -> None:
    """End a visit: note that the source changed if it did, and forget what the lines had staged, and the lines of old visits.

    A visit that `may_go_on` is waited for by the next one.
    """
    if outcome == "applied":
        changes.note(c, "source", [source.name])
    if not may_go_on:
        visits.clear_documents(c, visit_id, contacts=outcome != "applied")
    lines.forget_old_reports(c, source.id)
