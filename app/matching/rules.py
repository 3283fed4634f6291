"""The rules of fusion by key, in one table that an operator may override: which way of choosing applies to which key.

What was measured on records of known truth stands in the table; the names in `NAMED` are those that a setting may give.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from app.errors import SettingsError, Text
from app.matching.choosing import (
    Chosen,
    Said,
    earliest,
    every,
    folded,
    identifiers,
    latest,
    most_trusted,
    page,
    phone,
    unanimous,
    vote,
    vote_by_date,
    whole,
)
from app.vocabulary import Kind, load


@dataclass(frozen=True, slots=True)
class Rule:
    """How the values of one key become one or several; `normal` says which of them are the same."""

    name: str
    choose: Callable[[Sequence[Said]], Chosen]
    normal: Callable[[Any], Any] = whole
    many: bool = False


Rules = Mapping[str, Rule]

VOTE_BY_DATE: Final = Rule("vote, ties by date", vote_by_date)
UNION: Final = Rule("union", every, many=True)
PLACE: Final = "location"
_IDENTIFIERS: Final = Rule("union of identifiers", identifiers, folded)

RULES: Final[Rules] = {
    "name": Rule("vote", vote, folded),
    "description": Rule("our own, then the newest", most_trusted),
    "alternateName": Rule("union", every, folded, many=True),
    "keywords": Rule("union", every, folded, many=True),
    "url": Rule("union", every, page, many=True),
    "sameAs": Rule("union", every, page, many=True),
    "logo": VOTE_BY_DATE,
    "email": Rule("vote, ties by date", vote_by_date, folded),
    "telephone": Rule("vote, ties by date", vote_by_date, phone),
    "contactPage": Rule("vote, ties by date", vote_by_date, page),
    "siret": _IDENTIFIERS,
    "siren": _IDENTIFIERS,
    "rna": _IDENTIFIERS,
    "identifiers": Rule("union", every, folded, many=True),
    "created": Rule("the earliest", earliest),
    "modified": Rule("the latest", latest),
    "consent": Rule("the latest", latest),
    "license": Rule("only if all agree", unanimous),
    PLACE: VOTE_BY_DATE,
}
"""Keys that are not here are united when they hold lists or parts, voted upon otherwise; `location` is for each part of an address."""

NAMED: Final[Rules] = {
    "vote": Rule("vote", vote),
    "vote-then-newest": VOTE_BY_DATE,
    "own-then-newest": Rule("our own, then the newest", most_trusted),
    "union": UNION,
    "earliest": Rule("the earliest", earliest),
    "latest": Rule("the latest", latest),
    "unanimous": Rule("only if all agree", unanimous),
}
"""What an operator may choose, by the name that the setting gives."""

FIXED: Final = frozenset({"id", "type", "records", "exactMatch", "cooperations", "participations", "shares", "siret", "siren", "rna"})
"""Keys that are computed, that are parts of their own, or identifiers, which are never outvoted."""


def overridden(settings: Mapping[str, str]) -> Rules:
    """Return the table with the rules that an operator chose, by key. Raises SettingsError for a key or a rule that does not exist."""
    known = load().properties("Group")
    table = dict(RULES)
    for key, name in settings.items():
        if key not in known or key in FIXED:
            raise SettingsError(_unknown(key, sorted(known.keys() - FIXED), "une clé", "a key"))
        if name not in NAMED:
            raise SettingsError(_unknown(name, list(NAMED), "une règle", "a rule"))
        single = known[key].kind is Kind.LANGUAGE_MAP or key == PLACE
        if single and NAMED[name].many:
            raise SettingsError(
                Text(
                    f"Réglage incorrect (fusion) : « {key} » n'a qu'une valeur, la règle « {name} » n'y convient pas.",
                    f"Wrong setting (fusion): '{key}' has one value only, the rule '{name}' does not suit it.",
                )
            )
        before = RULES.get(key)
        table[key] = replace(NAMED[name], normal=before.normal if before and before.many <= NAMED[name].many else whole)
    return table


def digest(rules: Rules) -> str:
    """Return what changes when a rule does."""
    return hashlib.sha256(repr(sorted((key, rule.name, rule.many) for key, rule in rules.items())).encode()).hexdigest()[:16]


def _unknown(given: str, known: Sequence[str], fr: str, en: str) -> Text:
    """Say that something in the setting does not exist, and what does."""
    listed = ", ".join(known)
    return Text(
        f"Réglage incorrect (fusion) : « {given} » n'est pas {fr} que l'on peut choisir ; il y a : {listed}.",
        f"Wrong setting (fusion): '{given}' is not {en} that can be chosen; there are: {listed}.",
    )
