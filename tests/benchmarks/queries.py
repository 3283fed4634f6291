"""The 18 questions of research/engine.md section 2, asked of a node's own layout: the default graph is the combined directory,
named graphs are records, the catalogue says who told them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PREFIXES: Final = """PREFIX mlg: <https://w3id.org/maillage/ns#> PREFIX mc: <https://w3id.org/maillage/concept/>
PREFIX schema: <https://schema.org/> PREFIX dcterms: <http://purl.org/dc/terms/> PREFIX org: <http://www.w3.org/ns/org#>
PREFIX skos: <http://www.w3.org/2004/02/skos/core#> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
"""


@dataclass(frozen=True, slots=True)
class Query:
    """A question; `whole` says that two engines must give the same values, otherwise only as many."""

    name: str
    text: str
    whole: bool = True
    graph: bool = False


_TEXTS: Final[Mapping[str, str]] = {
    "lookup by IRI": "SELECT ?p ?o { <{group}> ?p ?o }",
    "facet counts (DISTINCT)": "SELECT ?topic (COUNT(DISTINCT ?g) AS ?n) { ?g a mlg:Group ; dcterms:subject ?topic } GROUP BY ?topic",
    "CONTAINS(LCASE) LIMIT 20": 'SELECT ?g ?n { ?g a mlg:Group ; schema:name ?n FILTER(CONTAINS(LCASE(STR(?n)), "vau")) } LIMIT 20',
    "REGEX count": 'SELECT (COUNT(*) AS ?n) { ?g a mlg:Group ; schema:name ?name FILTER(REGEX(STR(?name), "^(atelier|régie) .*mont", "i")) }',
    "geo bounding box": """SELECT ?g ?lat ?lon { ?g a mlg:Group ; schema:location ?l . ?l schema:latitude ?lat ; schema:longitude ?lon
        FILTER(?lat > 45 && ?lat < 47 && ?lon > 1 && ?lon < 3) }""",
    "join of 2 sources": """SELECT ?g ?mine ?theirs { GRAPH <{base}/catalogue> { ?r1 dcterms:source <{base}/peers/annuaire-1> }
        ?g mlg:record ?r1, ?r2 . GRAPH <{base}/catalogue> { ?r2 dcterms:source <{base}/peers/own> }
        GRAPH ?r1 { ?s1 schema:name ?theirs } GRAPH ?r2 { ?s2 schema:name ?mine } }""",
    "path parent+": "SELECT ?p { <{group}> schema:memberOf+ ?p }",
    "path 2 hops either way": "SELECT DISTINCT ?x { <{group}> (mlg:cooperatesWith|^mlg:cooperatesWith)/(mlg:cooperatesWith|^mlg:cooperatesWith) ?x }",
    "OPTIONAL x7, page of 100": """SELECT * { ?g a mlg:Group . OPTIONAL { ?g schema:name ?name } OPTIONAL { ?g schema:description ?d }
        OPTIONAL { ?g schema:url ?url } OPTIONAL { ?g mlg:scale ?scale } OPTIONAL { ?g mlg:rna ?rna } OPTIONAL { ?g schema:memberOf ?of }
        OPTIONAL { ?g mlg:cooperatesWith ?with } } LIMIT 100""",
    "ORDER BY date LIMIT 20": "SELECT ?g ?m { ?g a mlg:Group ; dcterms:modified ?m } ORDER BY DESC(?m) ?g LIMIT 20",
    "CONSTRUCT record": "CONSTRUCT { ?s ?p ?o } { GRAPH <{record}> { ?s ?p ?o } }",
    "DESCRIBE": "DESCRIBE <{group}>",
    "ASK": "ASK { <{group}> schema:name ?n }",
    "COUNT(*) default graph": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }",
    "COUNT(*) GRAPH ?g": "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }",
    "FILTER NOT EXISTS count": "SELECT (COUNT(*) AS ?n) { ?g a mlg:Group FILTER NOT EXISTS { ?g mlg:rna ?r } }",
    "GROUP BY source, topic": """SELECT ?source ?topic (COUNT(*) AS ?n) { GRAPH <{base}/catalogue> { ?r dcterms:source ?source }
        GRAPH ?r { ?g dcterms:subject ?topic } } GROUP BY ?source ?topic""",
    "4 facets + ORDER BY page": """SELECT ?g ?name { ?g dcterms:subject mc:housing ; schema:knowsAbout mc:code-webdesign ; mlg:scale mc:metropolitan ;
        org:purpose mc:cooperation ; schema:name ?name } ORDER BY ?name ?g LIMIT 20""",
}
_LOOSE: Final = frozenset({"CONTAINS(LCASE) LIMIT 20", "OPTIONAL x7, page of 100", "COUNT(*) GRAPH ?g"})
"""Pages without an order, where which rows come is the engine's choice; and a count to which ours adds two quads that no dump holds, the
position and the epoch of the journal.
"""

_GRAPHS: Final = frozenset({"CONSTRUCT record", "DESCRIBE"})


def queries(base: str, group: int) -> list[Query]:
    """Return the questions about the node at `base`; those about one group ask for our own of that number."""
    places = {"base": base, "group": f"{base}/groups/g{group}", "record": f"{base}/records/own/g{group}"}
    return [Query(name, PREFIXES + _placed(text, places), name not in _LOOSE, name in _GRAPHS) for name, text in _TEXTS.items()]


def _placed(text: str, places: Mapping[str, str]) -> str:
    """Put addresses in the place of their names; braces of SPARQL stay."""
    for name, iri in places.items():
        text = text.replace(f"{{{name}}}", iri)
    return text
