"""The words that matching treats apart: tables of data, kept away from the code that uses them.

French and English habits sit side by side; a word that means two things (st: saint, street) gets one neutral form.
"""

from collections.abc import Mapping
from typing import Final


def _set(text: str) -> frozenset[str]:
    """Read words."""
    return frozenset(text.split())


def _map(text: str) -> Mapping[str, str]:
    """Read ``short=long`` words; ``_`` stands for a space."""
    pairs = (pair.replace("_", " ").split("=") for pair in text.split())
    return dict(pairs)


STOP: Final = _set("de des du la le les l d et en a au aux pour sur un une par dans sans the of and for s autour")
"""Words that never tell two groups apart."""

LEGAL: Final = _set(
    """association asso ass assoc loi 1901 scic scop sarl sas sa sasu eurl arl sci gie inc llc ltd limited plc cic corp collectif co company"""
)
"""Legal forms, dropped from the core of a name when something else is left."""

ABBREVIATIONS: Final = _map(
    """st=saint ste=sainte sts=saints cie=compagnie fed=federation feder=federation asso=association assoc=association ass=association
    qtier=quartier qu=quartier univ=universite nat=national dept=departement ctre=centre ctr=center res=reseau acad=academy sch=school
    elem=elementary"""
)
"""Short forms in names, written out."""

STREETS: Final = _map(
    """r=rue av=avenue ave=avenue bd=boulevard bvd=boulevard bld=boulevard blvd=boulevard blv=boulevard boul=boulevard pl=place imp=impasse
    all=allee ch=chemin chem=chemin che=chemin pass=passage psg=passage q=quai rte=route sq=square fg=faubourg fbg=faubourg gal=general
    docteur=dr drive=dr saint=st street=st sainte=ste cdt=commandant pdt=president road=rd
    s=south so=south n=north no=north e=east w=west"""
)
"""Short forms in addresses, each to one form; st stands for saint and street alike."""

STREET_NOISE: Final = _set("bis ter bat b bp co mairie maison associations") | STOP
"""Words of an address that say nothing of the street."""

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
