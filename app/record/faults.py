"""What is wrong with a record's values, gathered with the path of each, so that an editor sees all of it at once."""

import re
from typing import Final

from app.errors import Invalid, Malformed, Severity, Text, Violation
from app.vocabulary import Kind

NOT_AN_IRI = Text(
    "Il faut une adresse complète, comme https://exemple.fr/, sans espace ni caractère interdit.",
    "Give a full address, such as https://example.org/, without spaces or forbidden characters.",
)
NOT_A_LANGUAGE = Text("Il faut un code de langue, comme « fr » ou « en ».", "Give a language code, such as “fr” or “en”.")
NOT_TEXT = Text("Cette valeur ne peut pas être lue : écrivez un texte simple.", "This value cannot be read: write plain text.")
NO_SUCH_DATATYPE = Text("Ce type de valeur n'existe pas.", "There is no such datatype.")

MOST: Final = 100
"""The most faults that one refusal lists."""

ASKED = {
    Kind.LANGUAGE_MAP: Text('Dites la langue : {"fr": "…"}.', 'Say the language: {"fr": "…"}.'),
    Kind.TEXT: Text('Il faut un texte simple, entre guillemets : "…".', 'Give plain text, between quotes: "…".'),
    Kind.TYPED: Text("Il faut une valeur simple, du type que demande cette clé.", "Give a plain value, of the type that this key asks for."),
    Kind.IRI: NOT_AN_IRI,
    Kind.CONCEPT: Text("Ce mot n'est pas dans la liste du vocabulaire.", "This word is not in the vocabulary's list."),
    Kind.PART: Text('Il faut un objet : {"…": "…"}.', 'Give an object: {"…": "…"}.'),
}
"""What each kind of key asks for."""


class Faults:
    """The faults found so far."""

    def __init__(self) -> None:
        self.found: list[Violation] = []

    def add(self, path: str, value: object, message: Text) -> None:
        """Note one fault; a hundred are enough to work on."""
        if len(self.found) < MOST:
            self.found.append(Violation(path, shown(value), message))

    def raise_any(self) -> None:
        """Raise Invalid when there are any."""
        if self.found:
            raise refusal(tuple(self.found))


def refusal(violations: tuple[Violation, ...]) -> Invalid:
    """The refusal of a record for these faults; its sentence tells the first that is no mere warning."""
    faults = [violation for violation in violations if violation.severity is Severity.VIOLATION]
    first, others = faults[0], len(faults) - 1
    french = f"« {first.path} » : {first.message.fr}" + (f" (et {others} autre(s) faute(s))" if others else "")
    english = f"“{first.path}”: {first.message.en}" + (f" (and {others} other fault(s))" if others else "")
    return Invalid(Text(french, english), violations)


def shown(value: object) -> str:
    """A stranger's value as it may be repeated in a sentence: short, on one line, written in one direction, and always encodable."""
    return _UNSPOKEN.sub("\N{REPLACEMENT CHARACTER}", str(value)[:200].encode("utf-8", "replace").decode())


_UNSPOKEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What would end a line, turn the writing round, or speak to a terminal."""


def foreign_subject(path: str, given: str) -> Malformed:
    """The refusal of a record that speaks about something else than itself."""
    name = shown(given)
    french = f"« {path} » décrit « {name} », qui n'appartient pas à cette fiche. Une fiche ne parle que d'elle-même : "
    english = f"“{path}” describes “{name}”, which does not belong to this record. A record speaks of itself only: "
    return Malformed(
        Text(
            french + "gardez l'adresse seule, ou donnez l'adresse de la fiche suivie de #…",
            english + "keep the address alone, or give the record's address followed by #…",
        )
    )


def nameless(path: str) -> Malformed:
    """The refusal of an object that nothing names."""
    french = f"« {path} » contient un objet sans adresse (« id ») : donnez-lui l'adresse de la fiche suivie de #…"
    return Malformed(Text(french, f"“{path}” holds an object without an address (“id”): give it the record's address followed by #…"))
