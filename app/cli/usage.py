"""What is said of a command line that is not understood: one sentence in the reader's language, and where to read more.

Typer's own sentences are English and take several lines; they are put in French by what they look like, and a sentence that
looks like none of these is told as it is.
"""

import re
from typing import Any, Final

import typer

from app.errors import Text

_SAID: Final = (
    (r"No such command '(.*?)'\.(?: Did you mean (.*?)\?)?", "la commande « {0} » n'existe pas", "vouliez-vous dire {1} ?"),
    (r"No such option: (\S+)(?:.*?(?:Did you mean|options?:) (.*?)[?)])?", "l'option {0} n'existe pas", "vouliez-vous dire {1} ?"),
    (r"Missing command\.", "il manque une commande", ""),
    (r"Missing (?:argument|option|parameter) '(.*?)'\.(?: Choose from: (.*))?", "il manque {0}", "au choix : {1}"),
    (r"Invalid value for '(.*?)': '(.*)' is not one of (.*?)\.", "« {1} » ne convient pas pour {0}", "au choix : {2}"),
    (r"Invalid value for '(.*?)': .*valid integer.*", "{0} attend un nombre entier", ""),
    (r"Invalid value for '(.*?)': .*greater than or equal to (\S+)", "{0} doit valoir au moins {1}", ""),
    (r"Invalid value for '(.*?)': .*less than or equal to (\S+)", "{0} doit valoir au plus {1}", ""),
    (r"Invalid value for '(.*?)': (.*)", "{0} ne convient pas", "{1}"),
    (r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", "il y a un mot de trop : {0}", ""),
    (r"Option '(.*?)' requires an argument\.", "l'option {0} attend une valeur", ""),
    (r"Option '(.*?)' does not take a value\.", "l'option {0} ne prend pas de valeur", ""),
)
"""Pattern of the English sentence, French sentence, and what follows in French when the last part of the pattern was found."""


def is_help(error: typer.TyperException) -> bool:
    """Tell whether nothing was asked, so that help is the answer: its text is the error's message."""
    return type(error).__name__ == "NoArgsIsHelpError"


def sentence(error: typer.TyperException) -> Text:
    """Return what is wrong with the command line, and the command that says more."""
    said = " ".join(error.format_message().split()).replace("Value error, ", "")
    context: Any = getattr(error, "ctx", None)
    more = f"{context.command_path} --help" if context is not None else "maillage --help"
    english = re.sub(r"\.? Did you mean (.*)\?\Z", r" (did you mean \1?)", said).rstrip(".")
    return Text(f"{in_french(said)} ; voyez « {more} ».", f"{english}; see '{more}'.")


def in_french(said: str) -> str:
    """Return one of Typer's sentences in French."""
    for pattern, sentence, further in _SAID:
        if found := re.fullmatch(pattern, said):
            parts = [part or "" for part in found.groups()]
            rest = f" ({further.format(*parts)})" if further and parts[-1] else ""
            return sentence.format(*parts) + rest
    return said.rstrip(".")
