"""What a file without a mapping is understood to mean: the names that French and English tables usually give to their columns."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from app.harvest.formats.values import fold
from app.vocabulary import Kind, load

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name", "nom", "titre", "title", "nom du groupe", "label"),
    "alternateName": ("alternatename", "alternate name", "autre nom", "sigle", "acronyme", "acronym"),
    "description": ("description", "presentation", "resume", "objet"),
    "url": ("url", "website", "site", "site web", "site internet", "web"),
    "email": ("email", "e-mail", "mail", "courriel"),
    "telephone": ("telephone", "phone", "tel"),
    "siren": ("siren",),
    "siret": ("siret",),
    "rna": ("rna",),
    "identifiers": ("identifiers",),
    "objectives": ("objectives", "objectifs"),
    "knowHow": ("knowhow", "know-how", "savoir-faire"),
    "topics": ("topics", "thematiques", "thematique", "themes", "theme"),
    "keywords": ("keywords", "mots-cles", "mots cles", "tags", "categories", "categorie", "category"),
    "scales": ("scales", "echelles", "echelle"),
    "territories": ("territories", "territoires"),
    "location.streetAddress": ("streetaddress", "street address", "street", "adresse", "address", "rue"),
    "location.postalCode": ("postalcode", "postal code", "postcode", "code postal", "code_postal", "cp"),
    "location.addressLocality": ("addresslocality", "ville", "commune", "city", "town", "localite"),
    "location.addressCountry": ("addresscountry", "pays", "country"),
    "location.latitude": ("latitude", "lat"),
    "location.longitude": ("longitude", "lon", "lng", "long"),
    "contactPage": ("contactpage", "page de contact"),
    "memberOf": ("memberof",),
    "cooperatesWith": ("cooperateswith",),
    "sameAs": ("sameas",),
    "created": ("created",),
    "founded": ("founded", "date de creation", "annee de creation"),
    "license": ("license", "licence"),
    "modified": ("modified", "updated", "date de mise a jour"),
}
"""Our keys, and the folded names under which they are found, the best first."""

KEYS: Final = ("id", "identifiant", "identifier", "@id", "_id", "uuid", "iri", "key", "cle", "slug")
SEPARATORS: Final = (" | ", ";", "\n")


def guess(columns: Iterable[str], within: str = "") -> dict[str, Any]:
    """Return the mapping that the names of `columns` suggest; `within` is the path of the object that holds them."""
    head = f"{within}." if within else ""
    known: dict[str, str] = {}
    for column in columns:
        known.setdefault(fold(column), head + column)
    fields = {target: [known[name] for name in names if name in known] for target, names in NAMES.items()}
    many = {key for key, known_property in load().properties("Group").items() if known_property.many and known_property.kind is not Kind.LANGUAGE_MAP}
    written = {target: {"from": paths, **({"split": list(SEPARATORS)} if target in many else {})} for target, paths in fields.items() if paths}
    keys = [known[name] for name in (*KEYS, *NAMES["name"]) if name in known]
    return {"fields": written, **({"key": keys} if keys else {})}


EVERY_NAME: Final = tuple(dict.fromkeys((*KEYS, *(name for names in NAMES.values() for name in names))))
"""All that is looked for, for the files whose records differ in what they hold; `folded` first brings their keys to these spellings."""


def folded(raw: Any) -> Any:
    """An object with its own keys as they are compared: case and accents do not count."""
    return {fold(key): value for key, value in raw.items()} if isinstance(raw, dict) else raw
