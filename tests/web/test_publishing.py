"""Writing our own groups over HTTP."""

import json

import pytest

from app.journal import records, sources
from tests.web.conftest import Site, eventually, invented

CONTACT = {"email": "contact@inventee.example", "telephone": "+33100000000"}


def test_what_was_written_is_there_at_once(site: Site) -> None:
    """201 with the address; then the group, the list, the search, the feed and the history have it, and SPARQL soon."""
    answer = site.ask("PUT", "/groups/at-once", invented("at-once", name={"fr": "Les Habitantes inventées"}), "editor")
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{site.url}/groups/at-once"
    told = answer.json()
    assert set(told["filled"]) == {"id", "created", "modified", "license"}
    assert told["record"]["@context"] == f"{site.url}/vocab/context/v1.jsonld"
    group = site.get("/groups/at-once")
    assert group.headers["etag"] == answer.headers["etag"]
    assert group.json()["records"] == [f"{site.url}/records/own/at-once"]
    assert group.json()["id"] in [found["id"] for found in site.get("/groups?q=habitante").json()["orderedItems"]]
    last = site.get("/feed").json()["last"].removeprefix(site.url)
    assert site.get(last).json()["orderedItems"][-1]["object"] == f"{site.url}/groups/at-once"
    assert site.get("/groups/at-once/history").json()["records"][0]["versions"][0]["kind"] == "create"
    ask = f"/sparql?query=ASK%20%7B%3C{site.url}/groups/at-once%3E%20%3Fp%20%3Fo%7D"
    assert eventually(lambda: site.get(ask, Accept="application/sparql-results+json").json()["boolean"])


def test_posting_makes_a_slug_from_the_name(site: Site) -> None:
    """POST publishes under a new address each time."""
    first, second = (site.ask("POST", "/groups", invented("x", name={"fr": "L'Œuvre inventée & Cie"}), "editor") for _ in range(2))
    assert first.headers["location"] == f"{site.url}/groups/l-oeuvre-inventee-et-cie"
    assert second.headers["location"] == f"{site.url}/groups/l-oeuvre-inventee-et-cie-2"


def test_a_revision_names_the_version_it_was_made_from(site: Site) -> None:
    """Without If-Match 428, with another's 412, with the ETag of any variant in any encoding 200; nothing is lost in between."""
    first = site.publish("versioned").headers["etag"]
    assert site.ask("PUT", "/groups/versioned", invented("bis"), "editor").status_code == 428
    assert site.ask("PUT", "/groups/versioned", invented("bis"), "editor", If_None_Match="*").status_code == 412
    turtle = site.get("/groups/versioned.ttl", Accept_Encoding="gzip").headers["etag"]
    assert turtle != first
    assert site.ask("PUT", "/groups/versioned", invented("bis"), "editor", If_Match=turtle).status_code == 200
    assert site.ask("PUT", "/groups/versioned", invented("ter"), "editor", If_Match=first).status_code == 412
    assert site.ask("PUT", "/groups/versioned", invented("ter"), "editor", If_Match=f"W/{turtle}").status_code == 412
    assert site.ask("PUT", "/groups/versioned", invented("ter"), "editor", If_Match="*").status_code == 200
    held = site.get("/records/own/versioned").headers["etag"]
    assert site.ask("PUT", "/groups/versioned", invented("quater"), "editor", If_Match=f'"nope", {held}').status_code == 200
    kinds = [version["kind"] for version in site.get("/groups/versioned/history").json()["records"][0]["versions"]]
    assert kinds == ["create", "update", "update", "update"]


def test_if_match_on_nothing_fails(site: Site) -> None:
    """A condition on a group that is not there is false."""
    assert site.ask("PUT", "/groups/not-there-yet", invented("x"), "editor", If_Match='"x"').status_code == 412
    assert site.get("/groups/not-there-yet").status_code == 404


@pytest.mark.parametrize(
    ("content", "headers", "status", "slug"),
    [
        (b"{", {"Content_Type": "application/ld+json"}, 400, "malformed"),
        (b'{"name": {"fr": "a"}, "name": {"fr": "b"}}', {"Content_Type": "application/json"}, 400, "malformed"),
        (b"[]", {"Content_Type": "application/ld+json"}, 400, "malformed"),
        (b"[" * 100_000, {"Content_Type": "application/ld+json"}, 400, "malformed"),
        (b'{"@context": "https://evil.example/c"}', {"Content_Type": "application/ld+json"}, 400, "malformed"),
        (b"<html>", {"Content_Type": "text/html"}, 415, "unsupported-type"),
        (b"{}", {}, 415, "unsupported-type"),
        (b"{}", {"Content_Type": "application/ld+json"}, 422, "invalid"),
        (b'{"name": {"fr": "Groupe invent\xc3\xa9"}, "topics": ["cheese"]}', {"Content_Type": "application/ld+json"}, 422, "invalid"),
        (b'{"id": "https://elsewhere.example/g", "name": {"fr": "x"}}', {"Content_Type": "application/ld+json"}, 400, "bad-request"),
    ],
)
def test_bad_input_gets_a_clear_error_and_changes_nothing(site: Site, content: bytes, headers: dict[str, str], status: int, slug: str) -> None:
    """Each kind of bad body has its status and its sentence; nothing is published."""
    before = site.get("/feed").headers["etag"]
    answer = site.ask("PUT", "/groups/bad", content, "editor", **headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"{site.url}/docs#{slug}"), answer.text
    assert answer.json()["detail"]
    assert site.get("/groups/bad").status_code == 404
    assert site.get("/feed").headers["etag"] == before


def test_a_422_lists_each_violation(site: Site) -> None:
    """Path, value and message, in the reader's language."""
    document = invented("bad", siren="12", location={"latitude": "95", "longitude": "2.4"})
    answer = site.ask("PUT", "/groups/bad", document, "editor", Accept_Language="en")
    assert answer.status_code == 422
    found = {violation["path"]: violation for violation in answer.json()["violations"]}
    assert {"siren", "location.latitude"} <= set(found)
    assert found["siren"]["value"] == "12"
    assert all(violation["message"] for violation in found.values())


def test_unknown_keys_are_reported(site: Site) -> None:
    """What means nothing here is named in the answer, and the rest is published."""
    answer = site.publish("reported", favourite_colour="blue")
    assert answer.json()["ignored"] == ["favourite_colour"]


@pytest.mark.parametrize("slug", ["Bad", "a_b", "a.b", "-a", "é", "x" * 81])
def test_a_slug_is_plain(site: Site, slug: str) -> None:
    """Only lower-case letters, digits and hyphens become part of an address."""
    assert site.ask("PUT", f"/groups/{slug}", invented("x"), "editor").status_code == 400


def test_a_withdrawn_group_is_gone_and_may_come_back(site: Site) -> None:
    """204, then 410 everywhere; its history is for those who signed in; PUT publishes it anew."""
    etag = site.publish("leaving").headers["etag"]
    assert site.ask("DELETE", "/groups/leaving", role="editor", If_Match='"0000000000000000-x"').status_code == 412
    assert site.ask("DELETE", "/groups/leaving", role="editor", If_Match=etag).status_code == 204
    for path in ("/groups/leaving", "/groups/leaving.ttl", "/groups/leaving/history", "/records/own/leaving"):
        assert site.get(path).status_code == 410, path
    assert site.ask("GET", "/groups/leaving/history", role="reader").status_code == 200
    assert site.ask("DELETE", "/groups/leaving", role="editor").status_code == 410
    assert site.ask("DELETE", "/groups/never-was", role="editor").status_code == 404
    assert site.ask("PUT", "/groups/leaving", invented("leaving"), "editor").status_code == 201
    assert site.get("/groups/leaving").status_code == 200


def test_a_purged_group_leaves_nothing_behind(site: Site) -> None:
    """`purge=true` erases the history too: no version, no event, no page holds it."""
    site.publish("forgotten", description={"fr": "Un mot inventé : xylolalie."})
    assert site.ask("DELETE", "/groups/forgotten?purge=true", role="editor").status_code == 204
    root = site.get("/feed").json()
    pages = [site.get(relation["node"].removeprefix(site.url)) for relation in root["relation"]]
    assert "xylolalie" not in "".join(page.text for page in pages)
    assert "xylolalie" not in site.ask("GET", "/groups/forgotten/history", role="admin").text
    assert pages[-1].json()["orderedItems"][-1]["purge"] is True


def test_contacts_without_consent_stay_here(site: Site) -> None:
    """Strangers never see them, in no format; editors do, and their copy is not kept by caches."""
    site.publish("discreet", **CONTACT)
    root = site.get("/feed").json()["last"].removeprefix(site.url)
    for path in (
        "/groups/discreet",
        "/groups/discreet.trig",
        "/records/own/discreet",
        "/groups/discreet/history",
        root,
        "/dump.csv",
        "/groups?q=discreet",
    ):
        text = site.get(path).text
        assert "inventee.example" not in text and "100000000" not in text, path
    full = site.ask("GET", "/records/own/discreet", role="editor")
    assert full.json()["email"] == CONTACT["email"]
    assert "no-store" in full.headers["cache-control"]
    assert "Authorization" in full.headers["vary"]
    assert full.headers["etag"] != site.get("/records/own/discreet").headers["etag"]
    assert "email" not in site.ask("GET", "/records/own/discreet", role="reader").json()
    site.publish("open", consent="2026-11-01", email="bonjour@ouverte.example")
    assert site.get("/groups/open").json()["email"] == "bonjour@ouverte.example"


def test_who_changed_what_is_not_for_strangers(site: Site) -> None:
    """The authors of versions are shown to those who signed in."""
    site.publish("by-whom")
    assert "test editor" not in site.get("/groups/by-whom/history").text
    assert site.ask("GET", "/groups/by-whom/history", role="reader").json()["records"][0]["versions"][0]["author"] == "test editor"


def test_a_merged_group_leads_to_its_successor(site: Site) -> None:
    """Two of our own groups judged the same: the younger's address leads to the elder, with the format that was asked for."""
    site.publish("elder", name={"fr": "Régie inventée des Lilas"})
    etag = site.publish("younger", name={"fr": "La Régie inventée aux Lilas"}).headers["etag"]
    pair = {"left": f"{site.url}/groups/elder", "right": f"{site.url}/groups/younger", "verdict": "same", "reason": "essai"}
    judged = site.ask("POST", "/api/judgements", pair, "editor", Content_Type="application/json")
    assert judged.status_code == 201, judged.text
    moved = site.get("/groups/younger.ttl")
    assert (moved.status_code, moved.headers["location"]) == (301, f"{site.url}/groups/elder.ttl")
    assert site.get("/groups/younger/history").headers["location"] == f"{site.url}/groups/elder/history"
    assert len(site.get("/groups/elder").json()["records"]) == 2
    trig = site.get("/groups/elder.trig").text
    assert f"{site.url}/records/own/elder" in trig and f"{site.url}/records/own/younger" in trig
    revised = site.ask("PUT", "/groups/younger", invented("younger"), "editor", If_Match=etag)
    assert revised.status_code == 200
    assert "merged" in revised.headers["etag"]
    assert site.ask("DELETE", f"/api/judgements/{judged.json()['id']}", role="editor").status_code == 204
    assert site.get("/groups/younger").status_code == 200


def test_everything_sent_is_json_that_reads_back(site: Site) -> None:
    """A record read here can be sent back as it is."""
    site.publish("round", location={"latitude": "48.90", "longitude": "2.40", "addressLocality": "Pantin"})
    held = site.ask("GET", "/records/own/round", role="editor")
    again = site.ask("PUT", "/groups/round", json.loads(held.text), "editor", If_Match=held.headers["etag"])
    assert again.status_code == 200
    assert again.json()["ignored"] == []
    assert len(site.get("/groups/round/history").json()["records"][0]["versions"]) == 1


def test_a_harvested_record_is_erased_by_an_administrator_alone(site: Site) -> None:
    """With `purge=true`, since nothing else can be done to what others say; a second time it is gone; what is not there is not found."""
    with site.node.journal.write() as c:
        peer = sources.add(c, "elsewhere", "https://elsewhere.example/feed", "maillage")
        sources.update(c, "elsewhere", enabled=False)  # or a visit might be under way
        iri = "https://elsewhere.example/groups/x"
        records.put(c, peer.id, "x", iri, {"id": iri, "type": ["Group", "schema:Organization"], "name": {"fr": "Ailleurs inventé"}}, "h", "test")
    site.node.combined.settle_pending(site.node.journal)
    assert site.get("/records/elsewhere/x").status_code == 200
    assert site.ask("DELETE", "/records/elsewhere/x?purge=true").status_code == 401
    assert site.ask("DELETE", "/records/elsewhere/x?purge=true", role="editor").status_code == 403
    assert site.ask("DELETE", "/records/elsewhere/x", role="admin").status_code == 400
    assert site.ask("DELETE", "/records/elsewhere/x?purge=true", role="admin").status_code == 204
    assert site.ask("DELETE", "/records/elsewhere/x?purge=true", role="admin").status_code == 410
    assert site.ask("DELETE", "/records/elsewhere/y?purge=true", role="admin").status_code == 404
    assert (site.get("/records/elsewhere/x").status_code, site.get("/groups/ailleurs-invente").status_code) == (410, 410)
    site.publish("ours-to-erase")
    assert site.ask("DELETE", "/records/own/ours-to-erase?purge=true", role="admin").status_code == 204
    assert site.get("/groups/ours-to-erase").status_code == 410
