"""Mappings: what they may say, and how each wrong word is named."""

import dataclasses
import tomllib

import pytest

from app.errors import MappingRefused
from app.harvest.formats.mapping import FIELD_OPTIONS, OPTIONS, RecordMapping, Rule, parse

WRONG = [
    ({"feilds": {}}, "'feilds' is not an option; did you mean 'fields'?"),
    ({"fields": {"nme": "a"}}, "'nme' is not a key of our vocabulary; did you mean 'name'?"),
    ({"fields": {"location": "a"}}, "'location' has parts: name one, such as location.latitude"),
    ({"fields": {"location.lat": "a"}}, "'location.lat' is not a key of our vocabulary; there are: addressCountry,"),
    ({"fields": {"url.fr": "a"}}, "'url.fr' goes too far"),
    ({"fields": {"name.french": "a"}}, "'name.french' goes too far"),
    ({"fields": {"records": "a"}}, "'records' is not a key of our vocabulary"),
    ({"fields": {"exactMatch": "a"}}, "'exactMatch' is not a key of our vocabulary"),
    ({"fields": {"name": {"form": "a"}}}, "'fields.name.form' is not an option; did you mean 'from'?"),
    ({"fields": {"name": {"as": "line"}}}, "'fields.name' does not say where the value comes from"),
    ({"fields": {"name": 3}}, "'fields.name.from' must be a text or a list of texts"),
    ({"fields": {"name": []}}, "'fields.name.from' must be a text or a list of texts"),
    ({"fields": {"name": {"from": "a", "as": "uppercase"}}}, "'fields.name.as' must be one of"),
    ({"fields": {"name": {"from": "a", "take": "last"}}}, "'fields.name.take' must be one of first, all"),
    ({"fields": {"name": {"from": "a", "strip_html": "yes"}}}, "'fields.name.strip_html' must be true or false"),
    ({"fields": {"topics": {"from": "a", "values": {"x": "houses"}}}}, "there is no concept 'houses'; did you mean 'housing'?"),
    ({"fields": {"topics": {"from": "a", "otherwise": "ignore"}}}, "'fields.topics.otherwise' must be one of keep, keyword, drop, report"),
    ({"fields": {"name": {"from": "a", "when": "b"}}}, "'fields.name.when' must be a table"),
    ({"fields": "name"}, "'fields' must be a table"),
    ({"constants": {"topics": "houses"}}, "'constants.topics': there is no concept 'houses'"),
    ({"constants": {"topics": 3}}, "'constants.topics' must be a text or a list of texts"),
    ({"constants": {"nme": "a"}}, "'nme' is not a key"),
    ({"language": "French!"}, "'language' must be a language tag"),
    ({"licence": "CC0"}, "'licence' must be an http(s):// address"),
    ({"encoding": "latin-99"}, "'encoding' must be an encoding"),
    ({"separator": "->"}, "'separator' must be one character"),
    ({"bounds": [2, 48, 1, 49]}, "'bounds' must be [west, south, east, north]"),
    ({"bounds": [1, 2, 3, True]}, "'bounds' must be [west, south, east, north]"),
    ({"key": 3}, "'key' must be a text or a list of texts"),
    ({"list": ["a"]}, "'list' must be a text"),
    ({"ignore": [1]}, "'ignore' must be a text or a list of texts"),
    ({"when": []}, "'when' must be a table"),
    ({"when": {"a": 3}}, "'when' must be a table of texts or lists of texts"),
    ([], "A mapping is a table"),
]


@pytest.mark.parametrize(("written", "sentence"), WRONG)
def test_a_mapping_that_asks_for_what_does_not_exist_is_refused_by_name(written: dict, sentence: str) -> None:
    """A mapping that asks for what does not exist is refused with a sentence that names it, in both languages."""
    with pytest.raises(MappingRefused) as caught:
        parse(written, {"ignore": ["x"], "fields": {}} if isinstance(written, dict) and "fields" not in written else None)
    assert sentence in caught.value.text.en
    assert caught.value.text.fr.startswith("Correspondance : ")


def test_the_same_mapping_reads_alike_from_toml_and_json() -> None:
    """A mapping is the same structure in TOML and in JSON; short and long forms of a field mean the same."""
    toml = tomllib.loads('key = "a"\n[fields]\nname = "b"\n"description.fr" = ["c", "d"]\n[[fields.url]]\nfrom = "e"')
    long = {
        "key": ["a"],
        "fields": {"name": {"from": ["b"]}, "description.fr": {"from": ["c", "d"]}, "url": {"from": "e"}},
    }
    assert parse(toml).rules == parse(long).rules
    assert parse(toml).key == parse(long).key


def test_each_option_is_kept_in_the_mapping_that_is_read() -> None:
    """Each option has its place in what is read, so that none is accepted and forgotten."""
    assert {field.name for field in dataclasses.fields(RecordMapping)} - {"digest", "rules"} == OPTIONS.keys() - {"fields"}
    renamed = {"from": "paths", "as": "normaliser"}
    assert {field.name for field in dataclasses.fields(Rule)} - {"target"} == {renamed.get(name, name) for name in FIELD_OPTIONS}


def test_a_mapping_is_laid_over_the_format_s_own() -> None:
    """What a mapping does not say is the format's own: field by field, and what either ignores is ignored."""
    own = {"key": "id", "fields": {"name": "title", "url": "web"}, "ignore": ["x"]}
    both = parse({"fields": {"url": "site"}, "ignore": "y"}, own)
    assert {rule.target.name: rule.paths for rule in both.rules} == {"name.fr": ("title",), "url": ("site",)}
    assert both.ignore == ("x", "y")
    assert both.key == ("id",)


def test_the_digest_changes_with_whatever_is_written() -> None:
    """The digest of a mapping changes with any of its words, and only with them."""
    first = parse({"fields": {"name": "a"}})
    assert first.digest == parse({"fields": {"name": "a"}}).digest
    assert first.digest != parse({"fields": {"name": "a"}, "language": "en"}).digest
    assert first.digest != parse({"fields": {"name": "b"}}).digest
