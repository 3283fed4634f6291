"""The size of what is read, checked before anything else looks at it, so that no later step can be made to work without end."""

from typing import Final

from app.errors import Malformed, Text

DEPTH: Final = 32
NODES: Final = 20_000
TEXTS: Final = 40_000
VALUES: Final = 200
KEYS: Final = 2_000
LITERAL_BYTES: Final = 65_536
IRI_LENGTH: Final = 2_048


def bounded(value: object) -> None:
    """Walk parsed JSON once; raises Malformed at the first limit passed. A list at the top, or under @graph, may hold many nodes."""
    stack: list[tuple[object, int, int]] = [(value, 1, NODES)]
    nodes = texts = 0
    while stack:
        item, depth, width = stack.pop()
        if isinstance(item, str):
            texts += 1
            if len(item) * 4 > LITERAL_BYTES and len(item.encode("utf-8", "replace")) > LITERAL_BYTES:
                raise Malformed(Text("Un texte dépasse 64 Kio : raccourcissez-le.", "A text is longer than 64 KiB: shorten it."))
        elif isinstance(item, dict):
            nodes += 1
            if len(item) > KEYS:
                raise Malformed(Text(f"Un objet a plus de {KEYS} clés : découpez-le.", f"An object has more than {KEYS} keys: split it."))
            stack.extend((member, depth + 1, NODES if key == "@graph" else VALUES) for key, member in item.items())
            stack.extend((key, depth + 1, VALUES) for key in item if len(key) > IRI_LENGTH)
        elif isinstance(item, list):
            if len(item) > width:
                raise Malformed(
                    Text(
                        f"Une propriété a plus de {width} valeurs : réduisez la liste.", f"A property has more than {width} values: shorten the list."
                    )
                )
            stack.extend((member, depth + 1, VALUES) for member in item)
        if depth > DEPTH or nodes > NODES or texts > TEXTS:
            raise Malformed(
                Text(
                    f"Ce document a plus de {DEPTH} niveaux ou de {NODES} objets, ou trop de textes : découpez-le.",
                    f"This document has more than {DEPTH} levels or {NODES} objects, or too many texts: split it.",
                )
            )
