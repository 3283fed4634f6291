"""What `read` takes, what it fills in, what it reports and what it refuses, each with a sentence."""

import pytest

from app.errors import Invalid, Malformed
from app.record import n_triples, read

IRI = "https://a.example/groups/g1"
CONTEXT = "https://w3id.org/maillage/context/v1.jsonld"


def minimal(**more):
    return {"id": IRI, "name": {"fr": "Groupe (exemple inventé)"}, **more}


def refusal(value, **options):
    with pytest.raises((Malformed, Invalid)) as caught:
        read(value, **options)
    assert caught.value.text.fr and caught.value.text.en
    return caught.value


@pytest.mark.parametrize(
    "context",
    [
        CONTEXT,
        "http://w3id.org/maillage/context/v1.jsonld",
        "https://peer.example/vocab/context/v1.jsonld",
        "http://127.0.0.1:8001/some/base/vocab/context/v1.jsonld",
        "https://old.example/ctx",
        [CONTEXT],
        None,
    ],
)
def test_our_context_is_known_under_all_its_addresses(context):
    """The context may be absent, named by w3id, by any node, or by an address that the caller knows."""
    document = minimal() if context is None else {"@context": context, **minimal()}
    assert read(document, contexts={"https://old.example/ctx"}).document == read(minimal()).document


def test_types_are_completed():
    """Every record says that it is a Group and a schema:Organization; a part that states no class gets that of its kind."""
    document = read(minimal(type="org:Organization", location=[{"addressLocality": "Paris"}], participations=[{"status": "invited"}])).document
    assert document["type"] == ["Group", "schema:Organization", "org:Organization"]
    assert document["location"] == [{"id": f"{IRI}#location-1", "type": "schema:Place", "addressLocality": "Paris"}]
    assert document["participations"][0]["type"] == "Participation"


def test_parts_get_addresses_that_nobody_has():
    """Parts without an address are numbered under the record's; a number that is taken is passed over."""
    places = [{"addressLocality": "A"}, {"id": "#location-1", "addressLocality": "B"}, {"id": "_:x", "addressLocality": "C"}]
    document = read(minimal(location=places)).document
    assert [place["id"] for place in document["location"]] == [f"{IRI}#location-2", f"{IRI}#location-1", f"{IRI}#location-3"]


def test_another_address_moves_the_parts_along():
    """With `iri`, the record, its parts and its mentions of itself get the new address; other addresses stay."""
    new = "https://b.example/groups/other"
    cooperation = {"id": f"{IRI}#c", "partner": "https://c.example/groups/x", "schema:about": {"id": IRI}}
    document = read(minimal(cooperations=[cooperation], sameAs=[f"{IRI}0"]), iri=new).document
    assert document["id"] == new
    assert document["cooperations"][0] == {
        "id": f"{new}#c",
        "type": "Cooperation",
        "partner": "https://c.example/groups/x",
        "schema:about": {"id": new},
    }
    assert document["sameAs"] == [f"{IRI}0"]


def test_an_address_may_be_given_to_a_record_that_has_none():
    """Without `id` the caller's address is used; without either the record is refused."""
    assert read({"name": {"fr": "x"}}, iri=IRI).iri == IRI
    assert read({"@id": "_:b0", "name": {"fr": "x"}}, iri=IRI).iri == IRI
    assert "full address" in refusal({"name": {"fr": "x"}}).text.en


def test_aliases_prefixes_and_spellings_come_to_one_form():
    """`@id` and `id`, a prefixed key and ours, a notation and its IRI, upper-case tags and numbers are the same statements."""
    ours = minimal(topics=["housing"], location=[{"id": f"{IRI}#l", "type": "schema:Place", "latitude": "48.9362"}], url=["https://a.example/"])
    other = {
        "@id": IRI,
        "@type": ["https://w3id.org/maillage/ns#Group"],
        "schema:name": {"@value": "Groupe (exemple inventé)", "@language": "FR"},
        "http://purl.org/dc/terms/subject": [{"@id": "mc:housing"}],
        "location": {"id": "#l", "latitude": 48.9362},
        "url": {"id": "https://a.example/"},
    }
    assert read(other).document == read(ours).document


def test_properties_we_do_not_know_are_kept_when_they_are_iris():
    """A prefixed or absolute property stays, with language, datatype or reference."""
    document = read(
        minimal(
            **{
                "schema:slogan": {"@value": "Ensemble", "@language": "fr"},
                "https://d.example/size": [12, True, 1.5],
                "https://d.example/of": {"@id": "https://d.example/x"},
            }
        )
    ).document
    assert document["schema:slogan"] == {"@language": "fr", "@value": "Ensemble"}
    assert document["https://d.example/size"] == [
        {"@type": "xsd:integer", "@value": "12"},
        {"@type": "xsd:boolean", "@value": "true"},
        {"@type": "xsd:decimal", "@value": "1.5"},
    ]
    assert document["https://d.example/of"] == {"id": "https://d.example/x"}


def test_unknown_keys_are_reported_with_their_path():
    """What nothing maps is dropped and said, at any depth: keys, types, keys of the feed, invalid property IRIs."""
    reading = read(
        minimal(
            zork=1,
            type=["Group", "Zork"],
            location=[{"addressLocality": "Paris", "etage": 3}],
            participations=[{"status": "invited", "note": "x"}, {"status": "declined", "note": "y"}],
            sequence=4,
            record={},
            **{"bad key: with spaces": 1, "": 2},
        )
    )
    assert set(reading.unknown) == {
        "zork",
        "type.Zork",
        "location.etage",
        "participations.note",
        "sequence",
        "record",
        "bad key: with spaces",
        "",
    }
    assert "zork" not in reading.document


def test_unknown_keys_are_reported_with_a_context_of_their_own_too():
    """With a context written in the document, PyLD would drop them in silence; here they are said."""
    inline = {"nom": {"@id": "https://schema.org/name", "@container": "@language"}, "lieu": "https://schema.org/location", "loc": "@type"}
    reading = read({"@context": inline, "@id": IRI, "nom": {"fr": "x"}, "oubli": 1, "lieu": {"ville": "Paris", "loc": "Endroit"}})
    assert reading.document["name"] == {"fr": "x"}
    assert set(reading.unknown) == {"oubli", "location.ville", "location.type.Endroit"}


def test_a_context_may_add_to_ours():
    """Ours and one written in the document can be combined; it cannot change what our keys mean."""
    extended = read({"@context": [CONTEXT, {"devise": "https://schema.org/slogan"}], **minimal(devise="Ensemble")})
    assert extended.document["schema:slogan"] == "Ensemble"
    refused = refusal({"@context": [CONTEXT, {"name": "https://evil.example/name"}], **minimal()})
    assert "protected term redefinition" in refused.text.en


def test_a_flattened_document_of_one_record_is_read():
    """`@graph` with the group and its parts is one record, the group being found by its class or by its address."""
    graph = [
        {"id": f"{IRI}#l", "type": "schema:Place", "addressLocality": "Paris"},
        {"id": IRI, "type": "Group", "name": {"fr": "x"}, "location": [{"id": f"{IRI}#l"}]},
    ]
    expected = read(minimal(name={"fr": "x"}, location=[{"id": f"{IRI}#l", "type": "schema:Place", "addressLocality": "Paris"}])).document
    assert read({"@context": CONTEXT, "@graph": graph}).document == expected
    assert read({"@context": CONTEXT, "@graph": graph}, iri=IRI).document == expected


def test_faults_of_values_come_all_at_once_with_path_and_value():
    """Every value that is not what its key asks for is told, with the key's path, the value and what to write instead."""
    error = refusal(
        minimal(
            name="sans langue",
            description={"123": "x", "fr": 5},
            url=["www.a.example", "javascript:alert(1)"],
            topics=["housing", "gardening"],
            siren=123456789,
            location=[{"latitude": [], "postalCode": {"@value": "75018", "@language": "fr"}}],
            memberOf=["a b"],
        )
    )
    assert isinstance(error, Invalid)
    assert {(v.path, v.value) for v in error.violations} == {
        ("name", "sans langue"),
        ("description.123", "x"),
        ("description.fr", "5"),
        ("url", "www.a.example"),
        ("url", "javascript:alert(1)"),
        ("topics", "gardening"),
        ("siren", "123456789"),
        ("location.postalCode", "75018"),
        ("memberOf", "a b"),
    }
    assert all(v.message.fr and v.message.en for v in error.violations)


def test_a_record_speaks_of_itself_only():
    """Statements about any other subject are refused, wherever they hide; a bare mention is not a statement."""
    other = "https://victim.example/groups/g9"
    for hidden in (
        {"location": [{"id": other, "addressLocality": "Paris"}]},
        {"memberOf": {"id": other, "name": {"fr": "volé"}}},
        {"schema:parentOrganization": {"id": other, "schema:slogan": "volé"}},
        {"cooperations": [{"id": f"{IRI}evil#x", "partner": other}]},
        {"cooperations": [{"id": f"{IRI}#c", "partner": {"id": other, "type": "Group"}}]},
        {"location": [{"id": f"{IRI}#", "addressLocality": "Paris"}]},
        {"location": [{"id": IRI, "addressLocality": "Paris"}]},
    ):
        assert "speaks of itself only" in refusal(minimal(**hidden)).text.en
    graph = [{"id": IRI, "type": "Group", "name": {"fr": "x"}, "memberOf": [other]}, {"id": other, "name": {"fr": "volé"}}]
    refusal({"@context": CONTEXT, "@graph": graph}, iri=IRI)
    lonely = [{"id": IRI, "type": "Group", "name": {"fr": "x"}}, {"id": f"{IRI}#alone", "name": {"fr": "y"}}]
    assert "not linked" in refusal({"@context": CONTEXT, "@graph": lonely}).text.en
    assert read(minimal(memberOf=[other])).document["memberOf"] == [other]
    assert read(minimal(location=[{"id": other}])).document["location"] == [{"id": other}]


def test_every_subject_is_the_record_or_a_fragment_of_it():
    """After reading, no statement has another subject."""
    raw = minimal(location=[{"addressLocality": "A"}], shares=[{"name": {"fr": "Guide"}, "license": "https://l.example/"}])
    from_triples = {line.split(" ")[0] for line in n_triples(read(raw).document).splitlines()}
    assert from_triples == {f"<{IRI}>", f"<{IRI}#location-1>", f"<{IRI}#shares-1>"}


def test_objects_without_an_address_are_refused_where_they_are_no_part():
    """A blank node is only taken where a part of a record is expected."""
    assert "without an address" in refusal(minimal(**{"schema:founder": {"schema:slogan": "x"}})).text.en
    assert "without an address" in refusal(minimal(memberOf={"name": {"fr": "x"}})).text.en
    assert "without an address" in refusal(minimal(location=[{"id": "_:nowhere"}])).text.en


def test_a_record_whose_address_has_a_fragment_has_no_parts():
    """No address could be given to its parts: it is refused with a sentence when it has any."""
    assert read(minimal(id="https://a.example/data#g1")).iri == "https://a.example/data#g1"
    refusal(minimal(id="https://a.example/data#g1", location=[{"addressLocality": "Paris"}]))


@pytest.mark.parametrize(
    "value",
    [
        "https://u:p@a.example/",
        "https://a.example/\u202eexe",
        "https://a.example/ x",
        "https://a.example/<x>",
        "http:///x",
        "https://",
        "x" * 3000,
        "file:///etc/passwd",
    ],
)
def test_addresses_with_tricks_are_refused(value):
    """Userinfo, bidi and other forbidden characters, no host, other schemes and endless ones are no addresses here."""
    refusal(minimal(sameAs=[value]))
    refusal(minimal(**{"schema:about": {"id": value}}))
    refusal({**minimal(), "id": value})


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\u202e", "\u2066", "\u2028", "\ud800", "\ufffe"])
def test_hidden_characters_are_refused(character):
    """Control, bidi, line-separator, surrogate and non-characters are refused in every text."""
    for place in ({"name": {"fr": f"a{character}"}}, {"keywords": [f"a{character}"]}, {"schema:slogan": f"a{character}"}):
        assert isinstance(refusal(minimal(**place)), Invalid)


def test_line_breaks_belong_in_descriptions_only():
    """A name stays on one line, a description may have paragraphs."""
    assert read(minimal(description={"fr": "un\n\ndeux"})).document["description"] == {"fr": "un\n\ndeux"}
    assert "one line" in refusal(minimal(name={"fr": "un\ndeux"})).text.en
    assert "one line" in refusal(minimal(alternateName=["un\ndeux"])).text.en


def test_nulls_and_empty_lists_say_nothing():
    """Null and the empty list are no values, and no unknown keys either."""
    reading = read(minimal(url=[], email=None, zork=None, description={"fr": None}))
    assert reading == read(minimal())
