"""The addresses inside one record: its own, those of its parts, and how they move when the record gets another one."""

from collections.abc import Mapping
from typing import Any

from app.errors import Malformed, Text
from app.record.faults import nameless, shown
from app.record.text import absolute_iri

ID_KEYS = ("id", "@id")


def identifier(node: Mapping[str, Any]) -> str | None:
    """Return what a node calls itself; raises Malformed when that is not one string."""
    given = [node[key] for key in ID_KEYS if node.get(key) is not None]
    if not given:
        return None
    if not isinstance(given[0], str) or any(name != given[0] for name in given):
        raise Malformed(Text("« id » doit être une seule adresse, entre guillemets.", "“id” must be one address, between quotes."))
    return given[0]


class Addresses:
    """`iri` is the record's; `wanted`, when given, replaces the address that the document has."""

    def __init__(self, root: Mapping[str, Any], wanted: str | None) -> None:
        given = identifier(root)
        self._old = absolute_iri(given) if given else None
        found = absolute_iri(wanted) if wanted else self._old
        if found is None or not found.startswith(("http://", "https://", "urn:")):
            name = shown(wanted or given or "")
            french = f"Il faut à la fiche une adresse complète (« id ») ; « {name} » n'en est pas une."
            raise Malformed(Text(french, f"The record needs a full address (“id”); “{name}” is not one."))
        self.iri = found
        self._root = root
        self._labels = {given: found} if given and given.startswith("_:") else {}
        self._taken: set[str] | None = None
        self._numbers: dict[str, int] = {}

    def reference(self, name: str) -> str | None:
        """Return the IRI that a value names, moved along with the record; None when it is not one."""
        if name.startswith("_:"):
            return self._labels.get(name)
        if name.startswith("#"):
            return absolute_iri(self.iri + name) if "#" not in self.iri else None
        found = absolute_iri(name) if ":" in name else None
        return self._moved(found) if found else None

    def owns(self, iri: str) -> bool:
        """Say whether a part of the record may have this address."""
        return iri.startswith(self.iri + "#") and len(iri) > len(self.iri) + 1

    def label(self, label: str, path: str) -> str:
        """Return the address that a blank node got; raises Malformed when it has none yet."""
        if label not in self._labels:
            raise nameless(path)
        return self._labels[label]

    def minted(self, label: str | None, key: str, path: str) -> str:
        """Return an address for a part that came without one: the record's, the key and a number."""
        if "#" in self.iri:
            raise nameless(path)
        if label is not None and label in self._labels:
            return self._labels[label]
        if self._taken is None:
            self._taken = set()
            self._note(self._root)
        number = self._numbers.get(key, 0) + 1
        while (iri := f"{self.iri}#{key}-{number}") in self._taken:
            number += 1
        self._numbers[key] = number
        if label is not None:
            self._labels[label] = iri
        return iri

    def _note(self, value: Any) -> None:
        """Note the addresses that parts already have, so that none is given twice; `limits` bounds the depth."""
        if isinstance(value, dict):
            given = identifier(value)
            if given is not None and self._taken is not None:
                self._taken.add(self.iri + given if given.startswith("#") else self._moved(given))
        for member in value.values() if isinstance(value, dict) else value:
            if isinstance(member, (dict, list)):
                self._note(member)

    def _moved(self, iri: str) -> str:
        if self._old and self._old != self.iri and (iri == self._old or iri.startswith(self._old + "#")):
            return self.iri + iri[len(self._old) :]
        return iri
