"""What the SPARQL endpoint says of itself when it is asked nothing (SPARQL 1.1 Service Description), as N-Triples."""

from collections.abc import Iterable

from app.names import Names
from app.sparql.guard import MAX_BYTES
from app.sparql.pool import Limits
from app.terms import DCTERMS, FORMATS, MLG, RDF, SD, XSD

_FORMATS = (
    FORMATS.SPARQL_Results_JSON,
    FORMATS.SPARQL_Results_XML,
    FORMATS.SPARQL_Results_CSV,
    FORMATS.SPARQL_Results_TSV,
    FORMATS.Turtle,
    FORMATS.N_Triples,
    FORMATS.JSON_LD,
    FORMATS.RDF_XML,
    FORMATS.TriG,
    FORMATS.N_Quads,
)


_GRAPHS = (
    ("fr", "Le graphe par défaut est l'annuaire réuni ; chaque fiche de chaque source a son graphe nommé, que le catalogue décrit."),
    ("en", "The default graph is the combined directory; each record of each source has its named graph, which the catalogue describes."),
)


def triples(names: Names, limits: Limits, named_graphs: Iterable[str] = ()) -> str:
    """Return the description as sorted N-Triples lines; the catalogue, which describes all named graphs, is always named."""
    endpoint = f"{names.base}/sparql"
    dataset, default = f"{endpoint}#dataset", f"{endpoint}#default-graph"
    said = [
        (endpoint, RDF.type, SD.Service),
        (endpoint, SD.endpoint, endpoint),
        (endpoint, SD.supportedLanguage, SD.SPARQL11Query),
        (endpoint, SD.defaultDataset, dataset),
        *((endpoint, SD.resultFormat, iri) for iri in _FORMATS),
        (dataset, RDF.type, SD.Dataset),
        (dataset, SD.defaultGraph, default),
        (default, RDF.type, SD.Graph),
    ]
    for graph in (names.catalogue, *named_graphs):
        said += _named(endpoint, dataset, graph)
    lines = [f"<{subject}> <{predicate}> <{object_}> .\n" for subject, predicate, object_ in said]
    lines += (f"<{endpoint}> <{predicate}> {literal} .\n" for predicate, literal in _limits(limits))
    lines += (f'<{dataset}> <{DCTERMS.description}> "{text}"@{language} .\n' for language, text in _GRAPHS)
    return "".join(sorted(lines))


def _limits(limits: Limits) -> list[tuple[str, str]]:
    """Return what one query may use, as predicates and literals."""
    durations = ((MLG.timeLimit, limits.timeout_s), (MLG.budget, limits.budget_s))
    numbers = (
        (MLG.rowLimit, limits.max_rows),
        (MLG.byteLimit, limits.max_bytes),
        (MLG.memoryLimit, limits.memory_mb << 20),
        (MLG.textLimit, MAX_BYTES),
    )
    return [
        *((predicate, f'"PT{seconds:g}S"^^<{XSD.duration}>') for predicate, seconds in durations),
        *((predicate, f'"{number}"^^<{XSD.integer}>') for predicate, number in numbers),
    ]


def _named(endpoint: str, dataset: str, graph: str) -> list[tuple[str, str, str]]:
    """Say that the dataset has a named graph; `graph` is an IRI of this node."""
    part = f"{endpoint}#graph-of-{graph.rpartition('/')[2]}"
    return [
        (dataset, SD.namedGraph, part),
        (part, RDF.type, SD.NamedGraph),
        (part, SD.name, graph),
        (part, SD.graph, f"{part}-content"),
        (f"{part}-content", RDF.type, SD.Graph),
    ]
