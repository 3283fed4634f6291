"""A file of records into our own groups: each becomes a group of this node, or revises the one it became last time.

The file is read twice: once to know which slug each record gets, so that records may refer to one another, and once to
publish them, a bounded batch at a time.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from app.combined import Combined
from app.directory import Directory, Draft, Published
from app.errors import FormatError, Invalid, MaillageError, OutputFailed, Severity, Text, why
from app.harvest import formats
from app.harvest.fetch import Budget, Fetcher
from app.harvest.items import Bad, End, Found, Item, Leftover, Sample
from app.harvest.references import HOLDERS, resolve
from app.journal import Journal, identities, records, sources
from app.names import SLUG, Names, key_for, slugify

AUTHOR = "load"
BATCH = 200
CHUNK = 65_536
POSITION = re.compile(r"item-[0-9]+\Z")
"""The key of a record that has none of its own."""

Read = Callable[[], Iterator[Item]]

ENDINGS = {".csv": "text/csv", ".tsv": "text/tab-separated-values", ".geojson": "application/geo+json", ".jsonld": "application/ld+json"}
"""What the ending of a file's name says where nobody else says it."""

FORMATS = {name: found for name, found in sorted(formats.FORMATS.items()) if hasattr(found, "records")}
"""The formats that can be read from a file."""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one record of the file: added, changed, unchanged or refused; good or refused when it was only checked.

    `left` names its fields that nothing took. The line of no record, with the key ``*``, sums up what was left in all of them.
    """

    key: str
    outcome: str
    iri: str | None = None
    messages: tuple[Text, ...] = ()
    left: tuple[str, ...] = ()

    def as_json(self, language: str) -> dict[str, Any]:
        """Return the line for programs."""
        messages = [message.in_language(language) for message in self.messages]
        return {"key": self.key, "outcome": self.outcome, "iri": self.iri, "messages": messages, "unmapped": list(self.left)}


@dataclass(slots=True)
class Addresses:
    """Which slug each record of the file gets; the same file gives the same slugs again.

    A record is known again by its key in its file (by its name when it has no key but its position), which is kept as a mark
    with our record: another of our groups is never written over because it has the same name. A record that names one of our
    groups by its address, as what `export` writes does, is that group.
    """

    journal: Journal
    names: Names
    by_key: dict[str, str] = field(default_factory=dict)
    by_iri: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _published: dict[str, str | None] = field(default_factory=dict)
    _exported: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The slugs that name groups known from others only are as good as used."""
        with self.journal.read() as connection:
            self._used |= identities.of_others(connection)
            self._published = {head.key: head.raw_digest for head in records.heads(connection, sources.own(connection).id)}
        self._exported = {key_for(self.names.group(slug)): slug for slug in self._published}

    def note(self, found: Found) -> None:
        """Choose the slug of one record; `beside` keeps the name that was taken. A key that comes again changes nothing."""
        if found.key in self.by_key:
            return
        wanted = self._wanted(found)
        mark = mark_of(wanted if POSITION.match(found.key) else found.key)
        slug = self.names.slug_of(found.iri or "") or self._exported.get(found.key) or self._chosen(wanted, mark)
        if slug != wanted and slug not in self._published:
            self.beside[found.key] = wanted
        self._used.add(slug)
        self.marks[slug] = mark
        self.by_key[found.key] = slug
        if found.iri:
            self.by_iri[found.iri] = slug

    def _chosen(self, wanted: str, mark: str) -> str:
        """The slug that the record has since last time, or the first free one like the one it asks for."""
        slug, number = wanted, 1
        while slug in self._used or self._published.get(slug, mark) != mark:
            number += 1
            slug = f"{wanted[:76]}-{number}"
        return slug

    def _wanted(self, found: Found) -> str:
        """The slug that the record asks for: by its IRI, its name, or its key."""
        last = (found.iri or "").rstrip("/").rpartition("/")[2]
        if SLUG.match(last):
            return last
        name = found.document.get("name") if isinstance(found.document, dict) else None
        text = next(iter(name.values()), "") if isinstance(name, dict) else name
        return slugify(str(text or "")) or slugify(found.key) or "groupe"

    def iri_of_key(self, key: str) -> str | None:
        """Return our IRI of the record that the file calls `key`."""
        return self.names.group(self.by_key[key]) if key in self.by_key else None

    def document(self, found: Found) -> object:
        """Return the record's document as one of ours: its own id left out, references to others of the file made ours."""
        if not isinstance(found.document, dict):
            return found.document
        kept = {key: value for key, value in found.document.items() if key not in {"id", "@id"}}
        return resolve(self._ours(kept), self.iri_of_key)

    def _ours(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Replace the IRIs of records of the file by ours, where a record refers to another."""
        return {key: self._referring(key, value) for key, value in document.items()}

    def _referring(self, key: str, value: Any) -> Any:
        """Replace them in one value."""
        if isinstance(value, dict):
            return self._ours(value)
        if isinstance(value, list):
            return [self._referring(key, part) for part in value]
        return self.names.group(self.by_iri[value]) if key in HOLDERS and isinstance(value, str) and value in self.by_iri else value


def mark_of(key: str) -> str:
    """Return what is kept with our record so that it is known again in its file."""
    return f"sha-256:{hashlib.sha256(key.encode()).hexdigest()}"


@contextmanager
def opened(what: str, name: str | None, mapping: Mapping[str, Any] | None, fetcher: Fetcher) -> Iterator[Read]:
    """Give a function that reads the records of a file or an address from the beginning, as often as it is called.

    Raises FormatError when the format is unknown or cannot be guessed, PeerError when an address gives nothing.
    """
    if not what.startswith(("http://", "https://")):
        yield _reader(Path(what), name or _guess(Path(what), what), mapping)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        with fetcher.open(what, Budget()) as fetched:
            _keep(fetched.chunks, copy)
        yield _reader(copy, name or _guess(copy, what, fetched.media_type), mapping)


def _keep(chunks: Iterable[bytes], copy: Path) -> None:
    """Keep what arrives in a file. Raises OutputFailed when there is no room for it."""
    with copy.open("wb") as file:
        for chunk in chunks:
            try:
                file.write(chunk)
            except OSError as error:
                reason = why(error)
                raise OutputFailed(Text(f"{copy.parent} : {reason.fr}.", f"{copy.parent}: {reason.en}.")) from error


def _reader(path: Path, name: str, mapping: Mapping[str, Any] | None) -> Read:
    """Return what reads the file in a format."""
    if name not in FORMATS:
        readable = ", ".join(FORMATS)
        raise FormatError(
            Text(
                f"Le format « {name} » ne se charge pas d'un fichier ; choisissez parmi : {readable}.",
                f"The format '{name}' is not loaded from a file; choose among: {readable}.",
            )
        )

    def read() -> Iterator[Item]:
        yield from FORMATS[name].records(_chunks(path), mapping)

    return read


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file. Raises FormatError when it cannot be read."""
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        reason = why(error)
        raise FormatError(Text(f"{path} ne peut pas être lu : {reason.fr}.", f"{path} cannot be read: {reason.en}.")) from error


def _guess(path: Path, called: str, media_type: str = "") -> str:
    """Return the format that the beginning of the file shows, and the ending of its name. Raises FormatError."""
    head = next(_chunks(path), b"")
    if not head.strip():
        raise FormatError(Text(f"{called} est vide.", f"{called} is empty."))
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:5].lower().startswith((b"<!", b"<html", b"<?xml")):
        raise FormatError(Text(f"{called} est une page web (ou du XML), pas des données.", f"{called} is a web page (or XML), not data."))
    sample = Sample(called, media_type or ENDINGS.get(Path(called).suffix.lower(), ""), head)
    name = max(FORMATS, key=lambda name: FORMATS[name].recognise(sample))
    if FORMATS[name].recognise(sample):
        return name
    listed = ", ".join(FORMATS)
    raise FormatError(
        Text(
            f"Le format de {called} ne se reconnaît pas ; donnez-le avec --format : {listed}.",
            f"The format of {called} is not recognised; give it with --format: {listed}.",
        )
    )


def load(
    directory: Directory, combined: Combined, journal: Journal, names: Names, read: Read, progress: Callable[[int], None] | None = None
) -> Iterator[Line]:
    """Publish every record that `read` yields; yield a line for each. Raises FormatError when the file as a whole is unreadable.

    The groups are rebuilt once all is published, or as far as it was when something stopped it.
    """
    addresses = _addressed(journal, names, read)
    try:
        for batch in _batches(read()):
            yield from _save(directory, addresses, batch)
            if progress:
                progress(len(batch))
    finally:
        combined.settle_pending(journal)


def check(directory: Directory, journal: Journal, names: Names, read: Read, progress: Callable[[int], None] | None = None) -> Iterator[Line]:
    """Say what `load` would refuse, and why, without publishing anything. Raises what `load` raises for the file as a whole."""
    addresses = _addressed(journal, names, read)
    for batch in _batches(read()):
        yield from _examine(directory, addresses, batch)
        if progress:
            progress(len(batch))


def _addressed(journal: Journal, names: Names, read: Read) -> Addresses:
    """Read the file a first time: once it was read to its end, every record has its slug."""
    addresses = Addresses(journal, names)
    for item in read():
        if isinstance(item, Found):
            addresses.note(item)
    return addresses


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut the items into batches; of the records of one key only the first is taken."""
    iterator = _once(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _once(items: Iterable[Item]) -> Iterator[Item]:
    """Refuse a record whose key came before."""
    met: set[str] = set()
    for item in items:
        if isinstance(item, Found) and item.key in met:
            yield Bad(item.key, _TWICE)
        else:
            yield item
        if isinstance(item, Found):
            met.add(item.key)


def _save(directory: Directory, addresses: Addresses, batch: list[Item]) -> Iterator[Line]:
    """Publish the records of one batch together; yield the lines of all its items in order."""
    entries = _entries(addresses, batch)
    answers = iter(directory.save_many(entries, AUTHOR, settled=False, marks=addresses.marks))
    for item in batch:
        yield from [_line(item, next(answers), addresses)] if isinstance(item, Found) else _other(item)


def _examine(directory: Directory, addresses: Addresses, batch: list[Item]) -> Iterator[Line]:
    """Check the records of one batch together; yield the lines of all its items in order."""
    answers = iter(directory.examine_many(_entries(addresses, batch)))
    for item in batch:
        yield from [_line(item, next(answers), addresses)] if isinstance(item, Found) else _other(item)


def _entries(addresses: Addresses, batch: list[Item]) -> list[tuple[object, str | None]]:
    """Return the records of a batch as documents of ours, each with its slug."""
    return [(addresses.document(item), addresses.by_key[item.key]) for item in batch if isinstance(item, Found)]


def _line(item: Found, answer: Published | Draft | MaillageError, addresses: Addresses) -> Line:
    """Say what became of one record, or would."""
    left = tuple(dict.fromkeys(item.unmapped if isinstance(answer, MaillageError) else (*item.unmapped, *answer.ignored)))
    if isinstance(answer, MaillageError):
        return Line(item.key, "refused", item.iri, (*_reasons(answer), *item.notes), left)
    slug = addresses.by_key[item.key]
    beside = (_beside(addresses.beside[item.key], slug),) if item.key in addresses.beside else ()
    outcome = answer.outcome if isinstance(answer, Published) else "good"
    return Line(item.key, outcome, addresses.names.group(slug), (*beside, *item.notes, *(found.message for found in answer.warnings)), left)


def _reasons(error: MaillageError) -> tuple[Text, ...]:
    """Return every reason of a refusal, with the key and the value it is about."""
    if not isinstance(error, Invalid):
        return (error.text,)
    broken = [violation for violation in error.violations if violation.severity is Severity.VIOLATION]
    return tuple(Text(f"{v.path} : {v.message.fr}{_shown(v.value)}", f"{v.path}: {v.message.en}{_shown(v.value)}") for v in broken)


def _shown(value: str) -> str:
    """Return a value as it stands behind what is said of it."""
    return f" ({value})" if value else ""


_TWICE = Text(
    "Cet identifiant apparaît plusieurs fois dans le fichier : seule la première fiche est prise.",
    "This identifier comes several times in the file: only the first record is taken.",
)


def _beside(wanted: str, slug: str) -> Text:
    """Say that the name was taken."""
    return Text(
        f"Un autre groupe s'appelle déjà « {wanted} » : celui-ci est publié sous « {slug} ».",
        f"Another group is called '{wanted}' already: this one is published as '{slug}'.",
    )


def _other(item: Item) -> Iterator[Line]:
    """The line of an item that is no record."""
    if isinstance(item, Bad):
        yield Line(item.key, "refused", None, (item.message,))
    elif isinstance(item, End) and item.leftovers:
        yield Line("*", "unmapped", None, tuple(_leftover(found) for found in item.leftovers))


def _leftover(found: Leftover) -> Text:
    """Say in how many records a field was left."""
    fr, en = ("fiche", "record") if found.records == 1 else ("fiches", "records")
    return Text(
        f"{found.path} : dans {found.records} {fr}, par exemple « {found.sample} ».",
        f"{found.path}: in {found.records} {en}, for instance '{found.sample}'.",
    )
