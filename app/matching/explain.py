"""Why two records are in one group, or are not: the reasons computed anew for any two, in words that people read."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from app.errors import BadRequest, NotFound, Text
from app.journal import judgements, meta, records
from app.journal.tables import edge
from app.journal.text import sentence_from
from app.matching import evidence, filing, statistics
from app.matching.evidence import weighed
from app.matching.features import Features
from app.matching.identity import held
from app.matching.naming import pair
from app.matching.score import MATCH, Reason, Subject, score
from app.names import Names

LABELS: Final = {
    "name": Text("ressemblance des noms", "likeness of the names"),
    "name rarity": Text("rareté des mots communs", "rarity of the words in common"),
    "own words": Text("mots propres à chacun", "words that each has alone"),
    "numbers differ": Text("numéros différents dans les noms", "different numbers in the names"),
    "renamed": Text("même identifiant officiel : le nom a pu changer", "same official identifier: the name may have changed"),
    "acronym": Text("sigle", "acronym"),
    "name alone": Text("rien que le nom, et il n'est pas rare", "nothing but the name, which is not rare"),
    "weak name alone": Text("noms peu ressemblants et aucun contact commun", "names little alike and no contact in common"),
    "email": Text("même courriel", "same e-mail"),
    "email host": Text("courriels du même domaine", "e-mails of the same domain"),
    "email nearly": Text("courriels presque identiques", "nearly the same e-mail"),
    "email differs": Text("courriels différents", "different e-mails"),
    "phone": Text("même téléphone", "same phone"),
    "phone differs": Text("téléphones différents", "different phones"),
    "page": Text("même site web", "same website"),
    "page of the same site": Text("autre page du même site", "another page of the same site"),
    "page differs": Text("sites web différents", "different websites"),
    "further contact": Text("autre contact commun, qui va avec le premier", "another contact in common, which goes with the first"),
    "contacts of a house": Text("contacts d'une maison que plusieurs partagent", "contacts of a house that several share"),
    "further difference": Text("autre contact différent : ils ont pu changer", "another different contact: they may have changed"),
    "link": Text("même lien vers un autre annuaire", "same link to another directory"),
    "street": Text("rue et numéro", "street and number"),
    "distance": Text("distance", "distance"),
    "postcode": Text("code postal", "postcode"),
    "town": Text("commune", "town"),
    "town differs": Text("communes différentes", "different towns"),
    "street of another town": Text("la même rue, mais d'une autre commune", "the same street, but of another town"),
    "country differs": Text("pays différents", "different countries"),
    "place unknown": Text("lieu inconnu", "place unknown"),
    "subjects": Text("thématiques", "topics"),
    "umbrella": Text("l'un est une tête de réseau", "one is an umbrella organisation"),
    "branch": Text("l'un est une antenne locale", "one is a local branch"),
    "towns in the names differ": Text("chaque nom dit sa commune, et ce n'est pas la même", "each name says its town, and not the same"),
    "town hall": Text("l'un est la mairie", "one is the town hall"),
    "same source": Text("fiches de la même source", "records of one source"),
    "same source alone": Text("et ni contact ni adresse en commun", "and neither contact nor address in common"),
    "siret": Text("SIRET", "SIRET"),
    "siren": Text("SIREN", "SIREN"),
    "size": Text("grand annuaire, plus d'homonymes", "large directory, more homonyms"),
    "relation": Text("lien possible", "possible link"),
    evidence.SAME: Text("jugées la même chose chez un pair", "judged the same at a peer"),
    evidence.DIFFERENT: Text("jugées différentes chez un pair", "judged different at a peer"),
    "prior": Text("par défaut, deux fiches sont deux groupes", "by default, two records are two groups"),
}
"""What each reason says to people; one that is missing here is the register of an official identifier."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """`left` and `right` are references; `verdict` is what a person judged; `refusal` says why a match was not merged."""

    left: str
    right: str
    score: float
    reasons: tuple[Reason, ...]
    verdict: str | None
    same_group: bool
    refusal: Text | None

    def as_json(self) -> dict[str, Any]:
        """Return all of it for other programs, each reason with its label in French and English."""
        return {
            "left": self.left,
            "right": self.right,
            "score": self.score,
            "threshold": MATCH,
            "reasons": [one._asdict() | {"label": label(one).as_json()} for one in self.reasons],
            "verdict": self.verdict,
            "same_group": self.same_group,
            "refusal": None if self.refusal is None else self.refusal.as_json(),
        }


def explain(c: Connection, names: Names, left: str, right: str) -> Explanation:
    """Compare the records that two addresses mean. Raises NotFound, or BadRequest when both mean one record."""
    meant = pair(c, names, left, right)
    if meant is None:
        raise BadRequest(Text("Les deux adresses désignent la même fiche.", "Both addresses mean the same record."))
    (mine, one), (theirs, other) = (_form(c, reference) for reference in meant)
    current = statistics.load(c, statistics.asked(one, meant[0]) | statistics.asked(other, meant[1]))
    ids = mine, theirs
    said = evidence.heard(c, ids).get((min(ids), max(ids)), ())
    scored = weighed(score(Subject(one, current, meant[0]), Subject(other, current, meant[1]), current), said)
    groups = held(c, ids)
    verdict = next((one.verdict.value for one in judgements.by_record(c, meant[0]) if {one.left, one.right} == {*meant}), None)
    same_group = ids[0] in groups and groups[ids[0]] == groups.get(ids[1])
    return Explanation(*meant, scored.total, scored.reasons, verdict, same_group, _refusal(c, min(ids), max(ids)))


def label(reason: Reason) -> Text:
    """Return what a reason says to people."""
    return LABELS.get(reason.name) or Text(f"identifiant officiel {reason.name}", f"official identifier {reason.name}")


def _form(c: Connection, reference: str) -> tuple[int, Features]:
    """Return a record's id and normal form."""
    found = records.get(c, *reference.split("/", 1))
    if found is None:
        raise NotFound(Text(f"Il n'y a pas de fiche « {reference} ».", f"There is no record '{reference}'."))
    (row,) = filing.filed(c, [found.id])
    return found.id, row.normal_form(meta.secret(c))


def _refusal(c: Connection, left: int, right: int) -> Text | None:
    """Return why a matching pair was not merged."""
    question = select(edge.c.message).where(edge.c.left_id == left, edge.c.right_id == right, edge.c.state == filing.REFUSED)
    return sentence_from(c.execute(question).scalar())
