"""Records: JSON-LD from anybody becomes one compact form, and that form becomes statements, hashes and files.

Why one room: what is hashed, stored, checked and published must be the same statements. JSON-LD and RDF libraries stay inside.
"""

from app.record.compact import Document
from app.record.faults import refusal
from app.record.jsontext import parse_json
from app.record.reading import Reading, completed, read
from app.record.serialising import QUAD_TYPES, TRIPLE_TYPES, dataset, serialise, serialise_ntriples, with_context
from app.record.statements import content_hash, n_quads, n_triples, triples
from app.record.visibility import public_view, without_contacts

__all__ = [
    "QUAD_TYPES",
    "TRIPLE_TYPES",
    "Document",
    "Reading",
    "completed",
    "content_hash",
    "dataset",
    "n_quads",
    "n_triples",
    "parse_json",
    "public_view",
    "read",
    "refusal",
    "serialise",
    "serialise_ntriples",
    "triples",
    "with_context",
    "without_contacts",
]
