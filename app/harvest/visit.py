"""One visit to one peer, from the first request to the report; and what a person does with a visit that waits.

A visit reads everything, then applies everything in one transaction or nothing at all: whatever goes wrong, what was there stays,
and the visit says why.
"""

import fcntl
import hashlib
import json
import logging
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import IO, Any

from sqlalchemy import Connection, func, select

from app.checking import Checker
from app.combined import Combined
from app.errors import Conflict, FetchFailed, FormatError, MaillageError, NodeError, NotFound, Text
from app.harvest import absence, applying, decisions, ending, erasing, lines, losing, relaying, resuming, undoing
from app.harvest.authority import base_of
from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats import FORMATS, Format
from app.harvest.holding import Difference, reason_to_hold
from app.harvest.items import Bad, Checkpoint, End, Found, Gone, Item, Peer, Restart
from app.harvest.knowing import RELAY, Knowing, ask_relays_again
from app.harvest.pace import FAILURES_TO_OPEN, next_visit
from app.harvest.staging import Errand, Staging
from app.harvest.stream import DECISIONS
from app.harvest.turns import Turns
from app.journal import Journal, changes, erasure, meta, sources, visits
from app.journal.moments import now
from app.journal.sources import Source, Trust
from app.journal.tables import record
from app.names import OWN, SLUG, Names

BATCH = 200
BATCH_BYTES = 2_000_000
"""What is checked at once, however large each record is: the memory that it takes is twenty times as much."""

NOTED = 100
"""Records after which it is noted how far reading has got, at the next place where it may go on."""

MOST_RECORDS = 500_000
VISIT_SECONDS = 3600
TAKEN = frozenset({"applied", "unchanged"})
"""How a visit ends that took what the peer says."""

LOOK_S = 0.1
"""Seconds between two looks whether somebody else's visit has ended."""

READING = 1
"""The number of this node's way of reading records: when it grows, what was read before is read anew."""

_log = logging.getLogger(__name__)


class Harvester:
    """Visits peers and applies what they say. Several processes may harvest beside one another; one peer is visited by one at a time."""

    def __init__(
        self, journal: Journal, names: Names, checker: Checker, combined: Combined, fetcher: Fetcher, seconds: float = VISIT_SECONDS
    ) -> None:
        """`seconds` is how long a visit may take in all."""
        self._journal = journal
        self._names = names
        self._checker = checker
        self._combined = combined
        self._fetcher = fetcher
        self._seconds = seconds
        self._turns = Turns()
        self.stopping = Event()
        """Set it, and every visit under way ends within seconds, having changed nothing."""
        self.waiting: Callable[[str], None] | None = None
        """Told a peer's name when somebody else visits it and that is waited for; without it nobody waits."""

    def visit(self, name: str, dry_run: bool = False, progress: Callable[[int], None] | None = None) -> int:
        """Visit one peer and return the number of the visit, whose report says how it went; `progress` is told of records as they are read.

        Raises NotFound, Conflict while another visit to this peer is under way, JournalUnavailable.
        """
        with self._turns.held():
            with self._alone(name):
                errand = self._begin(name, dry_run)
                budget = Budget(self._seconds, stop=self.stopping, waiting=self._turns.away)
                self._attempt(errand, budget, dry_run, progress)
            self._settle()
        return errand.visit_id

    def apply(self, visit_id: int, author: str) -> None:
        """Apply a held visit; what was merely missing is hidden, since a person confirmed it. Raises NotFound, Conflict when it is not held."""
        self._decide(visit_id, author, applied=True)
        self._settle()

    def discard(self, visit_id: int, author: str) -> None:
        """Drop what a held visit would have changed. Raises NotFound, Conflict when it is not held."""
        self._decide(visit_id, author, applied=False)

    def undo(self, visit_id: int, author: str) -> Text:
        """Take back an applied visit: what it changed, and nothing changed since, becomes what it was before; return what was done.

        The peer's next visit that would say the same again waits for a person. Raises NotFound, Conflict when it was not applied, or was undone.
        """
        with self._journal.read() as c:
            name = visits.get(c, visit_id).source
        with self._alone(name), self._journal.write() as c:
            done = undoing.undo(c, visits.get(c, visit_id), sources.get(c, name), author)
            changes.note(c, "source", [name])
        self._settle()
        return done

    def recover(self) -> int:
        """Mark as failed the visits that a crash interrupted, and return how many; those of another living process are left alone."""
        with self._journal.read() as c:
            interrupted = {visit.source for visit in visits.unfinished(c)}
        count = 0
        for name in interrupted:
            with suppress(Conflict, NotFound), self._alone(name), self._journal.write() as c:
                source = sources.get(c, name)
                count += ending.mark_interrupted(c, source)
                ending.put_off(c, source)
        return count

    def remove(self, name: str) -> None:
        """Remove a peer with all that it said; what others say of the same groups stays. Raises NotFound, Conflict while it is being visited."""
        with self._alone(name):
            with self._journal.write() as c:
                relaying.forget(c, sources.get(c, name))
                sources.remove(c, name)
                ask_relays_again(c)
            self._lock_file(name).unlink(missing_ok=True)
        self._settle()

    def erase(self, name: str, key: str, author: str) -> None:
        """Erase one record of a peer, so that no visit takes it again. Raises NotFound, Gone, Conflict while the peer is being visited."""
        with self._alone(name), self._journal.write() as c:
            erasing.erase(c, name, key, author)
        self._settle()

    def lift(self, name: str, key: str, author: str) -> None:
        """Let visits take an erased record of a peer again. Raises NotFound, Conflict when it is not kept out, or the peer is being visited."""
        with self._alone(name), self._journal.write() as c:
            erasing.lift(c, name, key, author)

    def change(self, name: str, **values: Any) -> Source:
        """Change settings of a peer, given as the fields of `Source`; what one now in quarantine said disappears at once. Raises NotFound."""
        if values.get("trust") == Trust.QUARANTINE:
            values = values | {"cursor": {}}  # trusted again, it is read from the beginning
        with self._journal.write() as c:
            if "cursor" in values:
                values = {"licence": ending.licence_given(sources.get(c, name))} | values
            source = sources.update(c, name, **values)
            applying.keep_apart(c, source)
        self._settle()
        return source

    # --- one visit -------------------------------------------------------------------------------------------------

    def _begin(self, name: str, dry_run: bool) -> Errand:
        """Open the visit's report and gather what it is about."""
        with self._journal.write() as c:
            source = sources.get(c, name)
            ending.mark_interrupted(c, source)
            visit_id = visits.begin(c, source.id, dry_run)
            secret = meta.secret(c)
            peer_format = FORMATS.get(source.format or "")
            own_iris = peer_format is not None and peer_format.OWN_IRIS
            base = (source.base or base_of(source.url or "")).rstrip("/") if own_iris else None
            settings = _settings(source, base)
            resumed = None if dry_run else resuming.adopt(c, visit_id, source, settings)
        known = Knowing(self._journal, self._names.base, source.name) if source.format == RELAY else None
        peer = Peer(source.name, source.url or "", source.mapping, base, ending.licence_given(source), known)
        anew, state = source.cursor.get("settings") != settings, applying.state_under(source.trust)
        return Errand(visit_id, source, peer, own_iris, state, secret, anew, settings, dry_run, resumed)

    def _attempt(self, errand: Errand, budget: Budget, dry_run: bool, progress: Callable[[int], None] | None) -> None:
        """Read and conclude; whatever goes wrong on the peer's side becomes the visit's outcome."""
        try:
            end = self._stage(errand, budget, progress)
            outcome = self._conclude(errand, budget, end, dry_run)
        except NodeError:
            raise
        except MaillageError as error:
            self._failed(errand, budget, error, dry_run)
        except Exception:  # noqa: BLE001 - a fault in reading one peer's data must end one visit, not the node
            _log.exception("visit %s to %s", errand.visit_id, errand.source.name)
            text = Text(
                "Une erreur imprévue a arrêté la lecture ; le journal du nœud dit laquelle.",
                "An unexpected error stopped the reading; the node's log says which.",
            )
            self._failed(errand, budget, FormatError(text), dry_run)
        else:
            if outcome in TAKEN:
                told = end.cursor.get(DECISIONS)
                decisions.follow(self._journal, self._fetcher, errand.source, errand.peer.base, told, decisions.allowance(budget))

    def _stage(self, errand: Errand, budget: Budget, progress: Callable[[int], None] | None) -> End:
        """Read the whole peer into lines that wait."""
        staging = Staging(self._journal, self._names, self._checker, errand)
        cursor = self._cursor(errand)
        batch: list[Found | Gone | Bad] = []
        count = noted = errand.resumed.count if errand.resumed else 0
        size = 0
        with closing(_items(_format(errand.source), errand.peer, self._fetcher, budget, cursor)) as items:
            for item in items:
                if isinstance(item, Restart):
                    staging.restart(item.message)
                    batch, count, noted, size = [], 0, 0, 0
                    continue
                if not isinstance(item, End | Checkpoint):
                    batch.append(item)
                    count += 1
                    size += getattr(item, "size", 0)
                place = resuming.Place(item.place, count) if isinstance(item, Checkpoint) and count - noted >= NOTED else None
                if place or len(batch) >= BATCH or size >= BATCH_BYTES or (isinstance(item, End) and batch):
                    budget.check_time()
                    staging.take(batch, place)
                    noted = count if place else noted
                    self._turns.pass_on()
                    if progress:
                        progress(len(batch))
                    batch, size = [], 0
                if count > MOST_RECORDS:
                    raise FormatError(Text(f"Ce pair envoie plus de {MOST_RECORDS} fiches.", f"This peer sends more than {MOST_RECORDS} records."))
                if isinstance(item, End):
                    staging.summarise(item.leftovers)
                    return item
        raise FormatError(Text("La lecture s'est arrêtée avant la fin.", "The reading stopped before the end."))

    def _cursor(self, errand: Errand) -> Mapping[str, Any]:
        """Return where reading goes on. Read anew, a peer of which something is held is not new: its log says what to erase, its dump does not."""
        reading = {resuming.READING: errand.resumed.of} if errand.resumed else {}
        if not errand.anew:
            return dict(errand.source.cursor.get("of", {})) | reading
        with self._journal.read() as c:
            known = c.execute(select(record.c.id).where(record.c.source_id == errand.source.id).limit(1)).first()
        return ({"anew": True} if known else {}) | reading

    def _conclude(self, errand: Errand, budget: Budget, end: End, dry_run: bool) -> str:
        """Apply, hold or only report what was staged; return which."""
        repeated = absence.stage(self._journal, errand, end)
        with self._journal.write() as c:
            source = _still_so(c, errand)
            difference = _difference(c, errand, end, repeated)
            applying.refuse_flood(c, source, difference.counts["added"], MOST_RECORDS)
            undone = undoing.undone_visit(source)
            reason = reason_to_hold(difference, source.trust) or (undoing.why_held(undone) if undone and not difference.is_empty else None)
            if dry_run:
                outcome, message = "dry-run", reason
            elif reason:
                outcome, message = "held", reason
            else:
                outcome, message = ("unchanged", _NOTHING_NEW) if difference.is_empty else ("applied", None)
                applying.apply(c, errand.visit_id, source, f"visit {errand.visit_id}", confirmed=False, passed=end.cursor.get("via"))
            cursor = {"settings": _settings(source, errand.peer.base), "of": dict(end.cursor), "licence": ending.web_address(end.licence)}
            cursor |= {losing.DECIDED: decided} if (decided := source.cursor.get(losing.DECIDED)) else {}
            ending.report(c, errand.visit_id, outcome, message, budget, difference.counts, cursor)
            if outcome != "held":
                applying.conclude(c, source, errand.visit_id, outcome)
            if not dry_run:
                ending.supersede_held(c, source.id, errand.visit_id)
                ending.arrived(c, source, reason, None if reason else cursor, difference)
        return outcome

    def _failed(self, errand: Errand, budget: Budget, error: MaillageError, dry_run: bool) -> None:
        """Report why nothing was applied, and let the peer rest; a node that stops is no failure of its peer."""
        with self._journal.write() as c:
            ending.report(c, errand.visit_id, "failed", error.text, budget, lines.counts(c, errand.visit_id), None)
            may_go_on = resuming.may_go_on(error) and not dry_run
            applying.conclude(c, errand.source, errand.visit_id, "failed", may_go_on=may_go_on)
            if not may_go_on:
                visits.forget_place(c, errand.visit_id)
            if dry_run or self.stopping.is_set():
                return
            further = resuming.got_further(c, errand.visit_id, errand.resumed)
            failures = 1 if further else errand.source.failures + 1
            state = "failing" if failures >= FAILURES_TO_OPEN else errand.source.state
            rest = error.retry_after if isinstance(error, FetchFailed) else None
            following = next_visit(errand.source.every_s, failures, rest)
            sources.update(c, errand.source.name, state=state, message=error.text, failures=failures, last_visit_at=now(), next_visit_at=following)

    # --- a person's decision -----------------------------------------------------------------------------------------

    def _decide(self, visit_id: int, author: str, *, applied: bool) -> None:
        """Apply or drop a held visit."""
        with self._journal.read() as c:
            name = visits.get(c, visit_id).source
        with self._alone(name), self._journal.write() as c:
            visit = visits.get(c, visit_id)
            if visit.outcome != "held":
                raise Conflict(Text("Cette visite n'attend pas (ou plus) de décision.", "This visit does not wait for a decision (any more)."))
            source = sources.get(c, name)
            if applied:
                applying.apply(c, visit_id, source, author, confirmed=True, passed=(visit.cursor or {}).get("of", {}).get("via"))
            outcome = "applied" if applied else "discarded"
            visits.finish(c, visit_id, outcome)
            applying.conclude(c, source, visit_id, outcome)
            ending.arrived(c, source, None, {**(visit.cursor or {}), losing.DECIDED: now()} if applied else None)

    # --- shared ------------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Rebuild the groups that changed, then wipe what was erased."""
        self._combined.settle_pending(self._journal)
        erasure.scrub(self._journal)

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Hold this peer's lock, which the system lets go of however the process ends. Raises NotFound, Conflict when somebody holds it."""
        with self._journal.read() as c:
            sources.get(c, name)
        if name == OWN or not SLUG.match(name):
            raise Conflict(Text("La source du nœud lui-même ne se visite pas.", "The node's own source is not visited."))
        path = self._lock_file(name)
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as lock:
            if not (_locked(lock) or (self.waiting and self._outwaited(lock, name, self.waiting))):
                raise Conflict(Text(f"Une visite de « {name} » est déjà en cours.", f"A visit to '{name}' is already under way."))
            yield

    def _outwaited(self, lock: IO[str], name: str, told: Callable[[str], None]) -> bool:
        """Wait for somebody else's visit to end, after saying so, and lock; return whether that came about in time."""
        told(name)
        until = time.monotonic() + self._seconds
        while time.monotonic() < until and not self.stopping.wait(LOOK_S):
            if _locked(lock):
                return True
        return False

    def _lock_file(self, name: str) -> Path:
        """Where the lock of a peer is."""
        return self._journal.path.parent / "visits" / f"{name}.lock"


def _locked(lock: IO[str]) -> bool:
    """Lock a file for this process, if nobody else holds it; return whether it is locked."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


_NOTHING_NEW = Text("Rien n'a changé.", "Nothing changed.")


def _format(source: Source) -> Format:
    """Return the format of a source. Raises FormatError when this node does not read it."""
    peer_format = FORMATS.get(source.format or "")
    if peer_format is None:
        known = ", ".join(sorted(FORMATS))
        raise FormatError(
            Text(
                f"Ce nœud ne lit pas le format « {source.format} » ; il lit : {known}.",
                f"This node does not read the format '{source.format}'; it reads: {known}.",
            )
        )
    return peer_format


def _items(peer_format: Format, peer: Peer, fetcher: Fetcher, budget: Budget, cursor: Mapping[str, Any]) -> Generator[Item, None, None]:
    """Yield a format's items as a generator, which can be closed."""
    yield from peer_format.visit(peer, fetcher, budget, cursor)


def _settings(source: Source, base: str | None) -> str:
    """Return a digest of the node's own settings for a peer: when they change, everything is read anew."""
    mine = [READING, source.url, source.format, source.mapping, base, source.keep_contacts, applying.state_under(source.trust)]
    return hashlib.sha256(json.dumps(mine, sort_keys=True).encode()).hexdigest()[:16]


def _still_so(c: Connection, errand: Errand) -> Source:
    """Return the source as it is now. Raises FormatError when what it was read by changed meanwhile, its trust for one."""
    source = sources.get(c, errand.source.name)
    if _settings(source, errand.peer.base) != _settings(errand.source, errand.peer.base):
        raise FormatError(
            Text(
                "Les réglages de ce pair ont changé pendant la visite : il sera relu.",
                "The settings of this peer changed during the visit: it will be read again.",
            )
        )
    return source


def _difference(c: Connection, errand: Errand, end: End, repeated: int) -> Difference:
    """Return what the visit would do. When nothing was sent, the records held are those met, and the last report tells the refused."""
    counts = lines.counts(c, errand.visit_id)
    mine = (record.c.source_id == errand.source.id, record.c.state == errand.state)
    held = c.execute(select(func.count()).select_from(record).where(*mine)).scalar_one()
    if end.unchanged:
        before = next((visit.counts for visit in visits.list_(c, errand.source.id, limit=50) if visit.outcome in {"applied", "unchanged"}), {})
        counts |= {"unchanged": held - counts["gone"]} | {name: before.get(name, 0) for name in ("refused", "unmapped")}
    harmless = lines.elsewhere(c, errand.visit_id) + lines.no_loss(c, errand.visit_id, errand.source.id)
    lost = counts["gone"] - repeated - harmless
    recent = losing.lately(c, errand.source) if lost else losing.Lately(held, 0)
    return Difference(held, counts, lost, expected=errand.anew, stood=recent.stood, before=recent.lost)
