"""The endpoint says what it is."""

import pyoxigraph

from app.names import Names
from app.sparql import description
from app.sparql.pool import Limits
from app.terms import MLG, SD


def test_the_description_is_rdf_and_says_where_the_endpoint_is(names: Names) -> None:
    """SPARQL 1.1 Service Description: a service, its endpoint, its language, its formats, its graphs; no blank nodes."""
    text = description.triples(names, Limits(timeout_s=2.5, max_rows=70), [names.record("carte", "g1")])
    quads = list(pyoxigraph.parse(text, pyoxigraph.RdfFormat.N_TRIPLES))
    said = {(quad.predicate.value, quad.object.value) for quad in quads if isinstance(quad.object, pyoxigraph.NamedNode)}
    assert (SD.endpoint, "http://node.example/sparql") in said
    assert (SD.supportedLanguage, SD.SPARQL11Query) in said
    assert {(SD.name, names.catalogue), (SD.name, "http://node.example/records/carte/g1")} <= said
    assert sum(predicate == SD.resultFormat for predicate, _ in said) == 10
    limits = {quad.predicate.value: quad.object.value for quad in quads if isinstance(quad.object, pyoxigraph.Literal) and not quad.object.language}
    assert (limits[MLG.timeLimit], limits[MLG.rowLimit], limits[MLG.textLimit]) == ("PT2.5S", "70", "16384")
    assert not any(isinstance(quad.subject, pyoxigraph.BlankNode) for quad in quads)
