"""What a query process gives up before it reads its first question: the network, most memory, core files.

The memory limit is on addresses, so what the process has before it starts, the engine's large stack and its idle needs are added to it.
"""

import contextlib
import ctypes
import resource
from pathlib import Path

STACK = 256 << 20
"""Bytes of stack for the engine: several times what the deepest text of 16 KB was seen to need."""

ENGINE = 192 << 20
"""Bytes of addresses that the engine takes to open a store, before it answers anything."""

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def isolate() -> bool:
    """Give up the network; return whether the system allowed it. Without it, SERVICE is refused all the same."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None, use_errno=True)
        return any(libc.unshare(flags) == 0 for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET))
    return False


def limit(memory: int, file_size: int) -> None:
    """Bound what this process may use beyond what it has now: bytes of memory, bytes of a file; and leave no core."""
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    total = pages * resource.getpagesize() + STACK + ENGINE + memory
    resource.setrlimit(resource.RLIMIT_AS, (total, total))
