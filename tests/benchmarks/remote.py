"""`remote`: the 18 queries through a node whose graph is embedded, and through the same node when Virtuoso holds its graph."""

import tempfile
from functools import partial
from pathlib import Path

import httpx

from tests.benchmarks.filling import filled
from tests.benchmarks.measuring import geometric_mean, median_ms, table
from tests.benchmarks.queries import queries
from tests.benchmarks.sparql import PATIENCE_S, Anew, agreement, ask, values, wait_for_graph
from tests.nodes import NodeProcess
from tests.servers import virtuoso


def run(groups: int = 2_000, times: int = 3) -> str:
    """Ask the node twice, before and after its graph has moved; each time another comment, so that no answer is at hand."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, virtuoso() as server, httpx.Client(timeout=PATIENCE_S) as client:
        node = NodeProcess(Path(folder) / "data", settings={"sparql_timeout_s": PATIENCE_S, "sparql_budget_s": 1_000_000})
        filled(node.data_dir, node.url, groups)
        asked = queries(node.url, min(7, groups - 1))
        endpoint = f"{node.url}/sparql"
        found = {}
        for where in ("embedded", "virtuoso"):
            node.start()
            wait_for_graph(client, node.url)
            for query in asked:
                took = median_ms(partial(ask, client, endpoint, Anew(query)), times)
                found[where, query.name] = took, values(query, ask(client, endpoint, Anew(query)))
            node.stop()
            node.settings |= {"graph_url": server.query_url, "graph_update_url": server.update_url}
        for query in asked:
            (near, mine), (far, yours) = found["embedded", query.name], found["virtuoso", query.name]
            rows.append((query.name, near, far, far / near, agreement(query, mine, yours)))
    head = ("query", "embedded, ms", "Virtuoso behind the node, ms", "ratio", "answers")
    mean = geometric_mean(row[3] for row in rows)
    return table(f"The same questions with the graph on Virtuoso at {groups:,} groups: {mean:.2f} times as long on the average", head, rows)
