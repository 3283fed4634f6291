"""Addresses as pages may carry them: only those that cannot run anything, shown short enough to be read."""

import re
from typing import Final

from app.names import without_secrets

_REST: Final = r"[^\s\\\"<>\x00-\x1f\x7f]"
_SAFE: Final = re.compile(rf"(?:https?://(?![/?#]){_REST}+|mailto:{_REST}+|tel:[+0-9][0-9().-]*)\Z", re.IGNORECASE)
_LONGEST: Final = 2048
_SHOWN: Final = 60

LICENCES: Final = {
    "etalab.gouv.fr/licence-ouverte-open-licence": "Licence Ouverte (Etalab)",
    "creativecommons.org/publicdomain/zero/1.0": "CC0 1.0",
    "creativecommons.org/licenses/by/4.0": "CC BY 4.0",
    "creativecommons.org/licenses/by-sa/4.0": "CC BY-SA 4.0",
    "creativecommons.org/licenses/by-nc/4.0": "CC BY-NC 4.0",
    "creativecommons.org/licenses/by-nc-sa/4.0": "CC BY-NC-SA 4.0",
    "opendatacommons.org/licenses/odbl": "ODbL 1.0",
    "opendatacommons.org/licenses/odbl/summary": "ODbL 1.0",
    "opendatacommons.org/licenses/odbl/1-0": "ODbL 1.0",
    "opendatacommons.org/licenses/odbl/1.0": "ODbL 1.0",
}
"""The names of licences that directories use, by their address in its shortest spelling."""


def safe_url(value: object) -> str | None:
    """Return an address that a link may lead to (http, https, mailto, tel), None for anything else.

    >>> safe_url("https://a.example/"), safe_url(" javascript:alert(1)"), safe_url("data:text/html,x")
    ('https://a.example/', None, None)
    """
    text = value.strip() if isinstance(value, str) else ""
    return text if len(text) <= _LONGEST and _SAFE.match(text) else None


def bare(url: str) -> str:
    """Return an address without what every address begins with.

    >>> bare("https://www.a.example/b/")
    'a.example/b'
    """
    return re.sub(r"\A(?:https?://)?(?:www\.)?", "", url.strip(), flags=re.IGNORECASE).rstrip("/")


def shown(url: str) -> str:
    """Return an address as people read it, cut when it is long."""
    text = bare(url)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def licence_name(iri: str) -> str:
    """Return the usual name of a licence, else its address."""
    return LICENCES.get(bare(iri).lower()) or shown(iri)


def discreet(sentence: str) -> str:
    """Return a sentence about a peer without what its operator alone should know of the addresses in it.

    >>> discreet("https://me:pw@a.example/x?key=1 redirige trop souvent.")
    'https://a.example/x redirige trop souvent.'
    """
    return re.sub(r"https?://\S+", lambda found: without_secrets(found[0]), sentence)
