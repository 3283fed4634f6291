"""Tokens: shown once, kept as a hash, refused each with its own sentence."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import update

from app.errors import BadRequest, NotFound, NotSignedIn
from app.journal import Journal, tokens
from app.journal.tables import token as table
from app.journal.tokens import Role


def test_a_token_opens_with_its_role_and_label(journal: Journal) -> None:
    """What was created is recognised."""
    with journal.write() as c:
        secret = tokens.create(c, "  Réseau inventé ", Role.EDITOR, 30)
    with journal.read() as c:
        token = tokens.check(c, secret)
    assert (token.label, token.role, token.revoked_at) == ("Réseau inventé", Role.EDITOR, None)
    assert token.expires_at is not None and token.expires_at > token.created_at


def test_a_token_is_256_random_bits_and_no_two_are_equal(journal: Journal) -> None:
    """Forty-three characters after the prefix, different each time."""
    with journal.write() as c:
        made = {tokens.create(c, "x", Role.READER) for _ in range(50)}
    assert len(made) == 50
    assert all(len(token) == len(tokens.PREFIX) + 43 for token in made)


def test_the_token_itself_is_nowhere_in_the_files(journal: Journal) -> None:
    """Only the hash is written, in the file and in the write-ahead log."""
    with journal.write() as c:
        secret = tokens.create(c, "x", Role.ADMIN)
    for path in journal.path.parent.glob("journal.sqlite*"):
        assert secret.encode() not in path.read_bytes()


@pytest.mark.parametrize("wrong", ["", "maillage_", "maillage_" + "A" * 43, "x" * 100_000, "\ud800", "' OR 1=1 --"])
def test_an_unknown_token_is_said_to_be_unknown(journal: Journal, wrong: str) -> None:
    """Nothing but the very token opens."""
    with journal.write() as c:
        tokens.create(c, "x", Role.ADMIN)
    with journal.read() as c, pytest.raises(NotSignedIn) as refused:
        tokens.check(c, wrong)
    assert refused.value.text == tokens.UNKNOWN


def test_a_revoked_token_is_said_to_be_revoked(journal: Journal) -> None:
    """Revoking works at once, once for all, and says so."""
    with journal.write() as c:
        secret = tokens.create(c, "x", Role.ADMIN)
        number = tokens.check(c, secret).id
        first = tokens.revoke(c, number)
        assert tokens.revoke(c, number) == first
        with pytest.raises(NotSignedIn) as refused:
            tokens.check(c, secret)
    assert refused.value.text == tokens.REVOKED


def test_an_expired_token_is_said_to_have_expired(journal: Journal) -> None:
    """Once its last day is over a token opens nothing, and says why."""
    with journal.write() as c:
        secret = tokens.create(c, "x", Role.ADMIN, days=1)
        c.execute(update(table).values(expires_at="2026-01-01T00:00:00.000Z"))
        with pytest.raises(NotSignedIn) as refused:
            tokens.check(c, secret)
    assert refused.value.text == tokens.EXPIRED


def test_the_three_sentences_are_different() -> None:
    """Unknown, revoked, expired: who reads it knows which."""
    assert len({tokens.UNKNOWN, tokens.REVOKED, tokens.EXPIRED}) == 3


def test_roles_are_ordered_by_what_they_allow() -> None:
    """Reader < editor < admin, whatever the alphabet says."""
    assert Role.READER < Role.EDITOR < Role.ADMIN
    assert Role.ADMIN >= Role.ADMIN > Role.EDITOR >= Role.READER
    assert not Role.ADMIN < Role.EDITOR
    assert Role.READER <= Role.READER


@pytest.mark.parametrize(("label", "days"), [("", None), ("   ", None), ("x" * 201, None), ("x", 0), ("x", -1), ("x", 10**9)])
def test_a_token_without_a_name_or_with_impossible_days_is_not_made(journal: Journal, label: str, days: int | None) -> None:
    """A label of 1 to 200 characters, days that are possible."""
    with journal.write() as c, pytest.raises(BadRequest):
        tokens.create(c, label, Role.READER, days)


def test_tokens_are_listed_without_their_hash(journal: Journal) -> None:
    """The list tells all but what opens; revoking one that is not there is said."""
    with journal.write() as c:
        tokens.create(c, "a", Role.READER)
        tokens.create(c, "b", Role.ADMIN)
        listed = tokens.list_(c)
        with pytest.raises(NotFound):
            tokens.revoke(c, 99)
    assert [token.label for token in listed] == ["a", "b"]
    with closing(sqlite3.connect(journal.path)) as raw:
        hashes = [value for (value,) in raw.execute("SELECT hash FROM token")]
    assert not any(value in repr(listed) for value in hashes)
