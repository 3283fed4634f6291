"""The prefixes that a reader may use without declaring them: the page writes the missing lines, the programs' endpoint does not.

The text is looked at, never parsed: a line too many does no harm, and the reader sees the text as it is asked.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from app.vocabulary import PREFIXES

KNOWN: Final[Mapping[str, str]] = MappingProxyType(
    {
        **PREFIXES,
        "geo": "http://www.opengis.net/ont/geosparql#",
        "owl": "http://www.w3.org/2002/07/owl#",
        "sh": "http://www.w3.org/ns/shacl#",
    }
)
"""What each prefix stands for."""

_LOOKED_AT: Final = 20_000
"""Characters that are looked at: more than any question may have."""

_DECLARED = re.compile(r"(?<![\w:.-])prefix\s{1,20}([\w.-]{0,40}):", re.IGNORECASE)
_USED = re.compile(r"(?<![\w:.?$@-])([a-z]{2,10}):(?!//)")


def completed(query: str) -> str:
    r"""Return the query with a line for each known prefix that it uses and does not declare.

    >>> completed("ASK { ?x a mlg:Group }")
    'PREFIX mlg: <https://w3id.org/maillage/ns#>\\nASK { ?x a mlg:Group }'
    """
    text = query[:_LOOKED_AT]
    missing = {found[1] for found in _USED.finditer(text)} - {found[1] for found in _DECLARED.finditer(text)}
    return "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in KNOWN.items() if name in missing) + query
