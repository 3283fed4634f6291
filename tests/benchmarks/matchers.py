"""Our matching beside Splink and nomenklatura, without labels, on the same sets in one run: ``python -m tests.benchmarks.matchers [SET...]``.

Both are installed, in the versions of ``others/requirements.txt``, into an environment of their own in the user's cache folder. Beside the figures at
each one's usual threshold stand those of its best threshold in hindsight, which nobody knows beforehand. Groups of the others are what their pairs
link together; ours are what our clustering makes. Every figure counts pairs.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.matching.bulk import match
from app.matching.features import Features
from app.matching.linking import components
from app.matching.normalise import features, plain
from tests.benchmarks.crowd import crowd
from tests.benchmarks.measuring import table
from tests.matching import gold
from tests.matching.gold import Entry, Quality, quality

HERE: Final = Path(__file__).parent / "others"
OTHERS: Final = ("by_splink.py", "by_nomenklatura.py")
STEPS: Final = 60
"""Thresholds that are tried in hindsight."""

INVENTED: Final = 2500
SEED: Final = 77


@dataclass(frozen=True)
class Measured:
    """What one matcher made of a set."""

    name: str
    usual: Quality
    best: Quality | None
    seconds: float
    megabytes: int


def invented() -> list[Entry]:
    """Return an invented set that nothing was fitted to."""
    return [Entry(*one.reference.split("/", 1), one.document, one.truth) for one in crowd(INVENTED, SEED)]


SETS: Final[Mapping[str, Callable[[], list[Entry]]]] = {
    "fr_dev": lambda: gold.documents("fr_dev"),
    "chicago_odd": lambda: gold.documents("chicago_odd"),
    "fodors_zagat": lambda: gold.documents("fodors_zagat"),
    f"invented, seed {SEED}": invented,
}


def run(names: list[str]) -> Iterator[str]:
    """Measure all three on each set, and yield a table of each."""
    python = _environment()
    for name in names or SETS:
        entries = SETS[name]()
        ours, given = _ours(entries)
        truth = {f"{entry.source}/{entry.key}": entry.truth for entry in entries}
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.json"
            rows.write_text(json.dumps(given), "utf-8")
            found = [ours, *(_theirs(python, script, rows, truth) for script in OTHERS)]
        yield table(f"{name}: {len(entries):,} records", HEAD, [_row(one, len(entries)) for one in found])


HEAD: Final = ("matcher", "precision", "recall", "F1", "F1 at its best threshold in hindsight", "records a second of processor", "memory, MB")


def _row(one: Measured, records: int) -> tuple[object, ...]:
    usual = (f"{value:.4f}" for value in (one.usual.precision, one.usual.recall, one.usual.f1))
    return one.name, *usual, f"{one.best.f1:.4f}" if one.best else "-", f"{records / one.seconds:,.0f}", one.megabytes


def _ours(entries: list[Entry]) -> tuple[Measured, dict[str, Any]]:
    """Match by ours; return what came of it, and what the others are given: normal columns, and our candidate pairs."""
    begun = time.process_time()
    forms = [(number, f"{entry.source}/{entry.key}", features(entry.document, None, b"benchmark")) for number, entry in enumerate(entries)]
    matched = match(forms)
    seconds = time.process_time() - begun
    names = {number: reference for number, reference, _ in forms}
    groups = {names[one]: place for place, cluster in enumerate(matched.clusters) for one in cluster}
    truth = {names[number]: entry.truth for number, entry in enumerate(entries)}
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rows = [_columns(reference, form, entries[number].document) for number, reference, form in forms]
    given = {"rows": rows, "candidates": [[names[left], names[right]] for left, right in matched.candidates]}
    return Measured("ours", quality(groups, truth), None, seconds, megabytes), given


def _columns(reference: str, form: Features, document: Mapping[str, Any]) -> dict[str, str]:
    """Return a record as a row of normal values, the first of each."""
    registers = form.registers()
    spelled = next(iter(document["name"].values()))
    contacts = {"phone": form.phones, "email": form.emails, "page": form.pages, "siret": registers.get("siret", ()), "rna": registers.get("rna", ())}
    place = {"number": form.number, "street": form.street, "postcode": form.postcode, "city": form.city}
    return {
        "id": reference,
        "name": " ".join(form.core),
        "spelled": plain(spelled),
        **place,
        **{key: min(values, default="") for key, values in contacts.items()},
    }


def _theirs(python: Path, script: str, rows: Path, truth: Mapping[str, str]) -> Measured:
    """Match by another; its processor seconds and memory are those of its own process, without its start."""
    ended = subprocess.run([python, HERE / script, rows], capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{script} ended with {ended.returncode}:\n{ended.stderr[-2000:]}")
    told = json.loads(ended.stdout.splitlines()[-1])
    pairs = sorted(((float(score), left, right) for left, right, score in told["pairs"]), reverse=True)
    thresholds = [pairs[at * (len(pairs) - 1) // STEPS][0] for at in range(STEPS + 1)] if pairs else []
    tried = [quality(_linked(pairs, least, truth), truth) for least in thresholds]
    best = max(tried, key=lambda one: one.f1, default=None)
    return Measured(told["name"], quality(_linked(pairs, told["default"], truth), truth), best, told["seconds"], told["megabytes"])


def _linked(pairs: list[tuple[float, str, str]], least: float, truth: Mapping[str, str]) -> dict[str, int]:
    """Return the groups that pairs of at least this score link together."""
    numbers = {reference: number for number, reference in enumerate(truth)}
    linked = [(numbers[left], numbers[right]) for score, left, right in pairs if score >= least]
    groups = components(numbers.values(), linked)
    place = {number: at for at, group in enumerate(groups) for number in group}
    return {reference: place[number] for reference, number in numbers.items()}


def _environment() -> Path:
    """Return the Python of the others' environment, made now unless it is there. Raises SystemExit when it cannot be made."""
    wanted = (HERE / "requirements.txt").read_text("utf-8")
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maillage-benchmarks"
    python, mark = folder / "bin" / "python", folder / "installed.txt"
    if mark.exists() and mark.read_text("utf-8") == wanted:
        return python
    venv.create(folder, with_pip=True, clear=True)
    ended = subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=False)
    if ended.returncode:
        raise SystemExit("Splink or nomenklatura cannot be installed here: see above.")
    mark.write_text(wanted, "utf-8")
    return python


if __name__ == "__main__":
    for text in run(sys.argv[1:]):
        sys.stdout.write(f"{text}\n\n")
        sys.stdout.flush()
