"""Hub, callbacks, pings, webhooks, readers and proposals over HTTP: who may do what, and what each answers."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from app.journal import listening, proposals, sources, subscribers
from tests.web.conftest import Site, eventually

PLAIN = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def peer(site: Site) -> Iterator[str]:
    """A peer that is never due, and our subscription at its hub; returns our token there."""
    with site.node.journal.write() as c:
        source = sources.add(c, "caller", "https://caller.example/feed", "maillage")
        sources.update(c, "caller", next_visit_at="2126-01-01T00:00:00.000Z", state="ok")
        wanted = listening.Subscription(
            source.id, "tok", "https://caller.example/hub", source.url or "", "s3cret", "asked", "2026-01-01T00:00:00.000Z", None
        )
        listening.put(c, wanted)
    yield "tok"
    site.node.harvester.remove("caller")


def test_the_root_announces_the_hub(site: Site) -> None:
    """As WebSub wants it: where the hub is, and what the feed calls itself."""
    links = site.get("/feed").headers["link"]
    assert f'<{site.url}/hub>; rel="hub"' in links
    assert f'<{site.url}/feed>; rel="self"' in links


def test_the_hub_takes_forms_alone(site: Site) -> None:
    """A wish that cannot be is refused with a sentence; one that can is taken note of, and the stranger's word is not enough."""
    wish = {"hub.mode": "subscribe", "hub.topic": f"{site.url}/feed", "hub.callback": "http://127.0.0.1:9/called"}
    assert site.ask("POST", "/hub", wish, Content_Type=PLAIN).status_code == 415
    assert site.ask("POST", "/hub", b"hub.mode=subscribe", Content_Type=FORM).status_code == 400
    assert site.ask("POST", "/hub", b"hub.mode=subscribe&hub.mode=unsubscribe", Content_Type=FORM).status_code == 400
    assert site.ask("POST", "/hub", b"a=b&" * 10_000, Content_Type=FORM).status_code == 413
    text = "&".join(f"{key}={value}" for key, value in wish.items()).encode()
    assert site.ask("POST", "/hub", text, Content_Type=FORM).status_code == 202
    with site.node.journal.read() as c:
        assert [one for one in subscribers.list_(c) if "called" in one.callback] == []


def test_our_callback_answers_hubs_that_we_asked(site: Site, peer: str) -> None:
    """The challenge comes back as plain text; unknown tokens are told that nobody listens."""
    question = "hub.mode=subscribe&hub.topic=https://caller.example/feed&hub.challenge=%3Cb%3E&hub.lease_seconds=86400"
    answer = site.get(f"/listening/{peer}?{question}")
    assert (answer.status_code, answer.text) == (200, "<b>")
    assert answer.headers["content-type"].startswith("text/plain")
    assert site.get(f"/listening/other?{question}").status_code == 404
    assert site.ask("POST", "/listening/other", b"{}", Content_Type=PLAIN).status_code == 410
    assert site.ask("POST", f"/listening/{peer}", b"{}", Content_Type=PLAIN, X_Hub_Signature="sha256=0").status_code == 202


def test_anybody_may_ping_and_nobody_learns_anything(site: Site, peer: str) -> None:
    """A known feed, an unknown one: the same answer; only what is no ping at all is refused."""
    for feed in ("https://caller.example/feed", "https://nobody.example/feed"):
        answer = site.ask("POST", "/ping", {"feed": feed, "sequence": 3}, Content_Type=PLAIN)
        assert (answer.status_code, answer.content) == (202, b"")
    for odd in ({"feed": "x"}, {"feed": "x", "sequence": "3"}, {"feed": "x", "sequence": True}, {"feed": 1, "sequence": 1}, {"more": 1}, []):
        assert site.ask("POST", "/ping", odd, Content_Type=PLAIN).status_code == 400
    assert eventually(lambda: bool(_visited(site)))


def _visited(site: Site) -> str | None:
    """When the peer that was pinged was last visited."""
    with site.node.journal.read() as c:
        return sources.get(c, "caller").last_visit_at


def test_webhooks_are_an_admins(site: Site) -> None:
    """Named, listed without their secret, removed; nobody else may see where messages go."""
    for role in ("reader", "editor"):
        assert site.ask("GET", "/api/webhooks", role=role).status_code == 403
    assert site.ask("GET", "/api/webhooks").status_code == 401
    added = site.ask("POST", "/api/webhooks", {"url": "https://told.example/x", "signed": True}, "admin", Content_Type=PLAIN)
    assert added.status_code == 201
    assert len(added.json()["secret"]) >= 32
    assert site.ask("POST", "/api/webhooks", {"url": "https://told.example/x"}, "admin", Content_Type=PLAIN).status_code == 409
    assert site.ask("POST", "/api/webhooks", {"url": "mailto:x@told.example"}, "admin", Content_Type=PLAIN).status_code == 400
    place = added.headers["location"].removeprefix(site.url)
    shown = site.ask("GET", place, role="admin").json()
    assert (shown["kind"], shown["url"], shown["signed"]) == ("webhook", "https://told.example/x", True)
    assert "secret" not in shown
    assert shown in site.ask("GET", "/api/webhooks", role="admin").json()["webhooks"]
    assert site.ask("DELETE", place, role="admin").status_code == 204
    assert site.ask("DELETE", place, role="admin").status_code == 404
    assert site.ask("GET", "/api/webhooks/99999999999999999999", role="admin").status_code == 404


def test_readers_are_noted_and_shown_to_those_with_a_token(site: Site) -> None:
    """Root, pages and dumps count; a stranger may not ask who reads."""
    agent = "Maillage/test (+https://reader.example)"
    first = urlsplit(site.get("/feed").json()["first"]).path
    for path in ("/feed", first, "/dump.ndjson.gz", "/dump.csv"):
        assert site.get(path, User_Agent=agent).status_code == 200
    (found,) = (one for one in site.ask("GET", "/api/readers", role="reader").json()["readers"] if one["agent"] == agent)
    assert (found["url"], found["requests"]) == ("https://reader.example", 4)
    assert site.ask("GET", "/api/readers").status_code == 401


def test_proposals_are_listed_and_dismissed(site: Site) -> None:
    """Shown to those with a token, dismissed by an admin, never on a public page."""
    with site.node.journal.write() as c:
        proposals.note(c, ["https://proposed.example"], "somebody")
    (found,) = site.ask("GET", "/api/proposals", role="reader").json()["proposals"]
    assert (found["url"], found["found_through"]) == ("https://proposed.example", "somebody")
    for public in ("/peers", "/.well-known/void", "/"):
        assert "proposed.example" not in site.get(public).text
    address = "/api/proposals?url=https://proposed.example"
    assert site.ask("GET", "/api/proposals").status_code == 401
    assert site.ask("DELETE", address, role="editor").status_code == 403
    assert site.ask("DELETE", address, role="admin").status_code == 204
    assert site.ask("GET", "/api/proposals", role="reader").json()["proposals"] == []
    assert site.ask("DELETE", "/api/proposals?url=https://never.example", role="admin").status_code == 404


def test_public_pages_show_nothing_private_of_peers(site: Site) -> None:
    """No user, password, query, secret, token or callback of anybody."""
    secrets = ("s3cr3t-user", "s3cr3t-pass", "s3cr3t-query", "s3cr3t-token", "s3cr3t-hmac", "s3cr3t-hook")
    with site.node.journal.write() as c:
        source = sources.add(c, "shy", f"https://{secrets[0]}:{secrets[1]}@shy.example/feed?key={secrets[2]}", "maillage", enabled=False)
        listening.put(c, listening.Subscription(source.id, secrets[3], "", "", secrets[4], "asked", "2026-01-01T00:00:00.000Z", None))
        hook = subscribers.keep(c, subscribers.Kind.WEBHOOK, f"https://told.example/{secrets[5]}", "x", None, None, 0)
    for path in ("/", "/peers", "/peers/shy", "/.well-known/void", "/metrics"):
        for accept in ("text/html", "text/turtle", "application/ld+json", "*/*"):
            text = site.get(path, Accept=accept).text
            assert [secret for secret in secrets if secret in text] == [], path
    site.node.harvester.remove("shy")
    with site.node.journal.write() as c:
        subscribers.remove(c, hook.id)
