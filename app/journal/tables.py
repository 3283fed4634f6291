"""The tables of the journal: all that a node knows and cannot recompute, and the side tables that it can.

Times are ISO 8601 text in UTC with milliseconds (``2026-11-22T10:00:00.000Z``), so that they sort as text.
Columns named `document`, `message`, `counts`, `cursor`, `mapping`, `reasons` and `origins` hold JSON as text.
A record's *reference* is ``source/key``: it names the record for ever, also when the row is gone.
"""

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, PrimaryKeyConstraint, Table, Text, UniqueConstraint

metadata = MetaData()

# --- the node ---------------------------------------------------------------------------------------------------

meta = Table(  # single values: epoch, secret (hex, keys the hashes of contacts), statistics version
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

token = Table(  # who may write; the token itself is never kept
    "token",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("label", Text, nullable=False),
    Column("role", Text, nullable=False),  # reader, editor, admin
    Column("hash", Text, nullable=False, unique=True),
    Column("created_at", Text, nullable=False),
    Column("expires_at", Text),
    Column("revoked_at", Text),
)

# --- what sources say -------------------------------------------------------------------------------------------

source = Table(  # the node's own source is the row named "own"; the others are its peers
    "source",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("url", Text),
    Column("format", Text),
    Column("trust", Text, nullable=False),  # auto, review, quarantine
    Column("every_s", Integer, nullable=False),
    Column("mapping", Text),
    Column("enabled", Boolean, nullable=False),
    Column("keep_contacts", Boolean, nullable=False),  # False: e-mail and phone are dropped at the door
    Column("licence", Text),
    Column("base", Text),  # the IRI prefix under which this peer is believed
    Column("state", Text, nullable=False),  # new, ok, failing, held
    Column("message", Text),
    Column("cursor", Text),  # what its format needs to resume
    Column("failures", Integer, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("last_visit_at", Text),
    Column("next_visit_at", Text),
    Column("pace_s", Integer),  # the interval as it was adapted to how much changes there; null: as the operator said
)

record = Table(  # the newest statement of one source about one group
    "record",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", ForeignKey("source.id"), nullable=False),
    Column("key", Text, nullable=False),
    Column("iri", Text, nullable=False, index=True),  # the subject of its statements
    Column("document", Text, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("raw_digest", Text),  # of what the source sent and of the mapping used: equal means unchanged, unread; of ours: of the key in its file
    Column("state", Text, nullable=False),  # live, hidden (silently absent for long), gone (withdrawn by its source)
    Column("version", Integer, nullable=False),
    Column("origin_epoch", Integer),
    Column("origin_sequence", Integer),
    Column("created_at", Text, nullable=False),
    Column("modified_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("missed", Integer, nullable=False),  # visits in a row that did not find it
    Column("missing_since", Text),
    UniqueConstraint("source_id", "key"),
)

version = Table(  # every statement a record ever was, this one included
    "version",
    metadata,
    Column("record_id", ForeignKey("record.id", ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),  # create, update, delete, hide, show
    Column("document", Text),  # null on delete
    Column("content_hash", Text),
    Column("author", Text, nullable=False),  # a token's label, "visit 12", "command line"
    Column("at", Text, nullable=False),
    Column("visit_id", Integer),  # the visit that said it, so that it can be undone
    PrimaryKeyConstraint("record_id", "version"),
)

# --- what we say to others: the feed ----------------------------------------------------------------------------

event = Table(
    "event",
    metadata,
    Column("epoch", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("kind", Text, nullable=False),  # Create, Update, Delete
    Column("key", Text, nullable=False, index=True),  # the slug in our own source
    Column("object", Text, nullable=False),
    Column("content_hash", Text),
    Column("document", Text),  # the published view; null on Delete
    Column("purge", Boolean, nullable=False),
    Column("published", Text, nullable=False),  # strictly increasing
    Column("page", Integer, nullable=False, index=True),
    PrimaryKeyConstraint("epoch", "sequence"),
)

feed_page = Table(  # a closed page is never edited; a rewritten one gets a new number and the old one is gone
    "feed_page",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("position", Integer, nullable=False),  # order in the log
    Column("closed", Boolean, nullable=False),
    Column("gone", Boolean, nullable=False),
    Column("since", Text, nullable=False),  # `published` of the event that opened it: no event of the page is older
    Column("modified_at", Text, nullable=False),
    Index("feed_page_position", "epoch", "position"),
)

relay_event = Table(  # opt-in: what our peers' origins said, passed on without the records; the newest of each record
    "relay_event",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("object", Text, nullable=False, unique=True),
    Column("event", Text),  # the event's IRI at its origin, where it is known
    Column("kind", Text, nullable=False),  # Create, Update, Delete
    Column("origin", Text, nullable=False),  # the node it comes from
    Column("origin_epoch", Integer),
    Column("origin_sequence", Integer),
    Column("content_hash", Text),
    Column("via", Text, nullable=False),  # JSON list: the nodes that passed it on, the nearest last
    Column("published", Text, nullable=False),
    sqlite_autoincrement=True,
)

# --- visits -----------------------------------------------------------------------------------------------------

visit = Table(
    "visit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", ForeignKey("source.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("outcome", Text),  # applied, unchanged, held, failed, discarded, dry-run; null while it runs
    Column("message", Text),
    Column("dry_run", Boolean, nullable=False),
    Column("counts", Text, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("cursor", Text),  # becomes the source's when the visit is applied
    Column("undone_at", Text),
    Column("undone_by", Text),
)

visit_item = Table(  # one line per record met; `document` is set while the line waits to be applied
    "visit_item",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("visit_id", ForeignKey("visit.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("iri", Text),
    Column("outcome", Text, nullable=False),  # added, changed, unchanged, gone, refused, unmapped
    Column("message", Text),
    Column("document", Text),
    Column("content_hash", Text),
    Column("raw_digest", Text),
    Column("contacts", Text),  # keyed hashes of contacts dropped at the door
    Column("origin_epoch", Integer),
    Column("origin_sequence", Integer),
    Index("visit_item_visit", "visit_id", "id"),
    Index("visit_item_key", "visit_id", "key"),
)

# --- other nodes --------------------------------------------------------------------------------------------------

proposal = Table(  # nodes that peers or descriptions speak of; never followed unless the operator adds them
    "proposal",
    metadata,
    Column("url", Text, primary_key=True),  # a node's base address
    Column("name", Text),
    Column("found_through", Text, nullable=False),  # the peer whose list named it
    Column("found_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("state", Text, nullable=False),  # new, dismissed
)

reader = Table(  # who harvests us: what the programs that read our feed say of themselves
    "reader",
    metadata,
    Column("agent", Text, primary_key=True),  # the User-Agent, cut; no address of the network is kept
    Column("url", Text),  # the node's address it names
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("sequence", Integer),  # how far it has read
)

subscriber = Table(  # who is told that our feed moved: WebSub subscribers, and webhooks that the operator named
    "subscriber",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # websub, webhook
    Column("callback", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("secret", Text),
    Column("lease_until", Text),
    Column("state", Text, nullable=False),  # active, failing
    Column("message", Text),
    Column("failures", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),  # the last it was told of
    Column("next_at", Text),  # not told again before
    Column("created_at", Text, nullable=False),
    Column("last_ping_at", Text),
    UniqueConstraint("callback", "topic"),
)

listening = Table(  # our own subscriptions at our peers' hubs
    "listening",
    metadata,
    Column("source_id", ForeignKey("source.id", ondelete="CASCADE"), primary_key=True),
    Column("token", Text, nullable=False, unique=True),  # the last part of our callback's address
    Column("hub", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("state", Text, nullable=False),  # asked, confirmed, refused
    Column("at", Text, nullable=False),
    Column("lease_until", Text),
)

suppression = Table(  # what was erased here and must not come back: keyed hashes only
    "suppression",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("at", Text, nullable=False),
    Column("author", Text, nullable=False),
)

# --- what people judged, and which real groups there are --------------------------------------------------------

judgement = Table(  # never erased, only revoked
    "judgement",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("left", Text, nullable=False, index=True),  # references of records, left < right
    Column("right", Text, nullable=False, index=True),
    Column("verdict", Text, nullable=False),  # same, different, unsure
    Column("reason", Text),
    Column("author", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("revoked_at", Text),
    Column("revoked_by", Text),
)

evidence = Table(  # what people at other nodes judged of two records, by the IRIs they are about; never edited, only revoked
    "evidence",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source_id", ForeignKey("source.id", ondelete="CASCADE"), nullable=False),
    Column("iri", Text, nullable=False),  # of the judgement, at the peer
    Column("left", Text, nullable=False, index=True),  # left < right
    Column("right", Text, nullable=False, index=True),
    Column("verdict", Text, nullable=False),  # same, different
    Column("author", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("revoked_at", Text),
    UniqueConstraint("source_id", "iri"),
)

evidence_read = Table(  # how far the log of decisions of each peer was read
    "evidence_read",
    metadata,
    Column("source_id", ForeignKey("source.id", ondelete="CASCADE"), primary_key=True),
    Column("url", Text, nullable=False),
    Column("after", Text, nullable=False),  # the moment of the last entry read
    Column("passed_over", Boolean, nullable=False),  # some entries were about records that are not known here, or not yet
)

identity = Table(  # the ledger: a slug names one real group for ever
    "identity",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),  # live, merged (see successor), gone
    Column("successor_id", ForeignKey("identity.id")),
    Column("created_at", Text, nullable=False),
)

member = Table(  # which real group each live record is part of
    "member",
    metadata,
    Column("record_id", ForeignKey("record.id", ondelete="CASCADE"), primary_key=True),
    Column("identity_id", ForeignKey("identity.id"), nullable=False, index=True),
)

# --- matching: computed from the above, frozen between full runs where said ---------------------------------------

pending = Table(  # records that changed and whose groups were not rebuilt yet
    "pending",
    metadata,
    Column("record_id", Integer, primary_key=True),
)

feature = Table(  # a record in its normal form; contacts only as keyed hashes
    "feature",
    metadata,
    Column("record_id", ForeignKey("record.id", ondelete="CASCADE"), primary_key=True),
    Column("document", Text, nullable=False),
    Column("contacts", Text),  # keyed hashes of contacts dropped at the door
)

match_key = Table(  # blocking keys: 64-bit hashes
    "match_key",
    metadata,
    Column("key", Integer, nullable=False),
    Column("record_id", ForeignKey("record.id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "record_id"),
    sqlite_with_rowid=False,
)

edge = Table(  # scored pairs worth remembering
    "edge",
    metadata,
    Column("left_id", ForeignKey("record.id", ondelete="CASCADE"), nullable=False),
    Column("right_id", ForeignKey("record.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("score", Float, nullable=False),
    Column("reasons", Text, nullable=False),
    Column("state", Text, nullable=False),  # match, review, refused, related; stale: never scored yet, see `journal.evidence`
    Column("message", Text),  # why a match was refused
    PrimaryKeyConstraint("left_id", "right_id"),
    sqlite_with_rowid=False,
)

statistic = Table(  # how often a word is used, at how many addresses a contact is used
    "statistic",
    metadata,
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("kind", "value"),
    sqlite_with_rowid=False,
)

# --- the combined directory, and the side tables of its questions -----------------------------------------------

group = Table(  # one real group, fused
    "combined_group",
    metadata,
    Column("identity_id", ForeignKey("identity.id"), primary_key=True),
    Column("document", Text, nullable=False),
    Column("origins", Text, nullable=False),  # per property and value: the references that say it, and the rule that chose it
    Column("content_hash", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sort_name", Text, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
    Column("modified_at", Text, nullable=False),  # when the node last changed it
    Index("combined_group_sort", "sort_name", "identity_id"),
    Index("combined_group_modified", "modified_at"),
)

facet = Table(
    "facet",
    metadata,
    Column("scheme", Text, nullable=False),
    Column("concept", Text, nullable=False),
    Column("identity_id", Integer, nullable=False, index=True),
    PrimaryKeyConstraint("scheme", "concept", "identity_id"),
    sqlite_with_rowid=False,
)
# search_text (FTS5) and search_place (R*Tree) are SQLite's own kinds of table: the migration creates them.

# --- the projector's queue --------------------------------------------------------------------------------------

change = Table(  # what the graph store has to look at again; its numbers never come back
    "change",
    metadata,
    Column("sequence", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # record (name: its reference), group (name: its slug), source (name)
    Column("name", Text, nullable=False),
    sqlite_autoincrement=True,
)
