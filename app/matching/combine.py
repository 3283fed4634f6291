"""Keeps the combined directory true to the records: only what changed, and whom it resembles, is looked at again.

A changed record is filed anew and compared with those that share its keys; the groups it touches are rebuilt, no other.
With the same statistics and identities this gives what a full run gives, in whatever order records arrived.
"""

from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from typing import Final

from sqlalchemy import Connection, delete

from app.journal import meta
from app.journal.tables import pending
from app.matching import evidence, filing, groups, renewal, statistics
from app.matching.crew import compared
from app.matching.filing import LIVE
from app.matching.keys import keys
from app.matching.linking import closure
from app.matching.renewal import Renewal
from app.matching.rules import RULES, Rules, digest
from app.matching.score import Subject
from app.matching.statistics import Statistics
from app.names import Names

CROWD: Final = 1000
"""A record to be compared with more than this calls for new statistics: keys have filled up since the last ones."""

AT_ONCE: Final = 2000
"""A directory of at most this many records is matched anew there and then, in a second; a larger one when somebody asks whether it is due."""


RULED_BY: Final = "fusion rules"
"""Under this the journal says by which rules its groups were fused."""


class Matcher:
    """Matches the records of one node; the frozen statistics are read once and kept until another run replaces them."""

    def __init__(self, names: Names, at_once: int = AT_ONCE, rules: Rules = RULES) -> None:
        self._names = names
        self._rules = rules
        self._at_once = at_once
        self._statistics = Statistics()
        self._filed: dict[int, int] = {}

    def combine(self, c: Connection, record_ids: Collection[int]) -> set[int]:
        """Bring the groups of these records up to date; return the identities whose group was written or removed.

        When the directory has grown or shrunk by more than a fifth (and by more than 20 records) since the statistics were
        counted, or a key has filled up, everything is matched anew with new ones first, or is `due` where that takes long.
        """
        current = self._current(c)
        small = filing.roughly(c, self._at_once + 1) <= self._at_once
        if small and self.due(c):
            return self.combine_all(c)
        touched = set(record_ids)
        renewed = self._refile(c, touched, current)
        nearby = filing.neighbours(c, renewed)
        if max(map(len, nearby.values()), default=0) > CROWD:
            if small:
                return self.combine_all(c)
            statistics.outdate(c)
        said = evidence.heard(c, touched)
        outdated = filing.stale(c, touched)
        judged = outdated | {pair for pair in said if not renewed.isdisjoint(pair)}
        subjects = _loaded(c, {*renewed}.union(*nearby.values(), *judged), current)
        found = {pair: scored for pair, scored in compared(subjects, nearby, current).items() if pair not in judged}
        filing.drop_edges(c, outdated)
        filing.add_edges(c, filing.edge_rows(found | evidence.worth(judged, subjects, said, current)))
        return groups.rebuild(c, self._names, closure(c, touched), current, self._rules)

    def combine_all(self, c: Connection) -> set[int]:
        """Match everything anew in this transaction; return the identities written or removed. Nothing is pending afterwards."""
        with closing(renewal.think(c)) as found:
            renewal.install(c, found)
        self._statistics = found.statistics
        written = groups.rebuild_all(c, self._names, filing.live_ids(c), found.statistics, self._rules)
        c.execute(delete(pending))
        return written

    def is_ruled(self, c: Connection) -> bool:
        """Tell whether the groups were fused by the rules that hold now."""
        return meta.get(c, RULED_BY) == digest(self._rules) or (meta.get(c, RULED_BY) is None and self._rules == RULES)

    def rule(self, c: Connection) -> None:
        """Have every group fused anew by the rules that hold now: all records are pending then."""
        meta.put(c, RULED_BY, digest(self._rules))
        filing.wait_all(c)

    def due(self, c: Connection) -> bool:
        """Tell whether everything should be matched anew."""
        current = self._current(c)
        return statistics.outdated(c) or (current.outgrown(filing.roughly(c)) and current.outgrown(len(filing.live_ids(c))))

    def think(self, c: Connection, progress: Callable[[int], None] | None = None) -> Renewal:
        """Count the words anew and score every pair again, writing nothing; `progress` is told how many more records were compared.

        What was found is to be closed.
        """
        return renewal.think(c, progress)

    def install(self, c: Connection, found: Renewal) -> None:
        """Put what was found in the place of what was kept; every live record is pending then, to be combined a few at a time."""
        self._filed = renewal.install(c, found)
        self._statistics = found.statistics
        filing.wait_all(c)

    def forget(self) -> None:
        """Forget the words in memory; what holds of them is read again."""
        self._statistics = Statistics()

    def together(self, c: Connection, record_ids: Iterable[int]) -> list[int]:
        """Return these records, and those that are pending too and may be of the same groups: to be combined at once."""
        near = closure(c, [*record_ids])
        return sorted(filing.waiting(c, near))

    def _refile(self, c: Connection, record_ids: Iterable[int], current: Statistics) -> set[int]:
        """File records whose normal form changed under their new keys, take those that went out; return the former."""
        secret = meta.secret(c)
        texts: dict[int, str] = {}
        filed_under: dict[int, set[int]] = {}
        gone: list[int] = []
        for row in filing.filed(c, record_ids):
            if row.state != LIVE:
                gone.append(row.id)
                texts.update({row.id: ""} if row.features else {})
            elif self._filed.pop(row.id, None) != hash(row.mark) or not row.features:
                found = row.normal_form(secret)
                text = found.as_json()
                if text != row.features:
                    texts[row.id] = text
                    filed_under[row.id] = keys(found, row.reference, current)
        filing.unfile(c, [*gone, *filed_under])
        filing.save_features(c, texts)
        filing.save_keys(c, [(key, record_id) for record_id, found in filed_under.items() for key in found])
        return {*filed_under}

    def _current(self, c: Connection) -> Statistics:
        """Return the statistics that hold in this transaction."""
        if self._statistics.version != statistics.version(c):
            self._statistics = statistics.load(c)
            self._filed = {}
        return self._statistics


def _loaded(c: Connection, wanted: Collection[int], current: Statistics) -> dict[int, Subject]:
    """Return these records, ready to be compared."""
    return {record_id: Subject(found, current, reference) for record_id, reference, found in filing.subjects(c, wanted)}
