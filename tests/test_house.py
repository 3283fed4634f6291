"""The house keeps its own rules: floors, types, style, sizes, generated files, documentation."""

import ast
import graphlib
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import vocabulary
from app.cli import Late, program
from app.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "app").rglob("*.py"))
GENERATED = {ROOT / "app" / "terms.py"}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment at the root of the checkout."""
    program = Path(sys.executable).with_name(command[0])
    return subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | {"NO_COLOR": "1"})


@pytest.mark.parametrize(
    "command",
    [("lint-imports",), ("mypy",), ("ruff", "check", "app", "tests"), ("ruff", "format", "--check", "app", "tests")],
    ids=" ".join,
)
def test_the_tools_find_nothing_to_say(command: tuple[str, ...]) -> None:
    """Imports keep to their floors, types hold in strict mode, style is one."""
    result = run(*command)
    assert result.returncode == 0, result.stdout + result.stderr


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function of a module with its length in lines."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_functions_are_short() -> None:
    """Half of the functions fit in ten lines, nine in ten in thirty, all in sixty."""
    lengths = dict(item for path in MODULES for item in functions(path))
    assert [name for name, length in lengths.items() if length > 60] == []
    assert statistics.median(lengths.values()) <= 10
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= 30


def test_modules_hold_one_idea() -> None:
    """No module that people write is longer than 400 lines."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines()) for path in MODULES if path not in GENERATED}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_module_says_what_it_is() -> None:
    """A module opens with a docstring, and imports nothing inside a function."""
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        assert ast.get_docstring(tree) or not tree.body, path
        inside = [
            node
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        assert inside == [], path


def imported(path: Path, names: set[str]) -> set[str]:
    """Return the modules of ours that a module imports when it is imported itself."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in names else str(node.module) for alias in node.names}
    return found & names


def test_each_module_can_be_imported_alone() -> None:
    """No module needs, by whatever way round, to be imported before itself."""
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES}
    graph = {name: imported(path, set(paths)) for name, path in paths.items()}
    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_generated_files_are_up_to_date() -> None:
    """`maillage vocabulary` would change nothing: context and terms are what vocab/ and shapes/ say."""
    for path, text in vocabulary.generated().items():
        assert path.read_text("utf-8") == text, path


def test_every_setting_is_documented() -> None:
    """Each setting stands in docs/operating.md and in the example file."""
    guide = (ROOT / "docs" / "operating.md").read_text("utf-8")
    example = (ROOT / "deploy" / "maillage.example.toml").read_text("utf-8")
    for name in Settings.model_fields:
        assert f"`{PREFIX}{name.upper()}`" in guide, name
        assert re.search(rf"^#? ?{name} = ", example, re.MULTILINE), name


def commands(prefix: str = "", group: object = None) -> Iterator[str]:
    """Yield every command of the command line, subcommands included."""
    for name, listed in (group or program()).commands.items():  # type: ignore[attr-defined]
        command = listed.command() if isinstance(listed, Late) else listed
        if hasattr(command, "commands"):
            yield from commands(f"{prefix}{name} ", command)
        else:
            yield f"{prefix}{name}"


def test_every_command_is_documented() -> None:
    """Each command of `maillage` stands in docs/operating.md."""
    guide = (ROOT / "docs" / "operating.md").read_text("utf-8")
    assert [name for name in commands() if f"maillage {name}" not in guide] == []


def test_the_tree_names_no_machine() -> None:
    """No machine path and no registry host stands in a tracked file, but in what others wrote."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    forbidden = re.compile(r"/work/|/root/|pypi\.org|npmjs\.org|files\.pythonhosted")
    found = [
        name
        for name in tracked
        if name
        and name not in {"tests/test_house.py", "app/web/static/yasqe.js"}
        and (ROOT / name).is_file()
        and forbidden.search((ROOT / name).read_text("utf-8", "replace"))
    ]
    assert found == []
