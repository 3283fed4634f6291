"""Records against the shapes: what is refused, what is warned about, and that the answers are pySHACL's own."""

import json
import threading

import pyoxigraph
import pyshacl
import pytest
import rdflib
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from rdflib.namespace import SH

from app.checking import Checker
from app.errors import Invalid, Severity
from app.record import read, triples
from app.terms import RDF
from app.vocabulary import compact_iri, data_path, load
from tests.record.documents import documents
from tests.shared import SHARED, need

IRI = "https://a.example/groups/g1"
GOOD = {
    "id": IRI,
    "name": {"fr": "Groupe (exemple inventé)"},
    "topics": ["housing"],
    "modified": "2026-10-02T09:00:00Z",
    "license": "https://l.example/",
}
CHECKER = Checker()


def found(severity=Severity.VIOLATION, **more):
    """The (path, value) pairs of one severity for a good record with something more."""
    violations = CHECKER.check([read({**GOOD, **more}).document])[0]
    assert all(violation.message.fr and violation.message.en for violation in violations)
    return {(violation.path, violation.value) for violation in violations if violation.severity is severity}


def test_the_examples_conform():
    """The published examples have neither faults nor warnings."""
    for path in sorted(need(SHARED / "vocab-draft" / "examples").glob("*.jsonld")):
        assert CHECKER.check([read(json.loads(path.read_text())).document]) == [()]


def test_a_record_without_name_is_refused():
    """The name is what a record cannot do without."""
    nameless = {key: value for key, value in GOOD.items() if key != "name"}
    with pytest.raises(Invalid) as caught:
        CHECKER.require(read(nameless).document)
    assert [violation.path for violation in caught.value.violations] == ["name"]
    assert "nom" in caught.value.text.fr
    assert found(name={"fr": ""}) == {("name", "")}


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("name", {"fr": ["a", "b"]}, "a | b"),
        ("name", {"fr": "x" * 201}, "x" * 200),
        ("url", ["urn:isbn:1"], "urn:isbn:1"),
        ("siren", "12", "12"),
        ("siret", "123456789", "123456789"),
        ("rna", "X123", "X123"),
        ("email", "pas une adresse", "pas une adresse"),
        ("telephone", "demander Jean", "demander Jean"),
        ("objectives", ["https://x.example/o"], "https://x.example/o"),
        ("scales", ["mc:housing"], "https://w3id.org/maillage/concept/housing"),
        ("territories", ["Paris"], "Paris"),
        ("founded", "il y a longtemps", "il y a longtemps"),
        ("created", "hier", "hier"),
        ("created", "2026-10-02T09:00:00", "2026-10-02T09:00:00"),
        ("consent", "2026-13-45", "2026-13-45"),
        ("license", ["https://a.example/", "https://b.example/"], "https://a.example/ | https://b.example/"),
        ("location", [{"latitude": "91", "longitude": "2"}], "91"),
        ("location", [{"latitude": "1e5"}], "1e5"),
        ("location", [{"latitude": "1e999999999"}], "1e999999999"),
        ("location", [{"addressLocality": "x" * 130}], "x" * 130),
        ("shares", [{"name": {"fr": "Guide"}}], ""),
        ("cooperations", [{"date": "2026-10-02"}], ""),
        ("participations", [{"initiative": "https://i.example/"}], ""),
        ("participations", [{"initiative": "https://i.example/", "status": "housing:x"}], None),
    ],
)
def test_faults_have_their_key_and_their_value(key, value, shown):
    """A fault names the JSON key (dotted for a part) and the value that is wrong."""
    if shown is None:
        with pytest.raises(Invalid):
            read({**GOOD, key: value})
        return
    faults = found(**{key: value})
    assert {path.split(".")[0] for path, _ in faults} == {key}
    assert {wrong for _, wrong in faults} == {shown}


def test_what_is_only_hoped_for_is_a_warning():
    """A missing licence, date or topic, a person's e-mail, a bare identifier and a country in full are warned about and taken."""
    record = {
        "id": IRI,
        "name": {"fr": "x"},
        "email": "jean.dupont@a.example",
        "identifiers": ["04711097"],
        "location": [{"addressCountry": "France"}],
    }
    warnings = CHECKER.require(read(record).document)
    assert {warning.path for warning in warnings} == {"license", "modified", "topics", "email", "identifiers", "location.addressCountry"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "schema:Person"),
        ("type", "http://schema.org/Person"),
        ("type", "foaf:Person"),
        ("type", "http://www.w3.org/2006/vcard/ns#Individual"),
        ("schema:givenName", "Jeanne"),
        ("http://schema.org/familyName", {"@value": "Exemple", "@language": "fr"}),
        ("schema:birthDate", {"@value": "1970-01-01", "@type": "xsd:date"}),
        ("foaf:mbox", {"id": "mailto:x@a.example"}),
        ("http://www.w3.org/2006/vcard/ns#hasEmail", {"id": "mailto:x@a.example"}),
    ],
)
def test_natural_persons_are_no_records(key, value):
    """Classes of persons and their names, births and mailboxes are refused, at the root and in a part."""
    assert found(**{key: value})
    assert found(location=[{key: value, "addressLocality": "Paris"}])


def test_results_belong_to_their_documents():
    """In a batch each document gets its own results, also when two are of the same group or when one mentions another as its part."""
    good = read(GOOD).document
    bad = read({**GOOD, "siren": "12"}).document
    other = read({**GOOD, "id": "https://b.example/groups/x", "participations": [IRI], "location": [{"id": IRI}]}).document
    results = CHECKER.check([good, bad, other, good, bad])
    assert [{violation.path for violation in result} for result in results] == [
        set(),
        {"siren"},
        {"participations.status", "participations.initiative"},
        set(),
        {"siren"},
    ]


def as_rdflib(term):
    if isinstance(term, pyoxigraph.NamedNode):
        return rdflib.URIRef(term.value)
    datatype = None if term.language else rdflib.URIRef(term.datatype.value)
    return rdflib.Literal(term.value, lang=term.language, datatype=datatype, normalize=False)


def reference(document):
    """What pyshacl.validate says of the same statements and the published shapes: (JSON key, severity) pairs."""
    data, shapes = rdflib.Graph(), rdflib.Graph().parse(data_path("shapes", "group.ttl"))
    for triple in triples(document):
        data.add((as_rdflib(triple.subject), as_rdflib(triple.predicate), as_rdflib(triple.object)))
    _conforms, report, _text = pyshacl.validate(data, shacl_graph=shapes)
    keys = {p.iri: p.key for owner in load().owners.values() for p in owner.values()} | {RDF.type: "type"}
    paths = ((str(report.value(result, SH.resultPath)), report.value(result, SH.resultSeverity)) for result in report.subjects(SH.focusNode, None))
    return {(keys.get(path) or compact_iri(path), severity == SH.Warning) for path, severity in paths}


SPOILT = st.fixed_dictionaries(
    {},
    optional={
        "siren": st.sampled_from(["12", "812345678"]),
        "email": st.sampled_from(["jean@a.example", "contact@a.example", "x"]),
        "created": st.sampled_from(["hier", "2026-10-02T09:00:00Z"]),
        "objectives": st.sampled_from([["knowledge"], ["https://x.example/o"]]),
        "location": st.sampled_from([[{"latitude": "91"}], [{"latitude": "48.9"}, {"longitude": "999"}]]),
        "participations": st.sampled_from([[{"status": "invited"}], [{"initiative": "https://i.example/"}, {"status": "declined"}]]),
        "schema:givenName": st.just("Jeanne"),
    },
)


@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.one_of(documents(), SPOILT.map(lambda spoilt: read({**GOOD, **spoilt}).document)))
def test_results_are_those_of_pyshacl_on_the_published_shapes(document):
    """Spreading targets over property shapes and leaving out what they do not look at changes no verdict."""
    ours = CHECKER.check([document])[0]
    assert {(violation.path.rpartition(".")[2], violation.severity is Severity.WARNING) for violation in ours} == reference(document)


def test_rdflib_is_left_as_it_was():
    """Checking never switches rdflib's rewriting of literals on or off (pyshacl.validate does)."""
    before = rdflib.NORMALIZE_LITERALS
    try:
        for value in (False, True):
            rdflib.NORMALIZE_LITERALS = value
            CHECKER.check([read({**GOOD, "siren": "12"}).document])
            assert rdflib.NORMALIZE_LITERALS is value
    finally:
        rdflib.NORMALIZE_LITERALS = before


def test_many_threads_may_check_at_once():
    """One checker serves several threads, with the same answers."""
    document = read({**GOOD, "siren": "12", "location": [{"latitude": "91"}]}).document
    expected = CHECKER.check([document])
    answers = []
    threads = [threading.Thread(target=lambda: answers.extend(CHECKER.check([document]) for _ in range(5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [expected] * 20


def test_a_refusal_lists_a_hundred_faults_at_most():
    """A record that is wrong everywhere does not make an endless answer."""
    places = [{"latitude": f"{91 + i}", "longitude": f"{181 + i}"} for i in range(150)]
    assert len(CHECKER.check([read({**GOOD, "location": places}).document])[0]) == 100
