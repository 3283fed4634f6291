"""How alike two names are: their words compared softly and weighted by rarity, so that one rare word counts for many usual ones."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from app.matching.features import Features, Words
from app.matching.statistics import Statistics

_SOFT: Final = 0.75
"""Two words are taken for one from this similarity on, if one at least has more than three letters."""

_CUT: Final = 0.8
"""A word of more than three letters that begins another is so much alike to it."""

_JOINED: Final = 80.0
"""Words written without the spaces between them count from this similarity on: Petitsfrères, Petits Frères."""

_SHORT: Final = 3
"""Words of so many letters may be a slip of the keyboard: they count as usual words do, and resemble longer ones only when a letter is lost."""

_RARE_SHORT: Final = 4.0
_LOST_LETTER: Final = 0.8
_ACRONYM: Final = 3
"""So many letters at least stand for words."""


class Likeness(NamedTuple):
    """`alike` and `within` from 0 to 1: how alike two names are, and how much of the shorter is in the longer.

    `own` is the rarity of what each says alone, of that one which says less alone.
    """

    alike: float
    within: float
    own: float


_EQUAL: Final = Likeness(1.0, 1.0, 0.0)
_UNLIKE: Final = Likeness(0.0, 0.0, 0.0)


_NONE: Final[frozenset[str]] = frozenset()


@lru_cache(maxsize=16_384)
def _town_words(city: str) -> frozenset[str]:
    """Return the words of a town."""
    return frozenset(city.split())


class Name:
    """The words of a record's names with their rarity, made ready for many comparisons; `towns` are words of the record's own town."""

    __slots__ = ("core", "numbers", "others", "rarity", "statistics", "total", "towns", "words")

    def __init__(self, features: Features, statistics: Statistics) -> None:
        """Look the rarity of every word up once."""
        self.core = features.core
        self.statistics = statistics
        self.rarity = {word: statistics.rarity(word) if len(word) > _SHORT else min(_RARE_SHORT, statistics.rarity(word)) for word in features.core}
        self.words = self.rarity.keys()
        self.total = sum(self.rarity.values())
        numbers = [word for word in features.core if word.isdecimal()]
        self.numbers = frozenset(numbers) if numbers else _NONE
        self.towns = _town_words(features.city)
        self.others = [Name(Features(core=core, city=features.city), statistics) for core in features.others]

    def shared(self, other: "Name") -> list[float]:
        """Return the rarities of the words that both have, the rarest first."""
        return sorted([self.rarity[word] for word in self.words & other.words], reverse=True)

    def without(self, towns: frozenset[str]) -> "Name":
        """Return the name without the words of another record's town, unless nothing is left."""
        left = tuple([word for word in self.core if word not in towns])
        return Name(Features(core=left, city=" ".join(self.towns)), self.statistics) if left else self


def likeness(left: Name, right: Name) -> Likeness:
    """Return how alike two records' names are: the best of what they are called."""
    best = _alike(left, right)
    if best.alike < 1 and (left.others or right.others):
        pairs = [(a, b) for a in (left, *left.others) for b in (right, *right.others)]
        best = max(_alike(a, b) for a, b in pairs)
    return best


def _alike(left: Name, right: Name) -> Likeness:
    """Compare two names, in an order that does not depend on which is which."""
    if not (left.core and right.core):
        return _UNLIKE
    if left.core == right.core:
        return _EQUAL
    if not left.words.isdisjoint(right.towns) or not right.words.isdisjoint(left.towns):
        left, right = left.without(right.towns), right.without(left.towns)
        if left.core == right.core:
            return _EQUAL
    if right.core < left.core:
        left, right = right, left
    return _soft(left, right)


def _soft(left: Name, right: Name) -> Likeness:
    """Return the soft cosine of the words: equal ones, nearly equal ones, each once, acronyms of words within the other, what is left joined."""
    mine, theirs = left.rarity, right.rarity
    both = left.words & right.words
    rest = [word for word in mine if word not in both]
    others = [word for word in theirs if word not in both]
    tally = [sum([mine[word] for word in both]), left.total + right.total]
    if rest and others:
        _nearly(rest, others, mine, theirs, tally)
    if rest and others and (len(rest) >= _ACRONYM or len(others) >= _ACRONYM):
        for short, long, whose, name in ((rest, others, mine, right), (others, rest, theirs, left)):
            for word, words in _abbreviated(short, long, name) if len(long) >= _ACRONYM else ():
                _agree(1.0, whose[word], sum([name.rarity[one] for one in words]), tally)
    alone, other = sum([mine[word] for word in rest]), sum([theirs[word] for word in others])
    if rest and others and (len(rest) > 1 or len(others) > 1):
        joined = fuzz.ratio("".join(rest), "".join(others), score_cutoff=_JOINED) / 100
        if joined:
            _agree(joined, alone, other, tally)
            alone = other = 0.0
    agreed, total = tally
    own = min(alone, other)
    return Likeness(min(1.0, 2 * agreed / total) if total > 0 else 0.0, agreed / (agreed + own) if agreed else 0.0, own)


def _agree(likeness: float, mine: float, theirs: float, tally: list[float]) -> None:
    """Count words of one name, of so much rarity, as words of the other."""
    tally[0] += likeness * min(mine, theirs)
    tally[1] -= abs(mine - theirs)


def _nearly(rest: list[str], others: list[str], mine: Mapping[str, float], theirs: Mapping[str, float], tally: list[float]) -> None:
    """Take the words that are nearly equal out of both lists, and count them; one mistyped keeps its first letter or its last."""
    for word in [*rest]:
        first, last = word[0], word[-1]
        found = [(_resembling(word, candidate), candidate) for candidate in others if candidate[0] == first or candidate[-1] == last]
        if not found:
            continue
        best, other = max(found)
        if best >= _SOFT:
            _agree(best, mine[word], theirs[other], tally)
            rest.remove(word)
            others.remove(other)


def _abbreviated(short: list[str], long: list[str], name: Name) -> list[tuple[str, Words]]:
    """Return the words of `short` that abbreviate words of `long` side by side in a name, and take both out of the lists."""
    found = []
    letters = "".join([word[0] for word in name.core])
    for word in [*short]:
        start = letters.find(word) if len(word) >= _ACRONYM else -1
        words = name.core[start : start + len(word)]
        if start >= 0 and len({*words}) == len(words) and all(one in long for one in words):
            found.append((word, words))
            short.remove(word)
            for one in words:
                long.remove(one)
    return found


@lru_cache(maxsize=100_000)
def _resembling(word: str, other: str) -> float:
    """Return how alike two words are, 0 when they are not; one cut short stands for the whole."""
    shorter = min(len(word), len(other))
    if shorter <= _SHORT:
        long = max(len(word), len(other)) > _SHORT
        return Indel.normalized_similarity(word, other, score_cutoff=_LOST_LETTER) if long else 0.0
    if abs(len(word) - len(other)) > 3:
        return _CUT if word.startswith(other) or other.startswith(word) else 0.0
    return Indel.normalized_similarity(word, other, score_cutoff=_SOFT)


def same_acronym(a: Features, b: Features) -> str:
    """Return the acronym by which one record calls itself and which the other uses or would make; empty when there is none."""
    for mine, theirs in ((a, b), (b, a)):
        for acronym in mine.acronyms:
            if acronym in theirs.acronyms or acronym in theirs.initials:
                return acronym
        if len(mine.core) == 1 and (mine.core[0] in theirs.initials or mine.core[0] in theirs.acronyms):
            return mine.core[0]
    return ""
