"""What a peer's format hands to a visit, one item at a time: the seam between reading a peer and taking its records.

A format imports its types from here (and `Fetcher`, `Budget` from `app.harvest.fetch`); it never writes anywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.errors import Text
from app.harvest.fetch import Budget, Fetcher


class Known(Protocol):
    """What a format that passes on what others say may ask this node, so that it fetches nothing that is held already."""

    base: str  # this node's own

    def is_direct(self, base: str) -> bool:
        """Say whether the node of this base is a peer itself: then what it says is its own to tell."""

    def holds(self, iri: str) -> bool:
        """Say whether the source that asks has a record of this IRI that it may take back."""

    def newest(self, iris: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """Return (epoch, sequence) of the newest event held of each of these records, whoever told it; nothing of those unknown."""

    def outdated(self) -> Iterator[tuple[str, str, str]]:
        """Yield key, IRI and origin's base of the copies of the source that asks which others tell better now."""


@dataclass(frozen=True, slots=True)
class Peer:
    """What a format may know about the peer it reads; `base` is the IRI prefix under which the peer is believed.

    `known` is asked by formats that pass on what others say.
    """

    name: str
    url: str
    mapping: Mapping[str, Any] | None = None
    base: str | None = None
    licence: str | None = None
    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One record of the peer, JSON-LD in our keys, as yet unchecked.

    `key` is the source's own identifier made safe by `names.key_for`. `iri` is the record's own IRI, for the formats whose records bear
    one (`OWN_IRIS`); for the others it may name where the record comes from, and is used only to know our own records again.
    `raw_digest` is that of what the source sent for this record together with the mapping used: equal means unchanged, unread.
    `unmapped` names the source's fields that nothing maps. `origin` is (epoch, sequence) at the origin node.
    `notes` say which values were dropped and why; the record stands without them. `size` is the bytes it took, as far as they are known.
    `base`, where the record was read at another node than the peer, is the prefix under which that node is believed.
    """

    key: str
    document: object
    iri: str | None
    raw_digest: str | None
    unmapped: tuple[str, ...] = ()
    origin: tuple[int, int] | None = None
    notes: tuple[Text, ...] = ()
    size: int = 0
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """One record that the peer says it withdrew; `purge` asks that its past statements be erased too; `base` as in `Found`.

    `elsewhere`: it was not withdrawn, another source tells it better, so that here it is only hidden.
    """

    key: str
    iri: str | None
    origin: tuple[int, int] | None = None
    purge: bool = False
    base: str | None = None
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Bad:
    """One record that cannot be read, and why, in a sentence for the peer's maintainer; the rest goes on."""

    key: str
    message: Text


@dataclass(frozen=True, slots=True)
class Restart:
    """What was yielded so far is to be forgotten, since the peer is read in another way from here on; why, in a sentence."""

    message: Text


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """From here a visit may go on after this one broke off: `place` is in its cursor then, as ``reading``, and what came so far is kept."""

    place: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Leftover:
    """A field of the source that nothing maps: in how many records of this visit, and the beginning of one value."""

    path: str
    records: int
    sample: str


@dataclass(frozen=True, slots=True)
class End:
    """The last item of every visit that read all there was to read; without it the visit failed.

    `cursor` comes back at the next visit (an empty one when the peer's address, mapping or trust changed meanwhile).
    `complete`: the visit saw every record of the source, so what was not found is absent. `unchanged`: nothing was sent because nothing changed
    (304, or the digest of the whole body is the one in the cursor). `withdrawn`: what was not found was withdrawn for certain, not merely missed.
    `leftovers` sum over the whole visit what the records left unmapped.
    """

    cursor: Mapping[str, Any]
    complete: bool
    unchanged: bool = False
    licence: str | None = None
    withdrawn: bool = False
    leftovers: tuple[Leftover, ...] = ()


Item = Found | Gone | Bad | Restart | Checkpoint | End


@dataclass(frozen=True, slots=True)
class Sample:
    """The beginning (at most 64 KB, decoded) of what an address answers, for a format to say whether it is its own."""

    url: str
    media_type: str
    head: bytes


class Format(Protocol):
    """One peer format: a module in `app.harvest.formats` with these names.

    It is found by being there: a new format is one file and one folder of fixtures.
    """

    NAME: str
    OWN_IRIS: bool  # True: records bear their own IRIs, believed under the peer's base; False: the node mints one per record
    PLACES: tuple[str, ...]  # paths below a bare address where this kind of site serves its records

    @staticmethod
    def recognise(sample: Sample) -> int:
        """Return how sure one may be that `sample` is this format: 0 not at all, 1 perhaps, 2 by its shape, 3 by its own mark."""

    @staticmethod
    def visit(peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Iterator[Item]:
        """Yield the peer's records, then one `End`. Raises PeerError when what arrives is unusable: nothing is applied then.

        Every record of the source is yielded exactly once, as Found or Bad (or Gone). Memory must not grow with the number of records.
        """
