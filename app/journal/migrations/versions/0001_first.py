"""The first tables: the journal of version 0.1."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, and the rows that every node has."""
    _meta()
    _token()
    _source()
    _record()
    _version()
    _event()
    _feed_page()
    _visit()
    _visit_item()
    _judgement()
    _identity()
    _member()
    _pending()
    _feature()
    _match_key()
    _edge()
    _statistic()
    _combined_group()
    _facet()
    _change()
    _search_tables()
    _first_rows()


def _meta() -> None:
    """Single values."""
    op.create_table(
        "meta", sa.Column("key", sa.Text(), nullable=False), sa.Column("value", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("key")
    )


def _token() -> None:
    """Who may write."""
    op.create_table(
        "token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text()),
        sa.Column("revoked_at", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )


def _source() -> None:
    """Who says something."""
    op.create_table(
        "source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("format", sa.Text()),
        sa.Column("trust", sa.Text(), nullable=False),
        sa.Column("every_s", sa.Integer(), nullable=False),
        sa.Column("mapping", sa.Text()),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("keep_contacts", sa.Boolean(), nullable=False),
        sa.Column("licence", sa.Text()),
        sa.Column("base", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("cursor", sa.Text()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("last_visit_at", sa.Text()),
        sa.Column("next_visit_at", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )


def _record() -> None:
    """What each source says."""
    op.create_table(
        "record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("iri", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("raw_digest", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("origin_epoch", sa.Integer()),
        sa.Column("origin_sequence", sa.Integer()),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("modified_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("missing_since", sa.Text()),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "key"),
    )
    op.create_index("ix_record_iri", "record", ["iri"])


def _version() -> None:
    """What it said before."""
    op.create_table(
        "version",
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("document", sa.Text()),
        sa.Column("content_hash", sa.Text()),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("record_id", "version"),
    )


def _event() -> None:
    """The log of our own records."""
    op.create_table(
        "event",
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text()),
        sa.Column("document", sa.Text()),
        sa.Column("purge", sa.Boolean(), nullable=False),
        sa.Column("published", sa.Text(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "sequence"),
    )
    op.create_index("ix_event_key", "event", ["key"])
    op.create_index("ix_event_page", "event", ["page"])


def _feed_page() -> None:
    """The pages of the log."""
    op.create_table(
        "feed_page",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("modified_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("feed_page_position", "feed_page", ["epoch", "position"])


def _visit() -> None:
    """Visits to peers."""
    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text()),
        sa.Column("outcome", sa.Text()),
        sa.Column("message", sa.Text()),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Text()),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_visit_source_id", "visit", ["source_id"])


def _visit_item() -> None:
    """What each visit met."""
    op.create_table(
        "visit_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("iri", sa.Text()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("message", sa.Text()),
        sa.Column("document", sa.Text()),
        sa.Column("content_hash", sa.Text()),
        sa.Column("raw_digest", sa.Text()),
        sa.Column("contacts", sa.Text()),
        sa.Column("origin_epoch", sa.Integer()),
        sa.Column("origin_sequence", sa.Integer()),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("visit_item_key", "visit_item", ["visit_id", "key"])
    op.create_index("visit_item_visit", "visit_item", ["visit_id", "id"])


def _judgement() -> None:
    """What people judged."""
    op.create_table(
        "judgement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("left", sa.Text(), nullable=False),
        sa.Column("right", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text()),
        sa.Column("revoked_by", sa.Text()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_judgement_left", "judgement", ["left"])
    op.create_index("ix_judgement_right", "judgement", ["right"])


def _identity() -> None:
    """The ledger of real groups."""
    op.create_table(
        "identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("successor_id", sa.Integer()),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["successor_id"], ["identity.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("slug"),
    )


def _member() -> None:
    """Which group a record is part of."""
    op.create_table(
        "member",
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"]),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("record_id"),
    )
    op.create_index("ix_member_identity_id", "member", ["identity_id"])


def _pending() -> None:
    """Groups to be rebuilt."""
    op.create_table("pending", sa.Column("record_id", sa.Integer(), nullable=False), sa.PrimaryKeyConstraint("record_id"))


def _feature() -> None:
    """Records in their normal form."""
    op.create_table(
        "feature",
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("contacts", sa.Text()),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("record_id"),
    )


def _match_key() -> None:
    """Blocking keys."""
    op.create_table(
        "match_key",
        sa.Column("key", sa.Integer(), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["record.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", "record_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_match_key_record_id", "match_key", ["record_id"])


def _edge() -> None:
    """Scored pairs."""
    op.create_table(
        "edge",
        sa.Column("left_id", sa.Integer(), nullable=False),
        sa.Column("right_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text()),
        sa.ForeignKeyConstraint(["left_id"], ["record.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["right_id"], ["record.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("left_id", "right_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_edge_right_id", "edge", ["right_id"])


def _statistic() -> None:
    """How often words are used."""
    op.create_table(
        "statistic",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "value"),
        sqlite_with_rowid=False,
    )


def _combined_group() -> None:
    """The groups, fused."""
    op.create_table(
        "combined_group",
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("origins", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("latitude", sa.Float()),
        sa.Column("longitude", sa.Float()),
        sa.Column("modified_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["identity_id"], ["identity.id"]),
        sa.PrimaryKeyConstraint("identity_id"),
    )
    op.create_index("combined_group_modified", "combined_group", ["modified_at"])
    op.create_index("combined_group_sort", "combined_group", ["sort_name", "identity_id"])


def _facet() -> None:
    """The facets of the groups."""
    op.create_table(
        "facet",
        sa.Column("scheme", sa.Text(), nullable=False),
        sa.Column("concept", sa.Text(), nullable=False),
        sa.Column("identity_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scheme", "concept", "identity_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_facet_identity_id", "facet", ["identity_id"])


def _change() -> None:
    """The projector's queue."""
    op.create_table(
        "change",
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence"),
        sqlite_autoincrement=True,
    )


def _search_tables() -> None:
    """Texts and places: SQLite's own kinds of table, whose rows are numbered by the group's identity."""
    op.execute("CREATE VIRTUAL TABLE search_text USING fts5(name, other_names, description, place, tokenize='unicode61 remove_diacritics 2')")
    op.execute("CREATE VIRTUAL TABLE search_place USING rtree(id, min_lat, max_lat, min_lon, max_lon)")


def _first_rows() -> None:
    """The node's own source, the first epoch of its feed, and the secret that keys the hashes of contacts."""
    made = sa.func.strftime("%Y-%m-%dT%H:%M:%fZ", "now")
    source = sa.table("source", *map(sa.column, ("name", "trust", "every_s", "enabled", "keep_contacts", "state", "failures", "created_at")))
    op.execute(
        sa.insert(source).values(name="own", trust="auto", every_s=0, enabled=True, keep_contacts=True, state="ok", failures=0, created_at=made)
    )
    meta = sa.table("meta", sa.column("key"), sa.column("value"))
    op.execute(sa.insert(meta).values([{"key": "epoch", "value": "1"}, {"key": "secret", "value": secrets.token_hex(32)}]))
