"""What crosses the pipe between the node and a query process: tasks, outcomes, and the bytes of answers.

A frame is four bytes of length, then JSON. A small answer's body follows its frame; a large one is in the file that the task names.
"""

import json
import struct
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, NamedTuple

from app.errors import QueryStopped, Text

INLINE = 256 << 10
"""Bytes above which an answer goes to a file."""


READY, READY_WITH_NETWORK = "ready", "ready, but the system would not take the network away"
"""What a process says first."""


class Work(StrEnum):
    """What is to be done with a question: answered on a copy of the store; or, when a server answers it, checked before and written after."""

    ANSWER = "answer"
    CHECK = "check"
    WRITE = "write"


class Task(NamedTuple):
    """One question as it crosses the pipe; `spool` is the file for a large answer. A tuple, because it is quickest to write.

    `base` is what relative addresses are resolved against, where the query has no BASE.
    `directory` is the graph that holds the combined directory on a server whose default graph is not its own, `records` what the IRIs
    of the records' graphs begin with, `received` the file with what the server answered.
    """

    generation: str
    query: str
    accept: str
    default_graphs: Sequence[str]
    named_graphs: Sequence[str]
    partial: bool
    max_rows: int
    max_bytes: int
    timeout_s: float
    spool: str
    base: str | None = None
    work: Work = Work.ANSWER
    directory: str = ""
    records: str = ""
    catalogue: str = ""
    received: str = ""


class Asking(NamedTuple):
    """What a checked question sends to a server: the text, the graphs for the protocol's parameters, and those that must be held there."""

    text: str
    graph: bool
    default: list[str]
    named: list[str]
    needed: list[str]


class Outcome(NamedTuple):
    """What an answer is, without its body; `spooled` when the body is in the task's file.

    `lasting`: the same question gives the same answer as long as the copy of the store is the same.
    `unknown`: the graphs of the protocol's dataset that are not held here, and so were empty.
    """

    media_type: str
    truncated: bool
    size: int
    spooled: bool
    lasting: bool = False
    unknown: Sequence[str] = ()


class Refusal(NamedTuple):
    """Why there is no answer: the error's slug and its sentence in French and English."""

    slug: str
    fr: str
    en: str


class Sink:
    """Takes the bytes of an answer: in memory while they are few, then in a file; refuses those over the limit."""

    def __init__(self, task: Task) -> None:
        self.size = 0
        self._task = task
        self._pieces: list[bytes] = []
        self._file: IO[bytes] | None = None

    def write(self, data: bytes) -> int:
        """Take some bytes. Raises QueryStopped when there are too many."""
        self.size += len(data)
        if self.size > self._task.max_bytes:
            raise too_large(self._task)
        if self._file is None and self.size > INLINE:
            self._file = Path(self._task.spool).open("w+b")  # noqa: SIM115 - closed by `close`
            self._file.writelines(self._pieces)
        if self._file is None:
            self._pieces.append(bytes(data))
        else:
            self._file.write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing waits."""

    @property
    def spooled(self) -> bool:
        """Whether the bytes are in the file."""
        return self._file is not None

    def whole(self) -> bytes:
        """Return all bytes."""
        if self._file is None:
            return b"".join(self._pieces)
        self._file.seek(0)
        return self._file.read()

    def close(self, *, keep: bool) -> None:
        """Let go of the file; remove it unless it is to be kept."""
        if self._file is not None:
            self._file.close()
            if not keep:
                Path(self._task.spool).unlink(missing_ok=True)


def too_large(task: Task) -> QueryStopped:
    """Say that the answer is over the limits."""
    megabytes = task.max_bytes // 1_000_000
    return QueryStopped(
        Text(
            f"La réponse dépasse {task.max_rows} lignes ou {megabytes} Mo : ajoutez LIMIT et OFFSET, ou prenez l'export complet (/dump.nq.gz).",
            f"The answer is over {task.max_rows} rows or {megabytes} MB: add LIMIT and OFFSET, or take the whole dump (/dump.nq.gz).",
        )
    )


_written = json.JSONEncoder(ensure_ascii=False).encode


def frame_of(value: Task | Outcome | Refusal) -> bytes:
    """Return `value` as a frame."""
    data = _written(value).encode()
    return struct.pack(">I", len(data)) + data


def header_size(head: bytes | bytearray) -> int:
    """Return the length that the first four bytes of a frame say."""
    return int(struct.unpack(">I", head)[0])


def read_task(stream: IO[bytes]) -> Task | None:
    """Read the next task; None at the end of the stream."""
    head = stream.read(4)
    return Task(*json.loads(stream.read(header_size(head)))) if len(head) == 4 else None


def reply_of(data: bytes) -> Outcome | Refusal:
    """Read the JSON of a frame that answers a task."""
    values = json.loads(data)
    return Refusal(*values) if len(values) == len(Refusal._fields) else Outcome(*values)
