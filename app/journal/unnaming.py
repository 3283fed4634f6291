"""The name of an erased record leaves the addresses that were made from it: such a group is known under another one from then on, or is gone.

A slug names one group for ever, so the old one is not given again: its keyed hash stays. The slugs of our own records were chosen by our editors,
and are what our feed calls the record when it says that it is erased: they stay.
"""

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Final

from sqlalchemy import Connection, select, update

from app.journal import identities, meta, records, suppression
from app.journal.suppression import document_words
from app.journal.tables import change, identity, record, source
from app.journal.text import Document
from app.names import OWN, slugify

_NUMBERED: Final = re.compile(r"(.+)-\d{1,7}\Z")
_CUT: Final = identities.LONGEST - 8


def unname(c: Connection, record_id: int, documents: Iterable[Document], author: str) -> None:
    """Give other slugs to the groups whose slug was made from what these documents of a record call it, unless others call the group so too."""
    for slug in {slugify(name) for name in document_words(documents)} - {""}:
        for identity_id, found in list(_made_from(c, slug)):
            others = [document for other, document in _members(c, identity_id) if other != record_id]
            if not any(_is_from(found, slugify(name)) for name in document_words(others)):
                _rename(c, identity_id, found, others, author)


def _made_from(c: Connection, slug: str) -> Iterator[tuple[int, str]]:
    """Yield the identities whose slug is this one, or this one with a number, and that are none of our own records."""
    own = select(record.c.key).join(source, source.c.id == record.c.source_id).where(source.c.name == OWN)
    stem = slug[:_CUT].rstrip("-")
    family = select(identity.c.id, identity.c.slug).where(identity.c.slug >= stem, identity.c.slug < f"{stem}~", identity.c.slug.not_in(own))
    yield from ((row.id, row.slug) for row in c.execute(family).all() if _is_from(row.slug, slug))


def _is_from(slug: str, wanted: str) -> bool:
    """Tell whether a slug is the one wanted, or that with a number."""
    numbered = _NUMBERED.match(slug)
    stem = numbered[1] if numbered else slug
    return bool(wanted) and (wanted in {slug, stem} or (len(stem) >= _CUT - 1 and wanted.startswith(stem)))


def _members(c: Connection, identity_id: int) -> Iterator[tuple[int, Document]]:
    """Yield the live records of the group that an identity leads to."""
    found = identities.by_id(c, identity_id)
    while found is not None and found.successor_id is not None:
        found = identities.by_id(c, found.successor_id)
    for member in identities.members(c, found.id) if found else ():
        held = records.by_id(c, member)
        if held is not None and held.state == records.LIVE:
            yield held.id, held.document


def _rename(c: Connection, identity_id: int, old: str, others: Iterable[Document], author: str) -> None:
    """Give an identity another slug: one from a name that others give, else one that says nothing."""
    suppression.note(c, [suppression.digest(meta.secret(c), suppression.SLUG, old)], author)
    named = next((slugify(name) for name in sorted(document_words(others))), "")
    new = identities.free_slug(c, named or f"{identities.NAMELESS}-{secrets.token_hex(4)}")
    c.execute(update(identity).where(identity.c.id == identity_id).values(slug=new))
    c.execute(update(change).where(change.c.kind == "group", change.c.name == old).values(name=new))
