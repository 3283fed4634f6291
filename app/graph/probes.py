"""What an unknown SPARQL server can do, found out by trying: whose its default graph is, whether its updates are whole, what it keeps of a literal.

Only the graph ``{base}/probe`` is written, and nothing stays in it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from app.errors import StoreUnavailable, Text
from app.graph import updates
from app.graph.remote import Dataset, Server
from app.graph.updates import EPOCH, term
from app.names import Names, without_secrets

XSD = "http://www.w3.org/2001/XMLSchema#"
SUBJECT = "urn:x-maillage:probe"
LONG = "é" * 60_000
"""A text as long as the longest that a record may hold."""

LITERALS = {
    "decimal": ("48.900000", f"^^<{XSD}decimal>"),
    "date": ("2026-01-02", f"^^<{XSD}date>"),
    "moment": ("2026-01-02T03:04:05.123Z", f"^^<{XSD}dateTime>"),
    "language": ("l'été, l’œuvre 𝄞", "@fr"),
    "boolean": ("true", f"^^<{XSD}boolean>"),
    "quotes": ('a "b" \\ c\nd', ""),
    "long": (LONG, "@fr"),
}
"""One literal of each kind that a record holds, and what stands behind its quotes."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out.

    `union`: the default graph shows what the named graphs hold. `atomic`: an update that fails half-way leaves nothing. `lost`: the kinds of
    literals that do not come back with the same value. `chooses`: a query's default graph can be chosen by the protocol. `deletes`:
    it deletes by a list of names. `foreign`: there is data in the directory's place that this node did not write.
    """

    software: str
    union: bool
    atomic: bool
    lost: tuple[str, ...]
    chooses: bool
    deletes: bool
    foreign: bool

    def __str__(self) -> str:
        """Say it in one line for the log."""
        place = "is the union of all graphs" if self.union else "is its own"
        updates_are = "whole or nothing" if self.atomic else "not known to be atomic"
        lost = ", ".join(self.lost) or "none"
        return f"{self.software or 'unnamed server'}; its default graph {place}; updates are {updates_are}; literals lost: {lost}."


def look(server: Server, names: Names) -> Findings:
    """Try what there is to know. Raises StoreUnavailable when the server does not answer, or takes no update at all."""
    graph = f"{names.base}/probe"
    clear = updates.clearing(graph)
    lines = [f'<{SUBJECT}> <{SUBJECT}-{kind}> "{text.translate(_ESCAPES)}"{rest} .' for kind, (text, rest) in LITERALS.items()]
    server.update(";\n".join([clear, *updates.inserting([(graph, lines)])]))
    try:
        union = bool(server.rows(f"SELECT * WHERE {{ <{SUBJECT}> <{SUBJECT}-date> ?o }}"))
        lost = _lost(server, graph)
        chooses = bool(server.rows(f"SELECT * WHERE {{ <{SUBJECT}> <{SUBJECT}-date> ?o }}", Dataset((graph,))))
        for operation in updates.forgetting(graph, [SUBJECT]):
            server.update(operation)
        deletes = not server.rows(f"SELECT * WHERE {{ GRAPH {term(graph)} {{ ?s ?p ?o }} }}")
        return Findings(server.software, union, _is_atomic(server, graph), lost, chooses, deletes, _is_foreign(server, names, union))
    finally:
        server.update(clear)


def _lost(server: Server, graph: str) -> tuple[str, ...]:
    """Return the kinds of literals that do not come back as they were."""
    rows = server.rows(f"SELECT ?p ?o WHERE {{ GRAPH {term(graph)} {{ <{SUBJECT}> ?p ?o }} }}")
    back = {row["p"].removeprefix(f"{SUBJECT}-"): row["o"] for row in rows}
    return tuple(kind for kind, (text, _) in LITERALS.items() if not _same(kind, text, back.get(kind, "")))


def _same(kind: str, text: str, back: str) -> bool:
    """Tell whether two spellings are of one value."""
    try:
        if kind == "decimal":
            return Decimal(text) == Decimal(back)
        if kind == "moment":
            return datetime.fromisoformat(text) == datetime.fromisoformat(back)
    except (ValueError, InvalidOperation):
        return False
    return text == back or (kind == "boolean" and back == "1")


def _is_atomic(server: Server, graph: str) -> bool:
    """Send an update whose second half must fail, and look whether the first half was done. A server that lets it pass tells nothing."""
    try:
        server.update(f"INSERT DATA {{ GRAPH {term(graph)} {{ <{SUBJECT}> <{SUBJECT}> 1 }} }};\nLOAD <urn:x-maillage:nothing>")
    except StoreUnavailable as error:
        _log.debug("The update that had to fail did: %s", error)
        return not server.rows(f"SELECT * WHERE {{ GRAPH {term(graph)} {{ ?s ?p ?o }} }}")
    return False


def _is_foreign(server: Server, names: Names, union: bool) -> bool:
    """Tell whether the directory's place holds something although no node like this one ever wrote here."""
    catalogue, place = term(names.catalogue), names.directory if union else None
    if server.rows(f"SELECT ?o WHERE {{ GRAPH {catalogue} {{ {catalogue} <{EPOCH}> ?o }} }}"):
        return False
    pattern = "?s ?p ?o" if place is None else f"GRAPH {term(place)} {{ ?s ?p ?o }}"
    return bool(server.rows(f"SELECT ?s WHERE {{ {pattern} }} LIMIT 1"))


def require_fit(server: Server, found: Findings) -> None:
    """Refuse a server that would give wrong answers, or whose data are not ours. Raises StoreUnavailable."""
    address = without_secrets(server.address)
    if found.foreign:
        raise StoreUnavailable(
            Text(
                f"Le serveur {address} contient déjà d'autres données dans son graphe par défaut : donnez à ce nœud un jeu de données vide.",
                f"The server {address} already holds other data in its default graph: give this node an empty dataset.",
            )
        )
    if len(found.lost) == len(LITERALS):
        raise _unfit(address, "ce que GRAPH_UPDATE_URL écrit ne se lit pas à GRAPH_URL", "what GRAPH_UPDATE_URL writes is not read at GRAPH_URL")
    if not found.deletes:
        raise _unfit(address, "il n'efface pas ce qu'on lui dit d'effacer (DELETE … WHERE)", "it does not delete what it is told to (DELETE … WHERE)")
    if found.union and not found.chooses:
        raise _unfit(
            address,
            "son graphe par défaut réunit tous les graphes, et il ignore « default-graph-uri »",
            "its default graph is the union of all graphs, and it ignores 'default-graph-uri'",
        )
    if found.lost:
        kinds = ", ".join(found.lost)
        raise _unfit(address, f"il change la valeur de littéraux ({kinds})", f"it changes the value of literals ({kinds})")


def _unfit(address: str, fr: str, en: str) -> StoreUnavailable:
    """Say why a server cannot hold the graph."""
    return StoreUnavailable(
        Text(
            f"Le serveur {address} ne peut pas tenir ce graphe : {fr}. Choisissez-en un autre (docs/scaling.md).",
            f"The server {address} cannot hold this graph: {en}. Choose another (docs/scaling.md).",
        )
    )
