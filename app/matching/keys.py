"""Under which keys a record is filed: two records are compared only when they share one that identifies, or two that do not.

A key that too many records share is full: it is split by a second value, then a third, instead of being given up.
Whether a key is full is one of the frozen statistics, so that what is compared does not depend on the order of arrival.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from app.matching.features import Features, Words
from app.matching.statistics import Statistics

FULL: Final = 40
"""A key shared by more records than this is split."""

RARE_ALONE: Final = 30
"""Without any place, words used by at most this many records still make a key."""

_HANDS: Final = (4, 16, 64, 256)


def keys(features: Features, reference: str, statistics: Statistics) -> set[int]:
    """Return the keys of a record: 64-bit hashes, odd when sharing the key is enough for two records to be compared."""
    found: set[int] = set()
    for text, identifies in _plain(features, statistics):
        key = _hash(text, identifies)
        if key in statistics.full:
            _split(text, identifies, 0, features, reference, statistics, found)
        else:
            found.add(key)
    return found


def _split(text: str, identifies: bool, depth: int, features: Features, reference: str, statistics: Statistics, found: set[int]) -> None:
    """Add the parts of a key that is full, and the parts of those that are full too."""
    if depth == len(_SECONDS):
        _deal(text, identifies, reference, statistics, found)
        return
    for second in {*_SECONDS[depth](features, statistics)} or {""}:
        part = f"{text}|{second}"
        key = _hash(part, identifies)
        if key in statistics.full:
            _split(part, identifies, depth + 1, features, reference, statistics, found)
        else:
            found.add(key)


def _deal(text: str, identifies: bool, reference: str, statistics: Statistics, found: set[int]) -> None:
    """Deal records that nothing tells apart into hands, twice: each meets few others, and all are linked through one another."""
    dealt = int.from_bytes(hashlib.blake2b(reference.encode(), digest_size=8).digest())
    for deal, number in enumerate((dealt, dealt >> 32)):
        hands = (_hash(f"{text}|{deal}|{size}|{number % size}", identifies) for size in _HANDS)
        key = next((hand for hand in hands if hand not in statistics.full), None)
        if key is not None:
            found.add(key)


def _hash(text: str, identifies: bool) -> int:
    """Return 63 bits of a hash and one that says whether the key identifies."""
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)
    return number | 1 if identifies else number & ~1


def _plain(features: Features, statistics: Statistics) -> Iterator[tuple[str, bool]]:
    """Yield the keys of a record before any is split, each with whether it identifies."""
    yield from ((f"i{register}{value}", True) for register, values in features.identifiers for value in values)
    yield from ((contact, True) for contact in (*features.phones, *features.emails, *features.near, *features.pages, *features.links))
    for core in (features.core, *features.others):
        if core:
            yield "w" + " ".join(sorted({*core})), True
    coarse, fine = _coarse(features), _fine(features)
    rare = _rare(features.core, statistics)
    for place in coarse:
        yield from ((f"n{word[:6]}|{place}", False) for word in rare)
        yield from ((f"a{acronym}|{place}", True) for acronym in {*features.acronyms, *features.initials, *_alone(features.core)})
    for place in fine[1:] or fine:
        yield from ((f"m{word[:4]}|{place}", False) for word in rare[:2])
    if features.number and features.street:
        last = features.street.rpartition(" ")[2][:5]
        yield from ((f"s{features.number}{last}|{place}", True) for place in fine or ("",))
    if not coarse:
        yield from ((f"N{word}", True) for word in rare if statistics.words.get(word, 1) <= RARE_ALONE)


def _alone(core: Words) -> Words:
    """Return the only word of a name, if it is short enough for an acronym."""
    return core if len(core) == 1 and 3 <= len(core[0]) <= 6 else ()


def _rare(core: Words, statistics: Statistics) -> list[str]:
    """Return the three rarest words of a name; equally rare ones in alphabetical order."""
    return sorted({*core}, key=lambda word: (-statistics.rarity(word), word))[:3]


def _coarse(features: Features) -> list[str]:
    """Return the regions a record is in: département or postcode's beginning, town, a square of about 10 km."""
    places = [f"p{features.area or features.postcode[:2]}" if features.postcode else "", features.city[:5]]
    if features.latitude is not None and features.longitude is not None:
        places.append(f"{features.latitude * 10:.0f},{features.longitude * 10:.0f}")
    return [place for place in places if place]


def _fine(features: Features) -> list[str]:
    """Return the neighbourhoods a record is in: postcode, town, a square of about 2 km; the first is the least telling."""
    places = [features.postcode, features.city]
    if features.latitude is not None and features.longitude is not None:
        places.append(f"{features.latitude * 50:.0f},{features.longitude * 50:.0f}")
    return [place for place in places if place]


def _streets(features: Features, _statistics: Statistics) -> Iterable[str]:
    """Return what tells apart records of one neighbourhood: street, and every contact."""
    return [value for value in (f"{features.number} {features.street[-5:]}".strip(), *features.phones, *features.emails, *features.pages) if value]


_SECONDS: Final[tuple[Callable[[Features, Statistics], Iterable[str]], ...]] = (
    lambda features, statistics: _fine(features) or _rare(features.core, statistics)[:1],
    lambda features, statistics: _rare(features.core, statistics)[:2],
    _streets,
)
