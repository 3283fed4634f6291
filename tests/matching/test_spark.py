"""On Apache Spark the groups are those of one machine: the same keys, scorer and clustering."""

import importlib.util
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from app.matching.bulk import match
from app.matching.features import Features
from app.matching.normalise import features
from tests.benchmarks.crowd import crowd

if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
    sentence = "pyspark (pip install 'maillage[spark]') or Java is not installed"
    pytest.fail(sentence) if os.environ.get("CI") else pytest.skip(sentence, allow_module_level=True)

from app.matching import spark as engine


def form_of(row: Any) -> tuple[str, Features]:
    """Read what the test wrote."""
    return row["reference"], Features.from_json(row["form"])


@pytest.mark.filterwarnings("ignore")
def test_the_groups_are_those_of_one_machine(tmp_path: Path) -> None:
    """Parquet in, Parquet out; some keys are full and are split."""
    told = [*crowd(600)]
    forms = [(number, one.reference, features(one.document, None, b"s")) for number, one in enumerate(told)]
    forms += [(number, f"copy/{number}", forms[0][2]) for number in range(len(forms), len(forms) + 60)]
    found = match(forms)
    assert found.statistics.full
    spark = engine.session("local[2]")
    try:
        rows = [(f"r{number:05}", reference, form.as_json()) for number, reference, form in forms]
        spark.createDataFrame(rows, "id string, reference string, form string").write.parquet(str(tmp_path / "in"))
        engine.match(spark, spark.read.parquet(str(tmp_path / "in")), form_of).write.parquet(str(tmp_path / "out"))
        clusters = {row["id"]: row["cluster"] for row in spark.read.parquet(str(tmp_path / "out")).collect()}
    finally:
        spark.stop()
    assert clusters == {f"r{one:05}": f"r{min(group):05}" for group in found.clusters for one in group}


@pytest.mark.filterwarnings("ignore")
def test_the_command_gives_the_same_with_either_engine(tmp_path: Path) -> None:
    """`maillage merge --input --output`, rows in no order, nulls among them."""
    told = [*crowd(150)]
    random.Random(7).shuffle(told)
    columns = ("id", "source", "name", "postcode", "city", "phone", "email")
    rows = [(one.reference, one.reference.partition("/")[0], *_told(one.document)) for one in told]
    table = duckdb.connect()
    table.execute(f"create table given ({', '.join(f'{name} varchar' for name in columns)})")
    table.executemany("insert into given values (?, ?, ?, ?, ?, ?, ?)", rows)
    table.execute("copy given to '" + str(tmp_path / "in.parquet") + "' (format parquet)")
    found = []
    for engine_name, more in (("embedded", ()), ("spark", ("--master", "local[2]"))):
        wanted = tmp_path / engine_name
        command = [
            sys.executable,
            "-m",
            "app",
            "merge",
            "--engine",
            engine_name,
            "--input",
            str(tmp_path / "in.parquet"),
            "--output",
            str(wanted),
            *more,
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        files = str(wanted / "*.parquet") if wanted.is_dir() else str(wanted)
        found.append(table.execute("select id, cluster from read_parquet(?) order by id", [files]).fetchall())
    assert found[0] == found[1]
    assert len({cluster for _, cluster in found[0]}) < len(told)


def _told(document: Any) -> list[Any]:
    """Return some of what a record says as columns; what it does not say is null."""
    place = next(iter(document.get("location") or [{}]))
    name = next(iter(document["name"].values()))
    return [name, place.get("postalCode"), place.get("addressLocality"), document.get("telephone"), document.get("email")]
