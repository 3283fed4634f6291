"""All records at once: who is compared with whom is what the rule says, and the groups are the same however many processes work."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.matching import blocking
from app.matching.bulk import Pairs, match
from app.matching.engine import engine
from app.matching.features import Features
from app.matching.keys import FULL, keys
from app.matching.normalise import features
from app.matching.scratch import Note, Scratch
from app.matching.statistics import Counting, Statistics
from tests.benchmarks.crowd import crowd

Form = tuple[int, str, Features]
INVENTED = [(one.reference, features(one.document, None, b"s"), one.truth) for one in crowd(600)]


def reference(forms: Sequence[Form]) -> tuple[Statistics, set[tuple[int, int]]]:
    """Which keys are full and who is compared with whom, by the rule's own words."""
    counting = Counting()
    for _, _, form in forms:
        counting.add(form)
    statistics = counting.counted()
    while True:
        filed = {number: keys(form, name, statistics) for number, name, form in forms}
        shared = Counter(key for found in filed.values() for key in found)
        full = {key for key, count in shared.items() if count > FULL}
        if not full:
            break
        statistics = replace(statistics, full=statistics.full | full)
    blocks = defaultdict(list)
    for number, found in filed.items():
        for key in found:
            blocks[key].append(number)
    together: Counter[tuple[int, int]] = Counter()
    for key, numbers in blocks.items():
        together.update(dict.fromkeys(combinations(sorted(numbers), 2), 2 if key & 1 else 1))
    return statistics, {pair for pair, count in together.items() if count > 1}


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(INVENTED) - 1), st.integers(1, 2 * FULL)), min_size=1, max_size=6))
def test_those_compared_are_those_that_share_one_identifying_key_or_two(drawn: list[tuple[int, int]]) -> None:
    """Also where so many records are alike that keys are full and are split."""
    alike = [INVENTED[place] for place, times in drawn for _ in range(times)]
    forms = [(number, f"{name}-{number}", form) for number, (name, form, _) in enumerate(alike, 1)]
    statistics, pairs = reference(forms)
    with closing(Scratch()) as scratch:
        scratch.add(Note(number, name, (0, None), None, form) for number, name, form in forms)
        with engine(scratch, replace(statistics, full=frozenset())) as run:
            found = [part for part, _ in run.scores()]
    assert run.statistics.full == statistics.full
    asked = [(one, other) for part in found for one, others in part.items() for other in others]
    assert len(asked) == len({*asked})
    assert {(min(pair), max(pair)) for pair in asked} == pairs


def test_slices_and_processes_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Joined a slice at a time and compared by two processes, records make the same groups with the same scores."""
    forms = [(number, name, form) for number, (name, form, _) in enumerate(INVENTED, 1)]
    whole = match(forms)
    monkeypatch.setattr(blocking, "SLICE", 100)
    monkeypatch.setattr(blocking, "AT_ONCE", 30)
    cut = match(forms, processes=2)
    assert (*cut.candidates,) == (*whole.candidates,)
    assert (cut.scores, cut.refused, cut.clusters) == (whole.scores, whole.refused, whole.clusters)
    assert {one for group in whole.clusters for one in group} == {number for number, _, _ in forms}
    truth = [{INVENTED[one - 1][2] for one in group} for group in whole.clusters if len(group) > 1]
    assert len([one for one in truth if len(one) == 1]) > 0.95 * len(truth) > 40


def test_no_records_make_no_groups() -> None:
    """Nothing to match is matched."""
    found = match([])
    assert not found.clusters
    assert not found.candidates


def test_pairs_are_a_collection() -> None:
    """Packed pairs are found again, whatever is asked for."""
    from_array = match([(number, name, form) for number, (name, form, _) in enumerate(INVENTED[:50], 1)]).candidates
    assert isinstance(from_array, Pairs)
    assert len(from_array) == len({*from_array})
    assert (0, 0) not in from_array
    assert "pair" not in from_array


def test_what_was_noted_goes_with_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folder of a run is private, and is removed when the run ends, also badly."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def broken() -> Sequence[Form]:
        for number, (name, form, _) in enumerate(INVENTED[:50], 1):
            yield number, name, form
        (folder,) = tmp_path.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
        raise ValueError("invented failure")

    with pytest.raises(ValueError, match="invented"):
        match(broken())
    assert not [*tmp_path.iterdir()]


LONG = """
import sys, time
from pathlib import Path
from app.matching.crew import Crew
if __name__ == "__main__":
    crew = Crew(Path(sys.argv[1]), 2)
    futures = [crew._pool.submit(time.sleep, 600) for _ in range(4)]
    while len(crew._pool._processes) < 2:
        time.sleep(0.01)
    print(*crew._pool._processes, flush=True)
    time.sleep(600)
"""


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    """Nobody is left behind when a run is killed."""
    program = tmp_path / "long.py"
    program.write_text(LONG)
    with subprocess.Popen([sys.executable, program, tmp_path], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        workers = [*map(int, run.stdout.readline().split())]
        time.sleep(1)
        os.kill(run.pid, signal.SIGKILL)
    assert len(workers) == 2
    ends = time.monotonic() + 60
    while any(map(alive, workers)):
        assert time.monotonic() < ends
        time.sleep(0.05)


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended and that nobody asked about does not."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
