"""What a peer is believed about: its own records, under its own addresses, and nothing else."""

from urllib.parse import unquote, urlsplit

from app.errors import Malformed, Text
from app.names import Names, place_of
from app.record import Document
from app.terms import OWL

LONGEST_IRI = 2048
MOST_CLAIMS = 20
CLAIMS = ("exactMatch", "sameAs", f"{OWL.NAMESPACE}sameAs")
"""The keys by which a record says that it is the same as something elsewhere: claims of its source, which decide nothing."""


def base_of(url: str) -> str:
    """Return the IRI prefix under which a node that serves the feed `url` is believed when its operator's peers declared none."""
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path.removesuffix('/feed') if path.endswith('/feed') else ''}"


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
