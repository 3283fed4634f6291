"""What a peer is believed about: its own records, under its own addresses, and nothing else."""

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection

from app.errors import Malformed, Text
from app.journal import sources
from app.names import OWN, Names, place_of
from app.record import Document
from app.terms import OWL

NATIVE = "maillage"
LONGEST_IRI = 2048
MOST_CLAIMS = 20
CLAIMS = ("exactMatch", "sameAs", f"{OWL.NAMESPACE}sameAs")
"""The keys by which a record says that it is the same as something elsewhere: claims of its source, which decide nothing."""


def base_of(url: str) -> str:
    """Return the IRI prefix under which a node that serves the feed `url` is believed when its operator's peers declared none."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path.removesuffix('/feed') if path.endswith('/feed') else ''}"


def elsewhere(c: Connection, name: str, base: str) -> tuple[str, ...]:
    """Return the bases of other nodes below the base of the peer `name`: one that serves a whole host does not speak for a node in a folder of it."""
    others = (one for one in sources.list_(c) if one.name not in {name, OWN} and one.format == NATIVE)
    bases = {(one.base or base_of(one.url or "")).rstrip("/") for one in others}
    return tuple(sorted(one for one in bases if one.startswith(f"{base}/")))


def require_none_of(iri: str, bases: Iterable[str]) -> None:
    """Raise Malformed when the record lies under one of `bases`, which `elsewhere` gave."""
    place = place_of(iri)
    for base in bases:
        if place.startswith(f"{place_of(base)}/"):
            raise Malformed(
                Text(
                    f"{iri[:200]} appartient au nœud {base}, qui est un autre pair : il n'en est cru que lui.",
                    f"{iri[:200]} belongs to the node {base}, which is another peer: only that one is believed about it.",
                )
            )


def require_authority(iri: str | None, base: str, names: Names) -> str:
    """Return the IRI of a record that its peer may speak of. Raises Malformed, with the reason, for any other."""
    if iri is None:
        raise Malformed(Text("La fiche n'a pas d'IRI.", "The record has no IRI."))
    require_foreign(iri, names)
    inside = iri.startswith(f"{base}/") and len(iri) <= LONGEST_IRI
    if not inside or any(part in {".", ".."} for part in unquote(urlsplit(iri).path).split("/")):
        raise Malformed(
            Text(
                f"{iri[:200]} n'est pas sous {base}/ : ce pair n'est cru que sur ses propres fiches.",
                f"{iri[:200]} is not under {base}/: this peer is believed only about its own records.",
            )
        )
    return iri


def require_foreign(iri: str | None, names: Names) -> None:
    """Raise Malformed when the record is one of this node's own, coming back."""
    if iri is not None and f"{place_of(iri)}/".startswith(f"{place_of(names.base)}/"):
        raise Malformed(
            Text("C'est une fiche de ce nœud-ci qui revient : elle est ignorée.", "It is one of this node's own records coming back: it is ignored.")
        )


def with_few_claims(document: Document) -> tuple[Document, Text | None]:
    """Return the document with at most MOST_CLAIMS claims of sameness under each key, and a sentence when some were left out."""
    cut = {key: value[:MOST_CLAIMS] for key in CLAIMS if isinstance(value := document.get(key), list) and len(value) > MOST_CLAIMS}
    if not cut:
        return document, None
    text = Text(
        f"Plus de {MOST_CLAIMS} équivalences ({', '.join(cut)}) : les premières seulement sont prises.",
        f"More than {MOST_CLAIMS} claims of sameness ({', '.join(cut)}): only the first are taken.",
    )
    return document | cut, text
