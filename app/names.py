"""The addresses that other programs rely on, all built from the node's own base and never from a request.

Every IRI this node mints comes from here, so that no text from outside ever becomes part of one unchecked.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, unquote

OWN = "own"
"""The name of the node's own source."""

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,99}\Z")
"""What a source's key for a record looks like once it is part of an IRI."""

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?\Z")
"""What the last part of a group's IRI, and a peer's name, look like."""

_LOOKED_AT = 400
"""Characters of a text that make its slug; a megabyte of accents would keep the normal form busy for minutes."""

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l", "&": " et "})


def slugify(text: str) -> str:
    """Return `text`, of which the beginning is looked at, as a slug of at most 80 characters; empty when it holds no letter or digit there.

    >>> slugify("L'Œuvre d'été & Cie")
    'l-oeuvre-d-ete-et-cie'
    """
    decomposed = unicodedata.normalize("NFKD", text[:_LOOKED_AT].lower().translate(_LIGATURES))
    kept = "".join(c for c in decomposed if not unicodedata.combining(c))
    return "-".join(re.findall(r"[a-z0-9]+", kept))[:80].strip("-")


def key_for(identifier: str) -> str:
    """Return a source's own identifier as a key that is safe in an IRI, stable, and different for different identifiers.

    >>> key_for("AEW"), key_for("https://a.example/x y")[:-9]
    ('AEW', 'https-a-example-x-y')
    """
    if KEY.match(identifier):
        return identifier
    digest = hashlib.sha256(identifier.encode()).hexdigest()[:8]
    return f"{slugify(identifier)[:80]}-{digest}".lstrip("-")


def without_secrets(url: str) -> str:
    """Return a peer's address without what only its operator should know: no user, password or query.

    >>> without_secrets("https://me:pw@a.example/x?key=1")
    'https://a.example/x'
    """
    return re.sub(r"\A(https?://)[^/@]*@", r"\1", url.partition("?")[0].partition("#")[0])


def place_of(iri: str) -> str:
    """Return where an IRI leads, the same for all its spellings: scheme, case of the host, usual port, percent-escapes, dots, user.

    >>> place_of("HTTPS://me@A.example:443/x/./%67roups/%7a#it")
    'a.example/x/groups/z#it'
    """
    scheme, _, rest = iri.partition("://")
    if not rest:
        return unquote(iri)
    address, hash_, fragment = rest.partition("#")
    authority, slash, path = address.replace("\\", "/").partition("/")
    host = unquote(authority.rpartition("@")[2]).lower()
    for usual in (":443", ":80") if scheme.lower() in {"http", "https"} else ():
        host = host.removesuffix(usual)
    path, question, query = path.partition("?")
    parts: list[str] = []
    for part in unquote(path).split("/"):
        if part == ".." and parts:
            parts.pop()
        elif part not in {"", ".", ".."}:
            parts.append(part)
    return f"{host.rstrip('.')}{slash}{'/'.join(parts)}{question}{query}{hash_}{unquote(fragment)}"


@dataclass(frozen=True, slots=True)
class Names:
    """The IRIs of one node; `base` has no slash at its end."""

    base: str

    @property
    def node(self) -> str:
        """The node itself, as origin of its events."""
        return f"{self.base}/node"

    @property
    def catalogue(self) -> str:
        """The named graph that describes the named graphs."""
        return f"{self.base}/catalogue"

    @property
    def directory(self) -> str:
        """The graph that holds the combined directory on a SPARQL server that has no default graph of its own; nobody sees it elsewhere."""
        return f"{self.base}/directory"

    @property
    def records(self) -> str:
        """What the IRI of each record's graph begins with."""
        return f"{self.base}/records/"

    @property
    def context(self) -> str:
        """The JSON-LD context as this node serves it."""
        return f"{self.base}/vocab/context/v1.jsonld"

    @property
    def groups(self) -> str:
        """The list of groups."""
        return f"{self.base}/groups"

    def group(self, slug: str) -> str:
        """The real group at this node, own or merged from others."""
        return f"{self.base}/groups/{slug}"

    def slug_of(self, iri: str) -> str | None:
        """Return the slug when `iri` is a group of this node, else None."""
        head = f"{self.base}/groups/"
        slug = iri[len(head) :] if iri.startswith(head) else ""
        return slug if SLUG.match(slug) else None

    def record(self, source: str, key: str) -> str:
        """The named graph that holds what one source says of one record; it dereferences to that record."""
        return f"{self.base}/records/{source}/{quote(key, safe='._~-')}"

    def reference_of(self, iri: str) -> str | None:
        """Return ``source/key`` when `iri` is a record graph of this node, else None."""
        head = f"{self.base}/records/"
        source, slash, key = iri[len(head) :].partition("/") if iri.startswith(head) else ("", "", "")
        return f"{source}/{key}" if slash and SLUG.match(source) and KEY.match(key) else None

    @property
    def feed(self) -> str:
        """The root of the node's log."""
        return f"{self.base}/feed"

    @property
    def dump(self) -> str:
        """Our own records in one file, a line each, from which a reader of the log may begin."""
        return f"{self.base}/dump.ndjson.gz?source=own"

    @property
    def mappings(self) -> str:
        """What is held to be one group, whatever the form."""
        return f"{self.base}/mappings"

    @property
    def decisions(self) -> str:
        """The log of what people judged."""
        return f"{self.mappings}/decisions"

    @property
    def hub(self) -> str:
        """Where programs subscribe to be told that the log moved."""
        return f"{self.base}/hub"

    @property
    def relay(self) -> str:
        """What our peers' origins said, passed on."""
        return f"{self.base}/relay"

    def stream(self, epoch: int) -> str:
        """The event stream of one epoch."""
        return f"{self.base}/feed#e{epoch}"

    def page(self, number: int) -> str:
        """One page of the log."""
        return f"{self.base}/feed/pages/{number}"

    def event(self, epoch: int, sequence: int) -> str:
        """One event: the exact statement that the node made of its record at that moment."""
        return f"{self.base}/feed/events/{epoch}/{sequence}"

    def source(self, name: str) -> str:
        """A source, as the page about it."""
        return f"{self.base}/peers/{name}"
