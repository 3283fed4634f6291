"""A setting that is misspelt or impossible is named, with the place where it stands, before anything runs."""

from pathlib import Path

import pytest

from app.errors import SettingsError
from app.settings import read_settings

WRONG = {
    'bse_url = "http://x"': "There is no setting 'bse_url' (did you mean 'base_url'?); see docs/operating.md.",
    "[server]\nport = 8000": "There is no setting 'server'; see docs/operating.md.",
    'port = "many"': "Wrong setting (maillage.toml, port): a whole number is needed.",
    "port = 99999": "Wrong setting (maillage.toml, port): it must be at most 65535.",
    "sparql_workers = 0": "Wrong setting (maillage.toml, sparql_workers): it must be at least 1.",
    "sparql_timeout_s = -1": "Wrong setting (maillage.toml, sparql_timeout_s): it must be more than 0.0.",
    'base_url = "annuaire.example"': "Wrong setting (maillage.toml, base_url): a complete http:// or https:// address is needed.",
    'base_url = "https://annuaire.example/?a=1"': "Wrong setting (maillage.toml, base_url): an address without '?' or '#' is needed.",
    'licence = "CC0"': "Wrong setting (maillage.toml, licence): a complete http:// or https:// address is needed.",
    'languages = "de"': "Wrong setting (maillage.toml, languages): languages are fr, en or both.",
    'node_name = ""': "Wrong setting (maillage.toml, node_name): it cannot be empty.",
    'host = ""': "Wrong setting (maillage.toml, host): it cannot be empty.",
    'allow_private_peers = "localhost"': "Wrong setting (maillage.toml, allow_private_peers): write host:port, for instance 127.0.0.1:8001.",
    'relay = "perhaps"': "Wrong setting (maillage.toml, relay): true or false is needed.",
    "feed_log_days = 0": "Wrong setting (maillage.toml, feed_log_days): it must be at least 1.",
    "port = 1\nport = 2\n": "maillage.toml is not well-formed TOML: see line 2, column 9.",
    "\xff": "maillage.toml is not well-formed TOML",
    "a = " + "[" * 5000: "maillage.toml is not well-formed TOML",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to read settings in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("text", "sentence"), WRONG.items(), ids=[text[:20] for text in WRONG])
def test_what_is_wrong_in_the_file_is_named(folder: Path, text: str, sentence: str) -> None:
    """The key, and what it should be."""
    (folder / "maillage.toml").write_text(text, "latin-1")
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert error.value.text.en.startswith(sentence)
    assert error.value.text.fr != error.value.text.en


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("MAILLAGE_PRT", "1", "There is no setting 'MAILLAGE_PRT' (did you mean 'MAILLAGE_PORT'?); see docs/operating.md."),
        ("maillage_prt", "1", "There is no setting 'maillage_prt' (did you mean 'MAILLAGE_PORT'?); see docs/operating.md."),
        ("MAILLAGE_PORT", "", "Wrong setting (MAILLAGE_PORT): a whole number is needed."),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(variable: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable itself, however it is written."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as error:
        read_settings()
    assert error.value.text.en == sentence


def test_what_is_wrong_on_the_command_line_is_named() -> None:
    """As the option that was typed."""
    with pytest.raises(SettingsError, match=r"Wrong setting \(--host\): it cannot be empty."):
        read_settings(host="")


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its say on what the others leave."""
    (folder / "maillage.toml").write_text('port = 1\nhost = "a"\nnode_name = "A"\nallow_private_peers = ["b:1"]\n')
    monkeypatch.setenv("MAILLAGE_PORT", "2")
    monkeypatch.setenv("MAILLAGE_HOST", "b")
    monkeypatch.setenv("MAILLAGE_LANGUAGES", "en, fr")
    settings = read_settings(port=3, host=None)
    assert (settings.port, settings.host, settings.node_name) == (3, "b", "A")
    assert (settings.languages, settings.allow_private_peers) == (("en", "fr"), frozenset({"b:1"}))


def test_a_folder_in_the_place_of_the_file_is_said(folder: Path) -> None:
    """It is not passed over as if there were no file."""
    (folder / "maillage.toml").mkdir()
    with pytest.raises(SettingsError, match=r"maillage\.toml cannot be read: it is a directory\."):
        read_settings()


def test_rules_of_fusion_are_a_table_or_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table in the file, or ``key=rule,key=rule`` in the environment; anything else is told how to write it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "maillage.toml").write_text('[fusion]\nemail = "vote"\n')
    assert read_settings().fusion == {"email": "vote"}
    monkeypatch.setenv("MAILLAGE_FUSION", "email=own-then-newest, name=vote")
    assert read_settings().fusion == {"email": "own-then-newest", "name": "vote"}
    monkeypatch.setenv("MAILLAGE_FUSION", "email")
    with pytest.raises(SettingsError, match="email=own-then-newest"):
        read_settings()
