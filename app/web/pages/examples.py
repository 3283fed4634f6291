"""The questions that people have, as SPARQL: what the page about questions offers to begin with."""

from dataclasses import dataclass
from typing import Final

from app.errors import Text


@dataclass(frozen=True, slots=True)
class Example:
    """One question: how people ask it, and how SPARQL does; the page declares the prefixes."""

    title: Text
    text: str


EXAMPLES: Final = (
    Example(
        Text("Qui, dans mon département, travaille sur le logement et sait coder ?", "Who in my département works on housing and can code?"),
        """# Mettez ici le numéro de votre département.
SELECT DISTINCT ?groupe ?nom WHERE {
  VALUES ?departement { "93" }
  ?groupe a mlg:Group ; schema:name ?nom ;
    dcterms:subject mc:housing ;
    schema:knowsAbout mc:code-webdesign .
  ?groupe mlg:territory|(schema:location/schema:postalCode) ?code .
  FILTER(STRSTARTS(REPLACE(?code, "^(DEP|COM)-", ""), ?departement))
} ORDER BY ?nom""",
    ),
    Example(
        Text("Sur quels groupes deux annuaires ne sont-ils pas d'accord ?", "Which groups do two directories disagree about?"),
        """# Ce que l'une des fiches dit et que l'autre ne dit pas, et l'inverse.
SELECT ?groupe ?champ ?valeur1 ?fiche1 ?valeur2 ?fiche2 WHERE {
  VALUES ?champ { schema:name schema:url schema:foundingDate schema:postalCode schema:streetAddress dcterms:subject }
  ?groupe a mlg:Group ; mlg:record ?fiche1, ?fiche2 .
  FILTER(STR(?fiche1) < STR(?fiche2))
  GRAPH ?fiche1 { ?sujet1 ?champ ?valeur1 }
  GRAPH ?fiche2 { ?sujet2 ?champ ?valeur2 }
  FILTER NOT EXISTS { GRAPH ?fiche1 { ?autre1 ?champ ?valeur2 } }
  FILTER NOT EXISTS { GRAPH ?fiche2 { ?autre2 ?champ ?valeur1 } }
} ORDER BY ?groupe ?champ LIMIT 200""",
    ),
    Example(
        Text("Où personne ne propose-t-il de savoir-faire en gouvernance ?", "Where does nobody offer governance know-how?"),
        """# Les lieux où des groupes sont ou agissent, sans aucun groupe qui ait ce savoir-faire.
SELECT ?lieu (COUNT(DISTINCT ?groupe) AS ?groupes) WHERE {
  ?groupe a mlg:Group ; mlg:territory|(schema:location/schema:addressLocality) ?lieu .
  FILTER NOT EXISTS {
    ?autre mlg:territory|(schema:location/schema:addressLocality) ?lieu ;
      schema:knowsAbout mc:coproduction-governance .
  }
} GROUP BY ?lieu ORDER BY DESC(?groupes) ?lieu""",
    ),
    Example(
        Text("Les groupes qui travaillent sur le logement, sur une carte", "The groups that work on housing, on a map"),
        """SELECT ?groupe ?nom ?latitude ?longitude WHERE {
  ?groupe a mlg:Group ; dcterms:subject mc:housing ; schema:name ?nom .
  OPTIONAL { ?groupe schema:location ?lieu . ?lieu schema:latitude ?latitude ; schema:longitude ?longitude }
} ORDER BY ?nom""",
    ),
    Example(
        Text("Combien de groupes par thématique", "How many groups for each topic"),
        """SELECT ?theme (COUNT(DISTINCT ?groupe) AS ?nombre) WHERE {
  ?groupe a mlg:Group ; dcterms:subject ?theme .
} GROUP BY ?theme ORDER BY DESC(?nombre)""",
    ),
    Example(
        Text("Les groupes dont plusieurs annuaires parlent", "The groups that several directories speak of"),
        """SELECT ?groupe (SAMPLE(?unNom) AS ?nom) (COUNT(DISTINCT ?fiche) AS ?fiches) WHERE {
  ?groupe a mlg:Group ; schema:name ?unNom ; mlg:record ?fiche .
} GROUP BY ?groupe HAVING (COUNT(DISTINCT ?fiche) > 1) ORDER BY DESC(?fiches) ?nom""",
    ),
    Example(
        Text("Qui coopère avec qui", "Who cooperates with whom"),
        """SELECT ?nom ?partenaire WHERE {
  ?groupe mlg:cooperatesWith ?autre ; schema:name ?nom .
  OPTIONAL { ?autre schema:name ?nomAutre }
  BIND(COALESCE(?nomAutre, ?autre) AS ?partenaire)
} ORDER BY ?nom""",
    ),
    Example(
        Text("Ce que dit chaque annuaire d'un même groupe", "What each directory says of one group"),
        """SELECT ?groupe ?nom ?fiche WHERE {
  ?groupe a mlg:Group ; mlg:record ?fiche .
  GRAPH ?fiche { ?sujet a mlg:Group ; schema:name ?nom }
} ORDER BY ?groupe ?fiche LIMIT 50""",
    ),
    Example(
        Text("Tout ce qui est dit d'un thème, en graphe", "All that is said of one topic, as a graph"),
        """CONSTRUCT { ?groupe ?propriete ?valeur } WHERE {
  ?groupe a mlg:Group ; dcterms:subject mc:environment ; ?propriete ?valeur .
} LIMIT 100""",
    ),
)
"""Each is written so that its first lines can be changed by somebody who does not know SPARQL."""
