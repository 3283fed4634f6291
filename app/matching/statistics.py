"""How rare a word is and how widely a contact is shared, counted over all records and frozen until the next full run.

Frozen, so that the weight of a pair does not depend on what arrived after it, and one changed record costs little.
"""

import math
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from app.journal import meta
from app.journal.tables import statistic
from app.matching import adopted
from app.matching.features import Features
from app.matching.weights import Weights
from app.matching.words import USUAL

SMALL: Final = 1000
"""A directory of fewer records than this is completed, for counting, by the usual words' rates."""

ONCE: Final = 0.008
"""A source lists each group once if it repeats itself in fewer of its records than this."""

WORD, SPREAD, FULL, REPEAT = "word", "spread", "full", "repeat"
_MILLION: Final = 1_000_000
_VERSION: Final = "statistics_version"
_RECORDS: Final = "statistics_records"
_OUTDATED: Final = "statistics_outdated"
_RULES: Final = "matching_rules"
RULES: Final = "2"
"""Changes with the normal form and the reasons: a directory matched under other rules is due to be matched anew."""


@dataclass(frozen=True)
class Statistics:
    """`words`: in how many records a word of a name occurs (once when absent); `spreads`: at how many addresses a contact is used
    (at most 2 when absent); `full`: the keys that too many records share; `records`: how many there were; `repeats`: by source, in
    which share of its records it repeats itself; `weights`: what each reason counts.
    """

    records: int = 0
    words: Mapping[str, int] = field(default_factory=dict)
    spreads: Mapping[str, int] = field(default_factory=dict)
    full: frozenset[int] = frozenset()
    version: str = ""
    repeats: Mapping[str, float] = field(default_factory=dict)
    weights: Weights = field(default_factory=Weights)
    _rarities: dict[str, float] = field(default_factory=dict, repr=False, compare=False)

    def rarity(self, word: str) -> float:
        """Return the natural logarithm of one over the word's rate."""
        known = self._rarities.get(word)
        if known is None:
            lacking = max(0, SMALL - self.records)
            known = math.log((self.records + lacking + 1) / (self.words.get(word, 1) + lacking * USUAL.get(word, 0.0)))
            self._rarities[word] = known
        return known

    def spread(self, contacts: Iterable[str]) -> int:
        """Return at how many addresses the least widely shared of `contacts` is used."""
        return min((self.spreads.get(contact, 1) for contact in contacts), default=1)

    def repeat(self, source: str) -> float:
        """Return how often a source repeats itself."""
        return self.repeats.get(source, UNKNOWN_REPEAT)

    def singles(self) -> frozenset[str]:
        """Return the sources that list each group once."""
        return frozenset(source for source, share in self.repeats.items() if share < ONCE)

    def outgrown(self, records: int) -> bool:
        """Tell whether a full run is due: the directory changed by more than a fifth, and by more than 20 records."""
        return abs(records - self.records) > max(20, self.records / 5)


UNKNOWN_REPEAT: Final = 0.02
_DOUBT: Final = 50
"""So many records a source must have before what it shows of itself weighs as much as what is usual."""


class Counting:
    """Counts words and contacts, a record at a time; `full` keys are not counted here."""

    def __init__(self) -> None:
        self._records = 0
        self._words: Counter[str] = Counter()
        self._first: dict[str, int] = {}
        self._further: dict[str, set[int]] = {}
        self._seen: set[int] = set()
        self._listed: Counter[str] = Counter()
        self._repeated: Counter[str] = Counter()

    def add(self, features: Features, reference: str = "") -> None:
        """Count one record; `reference` is ``source/key``."""
        self._records += 1
        source = reference.partition("/")[0]
        self._listed[source] += 1
        mine, theirs = ("numbered", ("",)) if features.number else ("", ("", "numbered"))  # two numbers are two addresses
        housed = [hash((source, mark)) for mark in _housed(features)]
        self._repeated[source] += not self._seen.isdisjoint([*housed, *(hash((source, mark)) for mark in _named(features, theirs))])
        self._seen.update(housed, [hash((source, mark)) for mark in _named(features, (mine,))])
        self._words.update({*features.core})
        address = hash(_address(features))
        for contact in (*features.phones, *features.emails, *features.pages):
            if self._first.setdefault(contact, address) != address:
                self._further.setdefault(contact, set()).add(address)

    def counted(self) -> Statistics:
        """Return what was counted, as a new version."""
        words = {word: count for word, count in self._words.items() if count > 1}
        spreads = {contact: 1 + len(others) for contact, others in self._further.items() if len(others) > 1}
        repeats = {source: self._share(source, count) for source, count in self._listed.items() if source}
        return Statistics(self._records, words, spreads, version=secrets.token_hex(8), repeats=repeats)

    def _share(self, source: str, count: int) -> float:
        """Return in which share of its records a source repeats itself, to a millionth: as it is kept."""
        return round((self._repeated[source] + _DOUBT * UNKNOWN_REPEAT) / (count + _DOUBT) * _MILLION) / _MILLION


def _named(features: Features, kinds: Iterable[str]) -> Iterator[tuple[object, ...]]:
    """Yield name and town, of records with a house number, of those without one, or of both."""
    if features.core and (features.postcode or features.city):
        yield from ((tuple(sorted(features.core)), features.postcode or features.city, kind) for kind in kinds)


def _housed(features: Features) -> Iterator[tuple[object, ...]]:
    """Yield address with the name, and with each contact and each word of the name."""
    if features.number:
        address = _address(features)
        yield tuple(sorted(features.core)), address
        for contact in (*features.phones, *features.emails):
            yield from ((contact, address, word) for word in features.core[:4])


def _address(features: Features) -> tuple[str, str]:
    """Return where a record is, roughly enough for two spellings of one address to be equal."""
    if features.number:
        return features.number, features.street.rpartition(" ")[2][:4]
    return features.postcode or features.city, ""


def version(c: Connection) -> str:
    """Return which statistics hold now; empty before the first full run."""
    return meta.get(c, _VERSION) or ""


def load(c: Connection, about: Collection[str] | None = None) -> Statistics:
    """Read the frozen statistics; all of them, or what they say `about` some words, contacts and sources, which is all that a pair of them asks."""
    found: dict[str, dict[str, int]] = {WORD: {}, SPREAD: {}, FULL: {}, REPEAT: {}}
    question = select(statistic.c.kind, statistic.c.value, statistic.c.count)
    for kind, value, count in c.execute(
        question if about is None else question.where(statistic.c.kind.in_((WORD, SPREAD, REPEAT)), statistic.c.value.in_(about))
    ):
        found[kind][value] = count
    repeats = {source: count / _MILLION for source, count in found[REPEAT].items()}
    return Statistics(
        int(meta.get(c, _RECORDS) or 0), found[WORD], found[SPREAD], frozenset(map(int, found[FULL])), version(c), repeats, adopted.current(c)
    )


def asked(features: Features, reference: str) -> set[str]:
    """Return what is asked about one record when it is compared."""
    words = {word for core in (features.core, *features.others) for word in core}
    return {*words, *features.phones, *features.emails, *features.pages, reference.partition("/")[0]}


def outdate(c: Connection) -> None:
    """Note that these statistics do not serve any more."""
    meta.put(c, _OUTDATED, "yes")


def outdated(c: Connection) -> bool:
    """Tell whether somebody noted that, or they were counted under other rules."""
    return meta.get(c, _OUTDATED) == "yes" or (version(c) != "" and meta.get(c, _RULES) != RULES)


def save(c: Connection, statistics: Statistics) -> None:
    """Put these statistics in the place of the former ones."""
    c.execute(delete(statistic))
    counts: tuple[tuple[str, Mapping[str, int]], ...] = (
        (WORD, statistics.words),
        (SPREAD, statistics.spreads),
        (FULL, {str(key): 1 for key in statistics.full}),
        (REPEAT, {source: round(share * _MILLION) for source, share in statistics.repeats.items()}),
    )
    rows = [{"kind": kind, "value": value, "count": count} for kind, values in counts for value, count in values.items()]
    if rows:
        c.execute(insert(statistic), rows)
    meta.put(c, _OUTDATED, "no")
    meta.put(c, _RULES, RULES)
    meta.put(c, _VERSION, statistics.version)
    meta.put(c, _RECORDS, str(statistics.records))
