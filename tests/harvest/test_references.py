"""References between records of one source."""

from app.harvest.references import keys_in, reference, resolve

DOCUMENT = {
    "name": {"fr": "key:x"},
    "cooperatesWith": ["key:a", "https://b.example/", "key:lost"],
    "memberOf": "key:lost",
    "cooperations": [{"partner": "key:a", "description": {"fr": "prête"}}],
}


def test_references_become_the_iris_of_the_records_and_those_to_nothing_go() -> None:
    """References become IRIs wherever a group may be named; one that leads nowhere is left out; texts are left alone."""
    assert resolve(DOCUMENT, {"a": "https://node.example/groups/a"}.get) == {
        "name": {"fr": "key:x"},
        "cooperatesWith": ["https://node.example/groups/a", "https://b.example/"],
        "cooperations": [{"partner": "https://node.example/groups/a", "description": {"fr": "prête"}}],
    }


def test_the_keys_that_a_document_refers_to_are_known() -> None:
    """The keys that a document refers to can be listed; an identifier is written as its key."""
    assert list(keys_in([DOCUMENT])) == ["a", "lost", "lost", "a"]
    assert reference("a") == "key:a"
    assert reference("Réseau inventé").startswith("key:reseau-invente-")
