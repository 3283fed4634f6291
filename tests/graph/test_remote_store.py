"""What only a store on a server has to prove: what it finds out of the server, and what happens when the server fails; on real servers."""

from collections.abc import Iterator

import pytest

from app.errors import StoreUnavailable
from app.graph import Change, updates
from app.graph.remote import Server
from app.graph.remote_store import RemoteStore
from app.names import Names
from tests.graph.test_store import GROUP, says
from tests.servers import PASSWORD, SparqlServer, emptied

RECORD = "http://node.example/records/a/1"
FOUND = {"oxigraph serve": (False, True), "oxigraph serve, union": (True, True), "virtuoso": (True, False)}
"""Whether the default graph is a union, and whether updates are known to be atomic."""


@pytest.mark.parametrize("kind", FOUND)
def test_what_a_server_can_do_is_found_out(each_server: dict[str, SparqlServer], names: Names, kind: str) -> None:
    """By trying, and nothing of the trial stays."""
    with emptied(each_server[kind], names) as store:
        found = store.findings()
        assert ((found.union, found.atomic), found.lost, found.chooses, found.deletes) == (FOUND[kind], (), True, True)
        assert store.server.rows(f"SELECT ?s WHERE {{ GRAPH <{names.base}/probe> {{ ?s ?p ?o }} }}") == []


def test_data_of_others_are_left_alone(each_server: dict[str, SparqlServer]) -> None:
    """A default graph that another program, or another node, filled is not written to, and the sentence says what to do."""
    server = each_server["oxigraph serve"]
    with emptied(server, Names("http://first.example")) as first:
        first.apply([Change(None, says("http://first.example/groups/un", "un"))], 1)
        second = RemoteStore(Server(server.query_url, server.update_url), Names("http://second.example"))
        with pytest.raises(StoreUnavailable, match="empty dataset"):
            second.apply([Change(None, says("http://second.example/groups/un", "un"))], 1)
        assert first.read(None) == says("http://first.example/groups/un", "un")
        second.close()


def test_two_nodes_share_a_server_whose_default_graph_is_a_union(each_server: dict[str, SparqlServer]) -> None:
    """Each has its directory in a graph of its own, and sees no other."""
    server = each_server["virtuoso"]
    with emptied(server, Names("http://first.example")) as first, emptied(server, Names("http://second.example")) as second:
        first.apply([Change(None, says("http://first.example/groups/un", "un"))], 1)
        second.apply([Change(None, says("http://second.example/groups/un", "un"))], 2)
        assert first.read(None) == says("http://first.example/groups/un", "un")
        assert (first.position(), second.position()) == (1, 2)


def test_two_addresses_of_two_servers_are_noticed(each_server: dict[str, SparqlServer], names: Names) -> None:
    """What is written at one is not read at the other."""
    one, other = each_server["oxigraph serve"], each_server["oxigraph serve, union"]
    store = RemoteStore(Server(one.query_url, other.update_url), names)
    with pytest.raises(StoreUnavailable, match="GRAPH_UPDATE_URL writes is not read at GRAPH_URL"):
        store.position()
    store.close()


@pytest.mark.parametrize("user_info", ["", "dba:wrong-secret@"])
def test_a_refused_password_is_not_repeated(each_server: dict[str, SparqlServer], names: Names, user_info: str) -> None:
    """The sentence names the address and the status."""
    server = each_server["virtuoso"]
    store = RemoteStore(Server(server.query_url, server.update_url.replace(f"dba:{PASSWORD}@", user_info)), names)
    with pytest.raises(StoreUnavailable, match="HTTP 401") as caught:
        store.apply([], 1)
    assert "secret" not in caught.value.text.fr + caught.value.text.en
    store.close()


@pytest.mark.parametrize("kind", FOUND)
def test_what_was_applied_outlives_the_server(each_server: dict[str, SparqlServer], names: Names, kind: str) -> None:
    """Killed and started again, a server holds it; while it is away every method says so, and afterwards the same store goes on."""
    server = each_server[kind]
    with emptied(server, names) as store:
        store.apply([Change(RECORD, says(GROUP, "un")), Change(None, says(GROUP, "un"), GROUP)], 1)
        server.stop()
        for failing in (lambda: store.apply([], 2), lambda: store.read(None), store.verify, store.position):
            with pytest.raises(StoreUnavailable, match="check that it runs"):
                failing()
        assert store.known() is None
        server.start()
        store.reopen()
        assert (store.read(RECORD), store.read(None), store.position()) == (says(GROUP, "un"), says(GROUP, "un"), 1)


def test_a_load_that_breaks_off_leaves_the_old_and_the_next_mends(remote: RemoteStore) -> None:
    """The old content and the old position stay; the next load leaves only its own."""
    remote.load([says(GROUP, "un"), says(GROUP, "un").replace(" .", f" <{RECORD}> .")], 4)

    def broken() -> Iterator[str]:
        yield says("http://node.example/groups/atelier", "deux")
        raise OSError("invented")

    with pytest.raises(OSError, match="invented"):
        remote.load(broken(), 9)
    assert (remote.position(), remote.read(None), remote.read(RECORD)) == (4, says(GROUP, "un"), says(GROUP, "un"))
    remote.load([says("http://node.example/groups/atelier", "trois")], 10)
    assert (remote.position(), remote.read(RECORD)) == (10, "")
    assert remote.read(None) == says("http://node.example/groups/atelier", "trois")


def test_a_first_load_that_breaks_off_is_not_taken_for_whole(remote: RemoteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it left is neither foreign nor the truth: the next one replaces it."""
    monkeypatch.setattr("app.graph.refilling.BATCH_BYTES", 1)

    def broken() -> Iterator[str]:
        yield says(GROUP, "un")
        yield says("http://node.example/groups/atelier", "deux")
        raise OSError("invented")

    with pytest.raises(OSError, match="invented"):
        remote.load(broken(), 9)
    remote.reopen()
    assert (remote.position(), remote.epoch()) == (0, 0)
    remote.load([says(GROUP, "trois")], 10)
    assert remote.read(None) == says(GROUP, "trois")


def test_a_large_batch_is_taken(remote: RemoteStore) -> None:
    """More triples than Virtuoso reads in one block, more characters than one request holds, and long texts."""
    lines = "".join(f'<{GROUP}> <http://node.example/p{number}> "{number} {"é" * 200}" .\n' for number in range(6000))
    text = f'<{GROUP}> <http://node.example/long> "{"œuvre " * 10_000}"@fr .\n'
    remote.apply([Change(None, lines + text, GROUP)], 1)
    assert len(remote.read(None).splitlines()) == 6001
    assert text in remote.read(None)
    remote.apply([Change(None, "", GROUP)], 2)
    assert remote.read(None) == ""


@pytest.mark.parametrize(
    "text",
    [
        "no triple\n",
        '<a:b> <a:b> "x" . } } ; DROP ALL ; INSERT DATA { GRAPH <a:b> { <a:b> <a:b> "y" .\n',
        '<a:b> <a:b> "\\x" .\n',
        "_:b <a:b> <a:b> .\n",
    ],
)
def test_lines_that_are_no_triples_change_nothing(remote: RemoteStore, text: str) -> None:
    """The rest of the batch is applied; what they belong to stays as it is."""
    remote.apply([Change(RECORD, says(GROUP, "un"))], 1)
    remote.apply([Change(RECORD, text), Change(None, says(GROUP, "deux"))], 2)
    assert (remote.read(RECORD), remote.read(None)) == (says(GROUP, "un"), says(GROUP, "deux"))


def test_an_address_that_is_none_is_refused() -> None:
    """Nothing breaks out of the place of an address."""
    for iri in ("a b", "a>b", "", 'a"b', "a\\u003eb"):
        with pytest.raises(ValueError):
            updates.term(iri)
