"""A crowd of invented records for measuring matching at size: five directories with their habits, 35,000 towns, and the truth.

Names, federations with branches, homonyms, shared addresses, moves, typing errors, formats and identifiers are as in the French gold set,
in the same shares; everything is invented, addresses and numbers lead nowhere. The same for the same seed, one group after the other.
"""

import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Any, Final, NamedTuple

from app.matching.normalise import plain
from tests.benchmarks.invented import _BEGINNINGS, _ENDS, _KINDS, _MIDDLES, _OF, _STREETS, SEED

Document = dict[str, Any]

TOWNS: Final = 35_000
_FAMILIES: Final = ("Martin", "Curie", "Jaurès", "Hugo", "Michel", "Zola", "Pasteur", "Moulin", "Péri", "Blum", "Sand", "Gouges", "Verne", "Ferry")
_HEADS: Final = ("Fédération", "Réseau", "Union nationale", "Confédération")
_BRANCHES: Final = ("section {town}", "antenne de {town}", "{town}", "groupe local {town}")
_FREE: Final = ("gmail.com", "orange.fr", "laposte.net", "free.fr", "riseup.net")
_SUBJECTS: Final = ("culture", "logement", "environnement", "urbanisme", "transports", "économie sociale")
_SWAPS: Final = ((" de ", " "), ("é", "e"), ("-", " "), ("Saint", "St"), ("'", "’"), ("des ", ""), ("Association", "Asso"))


class Habit(NamedTuple):
    """What a directory tells, as shares: how often it lists a group, and gives each thing."""

    source: str
    listed: float
    street: float
    point: float
    phone: float
    email: float
    url: float
    siret: float
    rna: float


HABITS: Final = (
    Habit("annuaire-asso", 0.6, 0.9, 0.0, 0.5, 0.4, 0.4, 0.6, 0.8),
    Habit("mairie", 0.5, 0.8, 0.3, 0.7, 0.6, 0.4, 0.1, 0.1),
    Habit("transiscope", 0.45, 0.8, 0.95, 0.4, 0.4, 0.7, 0.0, 0.0),
    Habit("gogocarto", 0.35, 0.6, 1.0, 0.3, 0.4, 0.5, 0.0, 0.0),
    Habit("kumu-poster", 0.25, 0.2, 0.3, 0.1, 0.3, 0.6, 0.0, 0.0),
)


@dataclass(frozen=True, slots=True)
class Town:
    """An invented town."""

    name: str
    code: str
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Member:
    """One record: its place in the crowd, ``source/key``, what it says, and which group it is of."""

    id: int
    reference: str
    document: Document
    truth: str


def crowd(count: int, seed: int = SEED) -> Iterator[Member]:
    """Yield `count` records, in a shuffled order within each some thousands of them."""
    shuffled: list[tuple[str, Document, str]] = []
    draw = random.Random(f"{seed}/order")
    number = found = 0
    while found < count:
        while len(shuffled) < 5000:
            shuffled += _told(number, seed)
            number += 1
        draw.shuffle(shuffled)
        for source, document, truth in shuffled[: count - found]:
            found += 1
            yield Member(found, f"{source}/{found}", document, truth)
        shuffled = []


@cache
def _towns() -> tuple[list[Town], list[float]]:
    """Invent the towns, the largest first, with the running sum of how many groups each has: few have many, most have one or two."""
    draw = random.Random(SEED)
    towns = []
    for number in range(TOWNS):
        department = number % 95 + 1
        name = draw.choice((_word(draw), f"Saint-{_word(draw)}", f"{_word(draw)}-sur-{_word(draw)}", f"{_word(draw)}-{_word(draw)}"))
        column, row = department % 10, department // 10
        latitude, longitude = 43.0 + 0.8 * row + draw.uniform(0, 0.8), -1.5 + 0.85 * column + draw.uniform(0, 0.85)
        towns.append(Town(name, f"{department:02d}{draw.randrange(0, 1000, 10):03d}", latitude, longitude))
    return towns, [*accumulate(1 / (place + 10) ** 0.9 for place in range(TOWNS))]


def _town(draw: random.Random) -> Town:
    towns, sums = _towns()
    return towns[bisect(sums, draw.random() * sums[-1])]


def _word(draw: random.Random) -> str:
    return draw.choice(_BEGINNINGS) + draw.choice(_MIDDLES) + draw.choice(_ENDS)


@dataclass(frozen=True, slots=True)
class _Group:
    """What is true of a group."""

    name: str
    town: Town
    street: str
    phone: str
    email: str
    url: str
    siret: str
    rna: str
    subject: str
    acronym: str


def _group(number: int, seed: int) -> _Group:
    """Invent a group; some take the name of another one, are its branch, or are housed with it."""
    draw = random.Random(f"{seed}/{number}")
    kind = draw.random()
    other = _group(draw.randrange(number), seed) if number > 20 and kind < 0.05 + 0.08 else None
    town = other.town if other and kind < 0.05 else _town(draw)
    family = number // 50 if 0.13 <= kind < 0.27 else None
    if family is not None:
        return _branch(number, family, town, draw, seed)
    name = other.name if other and kind >= 0.05 else _name(draw, town)
    street = other.street if other and kind < 0.05 else _street(draw)
    host = "-".join(plain(name).lower().replace("'", " ").split()[-3:]) + f"{draw.randrange(100) or ''}.example"
    email = f"contact@{host}" if draw.random() < 0.5 else f"{host.partition('.')[0].replace('-', '.')}{number % 1000}@{draw.choice(_FREE)}"
    acronym = "".join(word[0] for word in plain(name).split() if word[0].isupper())
    return _Group(name, town, street, _phone(draw), email, f"https://www.{host}", _siret(draw), _rna(draw, town), draw.choice(_SUBJECTS), acronym)


def _branch(number: int, family: int, town: Town, draw: random.Random, seed: int) -> _Group:
    """Invent a federation's head or one of its branches: one site, often one switchboard, one enterprise."""
    common = random.Random(f"{seed}/family/{family}")
    title = f"{common.choice(_KINDS)} {common.choice(_OF)} {_word(common)}"
    host = f"{_word(common).lower()}-{family}.example"
    switchboard, siren = _phone(common), f"{common.randrange(10**8, 10**9)}"
    head = number % 50 < 7
    name = f"{common.choice(_HEADS)} {title}" if head else f"{title} {draw.choice(_BRANCHES).format(town=town.name)}"
    local = "contact" if head else plain(town.name).lower().replace(" ", "-")
    url = f"https://{host}" if head or draw.random() < 0.3 else f"https://{host}/{local}"
    phone = switchboard if draw.random() < 0.4 else _phone(draw)
    return _Group(name, town, _street(draw), phone, f"{local}@{host}", url, f"{siren}{number % 100_000:05d}", _rna(draw, town), "culture", "")


def _name(draw: random.Random, town: Town) -> str:
    """Invent a name: usual words, and mostly one that few others have."""
    start = f"{draw.choice(_KINDS)} {draw.choice(_OF)}"
    end = draw.choice((f"de {_word(draw)}", f"{_word(draw)} et {_word(draw)}", f"{draw.choice(_FAMILIES)} {_word(draw)}", f"de {town.name}"))
    return f"{draw.choice(('', '', 'Association ', 'Les '))}{start} {end}"


def _street(draw: random.Random) -> str:
    return f"{draw.randrange(1, 200)} {draw.choice(_STREETS)} {draw.choice((_word(draw), draw.choice(_FAMILIES)))}"


def _phone(draw: random.Random) -> str:
    return f"0{draw.randrange(1, 6)}{draw.randrange(10**7, 10**8)}"


def _siret(draw: random.Random) -> str:
    return f"{draw.randrange(10**8, 10**9)}{draw.randrange(10**5):05d}"


def _rna(draw: random.Random, town: Town) -> str:
    return f"W{town.code[:2]}{draw.randrange(10**7):07d}"


def _told(number: int, seed: int) -> Iterator[tuple[str, Document, str]]:
    """Yield what the directories tell of a group, each in its way."""
    group = _group(number, seed)
    draw = random.Random(f"{seed}/told/{number}")
    listed = [habit for habit in HABITS if draw.random() < habit.listed] or [draw.choice(HABITS)]
    for habit in listed:
        for _ in range(2 if draw.random() < 0.02 else 1):
            yield habit.source, _record(group, habit, draw), str(number)


def told_again(number: int, source: str, draw: random.Random) -> Document:
    """Tell once more of a group of the usual seed, as this directory does."""
    habit = next(one for one in HABITS if one.source == source)
    return _record(_group(number, SEED), habit, draw)


def _record(group: _Group, habit: Habit, draw: random.Random) -> Document:
    """Tell of a group as one directory does."""
    moved = draw.random() < 0.03
    town = group.town
    place = {"addressLocality": _spelled(town.name, draw)}
    if draw.random() < 0.85:
        place["postalCode"] = town.code
    if draw.random() < habit.street:
        place["streetAddress"] = _street(draw) if moved else _shortened(group.street, draw)
    if draw.random() < habit.point:
        place["latitude"] = f"{town.latitude + hash_share(group.street) * 0.02 + draw.uniform(-0.001, 0.001):.5f}"
        place["longitude"] = f"{town.longitude + hash_share(group.phone) * 0.02 + draw.uniform(-0.001, 0.001):.5f}"
    document: Document = {"name": {"fr": _called(group, draw)}, "location": [place], "keywords": [group.subject], "consent": "2026-01-01"}
    if draw.random() < habit.phone:
        document["telephone"] = _phone(draw) if draw.random() < 0.06 else _dialled(group.phone, draw)
    if draw.random() < habit.email:
        document["email"] = f"{_word(draw).lower()}{number_of(group)}@{draw.choice(_FREE)}" if draw.random() < 0.1 else group.email
    if draw.random() < habit.url:
        document["url"] = [draw.choice((group.url, f"{group.url}/", group.url.replace("https", "http"), group.url.replace("www.", "")))]
    if draw.random() < habit.siret:
        document |= {"siret": group.siret} if draw.random() < 0.8 else {"siren": group.siret[:9]}
    if draw.random() < habit.rna:
        document["rna"] = group.rna
    return document


def hash_share(text: str) -> float:
    """Return a share that is always the same for a text."""
    return random.Random(text).random()


def number_of(group: _Group) -> str:
    """Return digits of a group's own."""
    return group.rna[-4:]


def _called(group: _Group, draw: random.Random) -> str:
    """Write a name as people do: with its acronym or as one, without accents, in capitals, with the town, or with an error."""
    name, way = group.name, draw.random()
    if way < 0.04 and len(group.acronym) >= 3:
        return draw.choice((group.acronym, f"{name} ({group.acronym})"))
    if way < 0.12:
        name = f"{name} {group.town.name}" if group.town.name not in name else name
    for old, new in _SWAPS:
        if draw.random() < 0.12:
            name = name.replace(old, new)
    if draw.random() < 0.12:
        place = draw.randrange(2, len(name) - 2)
        name = draw.choice((name[:place] + name[place + 1 :], name[:place] + name[place] + name[place:], name[:place] + "e" + name[place + 1 :]))
    return name.upper() if draw.random() < 0.1 else name


def _spelled(name: str, draw: random.Random) -> str:
    """Write a town's name as people do."""
    return draw.choice((name, name, name, name.upper(), name.replace("Saint-", "St "), plain(name)))


def _shortened(street: str, draw: random.Random) -> str:
    """Write a street as people do."""
    if draw.random() < 0.3:
        street = street.replace("rue", "r.").replace("avenue", "av.").replace("boulevard", "bd").replace("place", "pl.")
    return street.upper() if draw.random() < 0.1 else street


def _dialled(phone: str, draw: random.Random) -> str:
    """Write a phone number as people do."""
    pairs = [phone[place : place + 2] for place in range(0, 10, 2)]
    return draw.choice((phone, " ".join(pairs), ".".join(pairs), "+33 " + " ".join(pairs)[1:], f"+33{phone[1:]}"))
