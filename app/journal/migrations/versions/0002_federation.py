"""Federation: undoing visits, the pace of each peer, relays, proposals, readers, subscriptions, what must not come back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns to what there is, and the tables of other nodes."""
    op.add_column("version", sa.Column("visit_id", sa.Integer()))
    op.add_column("source", sa.Column("pace_s", sa.Integer()))
    op.add_column("visit", sa.Column("undone_at", sa.Text()))
    op.add_column("visit", sa.Column("undone_by", sa.Text()))
    _relay_event()
    _proposal()
    _reader()
    _subscriber()
    _listening()
    _suppression()


def _relay_event() -> None:
    """What origins said, passed on without the records."""
    op.create_table(
        "relay_event",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("event", sa.Text()),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("origin_epoch", sa.Integer()),
        sa.Column("origin_sequence", sa.Integer()),
        sa.Column("content_hash", sa.Text()),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("published", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
        sa.UniqueConstraint("object"),
        sqlite_autoincrement=True,
    )


def _proposal() -> None:
    """Nodes that others speak of."""
    op.create_table(
        "proposal",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("name", sa.Text()),
        sa.Column("found_through", sa.Text(), nullable=False),
        sa.Column("found_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("url"),
    )


def _reader() -> None:
    """Who harvests us."""
    op.create_table(
        "reader",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("first_at", sa.Text(), nullable=False),
        sa.Column("last_at", sa.Text(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer()),
        sa.PrimaryKeyConstraint("agent"),
    )


def _subscriber() -> None:
    """Who is told that our feed moved."""
    op.create_table(
        "subscriber",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("callback", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text()),
        sa.Column("lease_until", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.Text()),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("last_ping_at", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("callback", "topic"),
    )


def _listening() -> None:
    """Our own subscriptions at our peers' hubs."""
    op.create_table(
        "listening",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.Text()),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_id"),
        sa.UniqueConstraint("token"),
    )


def _suppression() -> None:
    """What must not come back."""
    op.create_table(
        "suppression",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
