"""Where the node is: most commands are about one that is there already, and say so when they are typed in the wrong folder."""

from typing import Any

from app.errors import SettingsError, Text
from app.journal import FILE
from app.settings import Settings, read_settings


def existing(**overrides: Any) -> Settings:
    """Return the settings of a node that is there; `overrides` as in `read_settings`. Raises SettingsError when its data directory holds none."""
    settings = read_settings(**overrides)
    try:
        (settings.data_dir / FILE).stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        where = settings.data_dir.resolve()
        raise SettingsError(
            Text(
                f"Il n'y a pas encore de nœud dans {where} : placez-vous dans le dossier de maillage.toml, ou donnez DATA_DIR.",
                f"There is no node in {where} yet: go to the folder of maillage.toml, or set DATA_DIR.",
            )
        ) from error
    except OSError:  # the journal says it better when it is opened
        pass
    return settings
