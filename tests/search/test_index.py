"""The side tables say what the combined groups say, and nothing of groups that are no more."""

from typing import Any

from app.search.facets import values


def test_facets_are_read_wherever_a_record_holds_them() -> None:
    """Concepts of our schemes, statuses of participations and territories count; a foreign concept or a broken part does not."""
    document = {
        "topics": ["housing", "https://other.example/topic"],
        "knowHow": "code-webdesign",
        "participations": [{"status": "participating"}, {"status": {"id": "x"}}, "https://a.example/p", {}],
        "territories": ["DEP-93"],
        "scales": None,
    }
    assert set(values(document)) == {("topic", "housing"), ("know_how", "code-webdesign"), ("status", "participating"), ("territory", "DEP-93")}


def test_a_group_written_again_leaves_nothing_behind(groups: Any) -> None:
    """Old facets, words and places go when a group changes, all of them when it goes."""
    groups.add("a", "Atelier", topics=["housing"], location=[{"latitude": "48.9", "longitude": "2.3"}])
    groups.add("a", "Fabrique", topics=["culture"])
    assert (groups.count("facet"), groups.count("search_text"), groups.count("search_place")) == (2, 1, 0)
    assert groups.found(("q", "atelier")) == []
    groups.remove("a")
    assert (groups.count("facet"), groups.count("search_text"), groups.count("search_place")) == (0, 0, 0)


def test_many_groups_at_once_are_as_well_indexed_as_one(groups: Any) -> None:
    """More groups than one statement can name are written, and written again."""
    many = [{"slug": f"g{number}", "name": {"fr": f"Groupe {number}"}, "topics": ["housing"]} for number in range(600)]
    groups.add_many(many)
    groups.add_many(many)
    assert (groups.count("facet"), groups.count("search_text")) == (1200, 600)
    assert len(groups.found(("q", "groupe"), ("topic", "housing"))) == 600


def test_topics_are_found_by_their_names(groups: Any) -> None:
    """Who looks for «logements» finds the groups whose topic is housing, in French or English."""
    groups.add("a", "Droit au toit", topics=["housing"])
    assert groups.found(("q", "logements")) == groups.found(("q", "Housing")) == ["a"]
