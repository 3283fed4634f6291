"""A file of records into our own groups: each becomes a group of this node, or revises the one it became last time.

The file is read twice: once to know which slug each record gets, so that records may refer to one another, and once to
publish them, a bounded batch at a time.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from app.directory import Directory, Published
from app.errors import FormatError, Invalid, MaillageError, Severity, Text
from app.harvest import formats
from app.harvest.fetch import Budget, Fetcher
from app.harvest.items import Bad, End, Found, Item, Leftover, Sample
from app.harvest.references import HOLDERS, resolve
from app.journal import Journal, identities, records
from app.names import OWN, SLUG, Names, slugify

AUTHOR = "load"
BATCH = 200
CHUNK = 65_536

Read = Callable[[], Iterator[Item]]

FORMATS = {name: found for name, found in sorted(formats.FORMATS.items()) if hasattr(found, "records")}
"""The formats that can be read from a file."""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of one record of the file: added, changed, unchanged or refused."""

    key: str
    outcome: str
    iri: str | None = None
    messages: tuple[Text, ...] = ()

    def as_json(self, language: str) -> dict[str, Any]:
        """Return the line for programs."""
        return {"key": self.key, "outcome": self.outcome, "iri": self.iri, "messages": [message.in_language(language) for message in self.messages]}


@dataclass(slots=True)
class Addresses:
    """Which slug each record of the file gets; the same file gives the same slugs again."""

    journal: Journal
    names: Names
    by_key: dict[str, str] = field(default_factory=dict)
    by_iri: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def note(self, found: Found) -> None:
        """Choose the slug of one record."""
        wanted = self._wanted(found)
        slug, number = wanted, 1
        while slug in self.used or self._is_anothers(slug):
            number += 1
            slug = f"{wanted[:76]}-{number}"
        self.used.add(slug)
        self.by_key[found.key] = slug
        if found.iri:
            self.by_iri[found.iri] = slug

    def _wanted(self, found: Found) -> str:
        """The slug that the record asks for: by its IRI, its name, or its key."""
        last = (found.iri or "").rstrip("/").rpartition("/")[2]
        if SLUG.match(last):
            return last
        name = found.document.get("name") if isinstance(found.document, dict) else None
        text = next(iter(name.values()), "") if isinstance(name, dict) else name
        return slugify(str(text or "")) or slugify(found.key) or "groupe"

    def _is_anothers(self, slug: str) -> bool:
        """Tell whether the slug names a group that we know from others only."""
        with self.journal.read() as connection:
            return identities.exact(connection, slug) is not None and records.get(connection, OWN, slug) is None

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


@contextmanager
def opened(what: str, name: str | None, mapping: Mapping[str, Any] | None, fetcher: Fetcher) -> Iterator[Read]:
    """Give a function that reads the records of a file or an address from the beginning, as often as it is called.

    Raises FormatError when the format is unknown or cannot be guessed, PeerError when an address gives nothing.
    """
    if not what.startswith(("http://", "https://")):
        yield _reader(Path(what), name or _guess(Path(what)), mapping)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        with fetcher.open(what, Budget()) as fetched, copy.open("wb") as file:
            file.writelines(fetched.chunks)
        yield _reader(copy, name or _guess(copy, fetched.media_type), mapping)


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
        raise FormatError(Text(f"{path} ne peut pas être lu : {error.strerror}.", f"{path} cannot be read: {error.strerror}.")) from error


def _guess(path: Path, media_type: str = "") -> str:
    """Return the format that the beginning of the file shows. Raises FormatError."""
    sample = Sample(str(path), media_type, next(_chunks(path), b""))
    name = max(FORMATS, key=lambda name: FORMATS[name].recognise(sample))
    if not FORMATS[name].recognise(sample):
        raise FormatError(
            Text(
                f"Le format de {path.name} ne se reconnaît pas : donnez-le avec --format.",
                f"The format of {path.name} is not recognised: give it with --format.",
            )
        )
    return name


def load(directory: Directory, journal: Journal, names: Names, read: Read, progress: Callable[[int], None] | None = None) -> Iterator[Line]:
    """Publish every record that `read` yields; yield a line for each. Raises FormatError when the file as a whole is unreadable."""
    addresses = Addresses(journal, names)
    for item in read():
        if isinstance(item, Found):
            addresses.note(item)
    for batch in _batches(read()):
        yield from _save(directory, addresses, batch)
        if progress:
            progress(len(batch))


def check(directory: Directory, journal: Journal, names: Names, read: Read) -> Iterator[Line]:
    """Say what `load` would refuse, and why, without publishing anything; `unchanged` is the line of a good record."""
    addresses = Addresses(journal, names)
    for item in read():
        if isinstance(item, Found):
            addresses.note(item)
            yield _examined(directory, addresses, item)
        else:
            yield from _other(item)


def _batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Cut the items into batches."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _save(directory: Directory, addresses: Addresses, batch: list[Item]) -> Iterator[Line]:
    """Publish the records of one batch together; yield the lines of all its items in order."""
    found = [item for item in batch if isinstance(item, Found)]
    answers = iter(directory.save_many([(addresses.document(item), addresses.by_key[item.key]) for item in found], AUTHOR))
    for item in batch:
        yield from [_line(item, next(answers))] if isinstance(item, Found) else _other(item)


def _line(item: Found, answer: Published | MaillageError) -> Line:
    """Say what became of one record."""
    if isinstance(answer, Published):
        ignored = _left(tuple(dict.fromkeys((*item.unmapped, *answer.ignored))))
        return Line(item.key, answer.outcome, answer.iri, (*item.notes, *ignored, *(warning.message for warning in answer.warnings)))
    return Line(item.key, "refused", item.iri, (*_reasons(answer), *item.notes))


def _examined(directory: Directory, addresses: Addresses, item: Found) -> Line:
    """Say what is wrong with one record."""
    try:
        draft = directory.examine(addresses.document(item), addresses.by_key[item.key])
    except MaillageError as error:
        return Line(item.key, "refused", item.iri, (*_reasons(error), *item.notes))
    return Line(
        item.key, "unchanged", item.iri, (*item.notes, *_left((*item.unmapped, *draft.ignored)), *(warning.message for warning in draft.warnings))
    )


def _reasons(error: MaillageError) -> tuple[Text, ...]:
    """Return every reason of a refusal, with the key and the value it is about."""
    if not isinstance(error, Invalid):
        return (error.text,)
    broken = [violation for violation in error.violations if violation.severity is Severity.VIOLATION]
    return tuple(Text(f"{v.path} : {v.message.fr} ({v.value})", f"{v.path}: {v.message.en} ({v.value})") for v in broken)


def _left(keys: tuple[str, ...]) -> tuple[Text, ...]:
    """Say which fields nothing maps."""
    listed = ", ".join(keys)
    return (Text(f"Champs laissés de côté : {listed}.", f"Fields left out: {listed}."),) if keys else ()


def _other(item: Item) -> Iterator[Line]:
    """The line of an item that is no record."""
    if isinstance(item, Bad):
        yield Line(item.key, "refused", None, (item.message,))
    elif isinstance(item, End) and item.leftovers:
        yield Line("*", "unmapped", None, tuple(_leftover(found) for found in item.leftovers))


def _leftover(found: Leftover) -> Text:
    """Say in how many records a field was left."""
    return Text(
        f"{found.path} : dans {found.records} fiches, par exemple « {found.sample} ».",
        f"{found.path}: in {found.records} records, for instance '{found.sample}'.",
    )
