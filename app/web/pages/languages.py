"""The words of pages: French as it stands in the templates, English from `locale/en.po`, compiled in memory so that neither can be stale."""

import io
from functools import cache
from gettext import NullTranslations
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LOCALE = Path(__file__).parents[1] / "locale"


class French(NullTranslations):
    """What stands in the templates, with the French plural: none and one are singular."""

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the form for `n` things."""
        return msgid1 if n < 2 else msgid2


@cache
def translations(language: str) -> NullTranslations:
    """Return the words of a language; French for those that have no catalogue."""
    path = LOCALE / f"{language}.po"
    if not path.exists():
        return French()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=language, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
