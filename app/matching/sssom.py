"""What is held to be one group, for other programs, in the Simple Standard for Sharing Ontology Mappings (SSSOM 1.0): TSV and JSON-LD.

Judgements of people are `semapv:ManualMappingCuration`, different groups with the modifier `Not`; what the machine merged is
`semapv:CompositeMatching` with its confidence. Several mappings of one pair stand side by side, none is averaged. Only records that are shown
are named, each by the IRI that it is about; the author is the label of a token, never more.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, FromClause, Select, func, select

from app import __version__
from app.journal.judgements import Verdict
from app.journal.records import LIVE
from app.journal.sources import Trust
from app.journal.tables import edge, judgement, member, record, source
from app.matching.filing import MATCHED
from app.names import Names
from app.terms import DCTERMS, OWL, RDFS, SKOS, XSD

SSSOM: Final = "https://w3id.org/sssom/"
SEMAPV: Final = "https://w3id.org/semapv/vocab/"
EXACT: Final = "skos:exactMatch"
HUMAN: Final = "semapv:ManualMappingCuration"
MACHINE: Final = "semapv:CompositeMatching"

COLUMNS: Final = (
    *("subject_id", "predicate_modifier", "predicate_id", "object_id", "mapping_justification", "author_label"),
    *("mapping_date", "mapping_tool", "mapping_tool_version", "confidence", "comment"),
)
"""The slots of a mapping that are given, in the order of the TSV."""

BUILT_IN: Final = {"skos": SKOS.NAMESPACE, "semapv": SEMAPV, "sssom": SSSOM, "owl": OWL.NAMESPACE}
_PAV: Final = "http://purl.org/pav/"

CONTEXT: Final[Mapping[str, Any]] = {
    **BUILT_IN,
    "mapping_set_id": "@id",
    "mappings": f"{SSSOM}mappings",
    "license": {"@id": DCTERMS.license, "@type": "@id"},
    "mapping_set_title": DCTERMS.title,
    "subject_id": {"@id": f"{OWL.NAMESPACE}annotatedSource", "@type": "@id"},
    "predicate_id": {"@id": f"{OWL.NAMESPACE}annotatedProperty", "@type": "@id"},
    "object_id": {"@id": f"{OWL.NAMESPACE}annotatedTarget", "@type": "@id"},
    "mapping_justification": {"@id": f"{SSSOM}mapping_justification", "@type": "@id"},
    "predicate_modifier": f"{SSSOM}predicate_modifier",
    "confidence": {"@id": f"{SSSOM}confidence", "@type": XSD.double},
    "author_label": f"{SSSOM}author_label",
    "mapping_date": {"@id": f"{_PAV}authoredOn", "@type": XSD.date},
    "mapping_tool": f"{SSSOM}mapping_tool",
    "mapping_tool_version": f"{SSSOM}mapping_tool_version",
    "comment": f"{RDFS.NAMESPACE}comment",
}
"""The slots as sssom_schema 1.0.0 maps them; given in the file itself, since no context is to be fetched."""

Slots = dict[str, Any]


def tsv(c: Connection, names: Names, title: str, licence: str) -> Iterator[bytes]:
    """Yield the mappings as SSSOM/TSV: metadata as YAML in comments, then one mapping a line, addresses as CURIEs."""
    prefixes = {space: f"ns{number}" for number, space in enumerate(_spaces(c), start=1)}
    curies = {name: space for space, name in prefixes.items()} | {"skos": SKOS.NAMESPACE, "semapv": SEMAPV}
    head = [f"#mapping_set_id: {json.dumps(names.mappings)}", f"#mapping_set_title: {json.dumps(title)}", f"#license: {json.dumps(licence)}"]
    head += ["#curie_map:", *(f"#  {name}: {json.dumps(space)}" for name, space in sorted(curies.items()))]
    yield ("\n".join(head) + "\n").encode()
    yield _line(COLUMNS)
    for mapping in mappings(c):
        ends = {key: _curie(mapping[key], prefixes) for key in ("subject_id", "object_id")}
        yield _line([str({**mapping, **ends}.get(column, "")) for column in COLUMNS])


def jsonld(c: Connection, names: Names, title: str, licence: str) -> Iterator[bytes]:
    """Yield the mappings as JSON-LD, with whole addresses."""
    head = {"@context": CONTEXT, "@type": "sssom:MappingSet", "mapping_set_id": names.mappings, "mapping_set_title": title, "license": licence}
    yield (json.dumps(head, ensure_ascii=False)[:-1] + ', "mappings": [').encode()
    between = "\n"
    for mapping in mappings(c):
        yield (between + json.dumps({"@type": "owl:Axiom", **mapping}, ensure_ascii=False)).encode()
        between = ",\n"
    yield b"\n]}\n"


def judgement_iri(names: Names, number: int) -> str:
    """Return the address of one judgement."""
    return f"{names.mappings}#judgement-{number}"


def mappings(c: Connection) -> Iterator[Slots]:
    """Yield every mapping: those of people first, then those of the machine, each by its slots."""
    yield from _human(c)
    yield from _machine(c)


def ends(c: Connection, left: str, right: str) -> tuple[str, str] | None:
    """Return what two references are about, None when one of both is not shown or both are about the same address."""
    parts = (reference.partition("/") for reference in (left, right))
    found = [c.execute(_SHOWN.where(source.c.name == name, record.c.key == key)).scalar() for name, _, key in parts]
    return (str(found[0]), str(found[1])) if all(found) and found[0] != found[1] else None


def human(subject: str, target: str, verdict: str, author: str, at: str, reason: str | None) -> Slots:
    """Return the slots of a person's judgement, which is `same` or `different`."""
    slots = {"subject_id": subject, "predicate_id": EXACT, "object_id": target, "mapping_justification": HUMAN}
    said = {"author_label": author, "mapping_date": at[:10]} | ({"comment": " ".join(reason.split())} if reason else {})
    return slots | ({"predicate_modifier": "Not"} if verdict == Verdict.DIFFERENT else {}) | said


def confidence(score: float) -> float:
    """Return how sure the machine is: the score is the logarithm of odds.

    >>> confidence(0.0), confidence(2.0)
    (0.5, 0.881)
    """
    return round(1 / (1 + math.exp(-max(-50.0, min(50.0, score)))), 3)


def _human(c: Connection) -> Iterator[Slots]:
    """Yield the judgements that hold."""
    for row in c.execute(_JUDGED):
        yield human(row.subject, row.object, row.verdict, row.author, row.at, row.reason)


def _machine(c: Connection) -> Iterator[Slots]:
    """Yield the pairs that were merged."""
    tool = {"mapping_tool": "Maillage", "mapping_tool_version": __version__}
    for row in c.execute(_MERGED):
        slots = {"subject_id": row.subject, "predicate_id": EXACT, "object_id": row.object, "mapping_justification": MACHINE}
        yield slots | tool | {"confidence": confidence(row.score)}


def _spaces(c: Connection) -> list[str]:
    """Return what the addresses begin with, up to their last part."""
    return sorted({_space(mapping[key]) for mapping in mappings(c) for key in ("subject_id", "object_id")})


def _space(iri: str) -> str:
    """Return an address up to its last slash or hash sign."""
    return iri[: max(iri.rfind("/"), iri.rfind("#")) + 1]


def _curie(iri: str, prefixes: Mapping[str, str]) -> str:
    """Shorten an address."""
    space = _space(iri)
    return f"{prefixes[space]}:{iri[len(space) :]}"


def _line(cells: Any) -> bytes:
    """Write one line, cells that hold a tab or a quote in quotes."""
    written = io.StringIO()
    csv.writer(written, dialect="excel-tab", lineterminator="\n").writerow(cells)
    return written.getvalue().encode()


_SHOWN: Final = (
    select(record.c.iri).join(source, source.c.id == record.c.source_id).where(record.c.state == LIVE, source.c.trust != Trust.QUARANTINE.value)
)
_LEFT, _RIGHT = record.alias("subject_record"), record.alias("object_record")
_LEFT_SOURCE, _RIGHT_SOURCE = source.alias("subject_source"), source.alias("object_source")
_ENDS: Final = (_LEFT.c.iri.label("subject"), _RIGHT.c.iri.label("object"))
_BOTH_SHOWN: Final = (
    *(_LEFT.c.state == LIVE, _RIGHT.c.state == LIVE, _LEFT.c.iri != _RIGHT.c.iri),
    *(one.c.trust != Trust.QUARANTINE.value for one in (_LEFT_SOURCE, _RIGHT_SOURCE)),
)


def _of_references() -> Select[Any]:
    """Judgements with the records that they name."""
    joined: FromClause = judgement
    for side, one, its in ((judgement.c.left, _LEFT, _LEFT_SOURCE), (judgement.c.right, _RIGHT, _RIGHT_SOURCE)):
        name, key = func.substr(side, 1, func.instr(side, "/") - 1), func.substr(side, func.instr(side, "/") + 1)
        joined = joined.join(its, its.c.name == name).join(one, (one.c.source_id == its.c.id) & (one.c.key == key))
    said = (judgement.c.verdict, judgement.c.author, judgement.c.at, judgement.c.reason)
    standing = (judgement.c.revoked_at.is_(None), judgement.c.verdict != Verdict.UNSURE.value)
    return select(*_ENDS, *said).select_from(joined).where(*standing, *_BOTH_SHOWN).order_by(judgement.c.id)


def _of_edges() -> Select[Any]:
    """Pairs that were merged, with their records."""
    mine, theirs = member.alias("subject_member"), member.alias("object_member")
    joined: FromClause = edge
    for column, one, its, part in ((edge.c.left_id, _LEFT, _LEFT_SOURCE, mine), (edge.c.right_id, _RIGHT, _RIGHT_SOURCE, theirs)):
        joined = joined.join(one, one.c.id == column).join(its, its.c.id == one.c.source_id).join(part, part.c.record_id == one.c.id)
    merged = (edge.c.state == MATCHED, mine.c.identity_id == theirs.c.identity_id)
    return select(*_ENDS, edge.c.score).select_from(joined).where(*merged, *_BOTH_SHOWN).order_by(edge.c.left_id, edge.c.right_id)


_JUDGED: Final = _of_references()
_MERGED: Final = _of_edges()
