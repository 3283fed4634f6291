"""Every fused value has its origins and the rule that chose it."""

from typing import Any

import pytest

from app.matching.fuse import Statement, fuse
from app.record import n_triples, read, triples
from tests.matching.desk import NAMES, Desk

IRI = "http://127.0.0.1:8000/groups/lucioles"


def said(reference: str, at: str = "2026-01-01", iri: str | None = None, **document: Any) -> Statement:
    return Statement(reference, iri or NAMES.record(*reference.split("/", 1)), document, at, reference.startswith("own/"))


def test_names_are_voted_upon_by_source_in_their_usual_spelling() -> None:
    """Two sources outvote one; capitals lose against the same name in small letters; the loser stays in the origins."""
    fused = fuse(
        IRI,
        [said("a/1", name={"fr": "LES LUCIOLES"}), said("b/1", name={"fr": "Les Lucioles"}), said("c/1", name={"fr": "Lucioles du Nord"})],
        NAMES,
    )
    assert fused.document["name"] == {"fr": "Les Lucioles"}
    (origin,) = fused.origins["name"]
    assert (origin["language"], origin["from"], origin["rule"]) == ("fr", ["a/1", "b/1"], "vote")
    assert origin["lost"] == [{"value": "Lucioles du Nord", "from": ["c/1"]}]


def test_facts_that_age_go_to_the_newest_of_equals() -> None:
    """One source against one: the newer phone number is kept."""
    fused = fuse(IRI, [said("a/1", "2020-01-01", telephone="0199000001"), said("b/1", "2026-01-01", telephone="0199000002")], NAMES)
    assert fused.document["telephone"] == "0199000002"


def test_our_own_word_comes_first() -> None:
    """What our own record says is not outvoted by two peers."""
    fused = fuse(
        IRI,
        [said("a/1", name={"fr": "Ancien nom"}), said("b/1", name={"fr": "Ancien nom"}), said("own/lucioles", name={"fr": "Les Lucioles"})],
        NAMES,
    )
    assert fused.document["name"] == {"fr": "Les Lucioles"}


def test_lists_are_united_and_identifiers_flagged() -> None:
    """Topics are united; two RNA numbers are both kept, and said to contradict each other."""
    fused = fuse(IRI, [said("a/1", topics=["housing"], rna="W931111111"), said("b/1", topics=["culture", "housing"], rna="W932222222")], NAMES)
    assert fused.document["topics"] == ["housing", "culture"]
    assert fused.origins["topics"][0]["from"] == ["a/1", "b/1"]
    assert fused.document["rna"] == ["W931111111", "W932222222"]
    assert all(origin["conflict"] for origin in fused.origins["rna"])


def test_a_licence_stands_only_if_all_agree() -> None:
    """One record without a licence, or with another one, and the group has none."""
    free = "https://creativecommons.org/publicdomain/zero/1.0/"
    assert fuse(IRI, [said("a/1", license=free), said("b/1", license=free)], NAMES).document["license"] == free
    assert "license" not in fuse(IRI, [said("a/1", license=free), said("b/1")], NAMES).document
    assert "license" not in fuse(IRI, [said("a/1", license=free), said("b/1", license="https://a.example/")], NAMES).document


def test_parts_are_re_rooted_under_the_group() -> None:
    """Places and other parts get addresses under the group's; the same partner twice is one cooperation."""
    fused = fuse(
        IRI,
        [
            said(
                "a/1",
                "2020",
                location={"id": "https://a.example/1#l", "postalCode": "93200"},
                cooperations=[{"id": "x#1", "partner": "https://p.example/"}],
            ),
            said(
                "b/1",
                "2021",
                location=[
                    {"id": "https://b.example/1#l", "postalCode": "93200", "streetAddress": "1 rue Neuve", "latitude": "48.9", "longitude": "2.3"}
                ],
            ),
            said("c/1", "2022", cooperations=[{"id": "y#1", "partner": "https://p.example/"}]),
        ],
        NAMES,
    )
    (place,) = fused.document["location"]
    assert place["id"] == f"{IRI}#location-1"
    assert (place["postalCode"], place["streetAddress"], place["latitude"]) == ("93200", "1 rue Neuve", "48.9")
    assert fused.origins["location.postalCode"][0]["from"] == ["b/1", "a/1"]
    assert [part["id"] for part in fused.document["cooperations"]] == [f"{IRI}#cooperations-1"]


def test_two_addresses_are_not_mixed() -> None:
    """Of two contradicting addresses one is kept whole."""
    old = {"streetAddress": "1 rue Neuve", "postalCode": "93200", "addressLocality": "Saint-Denis"}
    new = {"streetAddress": "2 place Haute", "postalCode": "75018", "addressLocality": "Paris"}
    fused = fuse(IRI, [said("a/1", "2020", location=[old]), said("b/1", "2026", location=[new])], NAMES)
    assert {key: fused.document["location"][0][key] for key in new} == new


def test_records_and_exact_matches_are_named() -> None:
    """The group names the graphs it was made from, and the addresses that other nodes use; not its own."""
    fused = fuse(
        IRI,
        [said("a/1", iri="https://a.example/groups/1"), said("own/lucioles", iri=IRI), said("csv/9", iri=f"{NAMES.record('csv', '9')}#group")],
        NAMES,
    )
    assert fused.document["exactMatch"] == ["https://a.example/groups/1"]
    assert fused.document["records"] == [NAMES.record("a", "1"), NAMES.record("csv", "9"), NAMES.record("own", "lucioles")]


def test_what_has_no_consent_is_not_fused(desk: Desk, atelier: dict[str, Any]) -> None:
    """A contact without consent is nowhere in the combined group; with consent it is there."""
    desk.say("a/1", {key: value for key, value in atelier.items() if key != "consent"})
    assert "email" not in desk.document(desk.slug("a/1"))
    desk.say("b/1", atelier)
    assert desk.document(desk.slug("a/1"))["email"] == "contact@lucioles.example"
    assert desk.origins(desk.slug("a/1"))["email"][0]["from"] == ["b/1"]


def peer_says(name: str, **document: Any) -> Statement:
    """What a peer says in words that are not all ours, read as a visit reads it."""
    reading = read({"name": {"fr": "Les Lucioles"}} | document, iri=f"https://{name}.example/groups/a")
    return Statement(f"{name}/a", reading.iri, reading.document, "2026-01-01", own=False)


@pytest.mark.parametrize(
    "said",
    [
        [{"@language": "fr", "@value": ""}],
        [{"@type": "xsd:date", "@value": ""}],
        [{"@language": "fr", "@value": "a"}, {"@language": "en", "@value": "b"}],
        [{"@language": "fr", "@value": "a"}, ["y", "z"], "x", {"id": "https://z.example/"}],
        [{"id": "#x", "schema:legalName": "S"}, {"id": "#x", "schema:legalName": "T"}],
    ],
)
def test_what_is_not_in_our_words_is_united_and_can_be_written(said: list[Any]) -> None:
    """Values of properties that no rule knows are kept as each record says them; an empty one does not break the group."""
    fused = fuse(IRI, [peer_says(f"p{number}", **{"schema:slogan": value}) for number, value in enumerate(said)], NAMES)
    lines = [line for line in n_triples(fused.document).splitlines() if "slogan" in line]
    assert len(lines) == sum(len(value) if isinstance(value, list) else 1 for value in said)


def test_a_group_speaks_of_itself_only() -> None:
    """Parts that hang on any property, of the record or of its places, are moved under the group; else they would outlive it in the graph."""
    said = peer_says(
        "p",
        **{
            "schema:department": [{"id": "#x", "schema:legalName": "S", "schema:parent": {"id": "#y", "schema:legalName": "T"}}],
            "location": [{"addressLocality": "Paris", "schema:keeper": {"id": "#z", "schema:legalName": "U"}}],
            "cooperations": [{"partner": "https://q.example/", "schema:terms": {"id": "#w", "schema:legalName": "V"}}],
            "schema:head": {"id": "#y"},
        },
    )
    document = fuse(IRI, [said], NAMES).document
    subjects = {str(triple.subject.value) for triple in triples(document)}
    assert all(subject == IRI or subject.startswith(f"{IRI}#") for subject in subjects)
    assert {"S", "T", "U", "V"} <= {triple.object.value for triple in triples(document)}
    (head,) = [value["id"] for value in document["schema:head"]]
    assert head in subjects


def test_a_peer_cannot_say_who_is_the_same_for_everybody() -> None:
    """What a peer says is the same stays its claim in its own graph: the combined directory never says owl:sameAs."""
    said = peer_says("p", **{"http://www.w3.org/2002/07/owl#sameAs": {"id": "https://victim.example/groups/b"}})
    assert "victim" not in n_triples(fuse(IRI, [said], NAMES).document)
