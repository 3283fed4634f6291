"""Random records in our form, made from the table of keys itself, so that a new key is tested without a word."""

from hypothesis import strategies as st

from app.record.compact import table
from app.vocabulary import Kind

IRI = "https://a.example/groups/g1"

line = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Cn", "Zl", "Zp"]), min_size=1, max_size=20)
text = st.one_of(
    line, st.sampled_from(['"', "\\", "a\nb", "a\tb", "\\u0041", "é", "e\u0301", "😀", " x ", "<b>", "a\r\nb", "_:b0", "https://x", "fr"])
)
iris = st.one_of(
    st.sampled_from(["https://b.example/", "http://b.example/é?q=1#f", "urn:isbn:1", "mailto:contact@a.example", "https://schema.org/Thing"]),
    st.integers(0, 999).map(lambda n: f"https://c.example/{n}"),
)
tags = st.sampled_from(["fr", "en", "pt-br", "zh-hant-tw"])
decimals = st.sampled_from(["48.900000", "2.0", "01", "-0.0", "48.9362", "1e5", "1.50E1"])
LEXICAL = {
    "http://www.w3.org/2001/XMLSchema#decimal": decimals,
    "http://www.w3.org/2001/XMLSchema#dateTime": st.sampled_from(["2026-10-02T09:00:00.000Z", "2026-10-02T09:00:00+00:00", "2026-10-02T09:00:00Z"]),
    "http://www.w3.org/2001/XMLSchema#date": st.sampled_from(["2026-10-02", "2026-10-02Z"]),
}


def several(values, many):
    return st.lists(values, min_size=1, max_size=3 if many else 1, unique=True).map(lambda found: found if many else found[0])


def language_maps():
    return st.dictionaries(tags, st.one_of(line, st.lists(line, min_size=2, max_size=3, unique=True)), min_size=1, max_size=3)


def values_of(field, parts):
    """What may stand under a key."""
    if field.kind is Kind.LANGUAGE_MAP:
        return language_maps()
    if field.kind is Kind.TEXT:
        return several(line, field.many)
    if field.kind is Kind.TYPED:
        return several(LEXICAL[field.datatype], field.many)
    if field.kind is Kind.CONCEPT:
        return several(st.one_of(st.sampled_from(sorted(field.concepts)), iris), field.many)
    return several(iris, field.many) if field.kind is Kind.IRI else parts


@st.composite
def others(draw):
    """Properties that the table does not know."""
    value = st.one_of(
        text,
        st.builds(lambda tag, v: {"@language": tag, "@value": v}, tags, text),
        st.builds(lambda v: {"@type": "xsd:decimal", "@value": v}, decimals),
        st.builds(lambda v: {"@type": "https://d.example/type", "@value": v}, text),
        iris.map(lambda iri: {"id": iri}),
    )
    unique = st.lists(value, min_size=2, max_size=3, unique_by=str)
    return draw(st.dictionaries(st.sampled_from(["schema:slogan", "https://d.example/p", "foaf:topic"]), st.one_of(value, unique), max_size=2))


@st.composite
def nodes(draw, owner_keys, iri, depth, counter):
    keys = draw(st.lists(st.sampled_from(owner_keys), max_size=8, unique=True))
    node = {}
    for key in keys:
        field = table().fields[key]
        if field.kind is Kind.PART:
            if depth:
                node[key] = [draw(part(field, iri, counter)) for _ in range(draw(st.integers(1, 2)))]
        else:
            node[key] = draw(values_of(field, None))
    return {**node, **draw(others())}


@st.composite
def part(draw, field, iri, counter):
    counter.append(1)
    kind = table().part_classes[field.part]
    keys = [key for key, other in table().fields.items() if other.kind is not Kind.PART]
    described = draw(nodes(keys, iri, 0, counter))
    return {"id": f"{iri}#part-{len(counter)}", "type": draw(st.sampled_from([kind, [kind, "schema:Thing"]])), **described}


@st.composite
def documents(draw, iri=IRI):
    """A record in our form (in its order of keys)."""
    described = draw(nodes(list(table().fields), iri, 1, []))
    types = [
        "Group",
        "schema:Organization",
        *draw(st.lists(st.sampled_from(["org:Organization", "https://d.example/Kind", "Node"]), unique=True, max_size=2)),
    ]
    return ordered({"id": iri, "type": types, **described})


def ordered(node):
    """The same node with its keys in our order, at every depth."""
    fields = table().fields

    def place(key):
        return (0, ["id", "type"].index(key), "") if key in ("id", "type") else (1, fields[key].rank, "") if key in fields else (2, 0, key)

    return {
        key: [ordered(v) if isinstance(v, dict) and "id" in v else v for v in value] if isinstance(value, list) else value
        for key, value in sorted(node.items(), key=lambda item: place(item[0]))
    }
