"""On Apache Spark the groups are those of one machine: the same keys, scorer and clustering."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.matching.bulk import match
from app.matching.features import Features
from app.matching.normalise import features
from tests.benchmarks.crowd import crowd

if importlib.util.find_spec("pyspark") is None:
    pytest.skip("pyspark is not installed: pip install 'maillage[spark]'", allow_module_level=True)
if shutil.which("java") is None:
    pytest.skip("Java is not installed", allow_module_level=True)

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
