"""Peers that were honest once and turn: what each does from then on, and what the report of the visit must say of it. All of it is invented."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.harvest.feeds import Feed, group
from tests.harvest.loopback import Answer, Peer, Request, answer

SLUGS = "abcdef"
FOREIGN = "https://victim.example/groups/g"
LIE = "PWNED"
"""What no statement of the node may ever say."""

INJECTION = f'urn:d> <urn:g> .\n<{FOREIGN}> <https://schema.org/name> "{LIE}" <https://victim.example/graph> .\n<urn:a> <urn:b> <urn:c'


@dataclass
class Answers:
    """The answers below one folder of a server."""

    all: dict[str, Answer]
    folder: str

    def __setitem__(self, path: str, said: Answer) -> None:
        self.all[self.folder + path] = said

    def __getitem__(self, path: str) -> Answer:
        return self.all[self.folder + path]


@dataclass
class Place:
    """One of many peers that share a server, each in its folder."""

    peer: Peer
    name: str
    answers: Answers = field(init=False)

    def __post_init__(self) -> None:
        self.answers = Answers(self.peer.answers, f"/{self.name}")

    @property
    def url(self) -> str:
        return f"{self.peer.url}/{self.name}"

    @property
    def host(self) -> str:
        return self.peer.host


@dataclass
class Scene:
    """What a villain has at hand: its own feed, the node it aims at, and the good peer."""

    feed: Feed
    node: str
    good: Feed

    def set(self, path: str, said: Answer) -> None:
        """Answer this from now on."""
        self.feed.peer.answers[path] = said

    def root(self, **more: Any) -> None:
        """Answer the root with something changed."""
        self.set("/feed", answer(self._document("/feed") | more))

    def page(self, number: int, **more: Any) -> None:
        """Answer a page with something changed."""
        self.set(f"/feed/pages/{number}", answer(self._document(f"/feed/pages/{number}") | more))

    def record(self, **more: Any) -> None:
        """Publish one more group, `z`, with something in it."""
        self.feed.create("z", **more)

    def _document(self, path: str) -> dict[str, Any]:
        """What is answered to who asks without conditions."""
        said = self.feed.peer.answers[path]
        whole = said(Request(path, {})) if callable(said) else said
        assert isinstance(whole, bytes)
        return dict(json.loads(whole.partition(b"\r\n\r\n")[2]))


Turn = Callable[[Scene], object]


@dataclass(frozen=True)
class Villain:
    """What a peer does once it has turned, what comes of the visit, and words of the report in both languages."""

    name: str
    turn: Turn
    outcome: str
    fr: str
    en: str
    fresh: bool = False
    """Whether it lies from the first visit on."""


# --- how they turn --------------------------------------------------------------------------------------------------------


def record(**more: Any) -> Turn:
    """Publish a group with something in it."""
    return lambda scene: scene.record(**more)


def spelt(change: Callable[[bytes], bytes], **more: Any) -> Turn:
    """Publish a group whose text no JSON library would write."""

    def turn(scene: Scene) -> None:
        scene.record(**more)
        body = json.dumps(scene._document("/feed/pages/3")).encode()
        assert change(body) != body
        scene.set("/feed/pages/3", answer(change(body)))

    return turn


def event(slug: str = "z", **more: Any) -> Turn:
    """Append an event in which something is not as it should be; `object` and the like may name the node, the good peer, or this one."""

    def turn(scene: Scene) -> None:
        names = {"node": scene.node, "good": scene.good.peer.url, "here": scene.feed.peer.url}
        filled = json.loads(json.dumps(more).replace("{node}", names["node"]).replace("{good}", names["good"]).replace("{here}", names["here"]))
        kind = filled.pop("kind", "Create")
        scene.feed.say(kind, slug, filled.pop("record", None) or (group(scene.feed.iri(slug), LIE) if kind != "Delete" else None), **filled)

    return turn


def claim(iri: str) -> Turn:
    """Speak of somebody else's group as if it were one's own."""
    return event(object=iri, record=group(iri, LIE))


def scrambled(scene: Scene) -> None:
    """Number two events the wrong way round."""
    scene.feed.create("y", LIE)
    scene.feed.create("z", LIE)
    scene.feed.events[-2]["sequence"], scene.feed.events[-1]["sequence"] = 9, 8
    scene.feed.serve()


def future(scene: Scene) -> None:
    """Date an event long after everything that will ever follow it."""
    scene.feed.say("Create", "z", group(scene.feed.iri("z"), "z"), published="2999-01-01T00:00:00Z")


def other_stream(scene: Scene) -> None:
    """Go back to an epoch that is over."""
    scene.root(stream={"id": f"{scene.feed.url}#older", "epoch": 1, "origin": f"{scene.feed.peer.url}/node"})


def emptied(scene: Scene) -> None:
    """Come back with nothing, as after a hijack: absence in a new epoch."""
    scene.feed.restore([])


def tombstones(scene: Scene) -> None:
    """Withdraw everything, history included."""
    for slug in SLUGS:
        scene.feed.delete(slug, purge=True)


def replayed(scene: Scene) -> None:
    """Say old events again behind newer numbers' backs: the log as it was, from its first page, to a reader who reads everything anew."""
    scene.feed.update("a", "a", modified="2026-01-02T10:00:00.000Z")
    scene.feed.events = [*scene.feed.events[1:], scene.feed.events[0]]
    scene.feed.serve()


def dump(body: bytes | None = None, **headers: str) -> Turn:
    """Offer a dump that lies to a new reader."""

    def turn(scene: Scene) -> None:
        scene.feed.dump, scene.feed.size = True, 1
        scene.feed.serve()
        stands = {"Maillage_Sequence": "6", "Maillage_Epoch": "1"}
        scene.set(DUMP, scene.feed.dumped(**headers) if body is None else answer(body, **stands | headers))

    return turn


def other_record(scene: Scene) -> None:
    """Offer a dump that holds the good peer's group and one of the node's own, beside its own."""
    stolen = [group(iri, LIE) for iri in (scene.good.iri("a"), f"{scene.node}/groups/ours", FOREIGN)]
    held = [event["record"] for event in scene.feed.events]
    dump(gzip.compress("\n".join(json.dumps(one) for one in [*held, *stolen]).encode()))(scene)


NAMES = {"fr": LIE}
STOLEN = {"id": FOREIGN, "name": NAMES}
TOO_FAR = ("n'est cru que", "believed only")
OWN = ("ce nœud-ci qui revient", "this node's own records")
DUMP = "/dump.ndjson.gz?source=own"

VILLAINS = [
    # whose record it is
    Villain("a foreign group", claim(FOREIGN), "unchanged", *TOO_FAR),
    Villain("the good peer's group", claim("{good}/groups/a"), "unchanged", *TOO_FAR),
    Villain("the node's own group", claim("{node}/groups/ours"), "unchanged", *OWN),
    Villain("the node's graph", claim("{node}/records/good/a"), "unchanged", *OWN),
    Villain("our vocabulary", claim("https://w3id.org/maillage/ns#Group"), "unchanged", *TOO_FAR),
    Villain("dots", claim("{here}/../good/groups/a"), "unchanged", *TOO_FAR),
    Villain("hidden dots", claim("{here}/%2e%2e/good/groups/a"), "unchanged", *TOO_FAR),
    Villain("one in another", event(record=STOLEN), "unchanged", "en contient une autre", "holds another"),
    Villain("two names", record(**{"@id": FOREIGN}), "unchanged", "une seule adresse", "one address"),
    Villain("another's event", event(origin="{good}/node"), "unchanged", "vient d'un autre nœud", "comes from another node"),
    Villain("another's withdrawal", event(kind="Delete", object="{good}/groups/a"), "unchanged", *TOO_FAR),
    Villain("another's erasure", event(kind="Delete", object="{good}/groups/a", purge=True), "unchanged", *TOO_FAR),
    Villain("no object", event(object=None), "unchanged", "ne dit pas de quelle fiche", "does not say which record"),
    Villain("endless object", claim("{here}/groups/" + "z" * 5000), "unchanged", "ne dit pas de quelle fiche", "does not say which record"),
    # statements about others
    Villain("@base", record(**{"@base": "https://victim.example/"}), "unchanged", "@base", "@base"),
    Villain("@base in a context", record(**{"@context": {"@base": "https://victim.example/"}}), "unchanged", "@base", "@base"),
    Villain("@reverse", record(**{"@reverse": {"schema:memberOf": STOLEN}}), "unchanged", "@reverse", "@reverse"),
    Villain("@included", record(**{"@included": [STOLEN]}), "unchanged", "@included", "@included"),
    Villain("@graph", record(**{"@graph": [STOLEN]}), "unchanged", "@graph", "@graph"),
    Villain("@graph in a part", record(location=[{"@graph": [STOLEN]}]), "unchanged", "@graph", "@graph"),
    Villain("a described stranger", record(**{"schema:memberOf": STOLEN}), "unchanged", "ne parle que d'elle-même", "speaks of itself only"),
    Villain(
        "a part of another",
        record(location=[{"id": f"{FOREIGN}#place", "addressLocality": LIE}]),
        "unchanged",
        "ne parle que d'elle-même",
        "speaks of itself only",
    ),
    # injection
    Villain("a datatype", record(**{"schema:slogan": {"@value": "x", "@type": INJECTION}}), "unchanged", "n'existe pas", "no such datatype"),
    Villain(
        "a language tag",
        record(**{"schema:slogan": {"@value": "x", "@language": f"fr> {INJECTION}"}}),
        "unchanged",
        "code de langue",
        "language code",
    ),
    Villain("a language key", record(name={f"fr {INJECTION}": "x"}), "unchanged", "Dites la langue", "Say the language"),
    Villain("a blank node", record(location=[{"id": f"_:b {INJECTION}", "addressLocality": "x"}]), "applied", "", ""),
    Villain("an address", record(url=[INJECTION]), "unchanged", "adresse complète", "full address"),
    Villain("an address with >", record(url=["https://a.example/>x"]), "unchanged", "adresse complète", "full address"),
    Villain(
        "a part's name",
        record(location=[{"id": f"#{INJECTION}", "addressLocality": "x"}]),
        "unchanged",
        "ne parle que d'elle-même",
        "speaks of itself only",
    ),
    Villain("a class", record(type=["Group", INJECTION]), "applied", "Champs non repris", "Fields not taken"),
    Villain("a property", record(**{INJECTION: "x"}), "applied", "Champs non repris", "Fields not taken"),
    Villain("a text", record(**{"schema:slogan": f'x" <urn:g> .\n{INJECTION}'}), "applied", "", ""),
    # what is heavy
    Villain("accents", record(description={"fr": "e" + "\u0301" * 20_000}), "unchanged", "accents", "accents"),
    Villain(
        "a pattern's nightmare", record(**{"schema:slogan": "a" * 50_000 + "!"}, siren="1" * 40_000 + "!"), "unchanged", "9 chiffres", "9 digits"
    ),
    Villain("a huge decimal", record(location=[{"latitude": "1e999999999", "longitude": "0"}]), "unchanged", "entre -90 et 90", "between -90 and 90"),
    Villain(
        "an infinite number",
        spelt(lambda body: body.replace(b'"INF"', b"1e999"), location=[{"latitude": "INF", "longitude": 0}]),
        "unchanged",
        "entre -90 et 90",
        "between -90 and 90",
    ),
    Villain(
        "an enormous number",
        spelt(lambda body: body.replace(b'"INF"', b"9" * 4000), location=[{"latitude": "INF", "longitude": 0}]),
        "unchanged",
        "entre -90 et 90",
        "between -90 and 90",
    ),
    Villain("NaN in a record", spelt(lambda body: body.replace(b'"INF"', b"NaN"), location=[{"latitude": "INF"}]), "failed", "correct", "correct"),
    Villain(
        "a key twice in a record",
        spelt(lambda body: body.replace(b'"created"', b'"name": {"fr": "PWNED"}, "created"')),
        "failed",
        "correct",
        "correct",
    ),
    Villain("control characters", record(name={"fr": "a\x00b\x07"}), "unchanged", "Dites la langue", "Say the language"),
    # time
    Villain("the future", future, "applied", "", ""),
    Villain("a future revision", record(modified="2999-01-01T00:00:00.000Z"), "applied", "dans le futur", "in the future"),
    Villain("old events again", replayed, "failed", "suit l'événement", "follows event"),
    Villain("numbers backwards", scrambled, "failed", "suit l'événement", "follows event"),
    Villain("an older stream", other_stream, "failed", "époque est revenue", "epoch went back"),
    Villain("nothing left", emptied, "held", "Toutes les fiches", "Every record"),
    Villain("all erased", tombstones, "held", "Toutes les fiches", "Every record"),
    Villain("forgotten without end", lambda scene: scene.root(retentionPolicy={"resyncBelow": 2**52}), "unchanged", "", ""),
    Villain("forgotten nonsense", lambda scene: scene.root(retentionPolicy={"resyncBelow": -7}), "failed", "n'est pas un numéro", "is no number"),
    # dumps that lie, in a new epoch
    Villain("a dump of another epoch", dump(Maillage_Epoch="9"), "applied", "", "", fresh=True),
    Villain("a dump from the future", dump(Maillage_Sequence="900"), "applied", "avait été lu", "was read before", fresh=True),
    Villain("half a dump", dump(gzip.compress(b'{"id": "x"}\n' * 900)[:-9]), "applied", "s'arrête au milieu", "stops half-way", fresh=True),
    Villain("a dump that bursts", dump(gzip.compress(bytes(40_000_000), 9)), "applied", "plus de cent fois", "hundredfold", fresh=True),
    Villain("a dump of web pages", dump(b"<html>buy this domain</html>"), "applied", "n'est pas du JSON", "is not JSON", fresh=True),
    Villain("a dump with stolen groups", other_record, "applied", *TOO_FAR, fresh=True),
]
