"""Hostile peers: who speaks for others in whatever spelling, claims to be everybody, deletes much at once, replays, or sends without end."""

import json
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from sqlalchemy import select

from app.errors import Malformed
from app.harvest import authority, visit
from app.harvest.authority import require_authority, require_foreign
from app.journal import records, sources
from app.journal.tables import group as group_table
from app.journal.tables import member, record
from app.names import Names
from tests.harvest.conftest import BASE
from tests.harvest.feeds import Feed, group
from tests.harvest.loopback import answer

VICTIM = "https://victim.example"


# --- speaking for others (T11) ------------------------------------------------------------------------------------


def spellings(host: str) -> list[str]:
    """Addresses that a careless reader takes for one below ``http://{host}``, or for the victim's."""
    base = f"http://{host}"
    return [
        f"{VICTIM}/groups/v",
        "HTTPS://VICTIM.example:443/groups/v",
        f"{base}@victim.example/groups/v",
        f"{base}:pw@victim.example/groups/v",
        f"{base}.victim.example/groups/v",
        f"{base}/../groups/v",
        f"{base}/groups/../../v",
        f"{base}/groups/%2e%2e/%2E./v",
        f"{base}/groups/..%2f..%2fv",
        f"{base}/groups\\..\\v",
        f"{base}\\@victim.example/groups/v",
        f"{base}/groups/v\n<{VICTIM}/groups/v>",
        f"{base}/groups/v> <x",
        f"{base}/groups/v\u202e",
        f"{base}",
        f"//{host}/groups/v",
        "/groups/v",
        "groups/v",
        "_:b0",
        "urn:x-victim:v",
        f"{BASE}/groups/ours",
        "HTTPS://NODE.example:443/groups/ours",
        "http://node.example/groups/%6furs",
        "https://me@node.example./groups/ours",
        f"{BASE}/vocab",
        f"{BASE}",
        "https://w3id.org/maillage/ns#Group",
    ]


def test_no_spelling_speaks_for_another(room, feed, peer):
    """Of whatever an event says it is about, only what lies under the peer's own base comes in; every other is one refused line."""
    room.visit()
    tried = spellings(peer.host)
    for number, iri in enumerate(tried):
        feed.say("Create", f"x{number}", group(iri, "PWNED"))["object"] = iri
    feed.serve()
    report = room.visit()
    assert (report.outcome, report.counts["added"], report.counts["changed"]) == ("unchanged", 0, 0), [
        line.iri for line in room.lines(report).values() if line.outcome == "added"
    ]
    assert set(room.live()) == set("abcdef")
    assert b"PWNED" not in room.journal.path.read_bytes()


def test_no_spelling_withdraws_what_is_not_theirs(room, feed, peer):
    """Nor do the same spellings in a Delete, with purge or without, touch another peer's record or ours."""
    room.visit()
    with room.journal.write() as c:
        other = room_source(c)
        said = group(f"{VICTIM}/groups/v", "Victim")
        records.put(c, other, "v", f"{VICTIM}/groups/v", said, "h", "test")
    for number, iri in enumerate(spellings(peer.host)):
        feed.say("Delete", f"x{number}", purge=True)["object"] = iri
    feed.serve()
    assert room.visit().counts["gone"] == 0
    assert room.record("v", "victim").state == "live"
    assert set(room.live()) == set("abcdef")


def room_source(c):
    """A peer that is the victim."""
    return sources.add(c, "victim", f"{VICTIM}/feed", "maillage").id


INSIDE = {
    "another id": lambda _: {"id": f"{VICTIM}/groups/v"},
    "two ids": lambda _: {"@id": f"{VICTIM}/groups/v"},
    "base": lambda _: {"@context": {"@base": f"{VICTIM}/"}, "id": "groups/v"},
    "base beside": lambda _: {"@context": [{"@base": f"{VICTIM}/"}]},
    "id alias": lambda _: {"@context": {"me": "@id"}, "me": f"{VICTIM}/groups/v"},
    "reverse": lambda _: {"@reverse": {"memberOf": {"id": f"{VICTIM}/groups/v", "name": {"fr": "PWNED"}}}},
    "included": lambda _: {"@included": [{"id": f"{VICTIM}/groups/v", "name": {"fr": "PWNED"}}]},
    "graph": lambda _: {"@graph": [{"id": f"{VICTIM}/groups/v", "name": {"fr": "PWNED"}}]},
    "record": lambda _: {"record": {"id": f"{VICTIM}/groups/v", "name": {"fr": "PWNED"}}},
    "nested": lambda _: {"memberOf": {"id": f"{VICTIM}/groups/v", "name": {"fr": "PWNED"}}},
    "nested place": lambda _: {"location": [{"id": f"{VICTIM}/groups/v", "addressLocality": "PWNED"}]},
    "nested part": lambda iri: {"location": [{"id": f"{iri}/../v#p", "addressLocality": "PWNED"}]},
    "nested node": lambda _: {"cooperations": [{"id": f"{BASE}/groups/ours", "partner": "PWNED"}]},
    "nest": lambda _: {"@nest": {"id": f"{VICTIM}/groups/v", "name": {"fr": "PWNED"}}},
    "stream": lambda _: {"stream": {"id": f"{VICTIM}/feed", "name": {"fr": "PWNED"}}},
}


@pytest.mark.parametrize("trick", INSIDE.values(), ids=INSIDE)
def test_nothing_inside_a_record_speaks_of_another(room, feed, trick):
    """Whatever a record holds, the statements kept of it are about itself and its parts alone."""
    iri = feed.iri("x")
    feed.say("Create", "x", group(iri, "x") | trick(iri))
    room.visit()
    held = room.record("x")
    with room.journal.read() as c:
        documents = [row.document for row in c.execute(select(record.c.document)).all()]
    subjects = {found for document in documents for found in ids(json.loads(document))}
    own = {feed.iri(slug) for slug in "abcdefx"}
    assert all(subject.partition("#")[0] in own for subject in subjects)
    assert held is None or held.iri == iri
    assert set("abcdef") <= set(room.live())


def ids(value):
    """Yield every subject of a document."""
    if isinstance(value, dict):
        if len(value) > 1 and "id" in value:
            yield value["id"]
        for part in value.values():
            yield from ids(part)
    elif isinstance(value, list):
        for part in value:
            yield from ids(part)


@pytest.mark.parametrize("place", ["object", "record", "page"])
def test_a_key_given_twice_is_no_feed(room, feed, peer, place):
    """Two readers would understand two things: the visit fails, and what was there stays."""
    room.visit()
    feed.update("a", "PWNED")
    page = f"/feed/pages/{len(feed.events) // feed.size + 1}"
    event = json.dumps(feed.events[-1])
    twice = {
        "object": event.replace('"object":', f'"object": "{VICTIM}/groups/v", "object":'),
        "record": event.replace('"name":', '"name": {"fr": "other"}, "name":'),
        "page": event,
    }[place]
    tail = ', "orderedItems": []' if place == "page" else ""
    stream = json.dumps({"id": f"{feed.url}#e1"})
    peer.answers[page] = answer(f'{{"id": "{peer.url}{page}", "stream": {stream}, "orderedItems": [{twice}]{tail}}}')
    report = room.visit()
    assert (report.outcome, room.live()["a"]) == ("failed", "a")
    assert "not complete, correct JSON" in report.message.en


def test_the_same_rules_said_directly():
    """The base itself is no record; a longer host, another port or a prefix of the path is another's; our own come back in no spelling."""
    names = Names(BASE)
    assert require_authority("https://a.example/x/1", "https://a.example/x", names) == "https://a.example/x/1"
    for iri in (
        None,
        "https://a.example/x",
        "https://a.example/xy/1",
        "https://a.example:8443/x/1",
        "http://a.example/x/1",
        "https://a.example/x/" + "y" * 2048,
    ):
        with pytest.raises(Malformed):
            require_authority(iri, "https://a.example/x", names)
    for iri in (BASE, f"{BASE}/groups/a", "http://NODE.example:80/groups/a", "https://x@node.example/a"):
        with pytest.raises(Malformed):
            require_foreign(iri, names)
    require_foreign("https://node.example.org/groups/a", names)
    require_foreign(None, names)


def test_who_serves_a_host_does_not_speak_for_a_node_in_a_folder_of_it(room, feed, peer):
    """Once that node is a peer of its own, the longer base wins, in whatever spelling; a folder of nobody is the host's."""
    for number, folder in enumerate(("quartier", "%71uartier", "quartiers")):
        iri = f"{peer.url}/{folder}/groups/x"
        feed.say("Create", f"x{number}", group(iri, folder))["object"] = iri
        feed.say("Delete", f"y{number}")["object"] = f"{peer.url}/{folder}/groups/y"
    feed.serve()
    room.add("inner", f"{peer.url}/quartier/feed")
    report = room.visit()
    assert (report.counts["added"], report.counts["refused"]) == (7, 4)
    assert "quartiers" in room.live().values()
    assert all("belongs to the node" in line.message.en for line in room.lines(report).values() if line.outcome == "refused")


# --- being everybody (T12) ----------------------------------------------------------------------------------------


TOWNS = ("Lille", "Brest", "Nice", "Metz", "Pau", "Dax")
NAMES = ("Atelier des vélos", "Jardin partagé", "Cantine solidaire", "Ressourcerie", "Théâtre de rue", "Radio locale")


def place(town: str) -> dict:
    return {"streetAddress": f"{len(town)} rue de la Gare", "addressLocality": town, "postalCode": f"{10 + TOWNS.index(town)}100"}


def victims(room):
    """Six groups that have nothing to do with each other, of an honest peer."""
    with room.journal.write() as c:
        source_id = room_source(c)
        for number, (town, name) in enumerate(zip(TOWNS, NAMES, strict=True)):
            iri = f"{VICTIM}/groups/v{number}"
            said = group(iri, name, url=[f"https://site{number}.example/"], siren=f"55210055{number}", location=[place(town)])
            records.put(c, source_id, f"v{number}", iri, said, f"h{number}", "test")
    room.harvester._settle()


def partition(room):
    """The victims' records by group."""
    with room.journal.read() as c:
        rows = c.execute(select(record.c.key, member.c.identity_id).join(member).where(record.c.key.like("v%"))).all()
    found: dict = {}
    for key, identity_id in rows:
        found.setdefault(identity_id, set()).add(key)
    return sorted(map(sorted, found.values()))


def test_who_claims_to_be_everybody_joins_nobody(room, feed):
    """Claims of sameness stay claims: neither links, nor sites, nor names, nor identifiers of a hostile peer put others' groups together."""
    victims(room)
    apart = partition(room)
    assert apart == [[f"v{number}"] for number in range(6)]
    everyone = {
        "exactMatch": [f"{VICTIM}/groups/v{number}" for number in range(6)],
        "http://www.w3.org/2002/07/owl#sameAs": [f"{VICTIM}/groups/v{number}" for number in range(6)],
        "sameAs": [f"https://site{number}.example/" for number in range(6)],
        "url": [f"https://site{number}.example/" for number in range(6)],
        "alternateName": list(NAMES),
        "location": [place(town) for town in TOWNS],
    }
    feed.create("all", NAMES[0], **everyone)
    for left, right in combinations(range(6), 2):
        sites = [f"https://site{number}.example/" for number in (left, right)]
        both = [place(TOWNS[number]) for number in (left, right)]
        feed.create(f"b{left}{right}", NAMES[left], alternateName=[NAMES[right]], url=sites, sameAs=sites, location=both)
    report = room.visit()
    assert report.counts["added"] >= 6 + 15, [line.message.en for line in room.lines(report).values() if line.outcome == "refused"]
    assert partition(room) == apart
    with room.journal.read() as c:
        for row in c.execute(select(group_table.c.document)):
            claimed = [one for one in json.loads(row.document).get("exactMatch", []) if one.startswith(VICTIM)]
            assert len(claimed) <= 1


def test_claims_are_capped(room, feed):
    """Twenty claims of sameness a record are kept, the first ones; the line says so."""
    many = [f"https://social.example/{number}" for number in range(50)]
    feed.create("x", sameAs=many)
    report = room.visit()
    assert room.record("x").document["sameAs"] == many[: authority.MOST_CLAIMS]
    assert "20" in room.lines(report)["x"].message.en


# --- deleting much at once (T6) -----------------------------------------------------------------------------------


@pytest.mark.parametrize("purge", [False, True])
@pytest.mark.parametrize(("deleted", "outcome"), [(1, "applied"), (4, "applied"), (5, "applied"), (6, "held"), (24, "held"), (25, "held")])
def test_tombstones_act_at_once_until_there_are_too_many(room, peer, deleted, outcome, purge):
    """Of 25 records five may be withdrawn in one visit; six, with purge or without, wait for a person and nothing is touched."""
    feed = feed_of(room, peer, 25)
    for number in range(deleted):
        feed.delete(f"g{number}", purge=purge)
    report = room.visit()
    assert (report.outcome, len(room.live())) == (outcome, 25 if outcome == "held" else 25 - deleted)
    if outcome == "held":
        assert f"{deleted} records vanish" in report.message.en or "Every record" in report.message.en
        assert room.record("g0").document["name"]
        room.harvester.apply(report.id, "someone")
        assert len(room.live()) == 25 - deleted
        assert (room.record("g0").document == {}) is purge


def feed_of(room, peer, size):
    """A peer of so many groups, visited."""
    feed = Feed(peer, size=50)
    for number in range(size):
        feed.create(f"g{number}")
    room.add("peer", feed.url)
    assert room.visit().outcome == "applied"
    return feed


@pytest.mark.parametrize("how", ["new epoch", "emptied", "re-created elsewhere", "rewritten"])
def test_no_other_way_of_losing_much_passes(room, peer, how):
    """A new epoch without them, an empty log, the same groups under other addresses, all of them rewritten: held, and what was there stays."""
    feed = feed_of(room, peer, 10)
    if how == "new epoch":
        feed.epoch, feed.events = 2, []
        feed.create("g0")
    elif how == "emptied":
        feed.epoch, feed.events = 2, []
        feed.serve()
    elif how == "re-created elsewhere":
        for number in range(10):
            feed.delete(f"g{number}")
            feed.create(f"new{number}", f"g{number}")
    else:
        for number in range(10):
            feed.update(f"g{number}", "PWNED")
    assert room.visit().outcome == "held"
    assert sorted(room.live()) == sorted(f"g{number}" for number in range(10))


# --- echoes, replays, clocks, floods (T13) ------------------------------------------------------------------------


def test_replayed_events_change_nothing(room, feed):
    """Old statements under new pages, whatever their order within the numbers already read, are unchanged records."""
    room.visit()
    for name in ("second", "third"):
        feed.update("a", name)
        room.visit()
    feed.events = [*feed.events[:6], feed.events[-1]]
    feed.serve()
    room.set("peer", cursor={})
    assert room.visit().outcome == "unchanged"
    assert room.live()["a"] == "third"
    feed.events = feed.events[:6]
    feed.serve()
    room.set("peer", cursor={})
    room.visit()
    assert room.live()["a"] == "third"


@pytest.mark.parametrize("field", ["modified", "created"])
def test_dates_in_the_future_are_flagged_and_decide_nothing(room, feed, field):
    """A record dated a year ahead is taken, said to be odd, and replaced by the next event however that is dated."""
    feed.update("a", "from the future", **{field: "2999-01-01T00:00:00.000Z"})
    report = room.visit()
    assert "in the future" in room.lines(report)["a"].message.en
    feed.update("a", "now")
    room.visit()
    assert room.live()["a"] == "now"


def test_a_peer_that_sends_without_end_is_left(room, feed, monkeypatch):
    """More records than the quota: the visit fails with a sentence, nothing of it is kept."""
    monkeypatch.setattr(visit, "MOST_RECORDS", 5)
    report = room.visit()
    assert (report.outcome, room.live()) == ("failed", {})
    assert "sends more than 5 records" in report.message.en
    with room.journal.read() as c:
        assert c.execute(select(record.c.id)).all() == []


def test_a_peer_that_fills_the_journal_drop_by_drop_is_left_too(room, feed, monkeypatch):
    """The quota is for all it ever sent, withdrawn or not: the visit that would pass it fails, and what was there stays and is revised."""
    room.visit()
    feed.delete("a")
    room.visit()
    monkeypatch.setattr(visit, "MOST_RECORDS", 7)
    feed.create("g")
    assert room.visit().outcome == "applied"
    feed.create("h")
    report = room.visit()
    assert (report.outcome, report.message.en) == ("failed", "This peer would have more than 7 records here (7 known, 1 new): nothing is taken.")
    feed.delete("h")
    feed.update("b", "revised")
    assert (room.visit().outcome, room.live()["b"]) == ("applied", "revised")


def test_a_peer_that_asks_for_a_century_of_rest_gets_a_day(room, feed, peer):
    """`Retry-After` is clamped: a busy or hostile peer is visited again within about a day."""
    peer.answers["/feed"] = answer("busy", "503 Service Unavailable", Retry_After="3153600000")
    assert room.visit().outcome == "failed"
    following = datetime.fromisoformat(room.source().next_visit_at)
    assert timedelta(hours=20) < following - datetime.now(UTC) < timedelta(hours=36)
