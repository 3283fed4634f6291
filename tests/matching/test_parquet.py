"""Records in Parquet, matched on this machine: `maillage merge --input --output`."""

import subprocess
import sys
from pathlib import Path

import duckdb

from app.matching import scratch

ROWS = """select * from (values
  ('a1', 'mairie', 'Les Jardins inventés de la Noue', '12 rue Voltaire', '93170', 'Bagnolet', 48.86),
  ('b1', 'carte', 'Jardins inventes de la Noue', '12, rue Voltaire', '93170', 'BAGNOLET', null),
  ('c"1', 'carte', 'Atelier vélo inventé', null, '69001', 'Lyon', null)
) as t(id, source, name, street, postcode, city, lat)"""


def merge(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "app", "merge", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_parquet_in_parquet_out(tmp_path: Path) -> None:
    """Two records of one group get one cluster, named by the first; a folder of parts is a table too; what cannot be used is said."""
    given = tmp_path / "it's here"
    given.mkdir()
    duckdb.sql(ROWS).write_parquet(str(given / "part-0.parquet"))
    done = merge("--input", given, "--output", tmp_path / "out.parquet", "--processes", 2)
    assert done.returncode == 0, done.stderr
    found = duckdb.read_parquet(str(tmp_path / "out.parquet")).order("id").fetchall()
    assert found == [("a1", "a1"), ("b1", "a1"), ('c"1', 'c"1')]
    duckdb.sql("select 1 as id").write_parquet(str(tmp_path / "poor.parquet"))
    for arguments in (("--input", tmp_path / "poor.parquet"), ("--input", given), ("--engine", "spark"), ("--output", tmp_path / "x.parquet")):
        refused = merge(*arguments, *(("--output", tmp_path / "no.parquet") if arguments[-1] == tmp_path / "poor.parquet" else ()))
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1), refused.stderr


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    """In one sentence, and nothing is written."""
    (tmp_path / "not.parquet").write_text("id,name\n")
    refused = merge("--input", tmp_path / "not.parquet", "--output", tmp_path / "out.parquet")
    assert (refused.returncode, refused.stderr.count("\n"), (tmp_path / "out.parquet").exists()) == (1, 1, False), refused.stderr


def test_what_a_killed_run_left_is_swept_away() -> None:
    """Normal forms of records lie in the folder of a run: it does not outlive the run by more than the next one."""
    left = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False).stdout.strip()
    assert Path(left, scratch.HELD).exists()
    running = scratch.Scratch()
    assert not Path(left).exists()
    scratch.sweep()
    assert running.folder.exists()
    running.close()
    assert not running.folder.exists()


KILLED = (
    "import os, signal; from app.matching.scratch import Scratch; s = Scratch(); print(s.folder, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
)
