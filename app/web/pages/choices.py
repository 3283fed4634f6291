"""The choices that a selection of groups offers: each value with its name, the number of groups it would leave, and the address that makes it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app import vocabulary
from app.errors import Text
from app.search.ask import Result
from app.search.facets import CONCEPTS, SOURCE, TERRITORY
from app.search.selection import Selection
from app.vocabulary import PREFIXES
from app.web.pages.layout import Page, date
from app.web.pages.wording import territory

MOST: Final = 12
"""Values of one facet that are shown; the chosen ones always are."""

ORDER: Final = ("objective", "know_how", "topic", "scale", TERRITORY, SOURCE, "status")
SCHEMES: Final = {facet.name: facet.scheme for facet in CONCEPTS}
TITLES: Final = {TERRITORY: Text("Territoires", "Territories"), SOURCE: Text("Qui le dit", "Who says so")}

SEARCHED: Final = Text("Recherche : {}", "Search: {}")
BOX: Final = Text("Dans un cadre de la carte", "In a frame of the map")
SINCE: Final = Text("Modifiés depuis le {}", "Changed since {}")


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a facet."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """One facet; `hidden` is how many of its values are not shown."""

    name: str
    title: str
    options: tuple[Option, ...]
    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing that was asked for, and the address of the same selection without it."""

    label: str
    href: str


def facets(page: Page, selection: Selection, result: Result) -> list[Facet]:
    """Return the facets of a result that have anything to choose, in the order in which people think of them."""
    found = (_facet(page, name, result.facets.get(name, ()), selection.chosen(name)) for name in ORDER)
    return [facet for facet in found if any(option.count or option.chosen for option in facet.options)]


def _facet(page: Page, name: str, counts: Sequence[tuple[str, int]], chosen: Sequence[str]) -> Facet:
    """Return one facet, with no more values than one can read."""
    options = [Option(value, label(page, name, value), count, value in chosen) for value, count in counts]
    shown = options if name in SCHEMES else [option for place, option in enumerate(options) if place < MOST or option.chosen]
    return Facet(name, title(page, name), tuple(shown), len(options) - len(shown))


def title(page: Page, name: str) -> str:
    """Return the name of a facet."""
    if name in TITLES:
        return TITLES[name].in_language(page.language)
    return vocabulary.load().label(PREFIXES["mc"] + SCHEMES[name], page.language)


def label(page: Page, name: str, value: str) -> str:
    """Return the name of one value."""
    if name in SCHEMES:
        found = next((one for one in vocabulary.load().schemes[SCHEMES[name]] if one.notation == value), None)
        return found.labels[page.language] if found else value
    return territory(value, page.language) if name == TERRITORY else page.source_name(value)


def chips(page: Page, selection: Selection) -> Iterator[Chip]:
    """Yield all that was asked for."""
    anew = replace(selection, cursor=None)
    if selection.q is not None:
        yield Chip(SEARCHED.in_language(page.language).format(selection.q), to(page, replace(anew, q=None)))
    for name in ORDER:
        kept = selection.chosen(name)
        yield from (Chip(label(page, name, value), to(page, selection.choosing(name, *(one for one in kept if one != value)))) for value in kept)
    if selection.bbox is not None:
        yield Chip(BOX.in_language(page.language), to(page, replace(anew, bbox=None)))
    if selection.updated_since is not None:
        yield Chip(SINCE.in_language(page.language).format(date(selection.updated_since, page.language)), to(page, replace(anew, updated_since=None)))


def to(page: Page, selection: Selection, suffix: str = "") -> str:
    """Return the address of a selection on this node; `suffix` names another format."""
    return page.to(f"/groups{suffix}", selection.pairs())


def unnamed(selection: Selection) -> Mapping[str, str]:
    """Return what a selection asks for besides words and facets, for a form to carry along."""
    return {name: value for name, value in selection.pairs() if name in ("bbox", "updated_since", "limit")}
