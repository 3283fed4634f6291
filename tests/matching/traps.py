"""Hand-made traps for matching: every group, address, number and identifier here is invented; only the towns exist.

A trap is a few records of one situation. Records under one letter are one group and must merge; records under two letters are two groups
and must not. All traps stand in one directory, so that a merge across two of them is an error as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

Row: TypeAlias = Mapping[str, str]


FIELDS: Final = ("name", "street", "postcode", "city", "lat", "lon", "phone", "email", "url", "siret", "rna", "category", "modified")


@dataclass(frozen=True)
class Trap:
    """`groups`: by letter, the rows of one real group."""

    kind: str
    groups: Mapping[str, tuple[Row, ...]]


def _row(source: str, name: str, place: str = "", **more: str) -> Row:
    """Write a row; `place` is ``street, postcode town``, any part of which may be missing."""
    street, _, town = place.rpartition(", ")
    code, _, rest = town.partition(" ")
    postcode, city = (code, rest) if code.isdigit() else ("", town)
    return {"source": source, "name": name, "street": street, "postcode": postcode, "city": city, **more}


def rows() -> Iterator[dict[str, str]]:
    """Yield all rows with their `id`, the `entity` that is the truth, and the kind of the `trap`."""
    for number, trap in enumerate(TRAPS):
        for letter, found in trap.groups.items():
            for index, row in enumerate(found):
                yield {**row, "id": f"{number}{letter}{index}", "entity": f"{number}{letter}", "trap": trap.kind}


TRAPS: Final = (
    Trap(
        "homonyms in two towns",
        {
            "a": (
                _row("ville", "Les Jardins de Pomone", "3 rue des Lilas, 35000 Rennes", phone="02 61 91 10 01"),
                _row("carte", "Jardins de Pomone", "35000 Rennes", lat="48.1130", lon="-1.6740"),
            ),
            "b": (
                _row("carte", "Les Jardins de Pomone", "29200 Brest", lat="48.3900", lon="-4.4860"),
                _row("annuaire", "Les jardins de Pomone", "8 quai du Port, 29200 Brest", phone="02 61 91 10 02"),
            ),
        },
    ),
    Trap(
        "homonyms in two towns",
        {
            "a": (_row("ville", "Association La Passerelle", "93100 Montreuil", phone="01 99 00 10 11", category="solidarité"),),
            "b": (_row("carte", "La Passerelle", "93170 Bagnolet", phone="01 99 00 10 12", category="solidarité"),),
        },
    ),
    Trap(
        "homonyms in two towns",
        {"a": (_row("ville", "Le Fil d'Ariane", "Tours"),), "b": (_row("carte", "Le Fil d’Ariane", "Saint-Avertin"),)},
    ),
    Trap(
        "homonyms in two towns",
        {
            "a": (_row("ville", "Café associatif L'Embellie", "Place du Marché, 26400 Crest", email="embellie@laposte.net", rna="W261000101"),),
            "b": (_row("annuaire", "Café associatif l'Embellie", "Place de la Mairie, 26150 Die", email="cafe.embellie@gmail.com"),),
        },
    ),
    Trap(
        "homonyms in two towns",
        {
            "a": (_row("ville", "Comité de quartier Saint-Michel", "33000 Bordeaux", category="urbanisme"),),
            "b": (_row("carte", "Comité de quartier Saint-Michel", "31400 Toulouse", category="urbanisme"),),
            "c": (_row("annuaire", "Comité de Quartier St Michel", "34000 Montpellier", category="urbanisme"),),
        },
    ),
    Trap(
        "homonyms in one town",
        {
            "a": (_row("ville", "Association des parents d'élèves de l'école Jean Moulin", "69100 Villeurbanne", phone="04 65 71 10 21"),),
            "b": (_row("carte", "Association des parents d'élèves de l'école Louis Pasteur", "69100 Villeurbanne", phone="04 65 71 10 22"),),
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("ville", "Maison des Jeunes et de la Culture", "12 avenue Gambetta, 26000 Valence", phone="04 65 71 11 01"),
                _row("carte", "MJC", "12 av. Gambetta, 26000 Valence"),
            )
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("ville", "Association pour le Maintien d'une Agriculture Paysanne de Saillans", "26340 Saillans"),
                _row("carte", "AMAP de Saillans", "26340 Saillans", email="paniers@amap-saillans.example"),
            )
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("ville", "Réseau d'Échanges Réciproques de Savoirs", "59000 Lille", phone="03 53 01 11 03"),
                _row("carte", "R.E.R.S.", "59000 Lille", phone="03.53.01.11.03"),
            )
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("annuaire", "Groupement Régional des Initiatives Vertes et Ouvrières (GRIVO)", "44000 Nantes"),
                _row("carte", "GRIVO", "44000 Nantes", lat="47.2180", lon="-1.5530"),
            )
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (_row("ville", "Association des Parents d'Élèves", "38000 Grenoble", phone="04 65 71 11 05", email="parents@ape38.example"),),
            "b": (_row("carte", "APE - Atelier Populaire d'Économie", "38000 Grenoble", phone="04 65 71 11 06", email="eco@apeco.example"),),
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("ville", "Société d'Horticulture et d'Écologie du Vexin", "7 rue Haute, 95450 Vigny", url="https://shev.example"),
                _row("annuaire", "SHEV", "Vigny", url="http://www.shev.example/index.php"),
            )
        },
    ),
    Trap(
        "town hall and its social centre",
        {
            "a": (
                _row("ville", "Mairie de Florac", "1 place Louis Dides, 48400 Florac", phone="04 65 71 12 01", url="https://florac.example"),
                _row("annuaire", "Commune de Florac", "1 place Louis Dides, 48400 Florac", phone="04 65 71 12 01", siret="21480099900011"),
            ),
            "b": (
                _row("carte", "CCAS de Florac", "1 place Louis Dides, 48400 Florac", phone="04 65 71 12 01", url="https://florac.example"),
                _row("annuaire", "Centre communal d'action sociale de Florac", "1 pl. Louis Dides, 48400 Florac", siret="26480099900010"),
            ),
        },
    ),
    Trap(
        "town hall and its social centre",
        {
            "a": (
                _row(
                    "ville", "Ville de Hennebont", "13 place Maréchal Foch, 56700 Hennebont", phone="02 61 91 12 02", email="mairie@hennebont.example"
                ),
            ),
            "b": (
                _row(
                    "carte",
                    "Centre social de Hennebont",
                    "13 place Maréchal Foch, 56700 Hennebont",
                    phone="02 61 91 12 02",
                    email="social@hennebont.example",
                ),
            ),
        },
    ),
    Trap(
        "town hall and its social centre",
        {
            "a": (_row("annuaire", "Commune de Bédarieux", "Place de la Vierge, 34600 Bédarieux", siret="21340099900019", phone="04 65 71 12 03"),),
            "b": (_row("ville", "C.C.A.S. Bédarieux", "Place de la Vierge, 34600 BEDARIEUX", phone="0465711203"),),
            "c": (_row("carte", "Office de tourisme de Bédarieux", "Place de la Vierge, 34600 Bédarieux", phone="04 65 71 12 04"),),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (_row("ville", "Vélo pour tous", "Maison des associations, 67 rue Saint-François, 29000 Quimper", phone="02 61 91 13 01"),),
            "b": (_row("carte", "Amnistie Cornouaille", "Maison des associations, 67 rue Saint-François, 29000 Quimper", phone="02 61 91 13 01"),),
            "c": (_row("annuaire", "Club d'échecs du Frout", "67 rue St François, 29000 Quimper", phone="02 61 91 13 01"),),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (_row("ville", "Les Amis du Livre", "6 cours des Alliés, 35000 Rennes", phone="02 61 91 13 02", lat="48.1050", lon="-1.6760"),),
            "b": (_row("carte", "Les Amis du Vélo", "6 cours des Alliés, 35000 Rennes", phone="02 61 91 13 02", lat="48.1050", lon="-1.6760"),),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (
                _row(
                    "ville",
                    "Entraide Paysans",
                    "10 rue du Moulin, 26400 Crest",
                    email="contact@maison-asso.example",
                    url="https://maison-asso.example",
                ),
            ),
            "b": (
                _row(
                    "carte",
                    "Paysans de nature",
                    "10 rue du Moulin, 26400 Crest",
                    email="contact@maison-asso.example",
                    url="https://maison-asso.example",
                ),
            ),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (_row("ville", "Secours solidaire", "4 rue Berthe de Boissieux, 38000 Grenoble", phone="04 65 71 13 04", category="solidarité"),),
            "b": (_row("carte", "Planning des voisins", "4 rue Berthe de Boissieux, 38000 Grenoble", phone="04 65 71 13 04", category="solidarité"),),
        },
    ),
    Trap(
        "a renamed group",
        {
            "a": (
                _row("annuaire", "Zone Libre du Barrois", "5 rue Neuve, 55000 Bar-le-Duc", rna="W551000201", modified="2014-03-02"),
                _row("carte", "Les Semeuses", "5 rue Neuve, 55000 Bar-le-Duc", rna="W551000201", modified="2024-05-01"),
            )
        },
    ),
    Trap(
        "a renamed group",
        {
            "a": (
                _row("annuaire", "Entraide Familles Sud", "21 rue Colbert, 13001 Marseille", siret="81000000100017", phone="04 65 71 14 02"),
                _row("ville", "Tisser du lien", "21 rue Colbert, 13001 Marseille", siret="810 000 001 00017", phone="06 39 98 14 02"),
            )
        },
    ),
    Trap(
        "a renamed group",
        {
            "a": (
                _row(
                    "annuaire",
                    "Comité pour le logement digne",
                    "80000 Amiens",
                    rna="W802000301",
                    url="https://logement-digne.example",
                    phone="03 53 01 14 03",
                ),
                _row("carte", "Habitons !", "3 mail Albert, 80000 Amiens", rna="W802000301", url="https://habitons.example", phone="03 53 01 14 04"),
            )
        },
    ),
    Trap(
        "a renamed group",
        {
            "a": (
                _row("annuaire", "Recycl'Auxois", "21140 Semur-en-Auxois", siret="82000000100015", email="bonjour@recyclauxois.example"),
                _row("carte", "La Boucle", "21140 Semur-en-Auxois", siret="82000000100015", email="contact@laboucle21.example"),
            )
        },
    ),
    Trap(
        "a name taken up by another",
        {
            "a": (
                _row("annuaire", "Radio Vallée Libre", "2 rue Basse, 12100 Millau", rna="W123000401", modified="2008-01-01"),
                _row("ville", "Radio Vallée Libre", "2 rue Basse, 12100 Millau", rna="W123000401", modified="2009-06-01"),
            ),
            "b": (
                _row("carte", "Radio Vallée Libre", "40 avenue Jean Jaurès, 12100 Millau", rna="W123000955", modified="2023-09-01"),
                _row("annuaire", "Radio Vallée Libre", "40 av. J. Jaurès, 12100 Millau", rna="W123000955", modified="2024-01-15"),
            ),
        },
    ),
    Trap(
        "a name taken up by another",
        {
            "a": (_row("annuaire", "L'Atelier du Coin", "9 rue du Four, 63000 Clermont-Ferrand", siret="83000000100013", modified="2007-02-02"),),
            "b": (_row("ville", "L'Atelier du Coin", "9 rue du Four, 63000 Clermont-Ferrand", siret="90000000100019", modified="2023-02-02"),),
        },
    ),
    Trap(
        "a name taken up by another",
        {
            "a": (_row("annuaire", "Ciné-club Le Méliès", "64000 Pau", rna="W643000501", phone="05 36 49 15 03", modified="2006-10-10"),),
            "b": (_row("carte", "Ciné-Club le Méliès", "64000 Pau", rna="W643000977", phone="05 36 49 15 03", modified="2022-10-10"),),
        },
    ),
    Trap(
        "swapped coordinates",
        {
            "a": (
                _row("carte", "La Fabrique du Canal", "75019 Paris", lat="48.8870", lon="2.3820"),
                _row("kumu", "La Fabrique du Canal", "75019 Paris", lat="2.3820", lon="48.8870"),
            )
        },
    ),
    Trap(
        "swapped coordinates",
        {
            "a": (
                _row("carte", "Épicerie solidaire du Léon", "29260 Lesneven", lat="48.5710", lon="-4.3220"),
                _row("kumu", "Epicerie solidaire du Leon", "Lesneven", lat="-4.3220", lon="48.5710"),
            )
        },
    ),
    Trap(
        "swapped coordinates",
        {
            "a": (
                _row("carte", "Ti Jardin Partagé", "97400 Saint-Denis", lat="-20.8820", lon="55.4500", phone="06 39 98 16 03"),
                _row("kumu", "Ti Jardin Partage", "97400 Saint-Denis", lat="55.4500", lon="-20.8820"),
            )
        },
    ),
    Trap(
        "swapped coordinates",
        {
            "a": (_row("carte", "Repair'Atelier", "67000 Strasbourg", lat="48.5730", lon="7.7520"),),
            "b": (_row("kumu", "Repair'Atelier", "68100 Mulhouse", lat="7.3390", lon="47.7500"),),
        },
    ),
    Trap(
        "mojibake",
        {
            "a": (
                _row("carte", "Fédération des Métiers d'Élevage", "Allée des Chênes, 15000 Aurillac"),
                _row("kumu", "FÃ©dÃ©ration des MÃ©tiers dâ€™Ã‰levage", "AllÃ©e des ChÃªnes, 15000 Aurillac"),
            )
        },
    ),
    Trap(
        "mojibake",
        {
            "a": (
                _row("carte", "Théâtre de l'Épée", "42000 Saint-Étienne", phone="04 65 71 17 02"),
                _row("kumu", "Th\ufffd\ufffdtre de l'\ufffdp\ufffde", "42000 Saint-\ufffdtienne", phone="04 65 71 17 02"),
            )
        },
    ),
    Trap(
        "mojibake",
        {
            "a": (
                _row("carte", "L'Écluse à Vélos", "71100 Chalon-sur-Saône"),
                _row("kumu", "L&#039;&Eacute;cluse &agrave; V&eacute;los", "71100 Chalon-sur-SaÃ´ne"),
            )
        },
    ),
    Trap(
        "mojibake",
        {
            "a": (
                _row("carte", "Pépinière coopérative des Forêts", "88100 Saint-Dié-des-Vosges"),
                _row("kumu", "P?pini?re coop?rative des For?ts", "88100 Saint-Di?-des-Vosges"),
            )
        },
    ),
    Trap(
        "two phones in one field",
        {
            "a": (
                _row("ville", "Ludothèque Pirouette", "72000 Le Mans", phone="02 61 91 18 01/06 39 98 18 01"),
                _row("carte", "Pirouette", "72000 Le Mans", phone="+33 6 39 98 18 01"),
            )
        },
    ),
    Trap(
        "two phones in one field",
        {
            "a": (
                _row("ville", "La Ressourcerie du Bocage", "79300 Bressuire", phone="05.36.49.18.02 - 06.39.98.18.02"),
                _row("carte", "Ressourcerie Bocage", "Bressuire", phone="0033 536 49 18 02"),
            )
        },
    ),
    Trap(
        "two phones in one field",
        {
            "a": (
                _row("ville", "Habitat groupé Les Voisines", "31000 Toulouse", phone="0536491803 0639981803"),
                _row("carte", "Les Voisines (habitat participatif)", "31000 Toulouse", phone="06 39 98 18 03"),
            ),
            "b": (_row("kumu", "Les Voisins du Port", "31000 Toulouse", phone="05 36 49 18 33 ou 06 39 98 18 33"),),
        },
    ),
    Trap(
        "merged communes",
        {
            "a": (
                _row("ville", "Foyer rural du Plateau", "14 route de la Mairie, 74370 Pringy", phone="04 65 71 19 01"),
                _row("carte", "Foyer rural du Plateau", "14 rte de la Mairie, 74370 Annecy"),
            )
        },
    ),
    Trap(
        "merged communes",
        {
            "a": (
                _row("annuaire", "Voile solidaire du Cotentin", "50100 Cherbourg-Octeville", siret="84000000100011", lat="49.6390", lon="-1.6160"),
                _row("carte", "Voile Solidaire du Cotentin", "50100 Cherbourg-en-Cotentin", lat="49.6395", lon="-1.6165"),
            )
        },
    ),
    Trap(
        "merged communes",
        {
            "a": (
                _row("annuaire", "Les Greniers d'Anjou", "2 place de l'Église, 49110 Montrevault", lat="47.2600", lon="-1.0460"),
                _row("kumu", "Les Greniers d'Anjou", "2 place de l'Église, 49110 Montrevault-sur-Èvre"),
            )
        },
    ),
    Trap(
        "merged communes",
        {
            "a": (
                _row("annuaire", "Amicale laïque des Trois Clochers", "61700 Domfront", siret="85000000100019"),
                _row("ville", "Amicale Laïque des 3 Clochers", "61700 Domfront en Poiraie", siret="850000001"),
            )
        },
    ),
    Trap(
        "stale contacts",
        {
            "a": (
                _row(
                    "ville",
                    "Le Potager des Possibles",
                    "22 rue du Four, 37000 Tours",
                    phone="02 61 91 20 01",
                    email="potager@laposte.net",
                    modified="2012-01-01",
                ),
                _row(
                    "carte",
                    "Le Potager des Possibles",
                    "22 rue du Four, 37000 Tours",
                    phone="06 39 98 20 01",
                    email="contact@possibles.example",
                    modified="2024-01-01",
                ),
            )
        },
    ),
    Trap(
        "stale contacts",
        {
            "a": (
                _row(
                    "ville", "Coopérative Tournefeuille Énergies", "31170 Tournefeuille", phone="05 36 49 20 02", url="https://cte.wordpress.example"
                ),
                _row(
                    "carte",
                    "Coopérative Tournefeuille Énergies",
                    "31170 Tournefeuille",
                    phone="05 36 49 20 92",
                    url="https://tournefeuille-energies.example",
                ),
            )
        },
    ),
    Trap(
        "stale contacts",
        {
            "a": (
                _row("annuaire", "Compagnie du Réverbère Bleu", "1 rue Kléber, 90000 Belfort", rna="W901000601", phone="03 53 01 20 03"),
                _row(
                    "ville",
                    "Cie du Réverbère Bleu",
                    "54 faubourg de Montbéliard, 90000 Belfort",
                    phone="06 39 98 20 03",
                    email="cie@reverbere.example",
                ),
            )
        },
    ),
    Trap(
        "stale contacts",
        {
            "a": (
                _row("annuaire", "Université populaire du Perche", "28400 Nogent-le-Rotrou", email="upp@orange.fr", phone="02 61 91 20 04"),
                _row("kumu", "Université Populaire du Perche", "Nogent-le-Rotrou", email="secretariat@up-perche.example"),
            )
        },
    ),
    Trap(
        "federation and branches",
        {
            "a": (
                _row(
                    "annuaire",
                    "Fédération nationale des Semeurs de Haies",
                    "4 rue Monge, 75005 Paris",
                    siret="86000000100017",
                    url="https://semeurs.example",
                ),
            ),
            "b": (
                _row("annuaire", "Semeurs de Haies - antenne de Blois", "41000 Blois", siret="86000000100025", url="https://semeurs.example"),
                _row("carte", "Semeurs de haies Blois", "41000 Blois", url="https://www.semeurs.example/"),
            ),
            "c": (
                _row("carte", "Semeurs de haies (section Vendôme)", "41100 Vendôme", url="https://semeurs.example", email="contact@semeurs.example"),
                _row("ville", "Semeurs de Haies Vendôme", "41100 Vendôme", email="contact@semeurs.example"),
            ),
        },
    ),
    Trap(
        "federation and branches",
        {
            "a": (_row("carte", "Réseau Pédal'Utile", "69003 Lyon", phone="04 65 71 21 02", url="https://pedalutile.example"),),
            "b": (_row("ville", "Pédal'Utile Lyon 3e", "12 rue Paul Bert, 69003 Lyon", phone="04 65 71 21 02"),),
            "c": (_row("ville", "Pédal'Utile Lyon 7e", "35 rue de Marseille, 69007 Lyon", phone="04 65 71 21 02"),),
        },
    ),
    Trap(
        "federation and branches",
        {
            "a": (_row("annuaire", "Union départementale des Familles Debout", "8 rue de la Loi, 62000 Arras", phone="03 53 01 21 03"),),
            "b": (_row("carte", "Familles Debout", "8 rue de la Loi, 62000 Arras", siret="87000000100023", phone="03 53 01 21 13"),),
            "c": (_row("ville", "Familles Debout - section de Béthune", "62400 Béthune", phone="03 53 01 21 03"),),
        },
    ),
    Trap(
        "federation and branches",
        {
            "a": (
                _row("annuaire", "Groupe local Alertes Climat Caen", "14000 Caen", email="caen@alertes.example"),
                _row("carte", "Alertes Climat Caen", "14000 Caen", email="caen@alertes.example"),
            ),
            "b": (_row("carte", "Alertes Climat Bayeux", "14400 Bayeux", email="bayeux@alertes.example"),),
            "c": (_row("annuaire", "Alertes Climat France", "14000 Caen", email="contact@alertes.example"),),
        },
    ),
    Trap(
        "numbers in names",
        {
            "a": (_row("ville", "Crèche parentale n° 1", "94200 Ivry-sur-Seine", phone="01 99 00 22 01"),),
            "b": (_row("carte", "Crèche parentale n° 2", "94200 Ivry-sur-Seine", phone="01 99 00 22 02"),),
        },
    ),
    Trap(
        "habits of tables",
        {
            "a": (
                _row("ville", "Atelier Bois Flotté", "1000 Bourg-en-Bresse", phone="04 65 71 23 01"),
                _row("carte", "Atelier Bois Flotté", "01000 Bourg-en-Bresse"),
            )
        },
    ),
    Trap(
        "habits of tables",
        {
            "a": (
                _row("ville", "Théâtre du Ruisseau", street="3, bd. du Gal de Gaulle - 92120 Montrouge"),
                _row("carte", "Théâtre du Ruisseau", "3 boulevard du Général-de-Gaulle, 92120 Montrouge"),
            )
        },
    ),
    Trap(
        "habits of tables",
        {
            "a": (
                _row("ville", "Jardin solidaire Kerampéré", postcode="29200.0", city="BREST CEDEX 2"),
                _row("carte", "Jardin Solidaire Kerampere", city="29200 Brest"),
            )
        },
    ),
    Trap(
        "habits of tables",
        {
            "a": (
                _row("ville", "ASSOCIATION LES PETITS PAS (ASSO LOI 1901)", "18000 BOURGES", phone="02.61.91.23.04"),
                _row("carte", "Petits pas (Les)", "Bourges", phone="(+33)2 61 91 23 04"),
            )
        },
    ),
    Trap(
        "one switchboard",
        {
            "a": (_row("ville", "Multi-accueil Les Coccinelles", "5 rue Verte, 76600 Le Havre", phone="02 61 91 24 01"),),
            "b": (_row("carte", "Multi-accueil Les Libellules", "18 rue Bleue, 76600 Le Havre", phone="02 61 91 24 01"),),
        },
    ),
    Trap(
        "homonyms in two towns",
        {
            "a": (_row("ville", "Les Restos du Quartier", "44000 Nantes", phone="02 61 91 30 01"),),
            "b": (_row("carte", "Les Restos du Quartier", "44800 Saint-Herblain", phone="02 61 91 30 02"),),
        },
    ),
    Trap(
        "homonyms in two towns",
        {
            "a": (_row("ville", "Amicale des Locataires", "12 rue des Fleurs, 69200 Vénissieux"),),
            "b": (_row("carte", "Amicale des locataires", "12 rue des Fleurs, 69120 Vaulx-en-Velin"),),
        },
    ),
    Trap(
        "homonyms in two towns",
        {
            "a": (_row("ville", "Le Tiers-Lieu", "Rodez", lat="44.35", lon="2.57"),),
            "b": (_row("carte", "Le Tiers-Lieu", "Albi", lat="43.93", lon="2.15"),),
        },
    ),
    Trap(
        "homonyms in two towns",
        {
            "a": (_row("ville", "Bibliothèque sonore", "87000 Limoges", email="bs@gmail.com", url="https://www.facebook.com/bslimoges"),),
            "b": (_row("carte", "Bibliothèque Sonore", "23000 Guéret", url="https://www.facebook.com/bsgueret"),),
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("ville", "Union Locale des Consommateurs", "2 rue Pradier, 30000 Nîmes", phone="04 65 71 30 05"),
                _row("carte", "ULC", "30000 Nîmes", phone="0465713005"),
            )
        },
    ),
    Trap(
        "acronym against full name",
        {"a": (_row("ville", "Collectif d'Action pour le Logement (C.A.L.)", "31000 Toulouse"), _row("carte", "CAL Toulouse", "31000 Toulouse"))},
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("ville", "MJC du Vieux Moulin", "69500 Bron"),
                _row("carte", "Maison des jeunes et de la culture du Vieux Moulin", "69500 Bron"),
            )
        },
    ),
    Trap(
        "acronym against full name",
        {"a": (_row("ville", "SEL de la Drôme", "26000 Valence"), _row("carte", "Système d'échange local de la Drôme", "26000 Valence"))},
    ),
    Trap(
        "acronym against full name",
        {
            "a": (_row("ville", "Association de Défense de l'Environnement Lot", "46000 Cahors", rna="W461000001"),),
            "b": (_row("carte", "ADEL", "46000 Cahors", rna="W461000002", phone="05 36 49 30 09"),),
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("ville", "Ligue de Protection des Haies", "35000 Rennes", url="https://lph.example"),
                _row("carte", "L.P.H. Rennes", "35000 Rennes", url="lph.example/"),
            )
        },
    ),
    Trap(
        "town hall and its social centre",
        {
            "a": (_row("ville", "Mairie de Saillans", "1 place Maurice Faure, 26340 Saillans", phone="04 65 71 31 01"),),
            "b": (
                _row("carte", "Centre Communal d'Action Sociale (CCAS) de Saillans", "1 place Maurice Faure, 26340 Saillans", phone="04 65 71 31 01"),
            ),
        },
    ),
    Trap(
        "town hall and its social centre",
        {
            "a": (
                _row("ville", "Hôtel de ville de Loos-en-Gohelle", "Place de la République, 62750 Loos-en-Gohelle"),
                _row("carte", "Commune de LOOS EN GOHELLE", "Place de la République, 62750 LOOS EN GOHELLE", siret="21620099900012"),
            )
        },
    ),
    Trap(
        "town hall and its social centre",
        {
            "a": (_row("ville", "Mairie", "3 rue Haute, 38710 Mens", phone="04 65 71 31 03", url="https://mens.example"),),
            "b": (_row("carte", "CCAS", "3 rue Haute, 38710 Mens", phone="04 65 71 31 03", url="https://mens.example"),),
            "c": (_row("annuaire", "Médiathèque municipale de Mens", "3 rue Haute, 38710 Mens", phone="04 65 71 31 03", url="https://mens.example"),),
        },
    ),
    Trap(
        "town hall and its social centre",
        {
            "a": (
                _row("ville", "Ville de Trappes", "1 place de la République, 78190 Trappes", siret="21780099900014", email="contact@trappes.example"),
                _row("carte", "Mairie de Trappes", "78190 Trappes", email="contact@trappes.example"),
            ),
            "b": (_row("carte", "Centre social Les Merisiers", "1 place de la République, 78190 Trappes", email="contact@trappes.example"),),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (_row("ville", "Les Petits Curieux", "15 rue Condorcet, 59000 Lille", phone="03 53 01 32 01"),),
            "b": (
                _row(
                    "carte",
                    "Réseau Éco-habitants",
                    "15 rue Condorcet, 59000 Lille",
                    phone="03 53 01 32 01",
                ),
            ),
            "c": (_row("annuaire", "Groupement des producteurs bio", "15 rue Condorcet, 59000 Lille", phone="03 53 01 32 01"),),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (_row("ville", "Artisans du lien", "MDA, 2 place des Orphelins, 67000 Strasbourg", lat="48.58", lon="7.75"),),
            "b": (_row("carte", "Artisans du son", "Maison des associations - 2 place des Orphelins, 67000 Strasbourg", lat="48.58", lon="7.75"),),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (
                _row(
                    "ville",
                    "Association culturelle turque",
                    "8 rue du Port, 25200 Montbéliard",
                    phone="03 53 01 32 03",
                    email="mda@montbeliard.example",
                ),
            ),
            "b": (
                _row(
                    "carte",
                    "Association culturelle portugaise",
                    "8 rue du Port, 25200 Montbéliard",
                    phone="03 53 01 32 03",
                    email="mda@montbeliard.example",
                ),
            ),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (_row("ville", "Foyer de l'enfance", "20 rue Foch, 57000 Metz", phone="03 53 01 32 04"),),
            "b": (_row("carte", "Accueil de jour", "20 rue Foch, 57000 Metz", phone="03 53 01 32 04"),),
        },
    ),
    Trap(
        "a renamed group",
        {
            "a": (
                _row(
                    "ville",
                    "Aide aux Mères Isolées",
                    "7 rue Denfert, 75014 Paris",
                    siret="88000000100014",
                    phone="01 99 00 33 01",
                    email="a@ami.example",
                    url="https://ami.example",
                ),
                _row(
                    "carte",
                    "Parent'Elles",
                    "18 avenue du Maine, 75014 Paris",
                    siret="88000000100014",
                    phone="01 99 00 33 02",
                    email="b@parentelles.example",
                    url="https://parentelles.example",
                ),
            )
        },
    ),
    Trap(
        "a renamed group",
        {
            "a": (
                _row("ville", "Vivre au Village", "15100 Saint-Flour", rna="W153000001"),
                _row("carte", "Haute Terre en commun", "15100 Saint-Flour", rna="W153000001"),
                _row("annuaire", "Haute Terre en Commun", "Saint-Flour", url="https://hauteterre.example"),
            )
        },
    ),
    Trap(
        "a renamed group",
        {
            "a": (
                _row("ville", "Chantier École Insertion Sud", "34000 Montpellier", siret="88100000100012", phone="04 65 71 33 03"),
                _row(
                    "carte",
                    "Passerelles Méditerranée",
                    "34000 Montpellier",
                    phone="04 65 71 33 03",
                    siret="881000001",
                    email="contact@passerelles.example",
                ),
            )
        },
    ),
    Trap(
        "a name taken up by another",
        {
            "a": (_row("ville", "Le Cri du Peuple", "5 rue Ronde, 42000 Saint-Étienne", siret="88200000100010", modified="2005-01-01"),),
            "b": (
                _row("carte", "Le Cri du Peuple", "5 rue Ronde, 42000 Saint-Étienne", siret="88200000200018", modified="2022-01-01"),
                _row("annuaire", "Cri du peuple (Le)", "5 rue Ronde, 42000 Saint-Étienne", siret="88200000200018"),
            ),
        },
    ),
    Trap(
        "a name taken up by another",
        {
            "a": (_row("ville", "Cantine Populaire", "03000 Moulins", rna="W031000001", email="cantine@orange.fr", modified="2003-05-05"),),
            "b": (
                _row("carte", "Cantine Populaire", "03000 Moulins", rna="W031000999", email="contact@cantinepop.example", modified="2023-05-05"),
                _row("annuaire", "La Cantine populaire", "03000 Moulins", email="contact@cantinepop.example"),
            ),
        },
    ),
    Trap(
        "swapped coordinates",
        {
            "a": (
                _row("ville", "Moulin à idées", "38350 La Mure", lat="44.902", lon="5.788"),
                _row("carte", "Le Moulin à Idées", "La Mure", lat="5.788", lon="44.902"),
            )
        },
    ),
    Trap(
        "swapped coordinates",
        {
            "a": (
                _row("ville", "Kréol Solidarité", "97232 Le Lamentin", lat="14.61", lon="-61.00"),
                _row("carte", "Kreol Solidarite", lat="-61.00", lon="14.61"),
            )
        },
    ),
    Trap(
        "mojibake",
        {
            "a": (
                _row("ville", "Société d'entraide À Petits Pas", "21000 Dijon"),
                _row("carte", "SociÃ©tÃ© d'entraide Ã\xa0 Petits Pas", "21000 Dijon"),
            )
        },
    ),
    Trap(
        "mojibake",
        {
            "a": (
                _row("ville", "Éveil & Forêt", "05000 Gap", street="3 allée du Château"),
                _row("carte", "Ã\x89veil &amp; ForÃªt", "05000 Gap", street="3 allÃ©e du ChÃ¢teau"),
            )
        },
    ),
    Trap(
        "mojibake",
        {"a": (_row("ville", "Cité Créative", "53000 Laval", phone="02 61 91 35 03"), _row("carte", "CitÃƒÂ© CrÃƒÂ©ative", "53000 Laval"))},
    ),
    Trap(
        "two phones in one field",
        {
            "a": (
                _row("ville", "Garage moderne", "33300 Bordeaux", phone="05 36 49 36 01 ; 06 39 98 36 01"),
                _row("carte", "Le Garage Moderne", "Bordeaux", phone="0639983601"),
            )
        },
    ),
    Trap(
        "two phones in one field",
        {
            "a": (
                _row("ville", "Permanence droits", "14000 Caen", phone="Tél : 02.61.91.36.02\nPort. 06.39.98.36.02"),
                _row("carte", "La permanence des droits", "14000 Caen", phone="+33639983602"),
            )
        },
    ),
    Trap(
        "two phones in one field",
        {
            "a": (_row("ville", "Secrétariat unique", phone="02 61 91 36 03 / 02 61 91 36 04", place="50000 Saint-Lô"),),
            "b": (_row("carte", "Club de voile", phone="02 61 91 36 04", place="50000 Saint-Lô"),),
        },
    ),
    Trap(
        "merged communes",
        {
            "a": (
                _row("ville", "Comice agricole", "4 rue Neuve, 49270 Saint-Laurent-des-Autels", siret="88400000100016"),
                _row("carte", "Comice agricole", "4 rue Neuve, 49270 Orée d'Anjou", siret="88400000100016"),
            )
        },
    ),
    Trap(
        "merged communes",
        {
            "a": (
                _row("ville", "Les Amis du Vieux Lavoir", "79140 Cerizay", lat="46.821", lon="-0.664"),
                _row("carte", "Les amis du vieux lavoir", "79140 Bretignolles", lat="46.822", lon="-0.665"),
            )
        },
    ),
    Trap(
        "merged communes",
        {
            "a": (
                _row("ville", "Trait d'union solidaire", "9 rue de l'Église, 24300 Nontron", phone="05 36 49 37 03"),
                _row("carte", "Trait d'Union Solidaire", "9 rue de l'église, Le Bourdeix", phone="05 36 49 37 03"),
            )
        },
    ),
    Trap(
        "stale contacts",
        {
            "a": (
                _row(
                    "ville",
                    "Théâtre de l'Entonnoir",
                    "Impasse de l'Ancienne Prison, 71100 Chalon-sur-Saône",
                    phone="03 53 01 38 01",
                    email="old@free.fr",
                ),
                _row(
                    "carte",
                    "Théâtre de l'Entonnoir",
                    "71100 Chalon-sur-Saône",
                    phone="03 53 01 38 99",
                    email="contact@entonnoir.example",
                    url="https://entonnoir.example",
                ),
            )
        },
    ),
    Trap(
        "stale contacts",
        {
            "a": (
                _row("ville", "Coquelicots en Puisaye", "2 rue du Puits, 89130 Toucy", phone="03 53 01 38 02"),
                _row("carte", "Coquelicots en Puisaye", "17 rue Paul Bert, 89130 Toucy", phone="06 39 98 38 02"),
            )
        },
    ),
    Trap(
        "federation and branches",
        {
            "a": (_row("ville", "Fédération des Foyers Ruraux du Plateau", "23000 Guéret", phone="05 36 49 39 01"),),
            "b": (_row("carte", "Foyer rural de Royère", "23460 Royère-de-Vassivière"),),
            "c": (_row("carte", "Foyer rural de Faux", "23340 Faux-la-Montagne", phone="05 36 49 39 01"),),
        },
    ),
    Trap(
        "federation and branches",
        {
            "a": (_row("ville", "Voltacoop", "75019 Paris", url="https://voltacoop.example", siret="88500000100013"),),
            "b": (_row("carte", "Voltacoop Bretagne", "35000 Rennes", url="https://voltacoop.example/bretagne", siret="88600000100011"),),
            "c": (_row("annuaire", "Voltacoop Normandie", "76000 Rouen", url="https://voltacoop.example/normandie"),),
        },
    ),
    Trap(
        "federation and branches",
        {
            "a": (
                _row(
                    "ville",
                    "Union Nationale des Ateliers Partagés (UNAP)",
                    "93100 Montreuil",
                    email="contact@unap.example",
                    url="https://unap.example",
                ),
                _row("carte", "UNAP", "Montreuil", url="https://unap.example"),
            ),
            "b": (
                _row(
                    "carte", "Ateliers Partagés - section de Montreuil", "93100 Montreuil", email="montreuil@unap.example", url="https://unap.example"
                ),
            ),
        },
    ),
    Trap(
        "federation and branches",
        {
            "a": (_row("ville", "Secours des Collines, comité départemental", "07000 Privas", phone="04 65 71 39 04"),),
            "b": (_row("carte", "Secours des Collines, comité local d'Aubenas", "07200 Aubenas", phone="04 65 71 39 04"),),
        },
    ),
    Trap(
        "homonyms in two towns",
        {
            "a": (_row("ville", "La Grange aux Idées", "81000 Albi", email="grange@free.fr"),),
            "b": (_row("carte", "La Grange aux idées", "81100 Castres", email="contact@grange-castres.example"),),
        },
    ),
    Trap(
        "homonyms in two towns",
        {
            "a": (_row("ville", "Jardin des Possibles", "93200 Saint-Denis", category="environnement"),),
            "b": (_row("carte", "Jardin des Possibles", "97400 Saint-Denis", category="environnement"),),
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("ville", "Groupe d'Entraide Mutuelle l'Embarcadère", "29200 Brest", phone="02 61 91 50 03"),
                _row("carte", "GEM L'Embarcadère", "29200 Brest"),
            )
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("ville", "CADA", "12000 Rodez", phone="05 36 49 50 04"),
                _row("carte", "Centre d'accueil pour demandeurs d'asile", "Rodez", phone="05.36.49.50.04"),
            )
        },
    ),
    Trap(
        "acronym against full name",
        {
            "a": (
                _row("ville", "Confédération Solidaire des Foyers", "63000 Clermont-Ferrand"),
                _row("carte", "CSF", "63000 Clermont-Ferrand", email="csf63@foyers.example"),
            ),
            "b": (_row("annuaire", "Comité Social et Festif (CSF)", "63000 Clermont-Ferrand", email="fetes@csf.example"),),
        },
    ),
    Trap(
        "town hall and its social centre",
        {
            "a": (_row("ville", "Mairie de Crest", "Place du Docteur Rozier, 26400 Crest", phone="04 65 71 51 01", email="accueil@crest.example"),),
            "b": (
                _row("carte", "CCAS Ville de Crest", "Place du Docteur Rozier, 26400 Crest", phone="04 65 71 51 01", email="accueil@crest.example"),
            ),
        },
    ),
    Trap(
        "town hall and its social centre",
        {
            "a": (_row("ville", "Commune de Lodève", "7 place de l'Hôtel de Ville, 34700 Lodève", phone="04 65 71 51 02"),),
            "b": (_row("carte", "Centre social municipal de Lodève", "7 pl. de l'Hôtel de Ville, 34700 Lodève", phone="04 65 71 51 02"),),
        },
    ),
    Trap(
        "town hall and its social centre",
        {
            "a": (
                _row("ville", "Mairie d'Autun", "71400 Autun", siret="21710099900010"),
                _row("carte", "Ville d'AUTUN", "71400 AUTUN", siret="217100999"),
            ),
            "b": (_row("annuaire", "Centre communal d'action sociale", "71400 Autun", siret="26710099900019"),),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (_row("ville", "France Bénévoles 37", "Maison des associations, 4 rue Bernard, 37000 Tours", phone="02 61 91 52 01"),),
            "b": (_row("carte", "Cercle généalogique", "Maison des associations, 4 rue Bernard, 37000 Tours", phone="02 61 91 52 01"),),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (_row("ville", "Les Amis de la nature", "10 rue Verte, 68100 Mulhouse", phone="03 53 01 52 02"),),
            "b": (_row("carte", "Les Amis de l'orgue", "10 rue Verte, 68100 Mulhouse", phone="03 53 01 52 02"),),
        },
    ),
    Trap(
        "two groups at one house of associations",
        {
            "a": (_row("ville", "Collectif Réfugiés", "5 rue du Faubourg, 38000 Grenoble", url="https://maison.example", phone="04 65 71 52 03"),),
            "b": (_row("carte", "Collectif Climat", "5 rue du Faubourg, 38000 Grenoble", url="https://maison.example", phone="04 65 71 52 03"),),
        },
    ),
    Trap(
        "a renamed group",
        {
            "a": (
                _row("ville", "Espoir Quartiers Nord", "13015 Marseille", rna="W133000051", phone="04 65 71 53 01"),
                _row("carte", "Les Minots en marche", "8 traverse du Puits, 13014 Marseille", rna="W133000051", phone="06 39 98 53 01"),
            )
        },
    ),
    Trap(
        "a renamed group",
        {
            "a": (
                _row("ville", "SARL Bio Panier", "82000 Montauban", siret="88900000100015"),
                _row("carte", "SCIC Terres Paysannes", "82000 Montauban", siret="889 000 001 00015", url="https://tp.example"),
            )
        },
    ),
    Trap(
        "a name taken up by another",
        {
            "a": (
                _row(
                    "ville",
                    "Café de la Paix",
                    "2 place d'Armes, 08000 Charleville-Mézières",
                    siret="89100000100011",
                    phone="03 53 01 54 01",
                    modified="2001-01-01",
                ),
            ),
            "b": (
                _row(
                    "carte",
                    "Café de la Paix",
                    "2 place d'Armes, 08000 Charleville-Mézières",
                    siret="89100000200019",
                    phone="03 53 01 54 01",
                    modified="2024-01-01",
                ),
            ),
        },
    ),
    Trap(
        "swapped coordinates",
        {
            "a": (
                _row("ville", "Ferme des Hautes Herbes", "56500 Locminé", lat="47.886", lon="-2.835"),
                _row("carte", "Ferme des Hautes Herbes", lat="-2.835", lon="47.886"),
            )
        },
    ),
    Trap(
        "mojibake",
        {
            "a": (
                _row("ville", "Crèche associative Bébé Câlin", "10 rue de l'Évêché, 72000 Le Mans"),
                _row("carte", "CrÃ¨che associative BÃ©bÃ© CÃ¢lin", "10 rue de lâ€™Ã‰vÃªchÃ©, 72000 Le Mans"),
            )
        },
    ),
    Trap(
        "mojibake",
        {"a": (_row("ville", "Fraternité Guérande", "44350 Guérande"), _row("carte", "Fraternit\xe9 Gu\ufffdrande", "44350 Gu\ufffdrande"))},
    ),
    Trap(
        "two phones in one field",
        {
            "a": (
                _row("ville", "Atelier Couture", "86000 Poitiers", phone="0536495701-0639985701"),
                _row("carte", "L'atelier de couture", "86000 Poitiers", phone="06 39 98 57 01"),
            )
        },
    ),
    Trap(
        "two phones in one field",
        {
            "a": (
                _row("ville", "Vestiaire solidaire", "16000 Angoulême", phone="05 36 49 57 02 (lundi) 06 39 98 57 02 (soir)"),
                _row("carte", "Vestiaire Solidaire d'Angoulême", "16000 Angoulême", phone="0033 6 39 98 57 02"),
            )
        },
    ),
    Trap(
        "merged communes",
        {
            "a": (
                _row("ville", "Harmonie municipale de Guitté", "22630 Évran", phone="02 61 91 58 01"),
                _row("carte", "Harmonie Municipale de Guitté", "22630 Guitté", phone="02 61 91 58 01"),
            )
        },
    ),
    Trap(
        "merged communes",
        {
            "a": (
                _row("ville", "Foot loisir du Val", "1 rue du Stade, 35580 Guichen", lat="47.967", lon="-1.795"),
                _row("carte", "Foot Loisir du Val", "1 rue du stade, 35580 Pont-Réan", lat="47.968", lon="-1.796"),
            )
        },
    ),
    Trap(
        "stale contacts",
        {
            "a": (
                _row(
                    "ville",
                    "Ensemble contre la précarité",
                    "02100 Saint-Quentin",
                    phone="03 53 01 59 01",
                    email="ecp@wanadoo.fr",
                    url="http://ecp.free.example",
                    modified="2009-01-01",
                ),
                _row(
                    "carte",
                    "Ensemble Contre la Précarité",
                    "02100 Saint-Quentin",
                    phone="06 39 98 59 01",
                    email="contact@ensemble-precarite.example",
                    url="https://ensemble-precarite.example",
                    modified="2024-01-01",
                ),
            )
        },
    ),
    Trap(
        "federation and branches",
        {
            "a": (_row("ville", "Union des Cafés Solidaires", "11 rue Oberkampf, 75011 Paris", url="https://cafes-solidaires.example"),),
            "b": (_row("carte", "Café Solidaire de Pantin", "93500 Pantin", url="https://cafes-solidaires.example"),),
            "c": (_row("annuaire", "Café Solidaire de Bobigny", "93000 Bobigny", url="https://cafes-solidaires.example"),),
        },
    ),
    Trap(
        "federation and branches",
        {
            "a": (_row("ville", "Attac'hement citoyen", "21 ter rue Voltaire, 75011 Paris", email="contact@ac.example"),),
            "b": (_row("carte", "Attac'hement citoyen 35", "35000 Rennes", email="rennes@ac.example"),),
            "c": (_row("carte", "Attac'hement citoyen 44", "44000 Nantes", email="nantes@ac.example"),),
        },
    ),
)
