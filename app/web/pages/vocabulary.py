"""The vocabulary and the shapes as pages: each word with its meaning and an address of its own, each field with what it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app import vocabulary
from app.errors import Text
from app.vocabulary import Concept, Kind, Property, Vocabulary
from app.web.asking import Asking
from app.web.pages.layout import Page, render

SCHEMES: Final = ("objectives", "knowhow", "topics", "scales", "statuses")
FACETS: Final = {"objectives": "objective", "knowhow": "know_how", "topics": "topic", "scales": "scale", "statuses": "status"}

OWNERS: Final = {
    "group.ttl": ("Group", "Place", "Participation", "Cooperation", "KnowledgeResource"),
    "feed.ttl": ("Event", "Page", "Relation", "Stream", "Retention"),
}
"""Which things each file of shapes is about, in the order of reading."""

NAMES: Final = {
    "Group": Text("Un groupe", "A group"),
    "Place": Text("Un lieu", "A place"),
    "Participation": Text("Une participation", "A participation"),
    "Cooperation": Text("Une coopération", "A cooperation"),
    "KnowledgeResource": Text("Une ressource partagée", "A shared resource"),
    "Event": Text("Un événement du flux", "An event of the feed"),
    "Page": Text("Une page du flux", "A page of the feed"),
    "Relation": Text("Un renvoi d'une page à une autre", "A relation between pages"),
    "Stream": Text("Le flux", "The feed"),
    "Retention": Text("Ce qui est gardé, et combien de temps", "What is kept, and for how long"),
}

KINDS: Final = {
    Kind.LANGUAGE_MAP: Text("texte avec sa langue", "text with its language"),
    Kind.TEXT: Text("texte", "text"),
    Kind.TYPED: Text("valeur écrite dans un format fixe", "value in a fixed format"),
    Kind.IRI: Text("adresse complète (IRI)", "full address (IRI)"),
    Kind.CONCEPT: Text("mot d'une liste", "word of a list"),
    Kind.PART: Text("objet à plusieurs champs", "object with fields of its own"),
}

DATATYPES: Final = {
    "date": Text("date (AAAA-MM-JJ)", "date (YYYY-MM-DD)"),
    "dateTime": Text("date et heure", "date and time"),
    "decimal": Text("nombre, écrit entre guillemets", "number, written between quotes"),
    "integer": Text("nombre entier", "whole number"),
    "nonNegativeInteger": Text("nombre entier", "whole number"),
    "boolean": Text("vrai ou faux", "true or false"),
    "duration": Text("durée", "duration"),
}


@dataclass(frozen=True, slots=True)
class Word:
    """One word of the vocabulary in the page's language, with its name in the other one."""

    anchor: str
    iri: str
    label: str
    definition: str
    other: str
    code: str
    href: str | None = None


def page(here: Asking, known: Vocabulary) -> bytes:
    """Write the vocabulary."""
    frame = Page(here)
    titles = {term.name: term for term in known.scheme_terms}
    lists = [
        (name, titles[name].labels[frame.language], titles[name].definitions[frame.language], [_concept(frame, one) for one in known.schemes[name]])
        for name in SCHEMES
    ]
    return render(
        here,
        "vocabulary.html",
        other=_other(frame.language),
        lists=lists,
        classes=[_word(frame, term.name, term.iri, term.labels, term.definitions, term.name) for term in known.classes],
        relations=[_word(frame, term.name, term.iri, term.labels, term.definitions, term.name) for term in known.relations],
        formats=[(name, frame.to(f"/vocab{suffix}")) for name, suffix in (("Turtle", ".ttl"), ("JSON-LD", ".jsonld"), ("N-Triples", ".nt"))],
    )


def _other(language: str) -> str:
    """Return the other language of the vocabulary."""
    return "en" if language == "fr" else "fr"


def _concept(frame: Page, found: Concept) -> Word:
    """Return a concept, leading to the groups that have it."""
    href = frame.to("/groups", [(FACETS[found.scheme], found.notation)])
    return _word(frame, f"concept-{found.notation}", found.iri, found.labels, found.definitions, found.notation, href)


def _word(frame: Page, anchor: str, iri: str, labels: Mapping[str, str], definitions: Mapping[str, str], code: str, href: str | None = None) -> Word:
    """Return one word."""
    other = _other(frame.language)
    return Word(anchor, iri, labels.get(frame.language) or code, definitions.get(frame.language, ""), labels.get(other, ""), code, href)


def shapes(here: Asking, _content: bytes) -> bytes:
    """Write one file of shapes as tables of fields."""
    name = here.request.path_params["name"]
    owners = [(owner, NAMES[owner], _fields(here.language, owner)) for owner in OWNERS[name]]
    return render(here, "shapes.html", file=name, group=name == "group.ttl", owners=owners)


def _fields(language: str, owner: str) -> Sequence[dict[str, object]]:
    """Return what one kind of thing is made of."""
    return [
        {
            "key": one.key,
            "label": one.labels.get(language, one.key),
            "kind": _kind(one),
            "required": one.required,
            "many": one.many,
            "scheme": one.scheme,
            "part": one.part,
            "message": one.messages.get(language, ""),
        }
        for one in vocabulary.load().properties(owner).values()
    ]


def _kind(known: Property) -> Text:
    """Return what a field takes."""
    datatype = (known.datatype or "").rpartition("#")[2]
    return DATATYPES.get(datatype) or KINDS[known.kind]
