"""`questions`: a facet page, a bounding box and a text search through our side tables, against the same questions in SPARQL on Oxigraph."""

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import httpx
import pyoxigraph

from app.journal import FILE, Journal
from app.search.ask import Search
from app.search.selection import Selection
from tests.benchmarks.filling import filled
from tests.benchmarks.measuring import median_ms, table
from tests.benchmarks.queries import PREFIXES
from tests.benchmarks.sparql import wait_for_graph
from tests.nodes import NodeProcess

PAGE = "SELECT ?g ?name {{ {where} ?g schema:name ?name }} ORDER BY ?name LIMIT 20"
TOTAL = "SELECT (COUNT(DISTINCT ?g) AS ?n) {{ {where} }}"
COUNTS = "SELECT ?value (COUNT(DISTINCT ?g) AS ?n) {{ ?g a mlg:Group . {where} ?g {path} ?value }} GROUP BY ?value"

TOPIC, SCALE = "?g dcterms:subject mc:housing .", "?g mlg:scale mc:metropolitan ."
FACETS: Final = {
    "dcterms:subject": SCALE,
    "mlg:scale": TOPIC,
    "org:purpose": TOPIC + SCALE,
    "schema:knowsAbout": TOPIC + SCALE,
    "mlg:territory": TOPIC + SCALE,
}
"""The facets that a page counts, each under what is chosen in the others."""

BOX = """?g a mlg:Group ; schema:location ?l . ?l schema:latitude ?lat ; schema:longitude ?lon
  FILTER(?lat >= 48.0 && ?lat <= 48.5 && ?lon >= 2.0 && ?lon <= 2.5) """
TEXT = """?g a mlg:Group ; schema:name ?name ; schema:description ?text .
  FILTER(CONTAINS(LCASE(STR(?name)), "ressourcerie") || CONTAINS(LCASE(STR(?text)), "ressourcerie")) """


QUESTIONS: Final = {
    "facet page: two chosen, five counted": (
        "topic=housing&scale=metropolitan&limit=20",
        [PAGE.format(where=TOPIC + SCALE), TOTAL.format(where=TOPIC + SCALE)] + [COUNTS.format(where=w, path=path) for path, w in FACETS.items()],
    ),
    "bounding box, first page and total": ("bbox=2.0,48.0,2.5,48.5&limit=20", [PAGE.format(where=BOX), TOTAL.format(where=BOX)]),
    "text, first page and total": ("q=ressourcerie&limit=20", [PAGE.format(where=TEXT), TOTAL.format(where=TEXT)]),
}
"""Each question as our query string, and as SPARQL; ours also counts every facet each time, which SPARQL is only asked for in the first."""


def run(groups: int = 100_000, times: int = 7) -> str:
    """Ask both, question by question, and return the table."""
    with tempfile.TemporaryDirectory() as folder, httpx.Client(timeout=600) as client:
        node = NodeProcess(Path(folder) / "data")
        filled(node.data_dir, node.url, groups)
        node.start()
        try:
            wait_for_graph(client, node.url)
            client.get(f"{node.url}/groups")
            ours = {name: _over_http(client, f"{node.url}/groups?{asked}", times) for name, (asked, _) in QUESTIONS.items()}
        finally:
            node.stop()
        journal = Journal(node.data_dir / FILE)
        number = (node.data_dir / "graph" / "current").read_text() if (node.data_dir / "graph" / "current").exists() else "1"
        store = pyoxigraph.Store.read_only(str(node.data_dir / "graph" / number))
        rows = [_row(name, Search(journal), store, ours[name], times) for name in QUESTIONS]
        journal.close()
    head = ("question", "GET /groups, ms", "Search.find, ms", "Oxigraph in process, ms", "ratio over HTTP", "ratio in process", "groups found")
    return table(f"Directory questions at {groups:,} groups, against SPARQL on the same data", head, rows)


def _over_http(client: httpx.Client, url: str, times: int) -> float:
    """Return the median of asking for a page over HTTP."""
    return median_ms(lambda: client.get(url, headers={"Accept": "application/ld+json"}).raise_for_status(), times)


def _row(name: str, search: Search, store: pyoxigraph.Store, over_http: float, times: int) -> tuple[object, ...]:
    """Ask one question in process, of both."""
    asked, texts = QUESTIONS[name]
    selection = Selection.from_query(httpx.QueryParams(asked).multi_items())
    total = search.find(selection).total
    in_process = median_ms(lambda: search.find(selection), times)
    theirs = median_ms(_asking(store, texts), times, slow_s=20)
    counted = next(int(row["n"].value) for row in _rows(store, texts[1]))
    found = f"{total}" if total == counted else f"DIFFERENT: {total} and {counted}"
    return name, over_http, in_process, theirs, theirs / over_http, theirs / in_process, found


def _asking(store: pyoxigraph.Store, texts: Iterable[str]) -> Callable[[], None]:
    """Return what asks all parts of a question."""

    def ask() -> None:
        for text in texts:
            _rows(store, text)

    return ask


def _rows(store: pyoxigraph.Store, text: str) -> list[pyoxigraph.QuerySolution]:
    answer = store.query(PREFIXES + text)
    assert isinstance(answer, pyoxigraph.QuerySolutions)
    return list(answer)
