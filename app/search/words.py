"""Text and questions as words that meet: accents and case set aside, each word beside its French stem.

SQLite's full-text index holds what `indexed` makes of a text; what a person types only ever reaches it as quoted words.
"""

import re
import threading
import unicodedata
from functools import lru_cache

import snowballstemmer

LONGEST = 60
"""Characters of a word that count."""

_WORD = re.compile(r"[^\W_]+")
_SPELT_OUT = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ı": "i"} | dict.fromkeys("ʼ’«»…–—·", " "))
_ACCENTS = re.compile("[\u0300-\u036f]+")
_EMPTY_FRENCH = """a au aux avec c ce ces cet cette d dans de des du elle en est et eux il ils j je l la le les leur leurs lui m ma mais me mes
mon n ne nos notre nous on ou par pas pour qu que qui s sa se ses son sont sur t ta te tes ton tu un une vos votre vous y"""
_EMPTY_ENGLISH = "an and are as at by for from in is it its of on or that the this to with"
_EMPTY = frozenset(f"{_EMPTY_FRENCH} {_EMPTY_ENGLISH}".split())
"""Words that say nothing of what is looked for, folded."""

_stemmer = snowballstemmer.stemmer("french")
_one_at_a_time = threading.Lock()


def words(text: str) -> list[str]:
    """Return the words of `text` without case, accents and ligatures; apostrophes, hyphens and signs part them.

    >>> words("L'Œuvre d'ÉTÉ, habitant·es")
    ['l', 'oeuvre', 'd', 'ete', 'habitant', 'es']
    """
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    folded = _ACCENTS.sub("", decomposed).translate(_SPELT_OUT)
    if not folded.isascii():
        folded = "".join(character for character in folded if not unicodedata.combining(character))
    return [word[:LONGEST] for word in _WORD.findall(folded)]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return the French stem of a folded word.

    >>> stem("habitants") == stem("habitant")
    True
    """
    if not word.isalpha():
        return word
    with _one_at_a_time:  # the stemmer keeps its word in itself
        return str(_stemmer.stemWord(word))


def indexed(text: str) -> str:
    """Return what the index keeps of a text: each word once, and its stem."""
    found: dict[str, None] = {}
    for word in words(text):
        found[word] = None
        found[stem(word)] = None
    return " ".join(found)


def expression(question: str) -> str | None:
    """Return the full-text expression that finds all words of a question, the last one also as the beginning of a word.

    None when the question holds no word. Words that say nothing are left out, unless there are no others.
    """
    asked = words(question)
    telling = [word for word in asked if word not in _EMPTY] or asked
    if not telling:
        return None
    *before, last = telling
    return " AND ".join([*(f'"{stem(word)}"' for word in before), f'("{stem(last)}" OR "{last}"*)'])
