"""The vocabulary's files are complete, bilingual, and the one source of what is generated from them."""

import re
from re import _parser as parser  # the standard library's own parser of patterns

import pytest
from rdflib import Graph, URIRef
from rdflib.namespace import OWL, RDF, RDFS, SH, SKOS

from app.record.text import SCHEMES
from app.terms import MLG
from app.vocabulary import PREFIXES, Kind, compact_iri, data_path, generated, load

VOCAB = [data_path("vocab", name) for name in ("maillage.ttl", "concepts.ttl", "borrowed.ttl")]
SHAPES = [data_path("shapes", name) for name in ("group.ttl", "feed.ttl")]
RECORD_OWNERS = ("Group", "Place", "Participation", "Cooperation", "KnowledgeResource")


def graph(*paths):
    found = Graph()
    for path in paths:
        found.parse(path)
    return found


def languages(found, subject, *predicates):
    return {text.language for predicate in predicates for text in found.objects(subject, predicate)}


def test_generated_files_are_up_to_date():
    """context.jsonld and terms.py are exactly what `maillage vocabulary` would write."""
    for path, text in generated().items():
        assert path.read_text() == text, f"{path.name} is stale: run `maillage vocabulary`"


def test_every_term_has_a_french_and_an_english_name():
    """Classes, properties, schemes, concepts and borrowed terms are named in both languages, ours are defined in both too."""
    found = graph(*VOCAB)
    for subject in set(found.subjects()):
        if (subject, RDF.type, OWL.Ontology) in found:
            continue
        assert languages(found, subject, RDFS.label, SKOS.prefLabel) == {"fr", "en"}, subject
        if str(subject).startswith((MLG.NAMESPACE, PREFIXES["mc"])):
            assert languages(found, subject, SKOS.definition) == {"fr", "en"}, subject


def test_every_shape_property_has_names_and_messages_in_both_languages():
    """A form has its labels and a refusal its sentence, in French and in English."""
    found = graph(*SHAPES)
    records = graph(SHAPES[0])
    for node in set(found.subjects(SH.path, None)):
        assert languages(found, node, SH.name) == {"fr", "en"}, found.value(node, SH.path)
    for node in set(records.subjects(SH.path, None)):
        assert languages(records, node, SH.message) == {"fr", "en"}, records.value(node, SH.path)


def test_closed_lists_repeat_their_scheme():
    """A `sh:in` list holds exactly the concepts of the key's scheme, in the scheme's order."""
    shapes, vocabulary = graph(SHAPES[0]), load()
    lists = list(shapes.subject_objects(SH["in"]))
    assert len(lists) == 4
    for node, head in lists:
        scheme = str(shapes.value(node, URIRef(MLG.scheme))).rsplit("/", 1)[1]
        assert [str(item) for item in shapes.items(head)] == [concept.iri for concept in vocabulary.schemes[scheme]]


def test_schemes_agree_with_their_concepts():
    """Each scheme lists its concepts, which are numbered without a gap and have notations of their own."""
    found = graph(VOCAB[1])
    position = URIRef(PREFIXES["schema"] + "position")
    for scheme in found.subjects(RDF.type, SKOS.ConceptScheme):
        members = set(found.subjects(SKOS.inScheme, scheme))
        assert set(found.objects(scheme, SKOS.hasTopConcept)) == members
        assert sorted(int(found.value(member, position)) for member in members) == list(range(1, len(members) + 1))
        assert len({str(found.value(member, SKOS.notation)) for member in members}) == len(members)


def nested_repeats(pattern):
    """The repeats of a pattern that stand inside another unbounded repeat and could share its text."""

    def walk(items, inside):
        for operation, argument in items:
            name = str(operation)
            if name in ("MAX_REPEAT", "MIN_REPEAT"):
                _low, high, body = argument
                unbounded = high == parser.MAXREPEAT
                if unbounded and inside:
                    yield pattern
                yield from walk(body, inside or unbounded)
            elif name == "SUBPATTERN":
                yield from walk(argument[3], inside)
            elif name == "BRANCH":
                for branch in argument[1]:
                    yield from walk(branch, inside)
            elif name in ("GROUPREF", "ASSERT", "ASSERT_NOT"):
                yield pattern

    return list(walk(parser.parse(pattern), False))


def test_patterns_are_anchored_linear_and_bounded():
    """No `sh:pattern` can be made to run long: anchored, no repeat within a repeat, no back-reference, and a `sh:maxLength` beside it."""
    found = graph(*SHAPES)
    patterns = list(found.subject_objects(SH.pattern))
    assert len(patterns) > 15
    for node, pattern in patterns:
        assert str(pattern).startswith("^"), pattern
        assert nested_repeats(str(pattern)) == [], pattern
        assert found.value(node, SH.maxLength) is not None, pattern
    assert nested_repeats("^(a+)+$")
    assert nested_repeats(r"^(a)\1$")


@pytest.mark.parametrize("text", ["a" * 60_000, "contact" + ".a" * 30_000, "a@" + "." * 60_000 + " ", "1" * 60_000, "COM-" + "0" * 60_000 + "!"])
def test_patterns_end_on_long_texts(text):
    """Every pattern, tried on a text near the limit of 64 KiB, answers."""
    for pattern in {str(p) for p in graph(*SHAPES).objects(None, SH.pattern)}:
        re.search(pattern, text, re.IGNORECASE)


def test_no_allowed_iri_scheme_is_a_prefix_or_a_term():
    """An IRI that a record may carry never means something else once it stands in our context."""
    assert not set(SCHEMES) & (set(PREFIXES) | set(load().context))


def test_the_context_protects_its_terms():
    """A peer's context cannot redefine `name`; keywords have the names that records use."""
    context = load().context
    assert context["@protected"] is True
    assert (context["id"], context["type"], context["record"]) == ("@id", "@type", "@graph")
    assert context["stream"] == {"@reverse": "tree:view"}
    assert context["orderedItems"] == {"@id": "as:items", "@type": "@id", "@container": "@list"}


def test_the_context_keeps_every_key_of_the_protocol():
    """The keys of a feed's root, pages and events, and those of records, are in the context."""
    feed = """
        totalItems first last stream origin epoch timestampPath sequencePath versionOfPath versionCreateObject versionUpdateObject versionDeleteObject
        pollingInterval retentionPolicy fullLogDuration versionAmount versionDeleteDuration relation node path value partOf members immutable
        prev next orderedItems object sequence published contentHash record purge via
        Create Update Delete OrderedCollection OrderedCollectionPage EventStream EventSource"""
    records = """
        Group Participation Cooperation KnowledgeResource name description alternateName url logo sameAs email telephone contactPage siren siret
        rna identifiers objectives knowHow topics keywords scales areaServed territories location latitude longitude streetAddress postalCode
        addressLocality addressCountry memberOf cooperatesWith cooperations partner shares participations status initiative suggestedBy
        discussedIn date founded created modified license consent records exactMatch"""
    assert set(f"{feed} {records}".split()) <= set(load().context)


def test_properties_say_how_their_values_are_written():
    """Kinds, parts, schemes and order come from the shapes."""
    group = load().properties("Group")
    assert list(group)[:3] == ["name", "alternateName", "description"]
    assert (group["name"].kind, group["name"].required) == (Kind.LANGUAGE_MAP, True)
    assert (group["topics"].kind, group["topics"].scheme, group["topics"].many) == (Kind.CONCEPT, "topics", True)
    assert (group["location"].kind, group["location"].part) == (Kind.PART, "Place")
    assert (group["created"].kind, compact_iri(group["created"].datatype)) == (Kind.TYPED, "xsd:dateTime")
    assert (group["license"].kind, group["license"].many, group["license"].required) == (Kind.IRI, False, False)
    assert load().properties("Participation")["status"].scheme == "statuses"
    assert all(set(p.labels) == {"fr", "en"} for owner in RECORD_OWNERS for p in load().properties(owner).values())


def test_labels_speak_both_languages_and_fall_back():
    """A label is in the language asked, else French, else the compact IRI."""
    housing = PREFIXES["mc"] + "housing"
    assert load().label(housing, "en-GB") == "Housing"
    assert load().label(housing, "fr") == "Logement"
    assert load().label(housing, "de") == "Logement"
    assert load().label(PREFIXES["schema"] + "name", "fr") == "nom"
    assert load().label("https://schema.org/slogan", "fr") == "schema:slogan"


def test_the_seed_is_in_the_vocabulary():
    """The poster's three objectives, four know-hows and six topics are there, documented."""
    vocabulary = load()
    assert {name: len(concepts) for name, concepts in vocabulary.schemes.items()} == {
        "knowhow": 4,
        "objectives": 3,
        "scales": 3,
        "statuses": 5,
        "topics": 6,
    }
    assert {term.name for term in vocabulary.classes} >= {
        "Group",
        "Participation",
        "Initiative",
        "Workshop",
        "KnowledgeResource",
        "Cooperation",
        "Node",
    }
    assert len(vocabulary.relations) >= 21


def test_vocabulary_and_shapes_are_in_the_public_domain():
    """Both folders carry CC0."""
    for folder in ("vocab", "shapes"):
        assert "CC0 1.0 Universal" in data_path(folder, "LICENSE").read_text()
