"""A slug names one group for ever."""

from typing import Any

from app.journal import Journal, records
from tests.matching.desk import Desk, identify

OTHER = {"name": {"fr": "Repair Café de la Butte"}, "location": [{"postalCode": "69001", "addressLocality": "Lyon"}]}


def test_an_own_group_bears_its_slug_and_takes_in_what_peers_say(desk: Desk, atelier: dict[str, Any]) -> None:
    """A peer's group that turns out to be ours leads to our slug."""
    desk.say("a/1", atelier)
    peers = desk.slug("a/1")
    desk.say("own/lucioles", atelier)
    assert desk.slug("a/1") == "lucioles"
    line = desk.line(peers)
    assert (line.state, line.successor_id) == ("merged", desk.line("lucioles").id)


def test_two_own_groups_judged_the_same_bear_the_older_slug_and_part_again(desk: Desk, atelier: dict[str, Any]) -> None:
    """The younger slug leads to the older; when the judgement falls, each has its own slug again."""
    desk.say("own/butte", OTHER)
    desk.say("own/lucioles", atelier)
    desk.judge("own/butte", "own/lucioles", "same")
    assert desk.slug("own/lucioles") == "butte"
    assert desk.document("butte")["exactMatch"] == ["http://127.0.0.1:8000/groups/lucioles"]
    assert desk.line("lucioles").state == "merged"
    desk.judge("own/butte", "own/lucioles", "different")
    assert (desk.slug("own/lucioles"), desk.slug("own/butte")) == ("lucioles", "butte")
    assert desk.line("lucioles").state == "live"


def test_the_majority_keeps_the_slug_and_the_rest_returns_to_its_own(desk: Desk, atelier: dict[str, Any]) -> None:
    """After a merge and its undoing both groups bear the slugs that they had."""
    desk.say("a/1", atelier)
    desk.say("b/1", atelier)
    desk.say("c/1", OTHER)
    before = desk.slug("a/1"), desk.slug("c/1")
    desk.judge("a/1", "c/1", "same")
    assert desk.slug("c/1") == before[0]
    desk.judge("a/1", "c/1", "different")
    assert (desk.slug("a/1"), desk.slug("c/1")) == before


def test_a_group_that_comes_back_comes_back_as_itself(desk: Desk, atelier: dict[str, Any]) -> None:
    """A withdrawn group is gone, its slug is given to nobody else, and its source may bring it back."""
    desk.say("a/1", atelier)
    slug = desk.slug("a/1")
    assert len(desk.withdraw("a/1")) == 1
    assert desk.line(slug).state == "gone"
    desk.say("b/1", {**OTHER, "name": atelier["name"]})
    assert desk.slug("b/1") != slug
    desk.say("a/1", atelier)
    assert desk.slug("a/1") == slug
    assert desk.line(slug).state == "live"


def test_a_hidden_record_leaves_its_group(desk: Desk, journal: Journal, atelier: dict[str, Any]) -> None:
    """What a source has not shown for long is no longer said of the group, which stays."""
    desk.say("a/1", {**atelier, "keywords": ["lumière"]})
    desk.say("b/1", atelier)
    slug = desk.slug("b/1")
    with journal.write() as c:
        records.hide(c, identify(c, "a/1"), "test")
        desk.settle(c)
    assert desk.slug("b/1") == slug
    assert "keywords" not in desk.document(slug)


def test_namesakes_get_numbers(desk: Desk) -> None:
    """Three groups of one name in three places have three slugs, and a name without letters has one too."""
    for number, code in enumerate(("13001", "31000", "69001")):
        desk.say(f"a/{number}", {"name": {"fr": "Les Lucioles"}, "location": [{"postalCode": code}]})
    assert {desk.slug(f"a/{number}") for number in range(3)} == {"les-lucioles", "les-lucioles-2", "les-lucioles-3"}
    desk.say("a/9", {"name": {"fr": "!!!"}})
    assert desk.slug("a/9") == "groupe"


def test_identities_survive_full_runs(desk: Desk, atelier: dict[str, Any]) -> None:
    """Counting and matching everything anew changes no slug."""
    for number in range(5):
        desk.say(f"a/{number}", {**OTHER, "name": {"fr": f"Groupe {'abcde'[number] * 5}"}})
    before = [desk.slug(f"a/{number}") for number in range(5)]
    with desk.journal.write() as c:
        desk.matcher.combine_all(c)
    assert [desk.slug(f"a/{number}") for number in range(5)] == before
