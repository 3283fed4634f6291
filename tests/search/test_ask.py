"""Questions about the directory: words, boxes, dates, facets, pages."""

import itertools
import threading
from typing import Any

import pytest

from app.journal import changes
from app.search.ask import Selection


def pages(groups: Any, *query: tuple[str, str], limit: int = 7) -> list[str]:
    """Follow the cursor to the end."""
    seen: list[str] = []
    cursor: str | None = None
    while True:
        asked = [*query, ("limit", str(limit)), *([("cursor", cursor)] if cursor else [])]
        result = groups.search.find(Selection.from_query(asked))
        seen += [row.slug for row in result.groups]
        cursor = result.next_cursor
        if cursor is None:
            return seen
        assert len(result.groups) == limit


@pytest.mark.parametrize(
    "question", ["habitants", "HABITANT", "Hâbitants", "habitants des quartiers", "quart", "l'habitant", "saint denis", "Saint-Denis"]
)
def test_forms_accents_case_and_beginnings_find_the_group(groups: Any, question: str) -> None:
    """«habitants» finds «habitant», «quart» begins «quartiers», an apostrophe or a hyphen changes nothing."""
    groups.add("a", "L'habitant des quartiers", location=[{"addressLocality": "Saint-Denis"}])
    groups.add("b", "Autre chose")
    assert groups.found(("q", question)) == ["a"]


@pytest.mark.parametrize(
    "question",
    [
        '"',
        '""',
        "'",
        "a AND",
        "OR",
        "NOT a",
        "NEAR(a b, 2)",
        "name:a",
        "a*",
        "^a",
        "-a",
        "(a",
        "a)",
        "{name} : a",
        "a + b",
        ";--",
        "%",
        "\\",
        "a\x00b",
        "*",
        "🙂",
        "²",
        "l'",
        "\ud800",
    ],
)
def test_no_sign_in_a_question_breaks_it(groups: Any, question: str) -> None:
    """Apostrophes, hyphens, quotes and the operators of the index are read as words or as nothing."""
    groups.add("a", "Atelier a b")
    assert groups.found(("q", question)) in ([], ["a"])


def test_a_question_without_words_finds_nothing(groups: Any) -> None:
    """Signs alone are not a question that every group answers."""
    groups.add("a", "Atelier")
    assert groups.found(("q", "?!")) == []


def test_those_come_first_that_have_the_words_in_their_name(groups: Any) -> None:
    """Name, then other names, then place, then the rest; by name within each."""
    groups.add("d", "A1", description={"fr": "la fabrique"})
    groups.add("c", "A2", location=[{"addressLocality": "Fabrique"}])
    groups.add("b", "A3", alternateName=["Fabrique"])
    groups.add("z", "Z Fabrique")
    groups.add("a", "La fabrique")
    assert groups.found(("q", "fabriques")) == ["a", "z", "b", "c", "d"]
    assert pages(groups, ("q", "fabriques"), limit=1) == ["a", "z", "b", "c", "d"]


POINTS = {
    "fiji": ("-17.8", "178.0"),
    "samoa": ("-13.8", "-172.0"),
    "paris": ("48.8566", "2.3522"),
    "line": ("0", "180"),
    "corner": ("48.8566001", "2.3522001"),
}


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ("2,48,3,49", {"paris", "corner"}),
        ("2.3522,48.8566,2.3522,48.8566", {"paris"}),
        ("2.35220005,48.85660005,2.4,48.9", {"corner"}),
        ("170,-30,-170,10", {"fiji", "samoa", "line"}),
        ("-180,-90,180,90", set(POINTS)),
        ("3,-90,2,90", {"fiji", "samoa", "line"}),
        ("179,-90,180,90", {"line"}),
    ],
)
def test_a_box_holds_what_is_in_it_to_the_last_digit(groups: Any, box: str, expected: set[str]) -> None:
    """Edges belong to the box, the index's rounding does not show, and west of east means across the antimeridian."""
    for slug, (latitude, longitude) in POINTS.items():
        groups.add(slug, location=[{"latitude": latitude, "longitude": longitude}])
    groups.add("nowhere")
    assert set(groups.found(("bbox", box))) == expected


def test_groups_changed_since_a_moment(groups: Any) -> None:
    """The moment itself is included."""
    groups.add("old", modified_at="2026-01-01T00:00:00.000Z")
    groups.add("new", modified_at="2026-11-22T10:00:00.000Z")
    assert groups.found(("updated_since", "2026-11-22T10:00:00Z")) == ["new"]


def test_within_a_facet_any_value_across_facets_all(groups: Any) -> None:
    """OR within, AND across; a group of two sources is found under both."""
    groups.add("a", topics=["housing"], scales=["national"], sources=("own", "appui"))
    groups.add("b", topics=["culture"], scales=["national"])
    groups.add("c", topics=["housing"], scales=["neighbourhood"])
    assert groups.found(("topic", "housing"), ("topic", "culture"), ("scale", "national")) == ["a", "b"]
    assert groups.found(("source", "appui")) == ["a"]
    assert groups.found(("source", "nobody")) == []
    result = groups.search.find(Selection(topic=("housing",), source=("own",)))
    assert dict(result.facets["topic"])["culture"] == 1
    assert dict(result.facets["source"]) == {"own": 2, "appui": 1}
    assert [value for value, _ in result.facets["scale"]] == ["neighbourhood", "metropolitan", "national"]


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
@pytest.mark.parametrize("question", [(), (("q", "groupe"),), (("topic", "housing"),), (("topic", "culture"), ("q", "groupe"))])
def test_pages_hold_every_group_once_in_order(groups: Any, limit: int, question: tuple[tuple[str, str], ...]) -> None:
    """Following the cursor gives what one large page gives, for sparse and dense selections, with names that repeat."""
    groups.add_many([{"slug": f"g{n:03}", "name": {"fr": f"Groupe {n % 9}"}, "topics": ["culture" if n % 30 == 3 else "housing"]} for n in range(60)])
    whole = groups.found(*question)
    assert len(whole) == len(set(whole)) == groups.search.find(groups.selection(*question)).total > 0
    assert pages(groups, *question, limit=limit) == whole


@pytest.mark.parametrize("question", [(), (("q", "groupe"),)])
def test_pages_stay_whole_while_groups_come_and_go(groups: Any, question: tuple[tuple[str, str], ...]) -> None:
    """Groups that were there all along come exactly once, in order, whatever is added and removed between two pages."""
    lasting = [f"g{n:02}" for n in range(20)]
    groups.add_many([{"slug": slug, "name": {"fr": f"Groupe {slug}"}} for slug in lasting])
    seen: list[str] = []
    cursor: str | None = None
    for number in itertools.count():
        result = groups.search.find(Selection.from_query([*question, ("limit", "3"), *([("cursor", cursor)] if cursor else [])]))
        seen += [row.slug for row in result.groups]
        cursor = result.next_cursor
        if cursor is None:
            break
        groups.add(f"passing-{number}", f"Groupe g{number % 20:02}a", description={"fr": "groupe " * number})
        if number > 2:
            groups.remove(f"passing-{number - 3}")
    assert [slug for slug in seen if not slug.startswith("passing")] == lasting


def test_what_was_committed_is_found_at_once(groups: Any) -> None:
    """A group is counted and listed by the very next question, and no longer once it is gone."""
    assert groups.search.find(Selection()).total == 0
    groups.add("a", topics=["housing"])
    result = groups.search.find(Selection(topic=("housing",)))
    assert (result.total, dict(result.facets["topic"])["housing"]) == (1, 1)
    groups.add("a", topics=["culture"])
    assert groups.search.find(Selection(topic=("housing",))).total == 0
    groups.remove("a")
    result = groups.search.find(Selection())
    assert (result.total, dict(result.facets["topic"])["culture"], result.facets["source"]) == (0, 0, [])


def test_many_ask_while_one_writes(groups: Any) -> None:
    """Each answer is one moment's: total, counts and rows agree, whatever is written meanwhile."""
    wrong: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            result = groups.search.find(Selection(limit=1000, q="groupe"))
            counted = dict(result.facets["topic"]).get("housing", 0)
            if not result.total == len(result.groups) == counted:
                wrong.append(f"{result.total} {len(result.groups)} {counted}")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(60):
        groups.add(f"g{number % 20}", f"Groupe {number}", topics=["housing"])
        if number % 7 == 0:
            groups.remove(f"g{number % 20}")
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_after_a_great_many_changes_the_facets_are_read_anew(groups: Any) -> None:
    """Answers are right after more changes than are worth following one by one."""
    groups.add("a", topics=["housing"])
    assert groups.search.find(Selection(topic=("housing",))).total == 1
    groups.add("b", topics=["housing"])
    with groups.journal.write() as c:
        changes.note(c, "group", [f"other-{number}" for number in range(5001)])
    assert groups.search.find(Selection(topic=("housing",))).total == 2
