"""What merging promises whatever happens to the records: judgements hold, addresses stay, none is given to another group."""

import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.errors import Conflict
from app.journal import Journal, identities, judgements, pending, records, sources
from app.journal.tables import identity
from app.matching.combine import Matcher
from app.matching.judge import judge
from tests.matching.desk import Desk, graph, identify
from tests.matching.gold import GOLD, NAMES, documents, fill, partition
from tests.shared import need

SEEDS = (1, 2)
CHURN = 0.05
KEPT = 0.999


def apart(name: str) -> dict[str, Any]:
    """Return an invented group that is like no other."""
    return {"name": {"fr": name}, "location": [{"postalCode": "69001", "addressLocality": "Lyon"}]}


def remove(desk: Desk, source: str) -> None:
    """The operator removes a source with all that it said."""
    with desk.journal.write() as c:
        found = sources.get(c, source)
        touched = [one.id for one in records.live(c, source)]
        for record_id in touched:
            records.withdraw(c, record_id, "test")
        desk.settle(c, *touched)
        pending.remove(c, touched)
        sources.remove(c, found.name)


@pytest.fixture(scope="module")
def french(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The French gold set, combined once."""
    need(GOLD / "fr_dev")
    path = tmp_path_factory.mktemp("french") / "journal.sqlite"
    journal = Journal(path)
    with journal.write() as c:
        fill(c, documents("fr_dev"))
        Matcher(NAMES).combine_all(c)
    journal.close()
    assert not path.with_name("journal.sqlite-wal").exists()
    return path


def slugs(journal: Journal) -> dict[str, str]:
    """Return the slug that each record's group bears."""
    with journal.read() as c:
        known = dict(c.execute(select(identity.c.id, identity.c.slug)).all())
        return {reference: known[identity_id] for reference, identity_id in partition(c).items()}


@pytest.mark.parametrize("seed", SEEDS)
def test_identities_survive_the_churn_of_records(french: Path, seed: int, tmp_path: Path) -> None:
    """One record in twenty goes, at random; everything is matched anew: at least 999 of 1,000 of the others keep their group's address.

    Those that went come back: so do they, and no address that was ever given leads nowhere.
    """
    (tmp_path / "journal.sqlite").write_bytes(french.read_bytes())
    journal = Journal(tmp_path / "journal.sqlite")
    before = slugs(journal)
    gone = set(random.Random(seed).sample(sorted(before), round(CHURN * len(before))))
    with journal.write() as c:
        for reference in gone:
            records.hide(c, identify(c, reference), "test")
        Matcher(NAMES).combine_all(c)
    after = slugs(journal)
    kept = sum(after[one] == before[one] for one in after) / len(after)
    assert after.keys() == before.keys() - gone
    assert kept >= KEPT, kept
    with journal.write() as c:
        for reference in gone:
            found = records.get(c, *reference.split("/", 1))
            assert found is not None
            source_id = sources.get(c, found.source).id
            records.put(c, source_id, found.key, found.iri, found.document, f"{found.content_hash}-again", "test")
        Matcher(NAMES).combine_all(c)
    again = slugs(journal)
    assert sum(again[one] == before[one] for one in before) / len(before) >= KEPT
    with journal.read() as c:
        for slug in {*before.values(), *after.values()}:
            led = identities.get(c, slug)
            assert led is not None
            assert led.state != identities.GONE, slug
    journal.close()


def test_judgements_hold_after_a_full_run_a_new_harvest_and_the_removal_of_a_source(desk: Desk, atelier: dict[str, Any]) -> None:
    """Same and different, whatever becomes of the records: matched anew, said again, changed, removed with their source, and back."""
    desk.say("a/1", atelier)
    desk.say("b/1", atelier)
    for reference, name in (("a/2", "Chorale Ocarina"), ("b/2", "Fanfare Quetsche"), ("x/2", "Jardin du Zèbre")):
        desk.say(reference, apart(name))
    desk.judge("a/1", "b/1", "different")
    desk.judge("a/2", "x/2", "same")
    desk.judge("x/2", "b/2", "same")
    with_x = {frozenset({"a/1"}), frozenset({"b/1"}), frozenset({"a/2", "b/2", "x/2"})}
    without_x = {frozenset({"a/1"}), frozenset({"b/1"}), frozenset({"a/2", "b/2"})}
    assert desk.groups() == with_x
    with desk.journal.write() as c:
        desk.matcher.combine_all(c)
    assert desk.groups() == with_x
    desk.say("a/1", {**atelier, "keywords": ["lumière"]})
    desk.say("x/2", apart("Jardin du Zèbre et de la Girafe"))
    assert desk.groups() == with_x
    remove(desk, "x")
    assert desk.groups() == without_x
    with desk.journal.write() as c:
        desk.matcher.combine_all(c)
    assert desk.groups() == without_x
    remove(desk, "b")
    desk.say("b/1", atelier)
    desk.say("b/2", apart("Fanfare Quetsche"))
    assert desk.groups() == without_x
    desk.say("x/2", apart("Jardin du Zèbre"))
    assert desk.groups() == with_x


def test_a_long_chain_of_removed_records_still_holds(desk: Desk) -> None:
    """A = x, x = y, y = b, and a different from y's twin z: with x, y and z gone, a and b are one group; incremental and full runs agree."""
    for name in "abxyz":
        desk.say(f"{name}/1", apart(f"Groupe {name * 6}"))
    for left, right in (("a", "x"), ("x", "y"), ("y", "b")):
        desk.judge(f"{left}/1", f"{right}/1", "same")
    desk.judge("a/1", "z/1", "different")
    for name in "xyz":
        remove(desk, name)
    assert desk.groups() == {frozenset({"a/1", "b/1"})}
    desk.say("a/1", apart("Groupe aaaaaa, renommé"))
    assert desk.groups() == {frozenset({"a/1", "b/1"})}
    with desk.journal.write() as c:
        desk.matcher.combine_all(c)
    assert desk.groups() == {frozenset({"a/1", "b/1"})}


def test_a_contradiction_through_a_removed_source_is_refused_with_its_chain(desk: Desk) -> None:
    """The ledger remembers what was judged of records that are not here any more."""
    for name in "abx":
        desk.say(f"{name}/1", apart(f"Groupe {name * 6}"))
    desk.judge("a/1", "x/1", "same", author="Awa")
    desk.judge("b/1", "x/1", "different", author="Bilal")
    remove(desk, "x")
    with pytest.raises(Conflict) as refused, desk.journal.write() as c:
        judge(c, NAMES, graph("a/1"), graph("b/1"), "same", None, "Camille")
    assert "a/1 = x/1" in refused.value.text.fr
    assert "Bilal" in refused.value.text.en
    with desk.journal.read() as c:
        assert len(judgements.active(c)) == 2


def test_a_lost_slug_is_never_given_again(desk: Desk, atelier: dict[str, Any]) -> None:
    """Merged, it leads to the winner, also through a second merge; a later group of the same name gets a number."""
    desk.say("a/1", apart("Chorale Ocarina"))
    desk.say("b/1", apart("Fanfare Quetsche"))
    desk.say("own/zebre", apart("Jardin du Zèbre"))
    lost = desk.slug("b/1")
    desk.judge("a/1", "b/1", "same")
    desk.judge("a/1", "own/zebre", "same")
    assert (desk.slug("b/1"), desk.line(lost).state) == ("zebre", "merged")
    desk.say("c/1", {**apart("Fanfare Quetsche"), "location": [{"postalCode": "13001", "addressLocality": "Marseille"}]})
    assert desk.slug("c/1") not in {lost, "zebre"}
    with desk.journal.read() as c:
        led = identities.get(c, lost)
        assert led is not None
        assert led.slug == "zebre"
