"""Whatever is written and asked, answers equal those of a reader who looks at every group in turn."""

import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from app.search.ask import Selection
from app.search.facets import NAMES, SOURCE, values
from app.search.index import texts
from app.search.words import indexed, stem, words


def selection_of(parts: dict[str, Any]) -> Selection:
    """Return a selection of all groups that fit these parts."""
    return Selection(**parts, limit=1000)


WORDS = ("Habitants", "habitant", "quartiers", "Écologie", "ecologique", "jardin", "d'été", "l'atelier", "93")
TERRITORIES = ("COM-93066", "DEP-93", "DEP-75")
SOURCES = ("own", "appui", "carte")

phrase = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)
degree = st.integers(-179, 180).map(str)
latitude = st.integers(-90, 90).map(str)
record = st.fixed_dictionaries(
    {"name": phrase.map(lambda text: {"fr": text}), "sources": st.lists(st.sampled_from(SOURCES), min_size=1, unique=True).map(tuple)},
    optional={
        "description": phrase.map(lambda text: {"fr": text, "en": text.upper()}),
        "alternateName": st.lists(phrase, max_size=2),
        "topics": st.lists(st.sampled_from(("housing", "culture", "transport", "https://x.example/t")), unique=True),
        "scales": st.lists(st.sampled_from(("national", "neighbourhood")), unique=True),
        "territories": st.lists(st.sampled_from(TERRITORIES), unique=True),
        "participations": st.lists(st.sampled_from(({"status": "invited"}, {"status": "participating"})), max_size=2),
        "location": st.tuples(latitude, degree).map(lambda at: [{"latitude": at[0], "longitude": at[1], "addressLocality": "Jardin"}]),
    },
)
question = st.one_of(phrase, st.sampled_from(["habit", "eco", "jard", "les", "de l'été", "?!", "ecolo habitants"]))
box = st.tuples(degree, latitude, degree, latitude).map(
    lambda b: (float(b[0]), float(min(b[1], b[3], key=int)), float(b[2]), float(max(b[1], b[3], key=int)))
)
chosen = st.fixed_dictionaries(
    {},
    optional={
        "q": question,
        "bbox": box,
        "topic": st.lists(st.sampled_from(("housing", "culture", "transport")), min_size=1, unique=True).map(tuple),
        "scale": st.sampled_from([("national",), ("neighbourhood",)]),
        "status": st.sampled_from([("invited",), ("declined", "participating")]),
        "source": st.lists(st.sampled_from(SOURCES), min_size=1, unique=True).map(tuple),
        "territory": st.lists(st.sampled_from(TERRITORIES), min_size=1, unique=True).map(tuple),
    },
).map(selection_of)


def says(document: dict[str, Any], question: str) -> bool:
    """Look for all words of a question in all that is found of a group."""
    found = {token for text in texts(document).values() for token in indexed(text).split()}
    empty = {"les", "de", "l", "d"}
    asked = [word for word in words(question) if word not in empty] or words(question)
    return (
        bool(asked)
        and all(stem(word) in found for word in asked[:-1])
        and (stem(asked[-1]) in found or any(token.startswith(asked[-1]) for token in found))
    )


def lies_in(document: dict[str, Any], box: tuple[float, float, float, float]) -> bool:
    """Look whether a group's place is in a box."""
    west, south, east, north = box
    for place in document.get("location", []):
        latitude, longitude = float(place["latitude"]), float(place["longitude"])
        across = west <= longitude <= east if west <= east else longitude >= west or longitude <= east
        return across and south <= latitude <= north
    return False


def answers(document: dict[str, Any], selection: Selection) -> bool:
    """Look whether a group is selected."""
    held = {*values(document), *((SOURCE, name) for name in document["sources"])}
    facets = all(any((name, value) in held for value in selection.chosen(name)) for name in NAMES if selection.chosen(name))
    return facets and (selection.q is None or says(document, selection.q)) and (selection.bbox is None or lies_in(document, selection.bbox))


class Reader(RuleBasedStateMachine):
    """Writes groups, takes them away, and asks."""

    groups_at: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.groups = self.groups_at(Path(self.folder.name))

    @rule(groups=st.dictionaries(st.integers(0, 30).map(lambda number: f"g{number}"), record, max_size=12))
    def write(self, groups: dict[str, Any]) -> None:
        self.groups.add_many([{"slug": slug} | document for slug, document in groups.items()])

    @precondition(lambda self: self.groups.documents)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        self.groups.remove(data.draw(st.sampled_from(sorted(self.groups.documents))))

    @rule(selection=chosen)
    def ask(self, selection: Selection) -> None:
        result = self.groups.search.find(selection)
        expected = {slug for slug, document in self.groups.documents.items() if answers(document, selection)}
        assert {row.slug for row in result.groups} == expected
        assert result.total == len(result.groups) == len(expected)
        for facet, counts in result.facets.items():
            for value, count in counts:
                assert self.groups.search.find(selection.choosing(facet, value)).total == count, (facet, value)

    @rule(selection=chosen, limit=st.integers(1, 5))
    def page(self, selection: Selection, limit: int) -> None:
        whole = [row.slug for row in self.groups.search.find(selection).groups]
        query = [pair for pair in selection.pairs() if pair[0] != "limit"] + [("limit", str(limit))]
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            result = self.groups.search.find(Selection.from_query([*query, ("cursor", cursor)]))
            seen += [row.slug for row in result.groups]
            cursor = result.next_cursor
        assert seen == whole

    @invariant()
    def every_group_is_listed(self) -> None:
        assert {row.slug for row in self.groups.search.find(Selection(limit=1000)).groups} == set(self.groups.documents)

    def teardown(self) -> None:
        self.groups.close()
        self.folder.cleanup()


@pytest.mark.parametrize("steps", [12])
def test_answers_equal_those_of_a_reader_of_every_group(groups_at: Any, steps: int) -> None:
    """Result sets, totals, each facet count and the pages agree with a plain reading of all groups, whatever was written before."""
    machine = type("Machine", (Reader,), {"groups_at": groups_at})
    run_state_machine_as_test(machine, settings=settings(max_examples=15, stateful_step_count=steps, deadline=None, derandomize=True))
