"""The side tables of the directory's questions, written in the transaction that rebuilds the groups they speak of."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, text

from app import vocabulary
from app.journal.tables import facet, group, member, record, source
from app.search.facets import SOURCE, many, values
from app.search.words import indexed

Document = dict[str, Any]

AT_ONCE = 500

_ADD_TEXT = text("INSERT INTO search_text (rowid, name, other_names, description, place) VALUES (:id, :name, :other_names, :description, :place)")
_ADD_PLACE = text("INSERT INTO search_place (id, min_lat, max_lat, min_lon, max_lon) VALUES (:id, :lat, :lat, :lon, :lon)")
_REMOVE_TEXT = text("DELETE FROM search_text WHERE rowid = :id")
_REMOVE_PLACE = text("DELETE FROM search_place WHERE id = :id")


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a few groups put into each table."""

    facets: list[dict[str, Any]]
    texts: list[dict[str, Any]]
    places: list[dict[str, Any]]


def refresh(c: Connection, identity_ids: Iterable[int]) -> None:
    """Write the facets, texts and places of these groups anew; a group that is no more leaves none."""
    for ids in _batches(sorted(set(identity_ids))):
        _remove(c, ids)
        _add(c, ids)


def _batches(ids: Iterable[int]) -> Iterator[Sequence[int]]:
    """Cut a long list of groups into pieces that one question can name."""
    waiting = iter(ids)
    while batch := list(islice(waiting, AT_ONCE)):
        yield batch


def _remove(c: Connection, ids: Sequence[int]) -> None:
    """Forget these groups."""
    c.execute(delete(facet).where(facet.c.identity_id.in_(ids)))
    named = [{"id": identity_id} for identity_id in ids]
    c.execute(_REMOVE_TEXT, named)
    c.execute(_REMOVE_PLACE, named)


def _add(c: Connection, ids: Sequence[int]) -> None:
    """Write what these groups say, those of them that there are."""
    sources = _sources(c, ids)
    rows = _Rows([], [], [])
    for found in c.execute(select(group).where(group.c.identity_id.in_(ids))):
        _describe(found, sources.get(found.identity_id, set()), rows)
    for statement, values_ in ((insert(facet), rows.facets), (_ADD_TEXT, rows.texts), (_ADD_PLACE, rows.places)):
        if values_:
            c.execute(statement, values_)


def _sources(c: Connection, ids: Sequence[int]) -> dict[int, set[str]]:
    """Return the names of the sources that speak of each group."""
    joined = member.join(record, record.c.id == member.c.record_id).join(source, source.c.id == record.c.source_id)
    found: dict[int, set[str]] = {}
    for identity_id, name in c.execute(select(member.c.identity_id, source.c.name).select_from(joined).where(member.c.identity_id.in_(ids))):
        found.setdefault(identity_id, set()).add(name)
    return found


def _describe(found: Row[Any], sources: set[str], rows: _Rows) -> None:
    """Add what one group puts into each table."""
    document: Document = json.loads(found.document)
    pairs = {*values(document), *((SOURCE, name) for name in sources)}
    rows.facets.extend({"scheme": scheme, "concept": value, "identity_id": found.identity_id} for scheme, value in sorted(pairs))
    rows.texts.append({"id": found.identity_id} | {column: indexed(written) for column, written in texts(document).items()})
    if found.latitude is not None and found.longitude is not None:
        rows.places.append({"id": found.identity_id, "lat": found.latitude, "lon": found.longitude})


def texts(document: Document) -> dict[str, str]:
    """Return what can be found of a group, by the columns of the text index; its topics count under their names."""
    places = [place for place in many(document.get("location")) if isinstance(place, dict)]
    addresses = [str(place[key]) for place in places for key in ("addressLocality", "postalCode", "streetAddress") if key in place]
    return {
        "name": _in_all_languages(document.get("name")),
        "other_names": "\n".join(str(name) for name in many(document.get("alternateName"))),
        "description": "\n".join([_in_all_languages(document.get("description")), *map(str, many(document.get("keywords"))), *_topics(document)]),
        "place": "\n".join(addresses),
    }


def _in_all_languages(value: Any) -> str:
    """Return the texts of a language map, each on a line; a language may hold several."""
    return "\n".join(str(written) for texts_ in (value or {}).values() for written in many(texts_))


def _topics(document: Document) -> Iterator[str]:
    """Yield the labels of the group's topics."""
    chosen = set(map(str, many(document.get("topics"))))
    for concept in vocabulary.load().schemes["topics"]:
        if concept.notation in chosen:
            yield from concept.labels.values()
