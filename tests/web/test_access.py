"""Who may do what."""

import pytest

from app.errors import NotSignedIn
from app.journal import tokens
from app.journal.tokens import Role
from app.web.access import bearer
from tests.web.conftest import Site, invented

WRITES = [
    ("POST", "/groups", "editor"),
    ("PUT", "/groups/guarded", "editor"),
    ("DELETE", "/groups/guarded", "editor"),
    ("GET", "/api/peers", "reader"),
    ("POST", "/api/peers", "admin"),
    ("PATCH", "/api/peers/x", "admin"),
    ("DELETE", "/api/peers/x", "admin"),
    ("POST", "/api/peers/x/visit", "editor"),
    ("GET", "/api/peers/x/visits", "reader"),
    ("GET", "/api/visits/1", "reader"),
    ("POST", "/api/visits/1/apply", "editor"),
    ("POST", "/api/visits/1/undo", "editor"),
    ("POST", "/api/visits/1/discard", "editor"),
    ("GET", "/api/matches", "reader"),
    ("GET", "/api/matches/explain?left=a&right=b", "reader"),
    ("GET", "/api/judgements", "reader"),
    ("POST", "/api/judgements", "editor"),
    ("DELETE", "/api/judgements/1", "editor"),
]


@pytest.mark.parametrize(("method", "path", "role"), WRITES)
def test_each_door_asks_for_its_role(site: Site, method: str, path: str, role: str) -> None:
    """Strangers get 401 and are told how to sign in; a lower role gets 403; the role itself comes through."""
    stranger = site.ask(method, path, {})
    assert stranger.status_code == 401
    assert stranger.headers["www-authenticate"].startswith("Bearer")
    for known in Role:
        expected_out = known < role
        assert (site.ask(method, path, {}, known.value).status_code == 403) is expected_out, known


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "maillage_x", "Bearer maillage_nobody"])
def test_an_odd_header_is_no_token(site: Site, header: str) -> None:
    """Another scheme, an empty or an unknown token: 401, with the reason; nothing is written."""
    answer = site.ask("PUT", "/groups/guarded", invented("guarded"), Authorization=header)
    assert answer.status_code == 401
    assert site.get("/groups/guarded").status_code == 404


def test_a_revoked_and_an_expired_token_say_so(site: Site) -> None:
    """What is wrong with a token is told, so that its holder knows what to ask for."""
    with site.node.journal.write() as connection:
        old = tokens.create(connection, "old", Role.EDITOR, days=1)
        number = max(token.id for token in tokens.list_(connection))
        connection.exec_driver_sql("UPDATE token SET expires_at = '2020-01-01T00:00:00.000Z' WHERE id = ?", (number,))
        lost = tokens.create(connection, "lost", Role.EDITOR)
        tokens.revoke(connection, number + 1)
    expired = site.ask("POST", "/groups", invented("x"), Authorization=f"Bearer {old}", Accept_Language="en")
    revoked = site.ask("POST", "/groups", invented("x"), Authorization=f"Bearer {lost}", Accept_Language="en")
    assert (expired.status_code, revoked.status_code) == (401, 401)
    assert "expired" in expired.json()["detail"]
    assert "revoked" in revoked.json()["detail"]


def test_a_wrong_token_is_refused_even_where_none_is_needed(site: Site) -> None:
    """Where a token shows more, a token that is not valid is not silently taken for none."""
    assert site.get("/records/own/nobody", Authorization="Bearer maillage_nobody").status_code == 401


def test_the_scheme_has_any_case_and_the_token_is_kept_whole() -> None:
    """`bearer` is `Bearer`."""
    assert bearer("bearer  abc ") == "abc"
    assert bearer(None) is None
    with pytest.raises(NotSignedIn):
        bearer("Digest abc")
