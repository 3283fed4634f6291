"""Where the inputs that are not part of the project live; tests that need them skip loudly without them, and fail in CI."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


def need(path: Path) -> Path:
    """Return a file or folder of the shared inputs; skip the test when it is absent, fail it in CI."""
    if not path.exists():
        sentence = f"the shared input {path.relative_to(SHARED)} is absent: put the folder `shared` beside the checkout"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path
