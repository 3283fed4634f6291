"""Commands typed for tests: in this process where only the words matter, as real processes (tests/nodes.py) where processes do."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.cli import main
from tests import nodes

DEMO = Path(__file__).parents[2] / "app" / "demo" / "data"
BASE = "https://annuaire.example"


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line of a command that failed."""
        assert self.status == 1, (self.out, self.err)
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("maillage: "), self.err
        assert "Traceback" not in self.err
        return lines[0].removeprefix("maillage: ")


Typed = Callable[..., Said]


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Typed:
    """Type a command in this process, in an empty folder, at an English terminal unless told otherwise."""
    monkeypatch.chdir(tmp_path)
    for name, value in nodes.environment(tmp_path / "data", 8000, base_url=BASE).items():
        if name.startswith(("MAILLAGE_", "LANG", "LC_ALL")):
            monkeypatch.setenv(name, value)

    def run(*arguments: str | Path, language: str = "en_GB.UTF-8") -> Said:
        monkeypatch.setenv("LANG", language)
        monkeypatch.setattr("sys.argv", ["maillage", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        return Said(int(end.value.code or 0), out, err)

    return run


class _Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def files() -> Iterator[str]:
    """The demonstration's files on a loopback server; its host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(DEMO)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
