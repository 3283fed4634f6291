"""What the journal implies: for each thing that changed, what the graph holds of it from now on; and all of it, for a rebuild.

Only what anybody may see is implied: public views of live records, and nothing of a source in quarantine.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from sqlalchemy import Connection, select

from app import record as records_as_rdf
from app.errors import NotFound
from app.graph import Change, catalogue
from app.journal import records, sources
from app.journal.changes import Change as Noted
from app.journal.tables import group as group_table
from app.journal.tables import identity
from app.journal.text import from_text
from app.names import Names

Progress = Callable[[int], None]


def changes(c: Connection, names: Names, noted: Iterable[Noted]) -> list[Change]:
    """Return the changes of the graph for what was noted, each thing looked at once, as it is now."""
    by_kind: dict[str, dict[str, None]] = {"record": {}, "group": {}, "source": {}}
    for one in noted:
        by_kind[one.kind][one.name] = None
    quarantined = _quarantined(c)
    found = [change for reference in by_kind["record"] for change in _of_record(c, names, reference, quarantined)]
    found += _of_groups(c, names, list(by_kind["group"]))
    found += [_of_source(c, names, name) for name in by_kind["source"]]
    return found


def _quarantined(c: Connection) -> set[str]:
    """Return the names of the sources kept apart."""
    return {source.name for source in sources.list_(c) if source.trust is sources.Trust.QUARANTINE}


def _of_record(c: Connection, names: Names, reference: str, quarantined: set[str]) -> Iterator[Change]:
    """Yield the record's own graph and its entry in the catalogue."""
    source, _, key = reference.partition("/")
    graph = names.record(source, key)
    record = records.get(c, source, key)
    seen = record if record is not None and record.state == records.LIVE and source not in quarantined else None
    yield Change(graph, "" if seen is None else _said(seen))
    yield Change(names.catalogue, "" if seen is None else catalogue.of_record(names, seen), subject=graph)


def _said(record: records.Record) -> str:
    """Return what everybody may read of a record, as N-Triples."""
    return records_as_rdf.n_triples(records_as_rdf.public_view(record.document))


def _of_groups(c: Connection, names: Names, slugs: Sequence[str]) -> list[Change]:
    """Return the groups of these slugs as they stand in the default graph; a slug without a group is gone."""
    question = select(identity.c.slug, group_table.c.document).join(group_table).where(identity.c.slug.in_(slugs))
    documents = {row.slug: row.document for row in c.execute(question)} if slugs else {}
    return [
        Change(None, records_as_rdf.n_triples(from_text(documents[slug])) if slug in documents else "", subject=names.group(slug)) for slug in slugs
    ]


def _of_source(c: Connection, names: Names, name: str) -> Change:
    """Return the catalogue's entry of a source; one that was removed, or is kept apart, has none."""
    try:
        source = sources.get(c, name)
        text = "" if source.trust is sources.Trust.QUARANTINE else catalogue.of_source(names, source)
    except NotFound:
        text = ""
    return Change(names.catalogue, text, subject=names.source(name))


def quads(c: Connection, names: Names, progress: Progress | None = None) -> Iterator[str]:
    """Yield all that the graph holds, as chunks of N-Quads lines, in flat memory; `progress` is told the records done."""
    quarantined = _quarantined(c)
    for source in sources.list_(c):
        yield _in_graph(_of_source(c, names, source.name).triples, names.catalogue)
    for record in records.live(c):
        if record.source not in quarantined:
            yield _in_graph(_said(record), names.record(record.source, record.key))
            yield _in_graph(catalogue.of_record(names, record), names.catalogue)
        if progress:
            progress(1)
    question = select(group_table.c.document).execution_options(yield_per=500)
    for (document,) in c.execute(question):
        yield records_as_rdf.n_triples(from_text(document))


def _in_graph(triples: str, graph: str) -> str:
    """Return N-Triples lines as N-Quads lines of a graph whose IRI this node made."""
    return "".join(f"{line[:-1]}<{graph}> .\n" for line in triples.split("\n") if line)
