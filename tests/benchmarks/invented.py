"""Invented groups for measuring, the same for the same seed: French names and places, about 24 statements each, sources that overlap.

They say that they are invented; the streets, numbers and addresses lead nowhere, and no person is named.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

Document = dict[str, Any]

SEED: Final = 42
LICENCE: Final = "https://licence.example/ouverte"

_KINDS: Final = (
    *("Atelier", "Collectif", "Jardin partagé", "Régie", "Amicale", "Théâtre", "Fabrique", "Maison", "Réseau", "Compagnie", "Café associatif"),
    *("Ressourcerie", "Chorale", "Bibliothèque", "Laboratoire", "Coopérative", "Comité", "Conseil citoyen", "Université populaire", "Épicerie"),
)
_OF: Final = (
    *("des habitants", "des locataires", "des voisines", "du logement", "de la rénovation", "des transports", "des jeunes", "de la participation"),
    *("du climat", "des arts", "des cartes libres", "du code ouvert", "des communs", "de l'alimentation", "du vélo", "de l'eau", "de la mémoire"),
    *("des langues", "du réemploi", "de la parole"),
)
_STREETS: Final = ("rue", "rue de", "avenue de", "place de", "allée de", "boulevard de", "impasse de", "quai de", "chemin de")
_BEGINNINGS: Final = (
    *("Bel", "Mont", "Val", "Char", "Ver", "Cour", "Ro", "Mar", "Lan", "Per", "Cha", "Fon", "Gri", "Lou", "Mou", "Nan", "Or", "Pla", "Quin"),
    *("Ri", "Sau", "Tour", "Vau", "Aur", "Bri", "Com", "Dor", "Es", "Fla", "Gar"),
)
_MIDDLES: Final = ("", "a", "e", "i", "o", "u", "mer", "vi", "do", "ran", "si", "ber", "lu", "ti", "co")
_ENDS: Final = ("ville", "court", "mont", "val", "gny", "ac", "euil", "ières", "ard", "ois", "on", "elle", "ange", "oux", "igny", "erre")
_TOWNS: Final = 400

_TOPICS: Final = ("urban-planning", "housing", "environment", "culture", "social-economy", "transport")
_KNOW_HOW: Final = ("code-webdesign", "coproduction-governance", "wide-public-participation", "working-class-neighbourhoods")
_OBJECTIVES: Final = ("visibility", "knowledge", "cooperation")
_SCALES: Final = ("neighbourhood", "metropolitan", "national")


@dataclass(frozen=True, slots=True)
class Told:
    """What one source tells of one group: `key` is the record's in that source, `group` the real group's number."""

    source: str
    key: str
    group: int
    document: Document


def groups(count: int, seed: int = SEED, base: str = "https://annuaire.example") -> Iterator[Document]:
    """Yield `count` groups as one directory publishes them, each under ``{base}/groups/g{number}``."""
    for number in range(count):
        yield _group(number, count, random.Random(f"{seed}/{number}"), base, base)


def directories(count: int, base: str, sources: int = 50, overlap: float = 0.2, seed: int = SEED) -> Iterator[Told]:
    """Yield what several directories tell of `count` groups; a share `overlap` of them is told of, in other words, by a second one.

    The first tenth of the groups is that of the node at `base` itself, source ``own``: the networks that the others are members of.
    """
    for number in range(count):
        draw = random.Random(f"{seed}/{number}")
        first, second = (f"annuaire-{place}" for place in draw.sample(range(sources), 2))
        mine = number < max(1, count // 10)
        root = base if mine else f"https://{first}.example"
        document = _group(number, count, draw, root, base)
        yield Told("own" if mine else first, f"g{number}", number, document)
        if draw.random() < overlap:
            iri = f"https://{second}.example/groups/g{number}"
            yield Told(second, f"g{number}", number, _retold(document, draw) | {"id": iri})


@dataclass(frozen=True, slots=True)
class _Town:
    """An invented town, somewhere in France."""

    code: str
    name: str
    department: str
    latitude: float
    longitude: float


def _place(draw: random.Random) -> str:
    """Invent the name of a place, one of seven thousand."""
    return "".join(draw.choice(part) for part in (_BEGINNINGS, _MIDDLES, _ENDS))


@cache
def _towns() -> list[_Town]:
    """Invent towns."""
    draw = random.Random(SEED)
    towns = []
    for number in range(_TOWNS):
        department = f"{number % 95 + 1:02d}"
        name = draw.choice((_place(draw), f"Saint-{_place(draw)}", f"{_place(draw)}-sur-{_place(draw)}"))
        towns.append(
            _Town(f"{department}{draw.randrange(0, 990, 10):03d}", name, f"DEP-{department}", draw.uniform(43.5, 50.5), draw.uniform(-1.5, 7.0))
        )
    return towns


def _group(number: int, count: int, draw: random.Random, base: str, networks: str) -> Document:
    """Invent one group of the directory at `base`; the networks that it is a member of are at `networks`."""
    town = _towns()[int(_TOWNS * draw.random() ** 2)]
    name = f"{draw.choice(_KINDS)} {draw.choice(_OF)} de {_place(draw)}"
    topics = draw.sample(_TOPICS, draw.choice((1, 2, 2, 3)))
    document: Document = {
        "id": f"{base}/groups/g{number}",
        "type": ["Group", "schema:Organization"],
        "name": {"fr": name},
        "description": {"fr": f"Groupe inventé pour mesurer : {', '.join(draw.sample(_OF, 3))}, à {town.name}, avec les habitants du quartier."},
        "url": [f"https://g{number}.example/"],
        "objectives": draw.sample(_OBJECTIVES, draw.choice((1, 1, 2))),
        "knowHow": [draw.choice(_KNOW_HOW)],
        "topics": topics,
        "scales": [draw.choice(_SCALES)],
        "territories": [town.department],
        "location": [
            {
                "type": "schema:Place",
                "streetAddress": f"{draw.randrange(1, 200)} {draw.choice(_STREETS)} {_place(draw)}",
                "postalCode": town.code,
                "addressLocality": town.name,
                "latitude": f"{town.latitude + draw.uniform(-0.04, 0.04):.5f}",
                "longitude": f"{town.longitude + draw.uniform(-0.04, 0.04):.5f}",
            }
        ],
        "created": "2025-03-01T09:00:00Z",
        "modified": f"2026-{draw.randrange(1, 10):02d}-{draw.randrange(1, 28):02d}T{draw.randrange(24):02d}:{draw.randrange(60):02d}:00Z",
        "license": LICENCE,
    }
    if number:
        document["memberOf"] = [f"{networks}/groups/g{number // 10}"]
    if draw.random() < 0.3:
        document["cooperatesWith"] = [f"{networks}/groups/g{draw.randrange(max(1, count // 10))}"]
    if draw.random() < 0.2:
        document["rna"] = f"W{draw.randrange(10**8, 10**9)}"
    return document


def _retold(document: Document, draw: random.Random) -> Document:
    """Tell of a group as another directory would: capitals, an address written otherwise, things left out."""
    left_out = draw.sample(("url", "description", "objectives", "knowHow", "memberOf", "scales"), 2)
    told = {key: value for key, value in document.items() if key not in left_out}
    name = document["name"]["fr"]
    told["name"] = {"fr": draw.choice((name, name.upper(), f"Asso. {name}", name.replace("-", " ")))}
    place = document["location"][0]
    street = place["streetAddress"].replace("rue", "r.").replace("avenue", "av.").replace("boulevard", "bd")
    return told | {"location": [place | {"streetAddress": street}]}
