"""One real node with invented groups, read from two sources that disagree, and one real browser; both shared by all tests of pages."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import Connection

from app.journal import records, sources
from tests.harvest.loopback import Peer, answer
from tests.web.conftest import Site, serving
from tests.web.pages.markup import Markup

HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""What browsers send."""

ELEMENTS = "/api/elements.json"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")

SCRIPT = "</script><img src=x onerror=alert(1)>"
BAD = "javascript:alert(1)"

ATELIER: dict[str, Any] = {
    "name": {"fr": "Atelier des Quatre Chemins", "en": "Four Ways Workshop"},
    "alternateName": ["A4C"],
    "description": {
        "fr": "Groupe inventé pour les essais : un atelier d'urbanisme.\nDeux soirs par semaine.",
        "en": "Invented group: a planning workshop.",
    },
    "url": ["https://atelier.example/"],
    "email": "bonjour@atelier.example",
    "telephone": "01 00 00 00 00",
    "consent": "2026-01-31",
    "siren": "123456782",
    "topics": ["urban-planning", "housing"],
    "objectives": ["visibility"],
    "knowHow": ["code-webdesign"],
    "keywords": ["jardin partagé"],
    "scales": ["neighbourhood"],
    "territories": ["COM-93001"],
    "founded": "2012",
    "location": [
        {
            "streetAddress": "12 rue du Moutier",
            "postalCode": "93300",
            "addressLocality": "Aubervilliers",
            "latitude": "48.9141",
            "longitude": "2.3817",
        }
    ],
    "sameAs": ["https://www.wikidata.org/wiki/Q1"],
}
"""A group with a value of every kind that a page shows."""


HOSTILE: dict[str, Any] = {
    "name": {"fr": f"Groupe inventé {SCRIPT}"},
    "alternateName": ["<b onclick=alert(1)>", "{{ 7*7 }}"],
    "description": {"fr": f"--> ]]> {SCRIPT} <!--<script>"},
    "keywords": ['" onmouseover="alert(1)', SCRIPT],
    "sameAs": ["https://ok.example/%22onload=x"],
}
"""What the checks let in: texts are texts."""

SMUGGLED: dict[str, Any] = {
    "url": [BAD, "https://good.example/"],
    "sameAs": [BAD, "data:text/html,alert(1)", "vbscript:x", "https:///x", "HTTPS://Shout.example"],
    "email": "x@y.example?subject=<script>",
    "telephone": "javascript:1",
    "contactPage": BAD,
    "memberOf": [BAD],
    "license": BAD,
    "logo": "https://tracker.example/pixel.png",
    "areaServed": ["javascript://%0aalert(1)"],
    "consent": "2026-01-01",
    "topics": [BAD],
    "founded": "<i>",
    "created": "not a date",
    "shares": [{"id": "https://x.example/#shares-1", "name": {"fr": SCRIPT}, "url": [BAD], "license": BAD}],
    "foaf:page": BAD,
    "schema:slogan": SCRIPT,
    "schema:image": "https://tracker.example/pixel.png",
}
"""What they do not."""


def element(key: str, name: str | None, **more: Any) -> dict[str, Any]:
    """Return one element of a GoGoCarto map."""
    named = {"name": name} if name else {}
    address = {"streetAddress": "1 rue Inventée", "postalCode": "75011", "addressLocality": "Paris", "addressCountry": "FR"}
    return (
        {"id": key, "geo": {"latitude": 48.86, "longitude": 2.37}, "address": address, "status": 4, "description": "Groupe inventé."} | named | more
    )


def elements(*listed: dict[str, Any]) -> bytes:
    """Return the answer of a map."""
    return answer({"licence": "https://opendatacommons.org/licenses/odbl/summary/", "data": list(listed)}, Content_Type="application/json")


MAP = (
    element(
        "A4C",
        "Atelier des 4 Chemins",
        website="https://atelier.example/",
        description="Une autre description du même groupe inventé.",
        address={"streetAddress": "12, r. du Moutier", "postalCode": "93300", "addressLocality": "AUBERVILLIERS", "addressCountry": "FR"},
        geo={"latitude": 48.9142, "longitude": 2.3816},
        openHours={"Sa": "10:00-18:00"},
    ),
    element("BAD", None),
    element("XSS", f"Carte {SCRIPT}", website=BAD),
    *(element(f"E{number}", f"Épicerie inventée numéro {number}") for number in range(9)),
)


@dataclass
class Directory:
    """The node, its peer, and what is where."""

    site: Site
    peer: Peer
    held: int

    def page(self, path: str, language: str = "fr", **headers: str) -> Markup:
        """Get a page as a browser does."""
        found = self.site.get(path, **({"Accept": HTML, "Accept_Language": language} | headers))
        assert found.headers["content-type"] == "text/html; charset=utf-8", (path, found.status_code, found.text[:300])
        return Markup(found.text)

    @property
    def paths(self) -> dict[str, str]:
        """One path for each kind of page."""
        return {
            "home": "/",
            "list": "/groups",
            "chosen": "/groups?topic=housing&q=atelier&source=own&bbox=2,48,3,49&updated_since=2020-01-01",
            "nothing": "/groups?q=introuvable",
            "group": "/groups/atelier",
            "hostile": "/groups/hostile",
            "smuggled": "/records/carte/smuggled",
            "history": "/groups/atelier/history",
            "record": "/records/carte/A4C",
            "peers": "/peers",
            "peer": "/peers/carte",
            "own": "/peers/own",
            "visit": "/peers/carte/visits/1",
            "held": f"/peers/carte/visits/{self.held}",
            "vocabulary": "/vocab",
            "shapes": "/shapes/group.ttl",
            "feed shapes": "/shapes/feed.ttl",
            "sparql": "/sparql",
            "table": "/sparql?query=SELECT%20%2A%20%7B%3Fs%20%3Fp%20%3Fo%7D%20LIMIT%20200",
            "yes": "/sparql?query=ASK%20%7B%7D",
            "graph": "/sparql?query=CONSTRUCT%20%7B%3Fs%20%3Fp%20%3Fo%7D%20%7B%3Fs%20%3Fp%20%3Fo%7D%20LIMIT%205",
            "docs": "/docs",
        }

    @property
    def problems(self) -> dict[str, tuple[str, int]]:
        """One path for each kind of problem, with its status."""
        return {
            "no group": ("/groups/nobody", 404),
            "no page": ("/nothing/here", 404),
            "bad choice": ("/groups?topic=cheese", 400),
            "no source": ("/peers/nobody", 404),
            "bad query": ("/sparql?query=SELECT", 400),
        }


def fill(site: Site, peer: Peer) -> int:
    """Publish, harvest, change, harvest again; return the number of the visit that is held."""
    site.publish("partner", name={"fr": "Réseau inventé partenaire"})
    linked = {
        "cooperatesWith": [f"{site.url}/groups/partner", "https://elsewhere.example/groups/1"],
        "cooperations": [{"partner": f"{site.url}/groups/partner", "description": {"fr": "Permanences communes"}}],
        "participations": [{"status": "participating", "initiative": "https://elsewhere.example/initiatives/1", "date": "2026-02-01"}],
        "shares": [
            {"name": {"fr": "Guide inventé"}, "url": "https://atelier.example/guide", "license": "https://creativecommons.org/licenses/by/4.0/"}
        ],
    }
    first = site.ask("PUT", "/groups/atelier", ATELIER | {"keywords": ["jardin"]}, "editor")
    assert first.status_code == 201, first.text
    second = site.ask("PUT", "/groups/atelier", ATELIER | linked, "editor", If_Match=first.headers["etag"])
    assert second.status_code == 200, second.text
    answered = site.ask("PUT", "/groups/hostile", HOSTILE, "editor")
    assert answered.status_code == 201, answered.text
    for number in range(30):
        site.publish(f"potager-{number}", name={"fr": f"Potager inventé {number:02}"}, topics=["environment"], territories=[f"COM-930{number:02}"])
    with site.node.journal.write() as c:
        sources.add(c, "carte", peer.url + ELEMENTS, "gogocarto", enabled=False)
        sources.add(c, "cachee", f"http://somebody:secret@{peer.host}{ELEMENTS}?key=secret", "gogocarto", "quarantine", enabled=False)
    site.node.harvester.visit("carte")
    peer.answers[ELEMENTS] = elements(*MAP[:3])
    held = site.node.harvester.visit("carte")
    with site.node.journal.write() as c:
        sources.update(c, "carte", enabled=True)
        smuggle(c, site)
    site.node.combined.settle_pending(site.node.journal)
    return held


def smuggle(c: Connection, site: Site) -> None:
    """Put into the journal what no check would let in: pages must not depend on the checks."""
    key = "smuggled"
    document = HOSTILE | SMUGGLED | {"id": site.node.names.record("carte", key), "type": ["Group", "schema:Organization"]}
    records.put_many(c, sources.get(c, "carte").id, [records.Statement(key, document["id"], document, "sha-256:0", None, None, None)], "test")


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Directory]:
    """The node that the tests of pages share; nobody writes to it once it is filled."""
    peer = Peer(socket.create_server(("127.0.0.1", 0)), {ELEMENTS: elements(*MAP)})
    peer.start()
    try:
        with serving(
            tmp_path_factory.mktemp("pages"), allow_private_peers=frozenset({peer.host}), node_name="Annuaire d'essai (groupes inventés)"
        ) as site:
            yield Directory(site, peer, fill(site, peer))
    finally:
        peer.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, as Debian packages it; closed with its module, since Playwright holds the thread's event loop."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield started
        started.close()
