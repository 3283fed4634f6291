"""What a relay lists comes in only as its origin says it; a relay that lies, loops or leads elsewhere gains nothing."""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from app.combined import Combined
from app.directory import Directory
from app.feed import pages
from app.harvest import formats, origins
from app.harvest.fetch import Fetcher
from app.harvest.formats import relay as relays
from app.harvest.items import Sample
from app.harvest.visit import Harvester
from app.journal import Journal
from app.journal.records import GONE, HIDDEN
from app.journal.sources import Trust
from app.matching.combine import Matcher
from app.names import Names
from tests.harvest.conftest import BASE, Room
from tests.harvest.feeds import Feed, Relay, conditional, group
from tests.harvest.loopback import answer


@dataclass
class Country:
    """Two origins, A and B, a hub that lists what they say, and a node that reads the hub and may contact all of them."""

    room: Room
    hub: Relay
    a: Feed
    b: Feed

    def tell(self, feed: Feed, slug: str, name: str | None = None, kind: str = "Create", **more: Any) -> dict[str, Any]:
        """An origin says something, and the hub lists it."""
        record = None if kind == "Delete" else group(feed.iri(slug), name or slug)
        return self.hub.note(feed, feed.say(kind, slug, record), **more)

    def asked(self, feed: Feed) -> list[str]:
        """What an origin was asked for since the last time."""
        paths = [request.path for request in feed.peer.requests]
        feed.peer.requests.clear()
        return paths

    def why(self, visit: Any) -> list[str]:
        """Why lines were refused, in English."""
        return [line.message.en for line in self.room.lines(visit).values() if line.outcome == "refused"]

    def live(self, name: str = "hub") -> list[str]:
        """The names of the live records of a source."""
        return sorted(self.room.live(name).values())


@pytest.fixture
def country(new_peer, new_fetcher, journal: Journal, checker) -> Country:
    """Everything of it, and two groups at each origin."""
    hub, a, b = new_peer(), new_peer(), new_peer()
    names, fetcher = Names(BASE), new_fetcher(hub, a, b)
    room = Room(journal, Harvester(journal, names, checker, Combined(Matcher(names)), fetcher))
    made = Country(room, Relay(hub), Feed(a), Feed(b))
    for feed, slug in ((made.a, "a1"), (made.b, "b1"), (made.a, "a2"), (made.b, "b2")):
        made.tell(feed, slug)
    room.add("hub", made.hub.url, "relay")
    return made


def test_a_relay_is_recognised():
    """By the numbers of its own that it gives; nothing else is taken for one."""
    page = b'{"type": "OrderedCollectionPage", "orderedItems": [{"relaySequence": 1}]}'
    sample = Sample("https://a.example/relay", "application/ld+json", page)
    assert max(formats.FORMATS, key=lambda name: formats.FORMATS[name].recognise(sample)) == "relay"
    assert relays.recognise(Sample("https://a.example/feed/pages/1", "application/ld+json", page.replace(b"relaySequence", b"sequence"))) == 0


def test_events_are_read_where_they_come_from(country):
    """Each record has its origin's address and number; nothing new costs one request, and none to the origins."""
    visit = country.room.visit("hub")
    assert (visit.outcome, visit.counts["added"], visit.requests) == ("applied", 4, 5)
    assert country.live() == ["a1", "a2", "b1", "b2"]
    held = {record.iri: record.origin for record in (country.room.record(key, "hub") for key in country.room.live("hub"))}
    assert held[country.a.iri("a2")] == (1, 2)
    country.asked(country.a)
    once = country.room.visit("hub")
    again = country.room.visit("hub")
    assert (once.outcome, again.outcome, again.requests, again.bytes) == ("unchanged", "unchanged", 1, 0)
    assert country.asked(country.a) == []


def test_changes_and_withdrawals_are_followed(country):
    """A revision is fetched, a withdrawal confirmed, and only what is new is asked for."""
    country.room.visit("hub")
    country.asked(country.a)
    country.tell(country.a, "a1", "A1", "Update")
    country.tell(country.a, "a2", kind="Delete")
    visit = country.room.visit("hub")
    assert (visit.counts["changed"], visit.counts["gone"]) == (1, 1)
    assert country.live() == ["A1", "b1", "b2"]
    assert country.asked(country.a) == ["/feed/events/1/3", "/feed/events/1/4"]
    country.tell(country.a, "a3", kind="Delete")
    country.room.visit("hub")
    assert country.asked(country.a) == [], "nobody here has a record of it: there is nothing to withdraw"


def test_a_purge_is_confirmed_at_the_origin(country):
    """The origin, not the relay, says that the history goes too."""
    country.room.visit("hub")
    key = next(key for key, name in country.room.live("hub").items() if name == "a1")
    country.hub.note(country.a, country.a.say("Delete", "a1", purge=True))
    country.room.visit("hub")
    assert (country.room.record(key, "hub").state, country.room.record(key, "hub").document) == (GONE, {})


def test_what_is_known_costs_no_request(country):
    """Our own, those of peers that are visited themselves, those that came through us, and those held already from another relay."""
    country.room.add("b", country.b.url)
    country.room.visit("b")
    own = {"id": f"{BASE}/feed/events/1/1", "type": "Create", "object": f"{BASE}/groups/x", "origin": f"{BASE}/node", "sequence": 1}
    country.hub.note(country.a, own)
    country.tell(country.a, "loop", via=["https://c.example/node", f"{BASE}/node"])
    country.asked(country.b)
    visit = country.room.visit("hub")
    assert (country.live(), visit.counts["refused"]) == (["a1", "a2"], 0)
    assert country.asked(country.b) == []
    assert sorted(country.asked(country.a)) == ["/feed/events/1/1", "/feed/events/1/2"]
    country.room.add("other", country.hub.url, "relay")
    assert country.room.visit("other").counts["added"] == 0
    assert country.asked(country.a) == []


LIES = {
    "an invented event": (
        lambda country: country.hub.note(
            country.a, country.a.events[0] | {"id": f"{country.a.url}/events/1/77", "sequence": 77, "object": country.a.iri("x")}
        ),
        "does not know it (404)",
    ),
    "another hash": (lambda country: country.tell(country.a, "x", contentHash="sha-256:0"), "hash is not the one that is stated"),
    "a record of another node": (lambda country: country.tell(country.a, "x", object=country.b.iri("x")), "gives this event to another node"),
    "an event of another node": (
        lambda country: country.tell(country.a, "x", origin=f"{country.b.peer.url}/node"),
        "gives this event to another node",
    ),
    "another kind": (
        lambda country: country.tell(country.a, "x", type="Delete") and country.tell(country.a, "y", kind="Delete", type="Create"),
        "says something else",
    ),
    "another number": (lambda country: country.tell(country.a, "x", sequence=99), "gives this event to another node"),
    "another epoch": (lambda country: country.tell(country.a, "x", epoch=9), "gives this event to another node"),
    "no event": (lambda country: country.tell(country.a, "x", id="https://a.example/feed"), "does not say which event"),
    "no address": (lambda country: country.tell(country.a, "x", id=["a"], object=None), "does not say which event"),
    "too many hops": (lambda country: country.tell(country.a, "x", via=[f"https://{n}.example/node" for n in range(5)]), "more than 4 nodes"),
    "a private address": (
        lambda country: country.hub.note(
            country.a,
            {"id": "http://169.254.169.254/feed/events/1/1", "type": "Create", "object": "http://169.254.169.254/x", "sequence": 1}
            | {"origin": "http://169.254.169.254/node"},
        ),
        "private address",
    ),
    "a user in the address": (
        lambda country: country.hub.note(
            country.a,
            {"id": "http://me:pw@a.example/feed/events/1/1", "type": "Create", "object": "http://me:pw@a.example/x", "sequence": 1}
            | {"origin": "http://me:pw@a.example/node"},
        ),
        "user name or a password",
    ),
}


def test_a_relay_cannot_know_whether_a_record_is_new_at_its_origin(country):
    """Create and Update are alike to a reader."""
    country.tell(country.a, "a3", type="Update")
    assert country.room.visit("hub").counts["added"] == 5
    assert "a3" in country.live()


@pytest.mark.parametrize("lost", [False, True])
def test_a_relay_that_read_a_dump_knows_how_far_it_went_only(country, lost):
    """The event of that number is about another record, or was dropped since: the record is read at its origin, and believed as ever."""
    listed = country.tell(country.a, "a3", "as it was")
    country.hub.note(country.a, listed | {"object": country.a.iri("a4"), "contentHash": None})
    country.a.peer.answers["/records/own/a4"] = conditional(group(country.a.iri("a4"), "as it is"))
    if lost:
        country.a.peer.answers[listed["id"].removeprefix(country.a.peer.url)] = answer(b"", "410 Gone")
    country.room.visit("hub")
    assert "as it is" in country.live()
    (held,) = [record for key in country.room.live("hub") if (record := country.room.record(key, "hub")).iri == country.a.iri("a4")]
    assert held.origin == (listed["epoch"], listed["sequence"])


@pytest.mark.parametrize("kind", ["Update", "Delete"])
def test_what_its_origin_calls_gone_is_withdrawn(country, kind):
    """The event was dropped since, and the record itself is answered with 410: that is the origin's word, whatever the relay listed."""
    country.room.visit("hub")
    listed = country.tell(country.a, "a1", "A1", kind)
    for path in (listed["id"].removeprefix(country.a.peer.url), "/records/own/a1"):
        country.a.peer.answers[path] = answer(b"", "410 Gone")
    visit = country.room.visit("hub")
    assert (visit.outcome, visit.counts["gone"], country.why(visit)) == ("applied", 1, [])
    assert country.live() == ["a2", "b1", "b2"]


def test_a_withdrawal_that_its_origin_took_back_is_none(country):
    """The event was dropped since, and the record is there: it is read as it stands."""
    country.room.visit("hub")
    listed = country.tell(country.a, "a1", kind="Delete")
    country.a.peer.answers[listed["id"].removeprefix(country.a.peer.url)] = answer(b"", "410 Gone")
    country.a.peer.answers["/records/own/a1"] = conditional(group(country.a.iri("a1"), "back"))
    country.room.visit("hub")
    assert country.live() == ["a2", "b1", "b2", "back"]


def test_a_record_at_its_origin_that_is_another_one_is_refused(country):
    """An origin answers for the record that was asked for, or for none."""
    listed = country.tell(country.a, "a3")
    country.hub.note(country.a, listed | {"object": country.a.iri("a4"), "contentHash": None})
    country.a.peer.answers["/records/own/a4"] = conditional(group(country.b.iri("b9"), "b9"))
    visit = country.room.visit("hub")
    assert any("does not hold the record" in why for why in country.why(visit))
    assert "b9" not in country.live()


@pytest.mark.parametrize("name", LIES)
def test_a_relay_that_lies_gains_nothing(country, name):
    """Each lie is one refused line with its reason; the honest lines beside it are taken."""
    lie, reason = LIES[name]
    lie(country)
    visit = country.room.visit("hub")
    assert (visit.outcome, country.live()) == ("applied", ["a1", "a2", "b1", "b2"])
    assert len(country.why(visit)) == 1
    assert reason in country.why(visit)[0]


@pytest.mark.parametrize("spoilt", [{"record": {"id": "http://elsewhere.example/x"}}, {"record": None}, {"contentHash": "sha-256:1"}])
def test_an_origin_is_held_to_its_own_word(country, spoilt):
    """Its event holds another record, none, or one that does not have the hash which it states."""
    event = country.a.events[0] | spoilt
    country.a.peer.answers["/feed/events/1/1"] = answer(event)
    country.hub.lines[0]["contentHash"] = event["contentHash"]
    country.hub.serve()
    visit = country.room.visit("hub")
    assert (country.live(), len(country.why(visit))) == (["a2", "b1", "b2"], 1)


def test_an_event_that_leads_to_another_server_is_refused(country):
    """A redirection to somebody else is not the origin's word."""
    country.a.peer.answers["/feed/events/1/1"] = answer(b"", "302 Found", Location=f"{country.b.peer.url}/elsewhere")
    country.b.peer.answers["/elsewhere"] = answer(country.a.events[0])
    visit = country.room.visit("hub")
    assert (country.live(), len(country.why(visit))) == (["a2", "b1", "b2"], 1)


def test_a_relay_withdraws_nothing_by_itself(country):
    """It says that a group is withdrawn, and its origin still says that it is not."""
    country.room.visit("hub")
    country.hub.note(country.a, country.a.events[0], type="Delete", sequence=1)
    visit = country.room.visit("hub")
    assert len(country.live()) == 4
    country.hub.note(country.a, {**country.a.events[0], "id": f"{country.a.url}/events/1/9", "sequence": 9}, type="Delete")
    visit = country.room.visit("hub")
    assert (len(country.live()), country.why(visit)) == (4, ["Its node of origin does not know it (404)."])


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ({"orderedItems": [{"relaySequence": 2}, {"relaySequence": 1}]}, "do not grow"),
        ({"orderedItems": [{"relaySequence": 2}, {"relaySequence": 2}]}, "do not grow"),
        ({"orderedItems": [{"relaySequence": "1"}]}, "is no number"),
        ({"orderedItems": [{}]}, "is no number"),
        ({"orderedItems": {}}, "no list of events"),
        ({"orderedItems": ["a"]}, "no list of events"),
        ({"orderedItems": [], "next": "/relay?after=1"}, "empty page"),
        ({"orderedItems": [{"relaySequence": 1}], "next": "http://169.254.169.254/"}, "another server"),
        (b"<html>", "not a feed"),
        (b'{"orderedItems": [', "not complete, correct JSON"),
    ],
)
def test_a_list_that_contradicts_itself_fails_with_a_sentence(country, page, sentence):
    """Nothing is applied then; the next good list is read."""
    good = dict(country.hub.peer.answers)
    country.hub.peer.answers["/relay?after=0&limit=250"] = answer(page)
    visit = country.room.visit("hub")
    assert (visit.outcome, country.live()) == ("failed", [])
    assert sentence in visit.message.en
    country.hub.peer.answers = good
    assert country.room.visit("hub").counts["added"] == 4


def test_pages_in_a_circle_end(country):
    """A page that announces itself, or an earlier one, goes back: the visit fails."""
    country.hub.size = 2
    country.hub.serve()
    page = {"orderedItems": country.hub.lines[2:], "next": f"{country.hub.url}?after=0&limit=250"}
    country.hub.peer.answers["/relay?after=2&limit=250"] = answer(page)
    visit = country.room.visit("hub")
    assert (visit.outcome, country.live()) == ("failed", [])
    assert "do not grow" in visit.message.en


def test_a_page_that_announces_itself_is_not_read_again_and_again(country):
    """It says nothing that its own numbers would show to be older, and has no end: the visit fails after the second time."""
    country.hub.peer.answers["/relay?after=0&limit=250"] = answer({"orderedItems": country.hub.lines, "next": f"{country.hub.url}?after=0&limit=250"})
    visit = country.room.visit("hub")
    assert (visit.outcome, country.live()) == ("failed", [])
    assert "circle" in visit.message.en
    assert country.asked(country.hub) == ["/relay?after=0&limit=250"] * 2


def test_a_list_on_many_pages_is_read_to_its_end(country):
    """Page after page, on the relay's own host."""
    country.hub.size = 1
    country.hub.serve()
    assert country.room.visit("hub").counts["added"] == 4


def test_a_silent_origin_costs_one_attempt_and_is_asked_again(country):
    """The others are taken meanwhile; when it answers again, what it said comes in, though the relay lists nothing new."""
    answers, country.a.peer.answers = country.a.peer.answers, {f"/feed/events/1/{n}": answer(b"", "503 Busy") for n in (1, 2)}
    visit = country.room.visit("hub")
    assert (visit.outcome, country.live(), country.asked(country.a)) == ("applied", ["b1", "b2"], ["/feed/events/1/1"])
    country.room.visit("hub")
    assert country.asked(country.a) == ["/feed/events/1/1"]
    country.a.peer.answers = answers
    country.room.visit("hub")
    assert country.live() == ["a1", "a2", "b1", "b2"]
    country.asked(country.a)
    country.room.visit("hub")
    assert country.asked(country.a) == []


def test_an_origin_that_stays_silent_is_given_up(country, monkeypatch):
    """After a number of visits its events are not kept any more; what it says next is listed anew."""
    monkeypatch.setattr(relays, "TRIES", 3)
    country.a.peer.answers = {f"/feed/events/1/{n}": answer(b"", "503 Busy") for n in (1, 2)}
    for _ in range(5):
        country.room.visit("hub")
    assert country.room.source("hub").cursor["of"]["waiting"] == []
    country.a.serve()
    country.tell(country.a, "a1", "A1", "Update")
    country.room.visit("hub")
    assert country.live() == ["A1", "b1", "b2"]


def test_a_relay_cannot_aim_a_node_at_somebody(country):
    """A host that knows nothing of what it is said to have said gets a few requests, then one a visit, then rest; the others are read."""
    for number in range(40):
        line = {"id": f"{country.a.peer.url}/feed/events/1/{number + 100}", "object": country.a.iri(f"invented-{number}"), "sequence": number + 100}
        country.tell(country.b, f"b{number + 3}", origin=f"{country.a.peer.url}/node", **line)
    country.tell(country.b, "b9")
    country.a.peer.answers = {}
    asked = []
    for _ in range(8):
        country.room.visit("hub")
        asked.append(len(country.asked(country.a)))
    assert asked == [2 * origins.STRIKES, 2, 2, 2, 0, 0, 0, 0]  # the event, and the record itself
    assert country.live() == ["b1", "b2", "b9"]


def test_one_origin_has_its_share_of_a_visit(country, monkeypatch):
    """What is more waits for the next visit, and nothing is lost when no more may wait."""
    monkeypatch.setattr(origins, "A_VISIT", 3)
    monkeypatch.setattr(relays, "WAITING_AT_ONE", 2)
    for number in range(3, 13):
        country.tell(country.a, f"a{number}")
    counts = []
    while len(country.live()) < 14:
        country.room.visit("hub")
        counts.append(len(country.asked(country.a)))
    assert counts == [3, 3, 3, 3]
    assert len(country.asked(country.b)) == 2


def test_a_relay_names_few_new_nodes_a_visit_and_not_too_many(country, monkeypatch):
    """One after the other they are read; those above the limit are left with a sentence."""
    monkeypatch.setattr(origins, "NEW_A_VISIT", 1)
    country.room.visit("hub")
    assert country.live() == ["a1", "a2"]
    country.room.visit("hub")
    assert country.live() == ["a1", "a2", "b1", "b2"]
    monkeypatch.setattr(origins, "MOST", 2)
    other = country.a.peer.url.replace("127.0.0.1", "third.example")
    country.tell(
        country.b,
        "b3",
        id=f"{other}/feed/events/1/3",
        object=f"{other}/groups/b3",
        origin=f"{other}/node",
    )
    assert "speaks of more than" in country.why(country.room.visit("hub"))[0]


def test_a_long_list_is_read_in_several_visits(country, monkeypatch):
    """So many events a visit, the rest at the next, each once."""
    monkeypatch.setattr(relays, "FETCHES", 3)
    assert country.room.visit("hub").counts["added"] == 3
    assert country.room.visit("hub").counts["added"] == 1
    assert sorted(country.asked(country.a) + country.asked(country.b)) == ["/feed/events/1/1"] * 2 + ["/feed/events/1/2"] * 2


def test_a_relay_that_went_back_is_read_from_its_beginning(country):
    """Restored from a backup, it counts from a lower number: what is held is not fetched again, what is new is."""
    country.room.visit("hub")
    country.asked(country.a)
    country.hub.peer.answers.clear()
    country.hub.lines, country.hub.reached = [], 0
    for feed in (country.a, country.b):
        country.hub.note(feed, feed.events[0])
    country.hub.peer.answers["/relay?after=3&limit=250"] = answer({"orderedItems": []})
    country.tell(country.a, "a3")
    country.hub.peer.answers["/relay?after=3&limit=250"] = answer({"orderedItems": []})
    country.room.visit("hub")
    assert country.live() == ["a1", "a2", "a3", "b1", "b2"]
    assert country.asked(country.a) == ["/feed/events/1/3"]


def test_an_origin_that_becomes_a_peer_speaks_for_itself(country):
    """Its copies here are hidden once it was visited, and come back should it be removed; nobody sees two of one."""
    country.room.visit("hub")
    country.room.add("a", country.a.url)
    country.a.update("a1", "A1")
    country.room.visit("hub")
    assert len(country.live()) == 4, "it was not visited yet"
    country.room.visit("a")
    assert country.room.visit("hub").outcome == "applied", "nothing is lost: nobody is asked"
    assert (country.live(), country.live("a")) == (["b1", "b2"], ["A1", "a2"])
    country.hub.note(country.a, country.a.events[-1])
    country.room.harvester.remove("a")
    country.room.visit("hub")
    assert country.live() == ["A1", "a2", "b1", "b2"]


def test_nobody_is_asked_when_all_is_told_elsewhere(country):
    """Every copy of the relay is hidden at once, since each origin speaks for itself now: that is no loss."""
    country.room.visit("hub")
    for name, feed in (("a", country.a), ("b", country.b)):
        country.room.add(name, feed.url)
        country.room.visit(name)
    visit = country.room.visit("hub")
    assert (visit.outcome, visit.counts["gone"], country.live()) == ("applied", 4, [])
    assert "tells it better" in next(iter(country.room.lines(visit).values())).message.en


def test_quarantine_has_no_back_door(country):
    """What the operator put apart does not come in through a relay, and leaves where it had."""
    country.room.visit("hub")
    country.room.add("a", country.a.url, trust=Trust.QUARANTINE)
    country.tell(country.a, "a3")
    country.room.visit("hub")
    assert country.live() == ["b1", "b2"]


def test_two_relays_leave_one_copy(country, new_peer, journal, checker):
    """The newest stays, wherever it was read; a withdrawal that one of them tells takes the other's copy away too."""
    second = Relay(new_peer())
    fetcher = Fetcher(frozenset(peer.host for peer in (country.hub.peer, second.peer, country.a.peer, country.b.peer)), "Maillage/test")
    names = Names(BASE)
    country.room = Room(journal, Harvester(journal, names, checker, Combined(Matcher(names)), fetcher))
    country.room.add("second", second.url, "relay")
    country.room.visit("hub")
    second.note(country.a, country.tell(country.a, "a1", "A1", "Update"))
    second.note(country.a, country.a.say("Create", "a9", group(country.a.iri("a9"), "a9")))
    country.room.visit("second")
    country.room.visit("hub")
    assert (country.live(), country.live("second")) == (["a2", "b1", "b2"], ["A1", "a9"])
    second.note(country.a, country.tell(country.a, "a1", kind="Delete"))
    country.room.visit("second")
    country.room.visit("hub")
    assert (country.live(), country.live("second")) == (["a2", "b1", "b2"], ["a9"])
    states = [record.state for record in (country.room.record(key, "hub") for key in keys(journal, "hub")) if record]
    assert states.count(HIDDEN) + states.count(GONE) == 1
    fetcher.close()


def keys(journal, name):
    """Every key of a source."""
    with journal.read() as c:
        return [row[0] for row in c.exec_driver_sql("SELECT key FROM record JOIN source ON source.id = source_id WHERE name = ?", (name,))]


def test_a_node_s_own_event_has_the_hash_that_is_checked(tmp_path, checker):
    """The event of a real node, read as a relay reads it, agrees with what the node itself states; contacts stayed at home."""
    base = "https://annuaire.example"
    with closing(Journal(tmp_path / "own.sqlite")) as own:
        names = Names(base)
        directory = Directory(own, names, checker, Combined(Matcher(names)).settle, "https://licence.example/ouverte")
        more = {"email": "contact@asso.example", "sameAs": "https://asso.example/", "location": {"addressLocality": "Ville", "latitude": "48.90"}}
        directory.publish(group(f"{base}/groups/jardin", "Jardin inventé", **more), "jardin", "test")
        with own.read() as c:
            event = pages.event(c, names, 1, 1)
    line = relays.Listed.of({**event, "epoch": 1})
    assert isinstance(line, relays.Listed)
    assert "email" not in event["record"]
    assert (line.base, relays._hash(event["record"], line)) == (base, event["contentHash"])
