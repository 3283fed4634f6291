"""How alike two names are: their words compared softly and weighted by rarity, so that one rare word counts for many usual ones."""

from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

from app.matching.features import Features, Words
from app.matching.statistics import Statistics

_SOFT: Final = 0.75
"""Two words are taken for one from this similarity on, if they have more than three letters."""

_JOINED: Final = 80.0
"""Names written without their spaces count from this similarity on: Petitsfrères, Petits Frères."""


class Name:
    """The words of a record's names with their rarity, made ready for many comparisons."""

    __slots__ = ("core", "joined", "others", "rarity", "total", "words")

    def __init__(self, features: Features, statistics: Statistics) -> None:
        """Look the rarity of every word up once."""
        self.core = features.core
        self.rarity = {word: statistics.rarity(word) for word in features.core}
        self.words = self.rarity.keys()
        self.total = sum(self.rarity.values())
        self.joined = "".join(features.core)
        self.others = [Name(Features(core=core), statistics) for core in features.others]

    def shared(self, other: "Name") -> list[float]:
        """Return the rarities of the words that both have, the rarest first."""
        return sorted([self.rarity[word] for word in self.words & other.words], reverse=True)

    def contains(self, other: "Name") -> bool:
        """Tell whether all words of one are words of the other."""
        return self.words <= other.words or self.words >= other.words


def similarity(left: Name, right: Name) -> float:
    """Return how alike two records' names are, from 0 to 1: the best of what they are called."""
    best = _alike(left, right)
    if best < 1 and (left.others or right.others):
        pairs = [(a, b) for a in (left, *left.others) for b in (right, *right.others)]
        best = max(_alike(a, b) for a, b in pairs)
    return best


def _alike(left: Name, right: Name) -> float:
    """Compare two names, in an order that does not depend on which is which."""
    if not (left.core and right.core):
        return 0.0
    if left.core == right.core:
        return 1.0
    if right.core < left.core:
        left, right = right, left
    joined = fuzz.ratio(left.joined, right.joined, score_cutoff=_JOINED)
    return max(_soft(left, right), joined / 100)


def _soft(left: Name, right: Name) -> float:
    """Return the soft cosine of the words: equal ones, then nearly equal ones, each once."""
    mine, theirs = left.rarity, right.rarity
    both = left.words & right.words
    agreed = 2 * sum([mine[word] for word in both])
    total = left.total + right.total
    rest = [word for word in theirs if word not in both]
    for word in mine:
        if len(word) <= 3 or not rest or word in both:
            continue
        best, other = max([(_resembling(word, candidate), candidate) for candidate in rest])
        if best >= _SOFT:
            agreed += best * 2 * min(mine[word], theirs[other])
            total -= abs(mine[word] - theirs[other])
            rest.remove(other)
    return agreed / total if total else 0.0


def _resembling(word: str, other: str) -> float:
    """Return how alike two words are, 0 when they are not."""
    return Indel.normalized_similarity(word, other, score_cutoff=_SOFT) if abs(len(word) - len(other)) <= 3 else 0.0


def same_acronym(a: Features, b: Features) -> str:
    """Return the acronym by which one record calls itself and which the other uses or would make; empty when there is none."""
    for mine, theirs in ((a, b), (b, a)):
        for acronym in mine.acronyms:
            if acronym in theirs.acronyms or acronym in theirs.initials or acronym == _letters(theirs.core):
                return acronym
    return ""


def _letters(core: Words) -> str:
    """Return the first letters of the words."""
    return "".join([word[0] for word in core])
