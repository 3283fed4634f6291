"""The journal: everything the node knows, in one SQLite database in WAL mode, which is the truth.

A write is acknowledged when its transaction is committed here. Several processes may write; SQLite lets one in at a time.
"""

from app.journal.database import FILE, Journal
from app.journal.moments import moment, now

__all__ = ["FILE", "Journal", "moment", "now"]
