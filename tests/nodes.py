"""Real nodes for tests: `maillage` as a process of its own, on a loopback port chosen free, ended by pid."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

START_S = 120
"""Seconds a node may take to answer on a busy machine; a test that waits longer fails."""


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(data_dir: Path, port: int, **settings: object) -> dict[str, str]:
    """Return the environment of a node: its data directory, its address, and whatever settings are given in lower case."""
    own = {"data_dir": data_dir, "base_url": f"http://127.0.0.1:{port}", "port": port} | settings
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAILLAGE_")}
    return inherited | {f"MAILLAGE_{name.upper()}": str(value) for name, value in own.items()} | {"LANG": "en_GB.UTF-8", "LC_ALL": ""}


@dataclass
class NodeProcess:
    """One node, running or not; its data outlives its process."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, object] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The base address, which is also the base of the IRIs."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str | Path, expect: int = 0, stdin: str = "") -> str:
        """Run one `maillage` command on this node's data and return what it printed; fails on another exit status."""
        result = self.attempt(*arguments, stdin=stdin)
        assert result.returncode == expect, f"{arguments} ended with {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def attempt(self, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run one `maillage` command, whatever its exit status."""
        command = [sys.executable, "-m", "app", *map(str, arguments)]
        env = environment(self.data_dir, self.port, **self.settings)
        return subprocess.run(command, env=env, cwd=self._room(), input=stdin, capture_output=True, text=True, timeout=300, check=False)

    def token(self, role: str = "editor") -> str:
        """Return a new token."""
        return self.run("token", "create", "--role", role, "--label", f"test {role}").strip()

    def start(self) -> "NodeProcess":
        """Start serving and wait until the node is ready."""
        log = (self._room() / "node.log").open("ab")
        env = environment(self.data_dir, self.port, **self.settings)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve"], env=env, cwd=self._room(), stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        log.close()
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log()
            try:
                if httpx.get(f"{self.url}/ready", timeout=5).status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.05)
        self.kill()
        raise AssertionError(f"the node was not ready within {START_S} s\n{self.log()}")

    def stop(self, with_signal: int = signal.SIGTERM) -> int:
        """End the process by its pid and return its status."""
        assert self.process is not None
        self.process.send_signal(with_signal)
        status = self.process.wait(timeout=30)
        self.process = None
        return status

    def kill(self) -> None:
        """End the process as a power cut would."""
        self.stop(signal.SIGKILL)

    def log(self) -> str:
        """Return what the node wrote."""
        return (self._room() / "node.log").read_text("utf-8", "replace")[-5000:]

    def _room(self) -> Path:
        """Return the folder beside the data, where there is no settings file."""
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        return self.data_dir.parent


@contextmanager
def serving(folder: Path, **settings: object) -> Iterator[NodeProcess]:
    """A node serving from `folder`/data until the block ends."""
    node = NodeProcess(folder / "data", settings=settings).start()
    try:
        yield node
    finally:
        if node.process is not None:
            node.stop(signal.SIGKILL)


def eventually(check: object, within_s: float = 20) -> None:
    """Call `check` until it no longer raises AssertionError; raise its last one when time is over."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            check()  # type: ignore[operator]
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
