"""An invented French directory of any size, with its truth: five sources of different habits tell of the same groups, each in its own way.

Groups, addresses, numbers and identifiers are all made up; only the towns exist. The same seed gives the same directory on every machine.
Federations and their branches, homonyms in other towns and groups of one house are among them, as many as directories have.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final


def _words(text: str) -> list[str]:
    """Read what is cut by bars."""
    return text.split("|")


TOWNS: Final = [
    tuple(town.split(":"))
    for town in _words(
        "Paris:75011:48.86:2.38|Paris:75018:48.89:2.35|Paris:75005:48.84:2.35|Lyon:69003:45.75:4.87|Lyon:69007:45.74:4.84|"
        "Marseille:13005:43.29:5.40|Angers:49000:47.47:-0.55|Brest:29200:48.39:-4.49|Quimper:29000:47.99:-4.10|Tours:37000:47.39:0.69|"
        "Dijon:21000:47.32:5.04|Metz:57000:49.12:6.18|Nancy:54000:48.69:6.18|Reims:51100:49.26:4.03|Amiens:80000:49.89:2.30|"
        "Limoges:87000:45.83:1.26|Pau:64000:43.30:-0.37|Bayonne:64100:43.49:-1.47|Nîmes:30000:43.84:4.36|Avignon:84000:43.95:4.81|"
        "Valence:26000:44.93:4.89|Annecy:74000:45.90:6.13|Bobigny:93000:48.91:2.44|Noisy-le-Sec:93130:48.89:2.45|"
        "Bondy:93140:48.90:2.48|Stains:93240:48.95:2.38|Créteil:94000:48.79:2.46|Fontenay-sous-Bois:94120:48.85:2.48|"
        "Saint-Malo:35400:48.65:-2.02|Saint-Quentin:02100:49.85:3.29|La_Rochelle:17000:46.16:-1.15|Le_Mans:72000:48.01:0.20"
    )
]
WAYS: Final = _words("rue|avenue|place|boulevard|chemin|impasse|quai|allée")
STREETS: Final = _words(
    "des Lilas|du Général de Gaulle|Jean Moulin|de la Gare|Olympe de Gouges|des Tanneurs|du 11 Novembre|de l'Abbaye|Saint-Jacques|"
    "de Bretagne|Frida Kahlo|du Docteur Roux|des Acacias|Sainte-Anne|du Lavoir|de la Liberté|Pierre Curie|du Vieux Pont|"
    "des Frères Lumière|d'Alsace"
)
FIRST: Final = _words(
    "Atelier|Jardin|Maison|Compagnie|Collectif|Comité|Les Amis|Coopérative|Café|Théâtre|Radio|Recyclerie|Épicerie|Bibliothèque|"
    "Fabrique|Cercle|Union|Habitat|Cantine|Ferme|Festival|Chorale|Laboratoire|Verger|Garage|Université populaire|Groupe|Centre"
)
THINGS: Final = _words(
    "du Sureau|du Tilleul|de la Louve|du Gué|de l'Alambic|du Pavé|du Passeur|de la Mouette|du Phare|de la Fleur|du Bois|"
    "de l'Escargot|de la Bruyère|du Ruisseau|de l'Ardoise|du Petit Bal|du Chemin|de la Rotonde|du Faubourg|de la Semence|"
    "de l'Étincelle|du Merle|de la Glaneuse|de la Citerne|du Carillon|de la Voisine|de l'Écluse|du Temps|du Ricochet|de la Marelle|"
    "du Hérisson|de l'Enclume|de la Verveine|du Brochet|de la Tuilerie|du Sémaphore|de l'Églantine|du Cormoran|de la Besace|"
    "du Tournesol"
)
WHICH: Final = _words("debout|bleu|du Nord|d'en bas|sauvage|de midi|du canal|inattendu|vagabond|d'argile|d'avril|sans porte|du coin|à venir")
LAST: Final = (*("",) * 8, "solidaire", "citoyen", "en transition", "pour tous", "des habitants", "et compagnie")
HEADS: Final = ("Fédération nationale", "Fédération des", "Union nationale", "Confédération", "Réseau national", "", "")
BRANCHES: Final = ("{} {}", "{} {}", "{} - antenne de {}", "{} (section {})", "Groupe local {} {}", "{}")
SUBJECTS: Final = ("culture", "logement", "environnement", "solidarité", "transports", "urbanisme")
FREE: Final = ("gmail.com", "orange.fr", "laposte.net", "free.fr", "riseup.net")
LEGAL: Final = ("association {}", "Asso {}", "{} (association loi 1901)", "{}, SCIC", "SARL {}")
SHORT: Final = {"avenue": "av.", "boulevard": "bd", "place": "pl.", "chemin": "ch.", "impasse": "imp.", "allée": "all.", "rue": "r."}


@dataclass(frozen=True)
class Group:
    """A real group and its true values."""

    entity: str
    kind: str
    parent: str
    name: str
    street: tuple[str, str]
    town: tuple[str, ...]
    point: tuple[float, float]
    phone: str
    email: str
    page: str
    siret: str
    rna: str
    subject: str


@dataclass(frozen=True)
class Habit:
    """What a source says: how often it has each value, and how carelessly it writes; of so many groups it knows."""

    name: str
    knows: float
    street: float
    point: float
    contact: float
    official: float
    careless: float


HABITS: Final = (
    Habit("registre", 0.55, 0.7, 0.1, 0.6, 0.6, 0.1),
    Habit("carte", 0.35, 0.75, 0.97, 0.65, 0.05, 0.2),
    Habit("affiche", 0.2, 0.4, 0.4, 0.35, 0.01, 0.35),
    Habit("commune", 0.35, 0.75, 0.5, 0.6, 0.17, 0.2),
    Habit("portail", 0.6, 0.8, 0.9, 0.7, 0.07, 0.15),
)


def directory(groups: int, seed: int) -> list[dict[str, str]]:
    """Return the rows of a directory of so many groups, with `entity`, `kind` and `parent`, in the columns of `merge --evaluate`."""
    dice = random.Random(seed)
    found: list[Group] = []
    names: set[str] = set()
    while len(found) < groups:
        made = _family(dice, len(found)) if dice.random() < 0.035 else _alone(dice, len(found), found)
        if made[0].kind == "homonym" or made[0].name not in names:
            found += made
            names |= {group.name for group in made}
    rows: list[dict[str, str]] = []
    for group in found[:groups]:
        for habit in HABITS:
            if dice.random() < habit.knows:
                rows += [_row(dice, group, habit) for _ in range(2 if dice.random() < 0.02 else 1)]
    dice.shuffle(rows)
    return [{**row, "id": f"{row['source']}:{number}"} for number, row in enumerate(rows)]


def _alone(dice: random.Random, number: int, known: list[Group]) -> list[Group]:
    """Make a group; one in twelve bears the name of another in another town, one in twenty lives in the house of another."""
    group = _group(dice, number, " ".join(part for part in (dice.choice(FIRST), _of(dice), dice.choice(LAST)) if part))
    locals_ = [one for one in known if one.kind == "local"]
    chance = dice.random()
    if locals_ and chance < 0.08:
        twin = dice.choice(locals_)
        return [replace(group, kind="homonym", name=twin.name)] if twin.town != group.town else [group]
    if locals_ and chance < 0.13:
        host = dice.choice(locals_)
        shared = host.phone if dice.random() < 0.4 else group.phone
        return [replace(group, kind="cohost", street=host.street, town=host.town, point=host.point, phone=shared)]
    return [group]


def _family(dice: random.Random, number: int) -> list[Group]:
    """Make a federation and its branches, which share with it now a SIREN, now a phone, now a site."""
    shared = " ".join((dice.choice(("Secours", "Familles", "Jardiniers", "Citoyens", "Ateliers", "Compagnons")), _of(dice)))
    head = _group(dice, number, f"{dice.choice(HEADS)} {shared}".strip())
    head = replace(head, kind="federation", page=f"https://www.{_site(shared)}.org", siret=head.siret or _siret(dice))
    one_siren, one_phone, one_email = (dice.random() < chance for chance in (0.5, 0.3, 0.4))
    found = [head]
    for town in dice.sample([town for town in TOWNS if town[0] != head.town[0]], dice.randint(2, 8)):
        branch = _group(dice, number + len(found), dice.choice(BRANCHES).format(shared, _town(town[0])), town)
        siret = head.siret[:9] + f"{dice.randint(2, 99999):05}" if one_siren else branch.siret
        page = dice.choice((head.page, head.page, f"{head.page}/{_site(town[0])}", ""))
        email = dice.choice((head.email, branch.email)) if one_email else branch.email
        phone = head.phone if one_phone and dice.random() < 0.7 else branch.phone
        found.append(replace(branch, kind="branch", parent=head.entity, siret=siret, page=page, email=email, phone=phone))
    return found


def _group(dice: random.Random, number: int, name: str, town: tuple[str, ...] | None = None) -> Group:
    """Make the true values of a group."""
    town = town or dice.choice(TOWNS)
    site = _site(name)
    own = dice.random() < 0.5
    mail = f"{dice.choice(('contact', 'info', 'bonjour'))}@{site}.org" if own else f"{site.replace('-', '')[:20]}@{dice.choice(FREE)}"
    return Group(
        entity=str(number),
        kind="local",
        parent="",
        name=name,
        street=(f"{dice.randint(1, 240)}{dice.choice(('', '', '', '', ' bis'))}", f"{dice.choice(WAYS)} {dice.choice(STREETS)}"),
        town=town,
        point=(float(town[2]) + dice.gauss(0, 0.012), float(town[3]) + dice.gauss(0, 0.012)),
        phone=f"{dice.randint(1, 7)}{dice.randint(0, 99_999_999):08}",
        email=mail,
        page=f"https://www.{site}.org" if own else dice.choice(("", f"https://www.facebook.com/{site.replace('-', '')}")),
        siret=_siret(dice) if dice.random() < 0.7 else "",
        rna=f"W{town[1][:2]}{dice.randint(0, 9_999_999):07}" if dice.random() < 0.6 else "",
        subject=dice.choice(SUBJECTS),
    )


def _row(dice: random.Random, group: Group, habit: Habit) -> dict[str, str]:
    """Write a group as a source does."""
    number, street = group.street
    if dice.random() < 0.06:
        number, street = str(dice.randint(1, 240)), f"{dice.choice(WAYS)} {dice.choice(STREETS)}"
    with_point, off = dice.random() < habit.point, 0.004
    official = dice.random() < habit.official
    siret = group.siret if dice.random() < 0.8 else group.siret[:9]
    phone = group.phone if dice.random() > 0.06 else f"{dice.randint(1, 7)}{dice.randint(0, 99_999_999):08}"
    email = group.email if dice.random() > 0.1 else f"{dice.choice(('lea', 'sam', 'noa'))}.{dice.randint(1, 99999)}@{dice.choice(FREE)}"
    row = {
        "source": habit.name,
        "name": _name(dice, group, habit),
        "street": _street(dice, number, street) if dice.random() < habit.street else "",
        "postcode": group.town[1] if dice.random() < 0.9 else "",
        "city": _city(dice, group.town),
        "lat": f"{group.point[0] + dice.gauss(0, off):.5f}" if with_point else "",
        "lon": f"{group.point[1] + dice.gauss(0, off):.5f}" if with_point else "",
        "phone": _phone(dice, phone) if dice.random() < habit.contact else "",
        "email": email if dice.random() < habit.contact else "",
        "url": dice.choice(("{}", "{}/", "{}/index.php")).format(group.page) if group.page and dice.random() < habit.contact else "",
        "siret": siret if official else "",
        "rna": group.rna if official else "",
        "category": group.subject if dice.random() < 0.8 else dice.choice(SUBJECTS),
    }
    return {**row, "entity": group.entity, "kind": group.kind, "parent": group.parent}


def _name(dice: random.Random, group: Group, habit: Habit) -> str:
    """Write a name with typing errors, other capitals, a legal form, a town, or as an acronym."""
    name = group.name
    if group.kind in ("local", "homonym", "cohost"):
        letters = [word[0].upper() for word in name.replace("'", " ").split() if word not in ("des", "du", "de", "la", "l", "d", "et", "les", "Les")]
        chance = dice.random()
        if chance < 0.05 and len(letters) > 2:
            return dice.choice(("{}", "{}", "{} ({})")).format("".join(letters) if chance < 0.03 else name, "".join(letters))
        if chance < 0.12:
            name = f"{name} {dice.choice(('', '- '))}{_town(group.town[0])}"
        if 0.12 < chance < 0.25:
            name = dice.choice(LEGAL).format(name)
    if dice.random() < habit.careless:
        place = dice.randrange(len(name) - 1)
        slip = dice.choice((name[place + 1] + name[place], name[place] * 2 + name[place + 1], name[place + 1]))
        name = name[:place] + slip + name[place + 2 :]
    return dice.choice((name, name, name, name.upper(), name.lower(), name.replace("é", "e").replace("É", "E"), name.replace("'", "’")))


def _street(dice: random.Random, number: str, street: str) -> str:
    """Write an address, the kind of street in short or not."""
    way, _, rest = street.partition(" ")
    written = f"{number}{dice.choice((' ', ', '))}{SHORT.get(way, way) if dice.random() < 0.25 else way} {rest}"
    return dice.choice((written, written, written, written.upper(), f"Maison des associations, {written}", written.replace("Saint-", "St ")))


def _city(dice: random.Random, town: tuple[str, ...]) -> str:
    """Write a town."""
    name = _town(town[0])
    number = int(town[1][3:])
    part = f"{name} {number}e" if name in ("Paris", "Lyon", "Marseille") else f"{name} Cedex"
    return dice.choice((name, name, name, name.upper(), part, name.replace("Saint-", "St ")))


def _phone(dice: random.Random, digits: str) -> str:
    """Write a French number."""
    pairs = [digits[place : place + 2] for place in range(1, 9, 2)]
    return dice.choice((f"0{digits}", f"0{digits[0]} {' '.join(pairs)}", f"+33 {digits[0]} {' '.join(pairs)}", f"0{digits[0]}.{'.'.join(pairs)}"))


def _of(dice: random.Random) -> str:
    """Return what a name is about."""
    return f"{dice.choice(THINGS)} {dice.choice(WHICH)}" if dice.random() < 0.8 else dice.choice(THINGS)


def _siret(dice: random.Random) -> str:
    """Return fourteen digits."""
    return f"{dice.randint(100_000_000, 999_999_999)}{dice.randint(1, 99):05}"


def _town(name: str) -> str:
    """Return a town as people write it."""
    return name.replace("_", " ")


def _site(name: str) -> str:
    """Return a name as part of a web address."""
    plain = name.lower().translate(str.maketrans("éèêàâîïôûç' ()_", "eeeaaiiouc-----"))
    return "-".join(part for part in plain.split("-") if part)[:30]


def wrong_relatives(rows: list[dict[str, str]], groups: list[int]) -> int:
    """Return how many pairs of a federation and its branch, or of two branches, were merged."""
    found: dict[int, list[dict[str, str]]] = {}
    for row, group in zip(rows, groups, strict=True):
        if row["kind"] in ("federation", "branch"):
            found.setdefault(group, []).append(row)
    return sum(1 for one, other in _pairs(found) if one["entity"] != other["entity"])


def _pairs(found: dict[int, list[dict[str, str]]]) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    for members in found.values():
        for place, one in enumerate(members):
            yield from ((one, other) for other in members[place + 1 :])
