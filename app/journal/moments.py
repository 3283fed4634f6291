"""How the journal writes a moment, so that moments sort as text."""

from datetime import UTC, datetime


def now() -> str:
    """Return the present moment as the journal writes it: UTC, milliseconds, ``Z``."""
    return moment(datetime.now(UTC))


def moment(at: datetime) -> str:
    """Return a moment, which must know its time zone, as the journal writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
