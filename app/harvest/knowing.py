"""What this node knows already of records that others pass on: where they come from, how new they are, who tells them best.

A record reaches a node by one road: from its origin where that is a peer, else from the first relay that lists it.
"""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, and_, or_, select

from app.harvest.authority import base_of
from app.journal import Journal, sources
from app.journal.records import GONE, HIDDEN, LIVE
from app.journal.sources import Source, Trust
from app.journal.tables import record
from app.journal.tables import source as source_table

NATIVE = "maillage"
RELAY = "relay"
AT_ONCE = 500


class Knowing:
    """Answers for one source that passes on what others say."""

    def __init__(self, journal: Journal, base: str, asking: str) -> None:
        """`base` is this node's own, `asking` the name of the source."""
        self.base = base
        self._journal = journal
        self._asking = asking
        with journal.read() as c:
            known = sources.list_(c)
        self._own = next(one.id for one in known if one.name == asking)
        self._direct = {direct_base(one): one for one in known if one.format == NATIVE}
        self._quiet = [one.id for one in known if one.trust is Trust.QUARANTINE and one.name != asking]

    def is_direct(self, base: str) -> bool:
        """Say whether the node of this base is a peer itself, trusted or not: then what it says is its own to tell."""
        return base in self._direct

    def holds(self, iri: str) -> bool:
        """Say whether this source has a record of this IRI that it may take back."""
        with self._journal.read() as c:
            mine = (record.c.source_id == self._own, record.c.iri == iri, record.c.state != GONE)
            return c.execute(select(record.c.id).where(*mine)).first() is not None

    def newest(self, iris: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return the epoch and the sequence of the newest event that is held of each of these records told by anybody; hidden copies hold nothing."""
        found: dict[str, tuple[int, int]] = {}
        columns = select(record.c.iri, record.c.origin_epoch, record.c.origin_sequence)
        with self._journal.read() as c:
            for at in range(0, len(iris), AT_ONCE):
                about = (record.c.iri.in_(iris[at : at + AT_ONCE]), record.c.source_id.not_in(self._quiet))
                held = (record.c.origin_epoch.is_not(None), record.c.state != HIDDEN)
                for iri, epoch, sequence in c.execute(columns.where(*about, *held)):
                    found[iri] = max(found.get(iri, (0, 0)), (epoch, sequence))
        return found

    def outdated(self) -> Iterator[tuple[str, str, str]]:
        """Yield key, IRI and base of the copies here of what their origin tells itself now, or another relay more newly."""
        for base, peer in self._direct.items():
            if peer.cursor or peer.trust is Trust.QUARANTINE or not peer.enabled:
                yield from ((key, iri, base) for key, iri in self._under(base))
        with self._journal.read() as c:
            rows = c.execute(_NEWER.where(_MINE.c.source_id == self._own, _OTHER.c.source_id.not_in(self._quiet))).all()
        known = tuple(f"{base}/" for base in self._direct)
        yield from ((key, iri, _base(iri)) for key, iri in rows if not iri.startswith(known))

    def _under(self, base: str) -> Iterable[tuple[str, str]]:
        """Return key and IRI of the live copies under a base."""
        mine = (record.c.source_id == self._own, record.c.state == LIVE, record.c.iri.startswith(f"{base}/", autoescape=True))
        with self._journal.read() as c:
            return [(row.key, row.iri) for row in c.execute(select(record.c.key, record.c.iri).where(*mine))]


def ask_relays_again(c: Connection) -> None:
    """What a removed peer told, a relay may tell as well: it is read again from its beginning, at the price of what is not held any more."""
    for source in sources.list_(c):
        if source.format == RELAY:
            sources.update(c, source.name, cursor={key: value for key, value in source.cursor.items() if key != "of"})


def direct_base(peer: Source) -> str:
    """Return the prefix of the addresses that a native peer is believed about."""
    return (peer.base or base_of(peer.url or "")).rstrip("/")


def _base(iri: str) -> str:
    """Return the base that the copy was taken under: what comes before the last two parts of a group's address."""
    return iri.rsplit("/", 2)[0]


_MINE, _OTHER = record.alias("mine"), record.alias("other")
_NEWER = (
    select(_MINE.c.key, _MINE.c.iri)
    .distinct()
    .join(_OTHER, and_(_OTHER.c.iri == _MINE.c.iri, _OTHER.c.source_id != _MINE.c.source_id))
    .join(source_table, source_table.c.id == _OTHER.c.source_id)
    .where(source_table.c.format == RELAY, _MINE.c.state == LIVE)
    .where(
        or_(
            _OTHER.c.origin_epoch > _MINE.c.origin_epoch,
            and_(_OTHER.c.origin_epoch == _MINE.c.origin_epoch, _OTHER.c.origin_sequence > _MINE.c.origin_sequence),
        )
    )
)
