"""The words that matching treats apart: tables of data, kept away from the code that uses them.

French and English habits sit side by side; a word that means two things (st: saint, street) gets one neutral form.
"""

import re
from collections.abc import Mapping
from typing import Final


def _set(text: str) -> frozenset[str]:
    """Read words."""
    return frozenset(text.split())


def _map(text: str) -> Mapping[str, str]:
    """Read ``short=long`` words; ``_`` stands for a space."""
    pairs = (pair.replace("_", " ").split("=") for pair in text.split())
    return dict(pairs)


STOP: Final = _set("de des du la le les l d et en a au aux pour sur un une par dans sans the of and for s autour on in at by to with")
"""Words that never tell two groups apart."""

LEGAL: Final = _set(
    """association asso ass assoc loi 1901 scic scop sarl sas sa sasu eurl arl sci gie inc llc ltd limited plc cic corp collectif co company"""
)
"""Legal forms, dropped from the core of a name when something else is left."""

_TWICE: Final = re.compile(r"([a-z])\1+")


def squeezed(word: str) -> str:
    """Return a word without the letters that follow their like."""
    return _TWICE.sub(r"\1", word)


SQUEEZED: Final = frozenset(squeezed(word) for word in STOP | LEGAL if len(word) > 1)
"""Small words and legal forms as they are when a letter was typed twice, or once instead of twice."""

ABBREVIATIONS: Final = _map(
    """st=saint ste=sainte sts=saints cie=compagnie fed=federation feder=federation asso=association assoc=association ass=association
    qtier=quartier qu=quartier univ=universite nat=national dept=departement ctre=centre ctr=center res=reseau acad=academy sch=school
    elem=elementary comm=community hse=house dev=development assn=association svcs=services acad=academy
    deux=2 trois=3 quatre=4 cinq=5 six=6 sept=7 huit=8 neuf=9 dix=10 two=2 three=3 four=4 ii=2 iii=3 1er=1 1ere=1 2e=2 2eme=2 3e=3 3eme=3 4e=4
    4eme=4 5e=5 5eme=5 6e=6 6eme=6 7e=7 7eme=7 8e=8 8eme=8 9e=9 9eme=9"""
)
"""Short forms in names, written out."""

STREETS: Final = _map(
    """r=rue av=avenue ave=avenue bd=boulevard bvd=boulevard bld=boulevard blvd=boulevard blv=boulevard boul=boulevard pl=place imp=impasse
    all=allee ch=chemin chem=chemin che=chemin pass=passage psg=passage q=quai rte=route sq=square fg=faubourg fbg=faubourg gal=general
    docteur=dr drive=dr saint=st street=st sainte=ste cdt=commandant pdt=president road=rd
    s=south so=south n=north no=north e=east w=west ne=northeast nw=northwest se=southeast sw=southwest parkway=pkwy lane=ln highway=hwy
    first=1st second=2nd third=3rd fourth=4th fifth=5th sixth=6th seventh=7th eighth=8th ninth=9th tenth=10th"""
)
"""Short forms in addresses, each to one form; st stands for saint and street alike."""

STREET_NOISE: Final = _set("bis ter bat b bp co mairie maison associations") | STOP
"""Words of an address that say nothing of the street."""

OPTIONAL_INITIALS: Final = _set("a au aux en sur pour par dans sans autour et un une")
"""Small words that some acronyms count and others leave out."""

TOWN_HALLS: Final = _set("mairie commune ville municipalite hotel hall town city")
"""Words that make the name of a town hall when there is no other beside the town."""

TOWN_HALL: Final = ("mairie",)
"""What tells the name of a town hall apart."""

WAYS: Final = _set("rue avenue boulevard place impasse allee chemin passage quai route square faubourg cours mail sentier st rd dr pl")
"""Words after which a number belongs to the name of the street."""

SPECIFIC_NUMBER: Final = _set("bp bat batiment cs app apt apartment appt suite ste room unit etage floor lot porte boite rm")
"""Words of an address whose number is not the house's."""

CITY_NOISE: Final = _set("cedex arrondissement eme er ieme")
"""Words of a town's name that differ from one directory to the next."""

UMBRELLAS: Final = _set("federation national nationale reseau union confederation france siege")
"""Words of a head organisation."""

BRANCHES: Final = _set("antenne section groupe local branche agence delegation comite")
"""Words of a local branch."""

PLATFORMS: Final = _set(
    """facebook.com m.facebook.com fr-fr.facebook.com helloasso.com instagram.com linkedin.com fr.linkedin.com framaforms.org twitter.com x.com
    youtube.com google.com sites.google.com docs.google.com wordpress.com blogspot.com over-blog.com wixsite.com mobilizon.fr github.com
    meetup.com linktr.ee framasite.org framagit.org gitlab.com assoconnect.com"""
)
"""Hosts where everybody has a page: to share the host says nothing."""

FREE_MAIL: Final = _set(
    """gmail.com googlemail.com laposte.net orange.fr free.fr riseup.net wanadoo.fr protonmail.com proton.me yahoo.fr yahoo.com yahoo.co.uk
    hotmail.fr hotmail.com hotmail.co.uk outlook.fr outlook.com live.fr live.com sfr.fr neuf.fr aol.com icloud.com gmx.fr gmx.de gmx.com
    mailo.com disroot.org zaclys.net btinternet.com"""
)
"""Mail hosts where everybody has an address: to share the host says nothing."""

USUAL: Final[Mapping[str, float]] = {
    word: rate
    for rate, usual in (
        (0.03, "quartier quartiers maison jardin jardins centre center atelier ateliers"),
        (0.015, "amis habitants citoyen citoyenne citoyens solidaire solidaires social sociaux culture culturel culturelle ville villes"),
        (0.015, "partage partages comite groupe union reseau federation compagnie cooperative community school house"),
        (0.008, "local locale populaire populaires ensemble jeunes jeunesse femmes environnement nature energie recyclerie theatre cafe"),
        (0.01, "club amicale comite foyer creche multi accueil parents eleves familles enfants amis solidarite solidaires collectif entraide"),
        (0.006, "velo velos livre livres radio cine cinema musique chorale danse art arts sport sports sportif paysan paysans agriculture bio"),
        (0.006, "ressourcerie recycle recup repair epicerie potager fabrique cooperation habitat participatif logement emploi insertion service"),
        (0.006, "rural ruraux rurale laique familial familiale secours pour tous petit petits petite petites grand grande bleu vert libre nouveau"),
        (0.006, "ludotheque mediatheque garderie halte tourisme office saint sainte lieu tiers lab vie vivre terre eau jeu jeux action actions"),
        (0.008, "restaurant bibliotheque ecole foyer espace national nationale france paris learning early trust"),
    )
    for word in usual.split()
}
"""How often the usual words occur in the names of groups: what a small directory cannot know by itself."""

COUNTRIES: Final = _map(
    """france=FR united_kingdom=GB uk=GB great_britain=GB england=GB scotland=GB wales=GB royaume_uni=GB united_states=US usa=US etats_unis=US
    deutschland=DE germany=DE allemagne=DE belgique=BE belgium=BE espana=ES spain=ES espagne=ES italia=IT italy=IT italie=IT suisse=CH
    switzerland=CH"""
)
"""Country names, folded, to their codes."""
