"""What leaves the node: the formats, the feed's documents as quads, and the view that others may have."""

import json

import pyoxigraph
import pytest

from app.record import QUAD_TYPES, TRIPLE_TYPES, dataset, n_quads, n_triples, public_view, read, serialise, serialise_ntriples, with_context
from tests.shared import SHARED, need

IRI = "https://a.example/groups/g1"
PRIVATE = {
    "id": IRI,
    "name": {"fr": "Groupe (exemple inventé)"},
    "email": "contact@a.example",
    "telephone": "+33 1 00 00 00 00",
    "http://www.w3.org/2006/vcard/ns#hasTelephone": "+33",
    "location": [{"addressLocality": "Paris", "schema:email": "lieu@a.example"}],
    "participations": [{"status": status, "initiative": "https://a.example/initiatives/i"} for status in ("foreseen", "invited", "declined")],
}


def test_without_consent_contacts_and_uninvited_standings_stay_inside():
    """E-mail, telephone (also of a place) and the standings `foreseen` and `declined` need the group's consent."""
    document = read(PRIVATE).document
    view = public_view(document)
    assert "contact@" in json.dumps(document)
    assert not any(word in json.dumps(view) for word in ("contact@", "lieu@", "+33", "foreseen", "declined"))
    assert [p["status"] for p in view["participations"]] == ["invited"]
    assert view["location"][0]["addressLocality"] == "Paris"
    assert "foreseen" not in n_triples(view)


def test_a_group_whose_only_standing_is_private_shows_none():
    """No empty list is left behind."""
    document = read({**PRIVATE, "participations": PRIVATE["participations"][:1]}).document
    assert "participations" not in public_view(document)


def test_with_consent_the_record_leaves_whole():
    """The date of consent opens what the group agreed to; a record with nothing private is itself."""
    agreed = read({**PRIVATE, "consent": "2026-10-02"}).document
    assert public_view(agreed) is agreed
    plain = read({"id": IRI, "name": {"fr": "x"}}).document
    assert public_view(plain) is plain


def test_json_ld_names_the_context_first():
    """What is sent says where its context is."""
    document = read(PRIVATE).document
    assert list(with_context(document, "https://a.example/vocab/context/v1.jsonld"))[:2] == ["@context", "id"]


@pytest.mark.parametrize("media_type", [*TRIPLE_TYPES, *QUAD_TYPES])
def test_quads_of_ours_become_any_format(media_type):
    """N-Quads text is written in every format; formats of one graph hold all of it."""
    document = read(PRIVATE).document
    text = n_quads(document, "https://a.example/records/own/g1") + n_triples(document)
    written = serialise_ntriples(text, media_type)
    quads = list(pyoxigraph.parse(written, format=pyoxigraph.RdfFormat.from_media_type(media_type)))
    assert {f"{q.triple} ." for q in quads} == set(n_triples(document).splitlines())
    assert len(quads) == len(n_triples(document).splitlines()) * (2 if media_type in QUAD_TYPES else 1)


def test_turtle_is_readable():
    """Turtle and TriG use our prefixes and name the graphs."""
    document = read(PRIVATE).document
    turtle = serialise([(None, document)], "text/turtle").decode()
    assert "a mlg:Group" in turtle or "mlg:Group" in turtle
    assert "https://schema.org/name" not in turtle.replace("@prefix schema: <https://schema.org/>", "")
    assert "<https://a.example/records/own/g1> {" in serialise([("https://a.example/records/own/g1", document)], "application/trig").decode()


def test_a_page_of_the_feed_is_a_dataset():
    """A page's events are in the default graph in order, each record in the graph that its event names."""
    page = json.loads(need(SHARED / "vocab-draft" / "examples" / "feed" / "page-3.jsonld").read_text())
    lines = dataset(page).splitlines()
    event = next(item for item in page["orderedItems"] if "record" in item)
    inside = {line for line in lines if line.endswith(f" <{event['id']}> .")}
    assert inside >= set(n_quads(read(event["record"]).document, event["id"]).splitlines())
    assert all("tree#member" in line or "#first>" in line for line in inside - set(n_quads(read(event["record"]).document, event["id"]).splitlines()))
    assert any("https://w3id.org/tree#view" in line for line in lines)
    assert sum("rdf-syntax-ns#first" in line for line in lines) == len(page["orderedItems"])


@pytest.mark.parametrize(
    "said",
    [
        {"http://schema.org/email": "a@b.example"},
        {"http://www.w3.org/2006/vcard/ns#tel": "+33"},
        {"http://xmlns.com/foaf/0.1/phone": "+33"},
        {"https://x.example/ns/contact_E-Mail": "a@b.example"},
        {"schema:department": {"id": f"{IRI}#c", "schema:faxNumber": "+33"}},
        {"sameAs": ["mailto:a@b.example", "https://kept.example/"]},
        {"schema:potentialAction": {"id": "TEL:+33"}},
        {"schema:slogan": {"@type": "xsd:anyURI", "@value": "mailto:a@b.example"}},
    ],
)
def test_contacts_stay_inside_whatever_they_are_called(said):
    """Contacts of other vocabularies, in parts, and as addresses to write to: none leaves without consent, and what is left is whole."""
    document = read({**PRIVATE, **said}).document
    view = public_view(document)
    assert not any(word in json.dumps(view) for word in ("@b.example", "+33"))
    assert not any(word in n_triples(view) for word in ("@b.example", "+33"))
    assert ("https://kept.example/" in json.dumps(view)) == ("sameAs" in said)
    assert public_view(read({**PRIVATE, **said, "consent": "2026-10-02"}).document)["email"] == PRIVATE["email"]


def test_words_that_only_look_like_contacts_stay():
    """A hotel, a name that begins with Tel: and a page for contacts are no contacts."""
    plain = read(
        {"id": IRI, "name": {"fr": "Tel: Aviv"}, "contactPage": "https://a.example/contact", "schema:hotel": "x", "keywords": ["tel quel"]}
    ).document
    assert public_view(plain) is plain
