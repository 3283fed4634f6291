"""The demonstration does what the README says, on the machine it is run on."""

import os
import subprocess
import sys
from pathlib import Path


def test_the_demonstration_shows_what_came_in_what_was_merged_and_what_was_refused(tmp_path: Path) -> None:
    """`maillage demo --once` harvests two running peers, says why it merged and refused, answers a question, and ends well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")} | {"LANG": "fr_FR.UTF-8", "LC_ALL": ""}
    result = subprocess.run(
        [sys.executable, "-m", "app", "demo", "--once", "--port", "0"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    told = result.stdout
    assert "Fiches : 8 prises ; tout est appliqué." in told
    assert "Cette fiche n'a pas de nom." in told
    assert "Aucun élément ne s'appelle" in told
    assert "own/atelier-des-quatre-chemins = appuii/atelier-des-quatre-chemins" in told
    assert "Atelier des Quatre" in told.split("SPARQL")[1]
    assert list(tmp_path.iterdir()) == []
