"""What matching keeps of a record: its normal form, in which two directories' habits of writing are gone."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

Words: TypeAlias = tuple[str, ...]


class Features(NamedTuple):
    """One record in its normal form; contacts only as keyed hashes, identifiers as ``REGISTER`` to its values.

    `core` holds the words of the name that tell it apart, `others` those of its further names; `acronyms` are those it gives
    itself, `initials` those that its name would make. `street` is without its `number`; `area` is the département of a French postcode.
    `pages` are web addresses without scheme and www, `sites` their hosts unless everybody has a page there. `local` tells that the name says the
    town.
    """

    core: Words = ()
    others: tuple[Words, ...] = ()
    acronyms: Words = ()
    initials: Words = ()
    umbrella: bool = False
    branch: bool = False
    number: str = ""
    street: str = ""
    postcode: str = ""
    area: str = ""
    city: str = ""
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    phones: Words = ()
    emails: Words = ()
    hosts: Words = ()
    near: Words = ()
    pages: Words = ()
    sites: Words = ()
    identifiers: tuple[tuple[str, Words], ...] = ()
    links: Words = ()
    subjects: Words = ()
    local: bool = False

    def as_json(self) -> str:
        """Return the normal form as compact JSON: a list in the order of the fields, without the empty ones at its end."""
        values = [*self]
        while values and not values[-1]:
            values.pop()
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Features":
        """Read what `as_json` wrote."""
        return cls(*_frozen(json.loads(text)))

    def registers(self) -> Mapping[str, Words]:
        """Return the official identifiers by register."""
        return dict(self.identifiers)


def _frozen(values: list[Any]) -> tuple[Any, ...]:
    """Return lists as tuples, however deep."""
    return tuple([_frozen(value) if type(value) is list else value for value in values])
