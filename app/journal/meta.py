"""Single values that the node keeps about itself: the feed's epoch, the secret that keys the hashes of contacts."""

import secrets

from sqlalchemy import Connection, insert, select, update

from app.journal.tables import meta

EPOCH = "epoch"
SECRET = "secret"  # noqa: S105 - the name of a value, not the value


def get(c: Connection, key: str) -> str | None:
    """Return the value kept under `key`."""
    return c.execute(select(meta.c.value).where(meta.c.key == key)).scalar()


def put(c: Connection, key: str, value: str) -> None:
    """Keep `value` under `key`."""
    if c.execute(update(meta).where(meta.c.key == key).values(value=value)).rowcount == 0:
        c.execute(insert(meta).values(key=key, value=value))


def epoch(c: Connection) -> int:
    """Return the feed's epoch; it grows each time a backup is restored."""
    return int(get(c, EPOCH) or 1)


def next_epoch(c: Connection, above: int = 0) -> int:
    """Open a new epoch, greater than `above` too, so that peers read the restored log anew, and return it."""
    following = max(epoch(c), above) + 1
    put(c, EPOCH, str(following))
    return following


def secret(c: Connection) -> bytes:
    """Return the node's 256-bit secret; the migration made it, and it is made here once if it is missing (needs `write`)."""
    kept = get(c, SECRET)
    if kept is None:
        kept = secrets.token_hex(32)
        put(c, SECRET, kept)
    return bytes.fromhex(kept)
