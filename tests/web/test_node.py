"""What the node says of itself: description, vocabulary, health, API."""

import json
import re

import pyoxigraph
import pytest

from app.harvest.fetch import Budget, Fetcher
from app.harvest.formats import detect
from app.record import parse_json
from app.vocabulary import data_path, load
from tests.web.conftest import Site, invented


@pytest.mark.parametrize("path", ["/.well-known/void", "/"])
def test_the_node_describes_itself(site: Site, path: str) -> None:
    """Feed, dumps, endpoint, licence and figures, the same in every format."""
    site.ask("PUT", "/groups/described", invented("described"), "editor")
    turtle = site.get(path, Accept="text/turtle")
    triples = list(pyoxigraph.parse(turtle.content, format=pyoxigraph.RdfFormat.TURTLE))
    said = {(t.subject.value, re.split("[/#]", t.predicate.value)[-1], t.object.value) for t in triples}
    node = f"{site.url}/node"
    assert {
        (node, "sparqlEndpoint", f"{site.url}/sparql"),
        (node, "dataDump", f"{site.url}/dump.nq.gz"),
        (node, "license", site.node.settings.licence),
        (f"{site.url}/feed#e1", "view", f"{site.url}/feed"),
    } <= said
    assert any(subject == node and predicate == "entities" and int(value) > 0 for subject, predicate, value in said)
    jsonld = site.get(path, Accept="application/ld+json").content
    same = pyoxigraph.parse(jsonld, format=pyoxigraph.RdfFormat.JSON_LD)
    assert set(map(str, triples)) == set(map(str, same))


def test_the_node_itself_is_elsewhere_described(site: Site) -> None:
    """The node is a thing, not a page: 303."""
    answer = site.get("/node")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{site.url}/.well-known/void")


def test_another_node_finds_the_feed_by_itself(site: Site) -> None:
    """From the bare address, by the description."""
    fetcher = Fetcher(frozenset({site.url.removeprefix("http://")}), "test")
    assert detect(site.url, fetcher, Budget()) == ("maillage", f"{site.url}/feed")


def test_the_vocabulary_is_served_in_each_format(site: Site) -> None:
    """Turtle as it was written; JSON-LD and N-Triples say what it says of names and definitions."""
    turtle = set(map(str, pyoxigraph.parse(site.get("/vocab.ttl").content, format=pyoxigraph.RdfFormat.TURTLE)))
    for suffix, form in ((".jsonld", pyoxigraph.RdfFormat.JSON_LD), (".nt", pyoxigraph.RdfFormat.N_TRIPLES)):
        said = set(map(str, pyoxigraph.parse(site.get(f"/vocab{suffix}").content, format=form)))
        assert len(said) > 200
        assert {line for line in said if "#definition>" in line} <= turtle
    assert site.get("/shapes/group.ttl").content == data_path("shapes", "group.ttl").read_bytes()
    assert site.get("/shapes/secret.ttl").status_code == 404
    assert site.get("/shapes/..%2fpyproject.toml").status_code == 404


def test_the_context_that_documents_name_can_be_fetched(site: Site) -> None:
    """What a node sends can be read by any JSON-LD processor that asks it for the context."""
    site.publish("in-context")
    document = site.get("/groups/in-context").json()
    answer = site.get(document["@context"].removeprefix(site.url))
    assert answer.headers["content-type"] == "application/ld+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["@context"] == load().context
    expanded = json.dumps({**document, "@context": answer.json()["@context"]})
    triples = {str(triple) for triple in pyoxigraph.parse(expanded, format=pyoxigraph.RdfFormat.JSON_LD)}
    assert triples == {str(triple) for triple in pyoxigraph.parse(site.get("/groups/in-context.nt").content, format=pyoxigraph.RdfFormat.N_TRIPLES)}


def test_those_who_keep_it_running_see_how_it_is(site: Site) -> None:
    """Alive, ready, and figures that Prometheus reads."""
    assert site.get("/health").json()["status"] == "ok"
    assert {"journal", "graph", "behind"} <= site.get("/ready").json().keys()
    lines = site.get("/metrics").text.splitlines()
    assert all(re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [0-9.e+-]+', line) for line in lines)
    groups = next(float(line.split()[1]) for line in lines if line.startswith("maillage_groups "))
    assert groups == site.get("/groups?limit=1").json()["totalItems"]


def test_the_description_of_the_api_is_true(site: Site) -> None:
    """Each route is described, and each description that needs no more than an address answers as it says."""
    described = site.get("/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    served = {"slug": "in-context", "source": "own", "key": "in-context", "name": "group.ttl", "ending": "csv", "token": "unknown"}
    served |= dict.fromkeys(("number", "epoch", "sequence"), "1")
    site.ask("PUT", "/groups/in-context", invented("in-context"), "editor")
    for path, methods in described["paths"].items():
        assert "422" not in methods["get"]["responses"] if "get" in methods else True
        if "get" not in methods or path.startswith("/api"):
            continue
        answer = site.get(re.sub(r"\{(\w+)\}", lambda found: served[found[1]], path), Accept="*/*")
        told = methods["get"]["responses"]
        assert str(answer.status_code) in told, path
        kind = answer.headers.get("content-type", "").split(";")[0]
        assert not kind or kind in told[str(answer.status_code)].get("content", {}), path


def test_the_documentation_needs_nothing_from_elsewhere(site: Site) -> None:
    """One page without scripts, in both languages, that names every path."""
    paths = site.get("/openapi.json").json()["paths"]
    for language in ("fr", "en"):
        page = site.get(f"/docs?lang={language}", Accept="text/html")
        assert f'<html lang="{language}">' in page.text
        assert "<script" not in page.text and "//" not in page.text.replace("<!doctype", "").replace("http://", "").replace("https://", "")
        assert all(path in page.text for path in paths)


def test_what_is_sent_is_strict_json(site: Site) -> None:
    """Documents of this node pass its own reader."""
    for path in ("/groups", "/feed", "/", "/openapi.json", "/vocab.jsonld"):
        assert parse_json(site.get(path).content) == site.get(path).json()
