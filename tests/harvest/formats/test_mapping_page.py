"""docs/mapping.md: every option is there, and every example gives what it says."""

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.harvest.formats import FORMATS, mapping
from app.harvest.formats.extract import Extractor
from app.harvest.formats.mapping import COMPUTED, FIELD_OPTIONS, OPTIONS, Otherwise
from app.harvest.formats.values import NORMALISERS
from app.harvest.items import Bad, Found
from app.vocabulary import Kind, load

PAGE = Path(__file__).parents[3] / "docs" / "mapping.md"
TEXT = PAGE.read_text()
FENCED = re.compile(r"^```(json|csv|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIELDS, WHOLE = TEXT.split("\n## For one field\n")[1].split("\n## For the whole file\n")
FIRST_LINES = {"key": "id", "fields": {"name": "nom"}}


def examples() -> list[Any]:
    """Every example: the heading it stands under, the source's language and text, the mapping, what it gives."""
    found = []
    for section in re.split(r"^(?=##)", TEXT, flags=re.MULTILINE):
        blocks = FENCED.findall(section)
        heading = section.partition("\n")[0].strip("# `")
        triples = zip(blocks, blocks[1:], blocks[2:], strict=False)
        found += [(heading, *triple) for triple in triples if [kind for kind, _ in triple[1:]] == ["toml", "json"]]
    return [pytest.param(*example, id=example[0]) for example in found]


def laid(written: dict[str, Any]) -> dict[str, Any]:
    """The mapping with the three lines that every example begins with."""
    return {**FIRST_LINES, **written, "fields": {**FIRST_LINES["fields"], **written.get("fields", {})}}


@pytest.mark.parametrize(("heading", "source", "toml", "gives"), examples())
def test_each_example_gives_what_the_page_says(heading: str, source: Any, toml: Any, gives: Any) -> None:
    """Each example of the page gives what the page says."""
    written, expected = laid(tomllib.loads(toml[1])), json.loads(gives[1])
    if isinstance(expected, dict):
        record = {"id": "1", "nom": "Chorale inventée", **json.loads(source[1])}
        extracted = Extractor(mapping.parse(written)).read(record)
        assert {key: value for key, value in extracted.document.items() if key != "name"} == expected
        assert extracted.unmapped == ()
        return
    name = "csv" if source[0] == "csv" else "jsonlist"
    items = list(FORMATS[name].records([source[1].encode(written.get("encoding", "utf-8"))], written))
    told = [{"key": item.key} if isinstance(item, Found) else {"refused": item.key} for item in items if isinstance(item, Found | Bad)]
    assert told == expected
    assert all(item.document["name"]["fr"][:2] == "Ch" for item in items if isinstance(item, Found))


@pytest.mark.parametrize(("part", "options"), [(FIELDS, FIELD_OPTIONS), (WHOLE, OPTIONS)])
def test_each_option_has_its_heading_and_its_example(part: str, options: dict[str, Any]) -> None:
    """Each option of the code has a heading with an example, and no other option is promised."""
    sections = {section.partition("\n")[0].strip(" `"): section for section in part.split("\n### ")[1:]}
    assert sections.keys() == options.keys()
    for name, section in sections.items():
        assert [kind for kind, _ in FENCED.findall(section)][1:] == ["toml", "json"], name
        assert re.search(rf"^(\[.*)?\b{name}\b|[{{,] ?{name} =", FENCED.findall(section)[1][1], re.MULTILINE), name


def test_every_word_that_an_option_takes_is_on_the_page() -> None:
    """Every normal form, every answer to `otherwise` and every key of the vocabulary that a mapping may fill is on the page."""
    words = [*NORMALISERS, "key", *Otherwise]
    for key, found in load().properties("Group").items():
        inner = load().properties(found.part) if found.kind is Kind.PART and found.part else {}
        words += [f"{key}.{part}" for part in inner] or [key] if key not in COMPUTED else []
    assert [word for word in words if f"`{word}`" not in TEXT and f'`"{word}"`' not in TEXT] == []


def test_the_examples_follow_one_another_as_the_reader_is_told() -> None:
    """Source, mapping and result always follow one another, so that none of the page's blocks is left untried."""
    kinds = [kind for kind, _ in FENCED.findall(TEXT)]
    assert kinds[0] == "toml"
    assert len(examples()) == (len(kinds) - 1) // 3
    assert all(pair != ("toml", "toml") for pair in pairwise(kinds))
