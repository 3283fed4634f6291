"""The SPARQL protocol to its letter, and what keeps it fair: datasets, validators, parts of answers, budgets, crowds."""

import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pyoxigraph
import pytest

from app.web.asking import _network
from tests.nodes import serving as node_serving
from tests.shared import SHARED, need
from tests.web.conftest import Site, eventually, serving

RESULTS = "application/sparql-results+json"
RUNAWAY = f"SELECT (COUNT(*) AS ?n) {{ {' . '.join(f'?s{n} ?p{n} ?o{n}' for n in range(20))} }}"
MANY = f"SELECT (CONCAT(STR(?o), '{'x' * 9_000}') AS ?y) {{ ?s ?p ?o . ?a ?b ?c }} LIMIT 60"


def asked(query: str, **more: str) -> str:
    """Return the address of a question."""
    return f"/sparql?{urlencode({'query': query, **more})}"


def test_the_w3c_protocol_suite_has_nothing_to_say(tmp_path: Path) -> None:
    """All query, negative and service description tests pass on a real node that holds their graphs; updates are 4xx by design."""
    judge = need(SHARED / "tools" / "run_sparql_protocol.py")
    fixtures = tmp_path / "fixtures.nq"
    subprocess.run([sys.executable, judge, "unused", "--write-fixtures", fixtures], capture_output=True, check=False)
    with node_serving(tmp_path / "node") as node:
        node.stop()
        store = node.data_dir / "graph" / "1"
        graph = pyoxigraph.Store(str(store))
        graph.bulk_load(path=str(fixtures), format=pyoxigraph.RdfFormat.N_QUADS)
        graph.flush()
        del graph
        node.start()
        result = subprocess.run([sys.executable, judge, f"{node.url}/sparql", "--preloaded"], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "protocol                 27    0    7    34" in result.stdout, result.stdout


def test_the_http_judge_finds_nothing_to_say(site: Site) -> None:
    """Validators, negotiation, CORS and compression of an answer, a group and the feed."""
    judge = need(SHARED / "tools" / "run_http.py")
    site.publish("judged")
    there = asked(f"ASK {{ GRAPH ?g {{ <{site.url}/groups/judged> ?p ?o }} }}")
    assert eventually(lambda: bool(site.get(there, Accept=RESULTS).json()["boolean"]))  # what changes between two requests proves nothing
    address = site.url + asked("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }")
    addresses = [address, f"{site.url}/groups/judged", f"{site.url}/feed"]
    result = subprocess.run([sys.executable, judge, *addresses], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_graphs_that_are_not_here_are_empty_and_named(site: Site) -> None:
    """The dataset of the protocol: what is lacking is said in a header; in the text of a query it is refused."""
    address = asked("SELECT * { ?s ?p ?o }", **{"default-graph-uri": "http://nowhere.example/é,a"})
    answer = site.get(address, Accept=RESULTS)
    assert (answer.status_code, answer.json()["results"]["bindings"]) == (200, [])
    assert answer.headers["maillage-unknown-graph"] == "<http://nowhere.example/%C3%A9,a>"
    assert site.get(asked("SELECT * FROM <http://nowhere.example/> { ?s ?p ?o }")).status_code == 400


def test_asking_again_costs_nothing(site: Site) -> None:
    """The ETag is made of the question and the state of the graph: it holds for every spelling of the wish, and ends with the state."""
    site.publish("tagged")
    question = asked("SELECT ?s { ?s ?p ?o } ORDER BY ?s")
    assert eventually(lambda: b"tagged" in site.get(question).content)
    answer = site.get(question, Accept=RESULTS)
    tag = answer.headers["etag"]
    assert int(answer.headers["maillage-sequence"]) > 0
    assert answer.headers["age"] == "0"
    assert site.get(question, Accept=f"{RESULTS};q=0.9, text/plain;q=0.1", If_None_Match=tag).status_code == 304
    assert site.get(question, Accept="text/csv", If_None_Match=tag).status_code == 200
    assert site.get(asked("SELECT ?s { ?s ?p ?o } ORDER BY ?s ?p"), Accept=RESULTS, If_None_Match=tag).status_code == 200
    site.publish("tagged-later")
    assert eventually(lambda: site.get(question, Accept=RESULTS, If_None_Match=tag).status_code == 200)
    assert "etag" not in site.get(asked("SELECT (NOW() AS ?now) {}")).headers


def test_a_part_of_an_answer_cannot_be_taken_for_the_whole(tmp_path: Path) -> None:
    """Over the row limit it is refused; with `partial` it is cut, and says so; `partial` on a whole answer says nothing."""
    with serving(tmp_path, sparql_max_rows=5) as site:
        for number in range(3):
            site.publish(f"part-{number}")
        everything = "SELECT * { ?s ?p ?o }"
        assert eventually(lambda: site.get(asked(everything)).status_code == 503)
        part = site.get(asked(everything, partial="true"), Accept=RESULTS)
        assert (part.status_code, len(part.json()["results"]["bindings"])) == (200, 5)
        assert part.headers["maillage-truncated"] == "true"
        graph = site.get(asked("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }", partial="true"), Accept="application/n-triples")
        assert (len(graph.text.splitlines()), graph.headers["maillage-truncated"]) == (5, "true")
        whole = site.get(asked("SELECT * { ?s ?p ?o } LIMIT 2", partial="true"))
        assert "maillage-truncated" not in whole.headers
        assert site.get(asked(everything, partial="perhaps")).status_code == 400
        posted = site.ask(
            "POST", "/sparql", urlencode({"query": everything, "partial": "true"}).encode(), Content_Type="application/x-www-form-urlencoded"
        )
        assert posted.headers["maillage-truncated"] == "true"


def test_a_large_answer_is_streamed_and_leaves_nothing(site: Site) -> None:
    """GET, packed or not, POST and HEAD: the same bytes, no file left; the second time the client needs none of it."""
    site.publish("large")
    spool = site.node.settings.data_dir / "generations" / "answers"
    assert eventually(lambda: len(site.get(asked(MANY), Accept="text/csv").content) > 500_000)

    def answers() -> list[httpx.Response]:
        got = [site.get(asked(MANY), Accept="text/csv", Accept_Encoding=encoding) for encoding in ("identity", "gzip")]
        return [*got, site.ask("POST", "/sparql", MANY.encode(), Content_Type="application/sparql-query", Accept="text/csv")]

    assert eventually(lambda: len({answer.content for answer in answers()}) == 1)  # once the graph stands still
    plain, packed, _ = answers()
    assert packed.headers["content-encoding"] == "gzip"
    assert site.ask("HEAD", asked(MANY), Accept="text/csv", Accept_Encoding="identity").content == b""
    tag = plain.headers["etag"]
    assert site.get(asked(MANY), Accept="text/csv", Accept_Encoding="identity", If_None_Match=tag).status_code == 304
    assert eventually(lambda: list(spool.iterdir()) == [])


def test_who_asks_for_too_much_waits_and_others_do_not(tmp_path: Path) -> None:
    """A client whose seconds are spent gets 429 and is told when to come back; another one, behind the same proxy, is answered."""
    with serving(tmp_path, sparql_timeout_s=2, sparql_budget_s=1) as site:
        site.publish("busy")
        assert eventually(lambda: b"busy" in site.get(asked("SELECT ?s { ?s ?p ?o }")).content)
        assert site.get(asked(RUNAWAY), X_Forwarded_For="2001:db8:1:2::7").status_code == 503
        refused = site.get(asked("ASK { 1 }".replace("{ 1 }", "{ ?x ?y 1 }")), X_Forwarded_For="203.0.113.9, 2001:db8:1:2::8")
        assert (refused.status_code, refused.json()["type"].partition("#")[2]) == (429, "over-budget")
        assert int(refused.headers["retry-after"]) >= 1
        shown = site.get(asked("ASK { ?x ?y 4 }"), Accept="text/html", X_Forwarded_For="2001:db8:1:2::8")
        assert (shown.status_code, "very busy" in shown.text or "beaucoup occupé" in shown.text) == (429, True)
        assert site.get(asked("ASK { ?x ?y 2 }"), X_Forwarded_For="203.0.113.9").status_code == 200
        wait = int(refused.headers["retry-after"]) + 1
        assert eventually(lambda: site.get(asked("ASK { ?x ?y 3 }"), X_Forwarded_For="2001:db8:1:2::7").status_code == 200, 20 + wait)


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.7", "192.0.2.7"), ("2001:db8:1:2:3::9", "2001:db8:1:2::/64"), ("unknown", ""), ("", ""), ("for=1;by=2", "")],
)
def test_clients_are_told_apart_by_address(address: str, network: str) -> None:
    """A house with IPv6 has a whole /64: it is one client."""
    assert _network(address) == network


def test_a_crowd_of_slow_questions_leaves_other_addresses_alone(tmp_path: Path) -> None:
    """Forty wait for one process; lists are answered before the first of them is; those too many are sent away, and all end properly."""
    with serving(tmp_path, sparql_timeout_s=3) as site:
        site.publish("crowded")
        assert eventually(lambda: b"crowded" in site.get(asked("SELECT ?s { ?s ?p ?o }")).content)
        statuses: list[int] = []
        crowd = [threading.Thread(target=lambda n=n: statuses.append(_slow(site, n))) for n in range(60)]
        for one in crowd:
            one.start()
        assert eventually(lambda: site.node.queries._waiting > 0)  # the first is being answered
        for path in ("/health", "/groups", "/groups/crowded", "/feed"):
            assert site.get(path).status_code == 200
        for one in crowd:
            one.join()
        assert set(statuses) == {503}
        assert len(statuses) == 60
        assert site.get(asked("ASK { ?s ?p 7 }")).status_code == 200


def _slow(site: Site, number: int) -> int:
    """Ask what takes too long."""
    headers = {"X-Forwarded-For": f"192.0.2.{number % 4}"}
    return httpx.get(f"{site.url}/sparql", params={"query": f"{RUNAWAY} # {number}"}, headers=headers, timeout=60).status_code


def test_a_client_that_goes_away_costs_a_process_no_longer_than_its_time(tmp_path: Path) -> None:
    """Whoever hangs up in the middle leaves a node that answers the next one, with as many processes as before."""
    with serving(tmp_path, sparql_timeout_s=2) as site:
        site.publish("left")
        assert eventually(lambda: b"left" in site.get(asked("SELECT ?s { ?s ?p ?o }")).content)
        before = len(site.node.queries.processes())
        for number in range(3):
            with pytest.raises(httpx.ReadTimeout):
                httpx.get(f"{site.url}/sparql", params={"query": f"{RUNAWAY} # {number}"}, timeout=0.3)
        assert eventually(lambda: site.get(f"/sparql?query={quote('ASK { ?s ?p 8 }')}").status_code == 200)
        assert eventually(lambda: len(site.node.queries.processes()) == before)
