"""What the catalogue graph says of each record's named graph and of each source: who said it, when, under which licence.

Values come from peers, so each is written only if it is of the form that its place in a line of N-Triples asks for.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.journal.sources import Source
from app.journal.text import Document
from app.names import OWN, Names, without_secrets
from app.terms import DCAT, DCTERMS, FOAF, MLG, PROV, RDF, XSD

_REST = r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2}|[^\x00-\xa0\ud800-\uf8ff\ufdd0-\ufdef\ufff0-\U0010ffff])*"
_HOST = r"(?:[A-Za-z0-9._~-]|[^\x00-\xa0\ud800-\uf8ff\ufdd0-\ufdef\ufff0-\U0010ffff])+(?::[0-9]{1,5})?"
_ADDRESS = re.compile(rf"https?://{_HOST}(?:[/?]{_REST})?(?:\#{_REST})?\Z")
"""A web address that can stand in a line: what `record` takes and more, but nothing that ends a term."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)\Z")
_SLUG = re.compile(r"[a-z0-9-]+\Z")
_HASH = re.compile(r"[a-z0-9-]+:[0-9a-f]+\Z")


@dataclass(frozen=True, slots=True)
class Statement:
    """What one source says now of one record, and when the node took it; `origin` is the epoch and sequence of its event."""

    source: str
    key: str
    iri: str
    document: Document
    content_hash: str
    modified_at: str
    origin: tuple[int | None, int | None]


def of_record(names: Names, record: Statement) -> str:
    """Return the N-Triples lines about the named graph of a live record."""
    graph = names.record(record.source, record.key)
    epoch, sequence = record.origin
    return lines(
        graph,
        (
            link(DCTERMS.source, names.source(record.source)),
            link(FOAF.primaryTopic, record.iri),
            *(link(DCTERMS.license, licence) for licence in _texts(record.document.get("license"))),
            *(_typed(DCTERMS.modified, moment, _MOMENT, XSD.dateTime) for moment in _texts(record.document.get("modified"))),
            _typed(PROV.generatedAtTime, record.modified_at, _MOMENT, XSD.dateTime),
            link(MLG.origin, names.node) if record.source == OWN else None,
            number(MLG.epoch, epoch),
            number(MLG.sequence, sequence),
            _typed(MLG.contentHash, record.content_hash, _HASH, None),
        ),
    )


def of_source(names: Names, source: Source, changed_at: str | None, counted: Iterable[str | None] = ()) -> str:
    """Return the N-Triples lines about a source; `changed_at` is when a visit to it last changed something, `counted` its figures."""
    return lines(
        names.source(source.name),
        (
            link(RDF.type, DCAT.Dataset),
            _typed(DCTERMS.title, source.name, _SLUG, None),
            link(DCAT.accessURL, without_secrets(source.url) if source.url else None),
            link(DCTERMS.license, source.licence),
            link(DCTERMS.publisher, names.node) if source.name == OWN else None,
            _typed(DCTERMS.modified, changed_at, _MOMENT, XSD.dateTime),
            *counted,
        ),
    )


def lines(subject: str, said: Iterable[str | None]) -> str:
    """Write what is said of a subject of this node."""
    return "".join(f"<{subject}> {rest} .\n" for rest in said if rest)


def link(predicate: str, iri: str | None) -> str | None:
    """Say a link, if there is one and it is an absolute web address."""
    return f"<{predicate}> <{iri}>" if iri and _ADDRESS.match(iri) else None


def _typed(predicate: str, value: str | None, form: re.Pattern[str], datatype: str | None) -> str | None:
    """Say a value of a known form."""
    if not value or not form.match(value):
        return None
    return f'<{predicate}> "{value}"' + (f"^^<{datatype}>" if datatype else "")


def number(predicate: str, value: int | None) -> str | None:
    """Say a whole number."""
    return None if value is None else f'<{predicate}> "{value}"^^<{XSD.integer}>'


def _texts(value: object) -> list[str]:
    """Return the texts of a JSON value: one, several, or none."""
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]
