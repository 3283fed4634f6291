"""A command line that is not understood gets one sentence that says what to type, and help that fits the terminal."""

import typing

import pytest

from app.cli import Late, program, usage
from tests.cli.conftest import Typed

WRONG = [
    (("lod",), "No such command 'lod' (did you mean 'load'?); see 'maillage --help'."),
    (("load",), "Missing argument 'FILE'; see 'maillage load --help'."),
    (("token", "create", "--label", "x"), "Missing option '--role'. Choose from: reader, editor, admin; see 'maillage token create --help'."),
    (
        ("token", "create", "--role", "king", "--label", "x"),
        "Invalid value for '--role': 'king' is not one of 'reader', 'editor', 'admin'; see 'maillage token create --help'.",
    ),
    (("token", "revoke", "one"), "Invalid value for 'NUMBER': Input should be a valid integer, unable to parse string as an integer; see"),
    (("peers", "list", "--jsn"), "No such option: --jsn"),
    (("merge", "it"), "Got unexpected extra argument"),
    (("export", "--format", "xls"), "Invalid value for '--format': 'xls' is not one of 'nq'"),
    (("judge", "maybe", "a", "b"), "Invalid value for 'same|different|unsure': 'maybe' is not one of"),
    (("serve", "--port", "70000"), "Invalid value for '--port': Input should be less than or equal to 65535"),
]
FRENCH = [
    (("lod",), "la commande « lod » n'existe pas (vouliez-vous dire 'load' ?) ; voyez « maillage --help »."),
    (("load",), "il manque FICHIER ; voyez « maillage load --help »."),
    (("token", "create", "--label", "x"), "il manque --role (au choix : reader, editor, admin) ; voyez « maillage token create --help »."),
    (("token", "create", "--role", "king", "--label", "x"), "« king » ne convient pas pour --role (au choix : 'reader', 'editor', 'admin') ; voyez"),
    (("token", "create", "--role"), "l'option --role attend une valeur ; voyez"),
    (("token", "list", "--json=3"), "l'option --json ne prend pas de valeur ; voyez"),
    (("token", "revoke", "un"), "NUMÉRO attend un nombre entier ; voyez"),
    (("peers", "list", "--jsn"), "l'option --jsn n'existe pas (vouliez-vous dire --json ?) ; voyez"),
    (("merge", "it"), "il y a un mot de trop : it ; voyez"),
    (("serve", "--port", "70000"), "--port doit valoir au plus 65535 ; voyez"),
]


@pytest.mark.parametrize(("arguments", "sentence"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_a_wrong_word_is_named_in_one_line(typed: Typed, arguments: tuple[str, ...], sentence: str) -> None:
    """Status 1, one line, and the command whose help to read."""
    assert in_english(typed(*arguments).complaint).startswith(sentence)


def in_english(said: str) -> str:
    """Undo what a module that was imported at a French terminal wrote: the names of arguments are fixed then."""
    return said.replace("FICHIER", "FILE").replace("NUMÉRO", "NUMBER")


@pytest.mark.parametrize(("arguments", "sentence"), FRENCH, ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_a_wrong_word_is_named_in_french_at_a_french_terminal(arguments: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same sentence, in the language of the terminal."""
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")
    monkeypatch.setenv("LC_ALL", "")
    with pytest.raises(usage.typer.TyperException) as error:
        program()(list(arguments), prog_name="maillage", standalone_mode=False)
    assert in_english(usage.sentence(error.value).fr).startswith(in_english(sentence))


def test_a_sentence_that_nobody_foresaw_is_told_as_it_is() -> None:
    """Nothing of what Typer says is lost for want of a translation."""
    assert usage.in_french("Something new went wrong.") == "Something new went wrong"


@pytest.mark.parametrize("arguments", [(), ("token",), ("peers",)], ids=["maillage", "maillage token", "maillage peers"])
def test_nothing_asked_is_answered_by_help(typed: Typed, arguments: tuple[str, ...]) -> None:
    """A name without more lists what there is, and that is no error."""
    said = typed(*arguments)
    assert (said.status, said.err) == (0, "")
    assert "Commands:" in said.out


def helps(group: typing.Any, path: tuple[str, ...] = ()) -> typing.Iterator[tuple[str, ...]]:
    """Yield every command of the command line, as words."""
    for name, listed in group.commands.items():
        command = listed.command() if isinstance(listed, Late) else listed
        yield (*path, name)
        if hasattr(command, "commands"):
            yield from helps(command, (*path, name))


@pytest.mark.parametrize("path", list(helps(program())), ids=" ".join)
def test_every_command_explains_itself_within_80_columns(typed: Typed, path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """--help says what the command is for, names its options, and no line is wider than a small terminal."""
    monkeypatch.setenv("COLUMNS", "80")
    said = typed(*path, "--help")
    assert (said.status, said.err) == (0, "")
    assert said.out.startswith(f"Usage: maillage {' '.join(path)}")
    assert max(map(len, said.out.splitlines())) <= 80
    assert len(said.out.split("Options:")[0].strip().splitlines()) >= 3, "it must say what it is for"
