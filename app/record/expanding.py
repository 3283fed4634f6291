"""JSON-LD that is not written in our keys: expanded by PyLD with bundled contexts, then brought back to one tree of nodes.

Why guarded: a context may name addresses to fetch, rename keywords, reverse properties and hide graphs. Only what a directory's record needs
is let through; nothing is ever fetched.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NoReturn

from pyld import jsonld

from app.errors import Malformed, Text
from app.record.faults import shown
from app.record.limits import DEPTH
from app.record.text import UNMAPPED, absolute_iri
from app.terms import MLG
from app.vocabulary import load

_OURS: Final = re.compile(r"https?://w3id\.org/maillage/context/v1\.jsonld\Z|https?://[^\s/]+(?:/[^\s]*)?/vocab/context/v1\.jsonld\Z")
_TERM_KEYS: Final = frozenset({"@id", "@type", "@container", "@language", "@prefix", "@protected"})
_CONTEXT_KEYS: Final = frozenset({"@version", "@vocab", "@language", "@protected"})
_CONTAINERS: Final = ("@set", "@language")
_ALIASES: Final = frozenset({"@id", "@type", "@value", "@language"})
_EXPANDED_KEYS: Final = frozenset({"@id", "@type", "@value", "@language"})
_MAX_TERMS: Final = 200
_MAX_CONTEXTS: Final = 8
_BLANK: Final = "_:maillage-"


def is_ours(context: object, contexts: Collection[str] = ()) -> bool:
    """Say whether a document's context is ours under any of its addresses, or absent."""
    if isinstance(context, list):
        return bool(context) and all(part is not None and is_ours(part, contexts) for part in context)
    return context is None or (isinstance(context, str) and (context in contexts or _OURS.match(context) is not None))


def refuse_keyword(key: str) -> Malformed:
    """The refusal of a JSON-LD construction that records do not need."""
    french = f"« {shown(key)} » n'est pas accepté dans une fiche : écrivez la fiche sans lui."
    return Malformed(Text(french, f"“{shown(key)}” is not accepted in a record: write the record without it."))


def expanded_root(value: object, iri: str | None, contexts: Collection[str]) -> Mapping[str, Any]:
    """Return the record's node, its keys absolute IRIs, its parts nested under it; `iri` tells it among several."""
    documents = value if isinstance(value, list) else [value]
    objects = [document for document in documents if isinstance(document, dict)]
    if not objects or len(objects) != len(documents):
        raise Malformed(Text("Une fiche est un objet JSON : {…}.", "A record is a JSON object: {…}."))
    for document in objects:
        _refuse_hidden(document)
    expanded = _expand([_with_local_context(document, contexts) for document in objects])
    return _rooted(expanded, iri)


def _expand(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    options = {"documentLoader": _no_network, "expandContext": {"@vocab": UNMAPPED}, "base": "", "processingMode": "json-ld-1.1"}
    try:
        expanded = jsonld.expand(documents if len(documents) > 1 else documents[0], options)
    except (jsonld.JsonLdError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = getattr(error, "code", None) or type(error).__name__
        raise Malformed(
            Text(f"Ce JSON-LD ne peut pas être lu ({reason}) : vérifiez son contexte.", f"This JSON-LD cannot be read ({reason}): check its context.")
        ) from error
    for node in expanded:
        _check_expanded(node)
    return list(expanded)


def _no_network(url: str, _options: object = None) -> NoReturn:
    raise _remote(url)


def _remote(url: str) -> Malformed:
    name = shown(url)
    french = f"Le contexte « {name} » n'est pas connu ici, et aucun contexte n'est téléchargé : "
    english = f"The context “{name}” is not known here, and no context is ever fetched: "
    return Malformed(
        Text(
            french + "utilisez celui de Maillage, ou écrivez le vôtre dans le document.",
            english + "use Maillage's, or write yours inside the document.",
        )
    )


# --- contexts ---------------------------------------------------------------------------------------------------


def _with_local_context(document: Mapping[str, Any], contexts: Collection[str]) -> dict[str, Any]:
    """The document with its contexts checked and ours put in place of its address."""
    body = {key: member for key, member in document.items() if key != "@context"}
    given = document.get("@context")
    if given is None:
        return body if "@context" not in document and _is_expanded(body) else {"@context": load().context, **body}
    parts = given if isinstance(given, list) else [given]
    if len(parts) > _MAX_CONTEXTS or sum(len(part) for part in parts if isinstance(part, dict)) > _MAX_TERMS:
        raise Malformed(Text(f"Ce contexte a plus de {_MAX_TERMS} termes.", f"This context has more than {_MAX_TERMS} terms."))
    return {"@context": [load().context if is_ours(part, contexts) and part is not None else _inline(part) for part in parts], **body}


def _is_expanded(body: Mapping[str, Any]) -> bool:
    """Say whether a document has no need of a context: all its keys are keywords or IRIs."""
    return all(key.startswith("@") or ":" in key for key in body)


def _inline(context: object) -> Mapping[str, Any]:
    """A context written in the document, when it only names properties; raises Malformed otherwise."""
    if isinstance(context, str):
        raise _remote(context)
    if not isinstance(context, dict):
        raise Malformed(Text("Un contexte JSON-LD est un objet ou une adresse.", "A JSON-LD context is an object or an address."))
    for term, definition in context.items():
        if term.startswith("@"):
            if term not in _CONTEXT_KEYS or definition is None or isinstance(definition, (dict, list)):
                raise refuse_keyword(term)
            if term == "@vocab" and not (isinstance(definition, str) and absolute_iri(definition)):
                raise refuse_keyword(f"@vocab: {definition}")
        else:
            _check_term(definition)
    return context


def _check_term(definition: object) -> None:
    if isinstance(definition, dict):
        for key, value in definition.items():
            if key not in _TERM_KEYS:
                raise refuse_keyword(key)
            if key == "@container" and any(item not in _CONTAINERS for item in (value if isinstance(value, list) else [value])):
                raise refuse_keyword(f"@container: {value}")
            if key == "@type" and value in ("@json", "@none"):
                raise refuse_keyword(str(value))
        definition = definition.get("@id")
    if isinstance(definition, str) and definition.startswith("@") and definition not in _ALIASES:
        raise refuse_keyword(definition)


def _refuse_hidden(value: Any, *, top: bool = True) -> None:
    """Refuse keywords that records do not need, wherever they are; contexts inside the document's body among them."""
    members = value.items() if isinstance(value, dict) else [("", member) for member in value]
    for key, member in members:
        if key.startswith("@") and key not in _EXPANDED_KEYS and not (top and key in ("@context", "@graph")):
            raise refuse_keyword(key)
        if isinstance(member, (dict, list)) and key != "@context":
            _refuse_hidden(member, top=False)


def _check_expanded(value: Any) -> None:
    """Refuse what a renamed keyword may have hidden."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key.startswith("@") and key not in _EXPANDED_KEYS:
                raise refuse_keyword(key)
            _check_expanded(member)
    elif isinstance(value, list):
        for member in value:
            _check_expanded(member)


# --- nodes ------------------------------------------------------------------------------------------------------


def _rooted(expanded: list[dict[str, Any]], iri: str | None) -> Mapping[str, Any]:
    """Merge nodes of the same address, find the record's and nest the others under it."""
    nodes: dict[str, dict[str, Any]] = {}
    tops = [_collect(node, nodes) for node in expanded if any(key != "@id" for key in node)]
    root = _choose(tops, nodes, iri)
    if root is None:
        raise Malformed(Text("Ce document doit décrire un groupe, et un seul.", "This document must describe one group, and one only."))
    placed: set[str] = set()
    tree = _nested(root, nodes, placed, 1)
    for name, node in nodes.items():
        if name not in placed and any(key != "@id" for key in node):
            raise Malformed(
                Text(
                    f"Ce document parle aussi de « {name[:200]} », sans lien avec la fiche : séparez-les.",
                    f"This document also speaks of “{name[:200]}”, not linked to the record: separate them.",
                )
            )
    return {key: member for key, member in tree.items() if not (key == "@id" and str(member).startswith(_BLANK))}


def _choose(tops: list[str], nodes: Mapping[str, Mapping[str, Any]], iri: str | None) -> str | None:
    if len(set(tops)) == 1:
        return tops[0]
    if iri in nodes:
        return iri
    groups = [name for name in dict.fromkeys(tops) if MLG.Group in nodes[name].get("@type", ())]
    return groups[0] if len(groups) == 1 else None


def _collect(node: Mapping[str, Any], nodes: dict[str, dict[str, Any]]) -> str:
    """Put a node and those under it into `nodes`; return its name."""
    name = str(node.get("@id") or f"{_BLANK}{len(nodes)}")
    kept = nodes.setdefault(name, {"@id": name})
    for key, member in node.items():
        if key != "@id":
            values = member if isinstance(member, list) else [member]
            kept.setdefault(key, []).extend(_flat(values, nodes))
    return name


def _flat(values: list[Any], nodes: dict[str, dict[str, Any]]) -> Iterator[Any]:
    for value in values:
        if not isinstance(value, dict) or "@value" in value or set(value) == {"@id"}:
            yield value
        else:
            yield {"@id": _collect(value, nodes)}


def _nested(name: str, nodes: Mapping[str, dict[str, Any]], placed: set[str], depth: int) -> dict[str, Any]:
    """A node with the nodes it points to, each once; further mentions stay mentions."""
    if depth > DEPTH:
        raise Malformed(Text(f"Cette fiche a plus de {DEPTH} niveaux : aplatissez-la.", f"This record has more than {DEPTH} levels: flatten it."))
    placed.add(name)
    tree: dict[str, Any] = {}
    for key, member in nodes[name].items():
        tree[key] = [_placed(value, nodes, placed, depth) for value in member] if isinstance(member, list) and key != "@type" else member
    return tree


def _placed(value: Any, nodes: Mapping[str, dict[str, Any]], placed: set[str], depth: int) -> Any:
    name = value.get("@id") if isinstance(value, dict) else None
    if name is None or name in placed or name not in nodes or set(nodes[name]) == {"@id"}:
        return value
    nested = _nested(name, nodes, placed, depth + 1)
    return {key: member for key, member in nested.items() if not (key == "@id" and str(member).startswith(_BLANK))}
