"""What `pip install .` gives: one wheel with everything a node needs inside."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_a_whole_node(tmp_path: Path) -> None:
    """Vocabulary, shapes, migrations, templates, translations and static files are inside, and a node made of it alone works."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("maillage-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(tmp_path / "installed")
    for needed in (
        "data/vocab/maillage.ttl",
        "data/vocab/context.jsonld",
        "data/shapes/group.ttl",
        "journal/migrations/versions/0001_first.py",
        "journal/migrations/versions/0002_federation.py",
        "demo/data/kumu.json",
    ):
        assert f"app/{needed}" in names
    assert any(name.startswith("app/web/templates/") for name in names)
    assert any(name.startswith("app/web/static/") for name in names)
    assert any(name.startswith("app/web/locale/") for name in names)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")}
    environment |= {"PYTHONPATH": str(tmp_path / "installed"), "MAILLAGE_DATA_DIR": str(tmp_path / "data")}
    where = subprocess.run(
        [sys.executable, "-c", "import app; print(app.__file__)"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert where.stdout.startswith(str(tmp_path))
    subprocess.run([sys.executable, "-m", "app", "load", ROOT / "app" / "demo" / "data" / "appuii.jsonld"], cwd=tmp_path, env=environment, check=True)
    listed = subprocess.run(
        [sys.executable, "-m", "app", "export", "--format", "csv"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) > 8
