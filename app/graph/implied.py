"""What the journal implies: for each thing that changed, what the graph holds of it from now on; and all of it, for a rebuild.

Only what anybody may see is implied: public views of live records, and nothing of a source in quarantine.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, select

from app import record
from app.errors import NotFound
from app.graph import Change, catalogue, statistics
from app.graph.catalogue import Statement
from app.graph.counting import Figures
from app.journal import sources, visits
from app.journal.changes import Change as Noted
from app.journal.records import LIVE
from app.journal.tables import group as group_table
from app.journal.tables import identity
from app.journal.tables import record as record_table
from app.journal.tables import source as source_table
from app.journal.text import Document, from_text
from app.names import Names

Progress = Callable[[int], None]

_log = logging.getLogger(__name__)


def changes(c: Connection, names: Names, noted: Iterable[Noted]) -> list[Change]:
    """Return the changes of the graph for what was noted, each thing looked at once, as it is now; sources are left to `counts`."""
    by_kind: dict[str, dict[str, None]] = {"record": {}, "group": {}, "source": {}}
    for one in noted:
        by_kind[one.kind][one.name] = None
    found = list(_of_records(c, names, list(by_kind["record"])))
    found += _of_groups(c, names, list(by_kind["group"]))
    return found


def counts(c: Connection, names: Names, noted: Iterable[Noted], known: Figures, said: Figures | None) -> Iterator[Change]:
    """Yield the entries of the sources that were noted, and all that is counted and is not as it was when it was last `said`."""
    if (
        said is None
        or (known.groups, known.values, known.records) != (said.groups, said.values, said.records)
        or known.sources.keys() != said.sources.keys()
    ):
        yield statistics.of_node(names, known)
    before = said.sources if said else {}
    other = {name for name, figures in known.sources.items() if figures != before.get(name)}
    for name in sorted(other | {one.name for one in noted if one.kind == "source"}):
        yield _of_source(c, names, name, known)


def _of_records(c: Connection, names: Names, references: Sequence[str]) -> Iterator[Change]:
    """Yield each record's own graph and its entry in the catalogue; both are empty when nobody may see it."""
    seen = {(said.source, said.key): said for said in _named(c, references)}
    for reference in references:
        source, _, key = reference.partition("/")
        said, graph = seen.get((source, key)), names.record(source, key)
        yield Change(graph, "" if said is None else _triples(said))
        yield Change(names.catalogue, "" if said is None else catalogue.of_record(names, said), subject=graph)


def _named(c: Connection, references: Sequence[str]) -> Iterator[Statement]:
    """Yield those of these records that anybody may see, source by source: the table's index begins with it."""
    by_source: dict[str, list[str]] = {}
    for reference in references:
        source, _, key = reference.partition("/")
        by_source.setdefault(source, []).append(key)
    for source, keys in by_source.items():
        source_id = c.execute(select(source_table.c.id).where(source_table.c.name == source)).scalar()
        if source_id is not None:
            yield from _statements(c, record_table.c.source_id == source_id, record_table.c.key.in_(keys))


def _statements(c: Connection, *chosen: ColumnElement[bool]) -> Iterator[Statement]:
    """Yield the live records that anybody may see, in flat memory."""
    question = select(record_table, source_table.c.name).join(source_table).where(record_table.c.state == LIVE, *chosen)
    question = question.where(source_table.c.trust != sources.Trust.QUARANTINE).order_by(record_table.c.id)
    for row in c.execute(question.execution_options(yield_per=500)):
        origin = (row.origin_epoch, row.origin_sequence)
        yield Statement(row.name, row.key, row.iri, from_text(row.document), row.content_hash, row.modified_at, origin)


def _triples(said: Statement) -> str:
    """Return what everybody may read of a record, as N-Triples."""
    return _written(record.public_view(said.document))


def _written(document: Document) -> str:
    """Return a document as N-Triples; one that cannot be written is left out, so that it stops neither the others nor the projection."""
    try:
        return record.n_triples(document)
    except (ValueError, KeyError, TypeError, AttributeError):
        _log.exception("%s cannot be written as RDF; the graph does without it.", document.get("id"))
        return ""


def _of_groups(c: Connection, names: Names, slugs: Sequence[str]) -> list[Change]:
    """Return the groups of these slugs as they stand in the default graph; a slug without a group is gone."""
    question = select(identity.c.slug, group_table.c.document).join(group_table).where(identity.c.slug.in_(slugs))
    documents = {row.slug: row.document for row in c.execute(question)} if slugs else {}
    return [Change(None, _written(from_text(documents[slug])) if slug in documents else "", subject=names.group(slug)) for slug in slugs]


def _of_source(c: Connection, names: Names, name: str, known: Figures) -> Change:
    """Return the catalogue's entry of a source; one that was removed, or is kept apart, has none."""
    try:
        source = sources.get(c, name)
        text = (
            ""
            if source.trust is sources.Trust.QUARANTINE
            else catalogue.of_source(names, source, visits.last_change(c, source.id), statistics.of_source(known.sources.get(name)))
        )
    except NotFound:
        text = ""
    return Change(names.catalogue, text, subject=names.source(name))


def quads(c: Connection, names: Names, known: Figures, progress: Progress | None = None) -> Iterator[str]:
    """Yield all that the graph holds, as chunks of N-Quads lines, in flat memory; `progress` is told the records done."""
    yield _in_graph(statistics.of_node(names, known).triples, names.catalogue)
    for source in sources.list_(c):
        yield _in_graph(_of_source(c, names, source.name, known).triples, names.catalogue)
    for said in _statements(c):
        yield _in_graph(_triples(said), names.record(said.source, said.key))
        yield _in_graph(catalogue.of_record(names, said), names.catalogue)
        if progress:
            progress(1)
    question = select(group_table.c.document).execution_options(yield_per=500)
    for (document,) in c.execute(question):
        yield _written(from_text(document))


def _in_graph(triples: str, graph: str) -> str:
    """Return N-Triples lines as N-Quads lines of a graph whose IRI this node made; in N-Triples only a line's end is written as such."""
    return triples.replace(" .\n", f" <{graph}> .\n")
