"""One page of a selection of groups, with the addresses of the page, of the whole selection and of the page after it."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from app.search.ask import Result
from app.search.selection import Selection
from app.web.asking import Asking


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a selection: what was asked, what was found, and where this page and the next one are."""

    selection: Selection
    result: Result
    url: str
    whole: str
    next: str | None


def find(here: Asking, selection: Selection) -> Listed:
    """Ask, and say where this page, the whole selection and the next page are."""
    result = here.node.search.find(selection)
    base = here.node.names.groups
    query, whole = query_of(selection), query_of(replace(selection, cursor=None))
    following = urlencode([*replace(selection, cursor=None).pairs(), ("cursor", result.next_cursor)]) if result.next_cursor else None
    return Listed(selection, result, _url(base, query), _url(base, whole), following and _url(base, following))


def query_of(selection: Selection) -> str:
    """Return the selection as an address carries it, always in the same order."""
    return urlencode(list(selection.pairs()))


def _url(base: str, query: str) -> str:
    """Add a query to an address."""
    return f"{base}?{query}" if query else base
