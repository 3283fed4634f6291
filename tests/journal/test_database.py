"""The journal's file: made, opened, brought up to date, refused; its transactions."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import DBAPIError

from app.errors import JournalUnavailable
from app.journal import Journal, meta, now
from app.journal.database import _engine
from app.journal.migrating import SCRIPTS, VERSION, migrate
from app.journal.tables import meta as meta_table
from app.journal.tables import metadata


def schema(path: Path) -> dict[str, list[str]]:
    """What SQLite says of its tables and indexes, spaces and the order of constraints apart; the search tables and Alembic's own are left out."""
    with closing(sqlite3.connect(path)) as c:
        rows = c.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        foreign = ("search_", "alembic", "sqlite_")
        return {name: sorted("".join(sql.split()).removesuffix(")").split(",")) for name, sql in rows if not name.startswith(foreign)}


def test_the_migrations_make_the_tables_that_the_code_uses(journal: Journal, tmp_path: Path) -> None:
    """A journal made by the migrations has, to the letter, the tables and indexes of tables.py."""
    engine = create_engine(f"sqlite:///{tmp_path / 'declared.sqlite'}")
    metadata.create_all(engine)
    engine.dispose()
    assert schema(journal.path) == schema(tmp_path / "declared.sqlite")


def test_text_and_place_tables_answer(journal: Journal) -> None:
    """Accents and case do not count in the text index, and a box finds a place."""
    with journal.write() as c:
        c.execute(text("INSERT INTO search_text(rowid, name, other_names, description, place) VALUES (7, 'Régie de quartier', '', '', '')"))
        c.execute(text("INSERT INTO search_place VALUES (7, 48.9, 48.9, 2.3, 2.3)"))
    with journal.read() as c:
        assert c.execute(text("SELECT rowid FROM search_text WHERE search_text MATCH 'regie'")).scalars().all() == [7]
        assert c.execute(text("SELECT id FROM search_place WHERE min_lat >= 48 AND max_lat <= 49")).scalars().all() == [7]


def test_a_journal_written_by_a_newer_version_is_refused(journal: Journal) -> None:
    """A version that the programme does not know is refused with a sentence, and left as it is."""
    journal.close()
    with closing(sqlite3.connect(journal.path)) as c:
        c.execute("UPDATE alembic_version SET version_num = '9999'")
        c.commit()
    before = journal.path.read_bytes()
    with pytest.raises(JournalUnavailable) as refused:
        Journal(journal.path)
    assert "newer version" in refused.value.text.en
    assert journal.path.read_bytes() == before


@pytest.mark.parametrize(("content", "word"), [(b"this is not a database, whatever its name says" * 100, "not a journal"), (None, "may write there")])
def test_what_is_not_a_journal_is_refused(tmp_path: Path, content: bytes | None, word: str) -> None:
    """Another file, or a folder, in the journal's place is refused with a sentence."""
    path = tmp_path / "journal.sqlite"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(JournalUnavailable) as refused:
        Journal(path)
    assert word in refused.value.text.en


def test_the_version_is_that_of_the_newest_migration() -> None:
    """A journal of this version is known without asking Alembic."""
    assert ScriptDirectory(str(SCRIPTS)).get_current_head() == VERSION


def newer_scripts(folder: Path, body: str) -> Path:
    """The migrations, and one more."""
    shutil.copytree(SCRIPTS, folder)
    text_ = (
        f'"""One more."""\nfrom alembic import op\n\nrevision = "9998"\ndown_revision = "{VERSION}"\n\n\ndef upgrade():\n    """Go on."""\n{body}\n'
    )
    (folder / "versions" / "9998_more.py").write_text(text_)
    return folder


def test_an_upgrade_keeps_a_copy_of_the_journal_first(journal: Journal, tmp_path: Path) -> None:
    """Before its tables are changed, the journal is copied beside itself under the version it had."""
    with journal.write() as c:
        meta.put(c, "kept", "yes")
    scripts = newer_scripts(tmp_path / "scripts", '    op.execute("CREATE TABLE more (x)")')
    engine = _engine(journal.path)
    migrate(engine, journal.path, scripts, "9998")
    engine.dispose()
    with closing(sqlite3.connect(tmp_path / f"journal.before-{VERSION}.sqlite")) as c:
        assert c.execute("SELECT value FROM meta WHERE key = 'kept'").fetchone() == ("yes",)
        assert c.execute("SELECT version_num FROM alembic_version").fetchone() == (VERSION,)
    with closing(sqlite3.connect(journal.path)) as c:
        assert c.execute("SELECT count(*) FROM more").fetchone() == (0,)


def test_an_upgrade_that_fails_half_way_leaves_the_version_there_was(journal: Journal, tmp_path: Path) -> None:
    """An upgrade is one transaction: when its second step fails, the first is undone and the journal opens as before."""
    scripts = newer_scripts(tmp_path / "scripts", '    op.execute("CREATE TABLE more (x)")\n    raise RuntimeError("half way")')
    engine = _engine(journal.path)
    with pytest.raises(RuntimeError):
        migrate(engine, journal.path, scripts, "9998")
    engine.dispose()
    with closing(sqlite3.connect(journal.path)) as c:
        assert c.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)
    Journal(journal.path).close()


def test_several_processes_may_make_the_journal_at_once(tmp_path: Path) -> None:
    """Four processes that open a journal which is not there yet all get the same one."""
    path = str(tmp_path / "journal.sqlite")
    program = (
        f"from pathlib import Path; from app.journal import Journal, meta\nwith Journal(Path({path!r})).read() as c: print(meta.secret(c).hex())"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    secrets = {process.communicate(timeout=60)[0] for process in processes}
    assert len(secrets) == 1
    assert len(secrets.pop().strip()) == 64


def test_a_block_that_fails_leaves_nothing(journal: Journal) -> None:
    """An error inside the block undoes all of it."""
    with pytest.raises(RuntimeError), journal.write() as c:
        meta.put(c, "half", "done")
        raise RuntimeError
    with journal.read() as c:
        assert meta.get(c, "half") is None


def test_a_reader_sees_one_moment(journal: Journal) -> None:
    """What is committed after a snapshot began is not in it, and the writer does not wait for the reader."""
    with journal.read() as old:
        assert meta.get(old, "late") is None
        with journal.write() as c:
            meta.put(c, "late", "yes")
        assert meta.get(old, "late") is None
        with journal.read() as new:
            assert meta.get(new, "late") == "yes"


def test_nothing_is_written_through_a_snapshot(journal: Journal) -> None:
    """A snapshot refuses to write."""
    with pytest.raises(JournalUnavailable), journal.read() as c:
        meta.put(c, "sly", "yes")


def test_a_faulty_statement_is_not_blamed_on_the_disk(journal: Journal) -> None:
    """A fault of ours stays a fault; only the state of the database becomes a sentence."""
    with pytest.raises(DBAPIError), journal.read() as c:
        c.execute(text("SELECT nothing FROM nowhere"))


def test_text_from_outside_is_bound_never_spliced(journal: Journal) -> None:
    """A value that looks like SQL is kept as the text it is."""
    sly = "x'); DROP TABLE meta; --"
    with journal.write() as c:
        meta.put(c, sly, sly)
    with journal.read() as c:
        assert c.execute(select(meta_table.c.value).where(meta_table.c.key == sly)).scalar() == sly


def test_moments_sort_as_text_and_know_their_zone() -> None:
    """UTC, milliseconds, Z."""
    first, second = now(), now()
    assert first <= second
    assert first.endswith("Z") and len(first) == len("2026-11-22T10:00:00.000Z")


def test_epoch_grows_and_the_secret_stays(journal: Journal) -> None:
    """The first epoch is 1, the next 2; the secret is 256 bits and the same each time."""
    with journal.write() as c:
        assert (meta.epoch(c), meta.next_epoch(c), meta.epoch(c)) == (1, 2, 2)
        assert meta.secret(c) == meta.secret(c)
        assert len(meta.secret(c)) == 32
