"""A score is the sum of its reasons, and does not depend on which record comes first."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.matching.normalise import features
from app.matching.score import MATCH, REVIEW, Subject, promising, score
from app.matching.statistics import Statistics

SECRET = b"secret"
NAMES = ["Jardin partagé des Orteaux", "Les Jardins des Orteaux", "JPO", "Atelier vélo St-Denis", "Fédération des ateliers vélo", "Сад", ""]
PLACES: list[dict[str, str]] = [
    {"postalCode": "75020", "addressLocality": "Paris", "streetAddress": "3 bis rue des Orteaux"},
    {"postalCode": "93200", "addressLocality": "SAINT DENIS", "latitude": "48.93", "longitude": "2.35"},
    {"postalCode": "M1 1AE", "addressLocality": "Manchester", "addressCountry": "GB"},
    {"latitude": "0", "longitude": "0"},
]


def documents() -> st.SearchStrategy[dict[str, Any]]:
    values: dict[str, st.SearchStrategy[Any]] = {
        "alternateName": st.lists(st.sampled_from(NAMES), max_size=2),
        "location": st.lists(st.sampled_from(PLACES), max_size=2),
        "telephone": st.sampled_from(["01 99 00 12 34", "+33 1 99 00 12 34", "310/246-1501"]),
        "email": st.sampled_from(["info@a.example", "jardin.orteau@gmail.com", "jardinorteaux@gmail.com", "no"]),
        "url": st.lists(st.sampled_from(["https://www.a.example/", "http://a.example", "https://facebook.com/a", "x"]), max_size=2),
        "siret": st.sampled_from(["12345678900011", "12345678900022", "98765432100011"]),
        "siren": st.sampled_from(["123456789", "987654321"]),
        "rna": st.sampled_from(["W751234567", "W759999999"]),
        "identifiers": st.lists(st.sampled_from(["GB-COH-04711097", "GB-COH-1", "odd"]), max_size=2),
        "topics": st.lists(st.sampled_from(["housing", "culture"]), max_size=2),
    }
    return st.fixed_dictionaries({"name": st.sampled_from(NAMES).map(lambda name: {"fr": name})}, optional=values)


@settings(max_examples=300, deadline=None)
@given(documents(), documents(), st.booleans(), st.sampled_from([0, 500, 100_000]))
def test_a_score_is_the_sum_of_its_reasons_in_either_direction(left: dict[str, Any], right: dict[str, Any], same_source: bool, records: int) -> None:
    """What is shown adds up to the score; left and right may change places; the shortcut says what the long way says."""
    statistics = Statistics(records=records)
    mine = Subject(features(left, None, SECRET), statistics, "a/1")
    theirs = Subject(features(right, None, SECRET), statistics, "a/2" if same_source else "b/1")
    found = score(mine, theirs, statistics)
    assert found.total == pytest.approx(sum(reason.weight for reason in found.reasons), abs=0.01)
    assert score(theirs, mine, statistics) == found
    assert promising(mine, theirs, statistics) == (found if found.total >= REVIEW or found.relation else None)


def _total(left: dict[str, Any], right: dict[str, Any], references: tuple[str, str] = ("a/1", "b/1")) -> float:
    statistics = Statistics()
    subjects = [
        Subject(features(document, None, SECRET), statistics, reference) for document, reference in zip((left, right), references, strict=True)
    ]
    return score(subjects[0], subjects[1], statistics).total


def test_a_shared_free_mail_host_says_nothing(atelier: dict[str, Any]) -> None:
    """Two addresses at gmail.com are no more alike than two at different hosts."""
    at_gmail = _total({**atelier, "email": "abc@gmail.com"}, {**atelier, "email": "xyz@gmail.com"})
    elsewhere = _total({**atelier, "email": "abc@a.example"}, {**atelier, "email": "xyz@b.example"})
    own_host = _total({**atelier, "email": "abc@a.example"}, {**atelier, "email": "xyz@a.example"})
    assert at_gmail == elsewhere < own_host


def test_a_shared_platform_says_nothing() -> None:
    """Two pages of facebook.com are two pages, and two paths of one's own site nearly one."""
    name = {"name": {"fr": "Les Lucioles"}}
    on_platform = _total({**name, "url": ["https://facebook.com/a"]}, {**name, "url": ["https://facebook.com/b"]})
    on_own_site = _total({**name, "url": ["https://lucioles.example/a"]}, {**name, "url": ["https://lucioles.example/b"]})
    assert on_platform < on_own_site


def test_one_source_needs_strong_evidence(atelier: dict[str, Any]) -> None:
    """The same name in the same town merges two sources' records, but not two records of one source."""
    little = {"name": atelier["name"], "location": [{"postalCode": "93200", "addressLocality": "Saint-Denis"}]}
    assert _total(little, little) >= MATCH
    assert _total(little, little, ("a/1", "a/2")) < MATCH
    assert _total(atelier, atelier, ("a/1", "a/2")) >= MATCH


def test_british_postcodes_are_not_french() -> None:
    """Two districts of one British town are not two départements."""
    group = {"name": {"en": "Oranmore Street Workers Cooperative"}}
    near = [{"postalCode": "LE1 5EW", "addressCountry": "GB"}], [{"postalCode": "LE2 1AA", "addressCountry": "GB"}]
    far = [{"postalCode": "75020"}], [{"postalCode": "69001"}]
    assert _total({**group, "location": near[0]}, {**group, "location": near[1]}) > _total(
        {**group, "location": far[0]}, {**group, "location": far[1]}
    )


def test_names_without_latin_letters_are_compared_as_they_are() -> None:
    """A Cyrillic name equals itself and no other."""
    same = _total({"name": {"bg": "Ателие Конкордия"}}, {"name": {"bg": "АТЕЛИЕ КОНКОРДИЯ"}})
    other = _total({"name": {"bg": "Ателие Конкордия"}}, {"name": {"bg": "Павлина Унуфриева"}})
    assert same > other + 5


def test_a_name_alone_does_not_merge_unless_it_is_rare() -> None:
    """Without any place, homonyms stay two until a contact agrees; a name of words that nobody else uses is enough."""
    usual = {"name": {"fr": "Les Lucioles du Canal"}}
    assert REVIEW <= _total(usual, usual) < MATCH
    assert _total({**usual, "email": "x@a.example"}, {**usual, "email": "x@a.example"}) >= MATCH
    rare = {"name": {"fr": "Farfadets Zinzolins Tourneboule"}}
    assert _total(rare, rare) >= MATCH
