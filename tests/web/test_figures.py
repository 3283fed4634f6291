"""What the node says of its size in its own description."""

import re

from tests.web.conftest import Site


def documents(site: Site) -> int:
    """The number of records of the whole node."""
    found = re.search(r'/node> <http://rdfs.org/ns/void#documents> "(\d+)"', site.get("/.well-known/void", Accept="application/n-triples").text)
    assert found
    return int(found[1])


def test_the_description_counts_what_is_live(site: Site) -> None:
    """A group that was published counts, and no longer once it was withdrawn."""
    before = documents(site)
    site.publish("counted")
    assert documents(site) == before + 1
    assert site.ask("DELETE", "/groups/counted", role="editor").status_code == 204
    assert documents(site) == before
