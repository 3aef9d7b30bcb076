"""Which folder of documents is meant, and where its index is.

The folder is the one of `--knowledge`, else of the environment, else of the configuration file. If none of them names
one, it is the folder `knowledge` beside the configuration file or in the working directory, and if there is none, that
directory itself.

A folder has an index of its own. The configured index belongs to the configured folder, so another folder that
`--knowledge` names has its index in its own `.zhiwen`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag.errors import ConfigError
from rag.settings import Settings

USUAL_NAME = "knowledge"

Sections = dict[str, Any]
"""Valid values by section and key."""

_STORE = ("store", "uri")
_BESIDE_INDEX = (_STORE, ("serve", "feedback_path"))


def find_folder(values: Sections, base: Path) -> Sections:
    """Return the values with the folder of documents filled in if they name none.

    `base` is the folder of the configuration file, or the working directory.
    """
    if values.get("knowledge", {}).get("path"):
        return values
    return _with(values, ("knowledge", "path"), str(_usual_folder(base)))


def check_knowledge_bases(values: Sections, file: Path) -> None:
    """Check the folders of the knowledge bases that a configuration file declares.

    Raises ConfigError if one has no folder, or if nothing says which folder is that of the default one: the whole
    folder of the file would be, with the folders of the others in it.
    """
    bases = values.get("knowledge_bases", {})
    for name, settings in bases.items():
        if not settings.get("path"):
            raise ConfigError(f"{file}: knowledge_bases.{name}.path is missing; name the folder of its documents")
    if bases and not values.get("knowledge", {}).get("path") and not (file.parent / USUAL_NAME).is_dir():
        raise ConfigError(
            f"{file}: knowledge.path is not set; beside knowledge_bases, it must name the folder of the default one"
        )


def name_folder(values: Sections, named: Path, from_environment: Mapping[str, str]) -> tuple[Sections, set[str]]:
    """Return the values for the folder that the command line names, and the settings that it decides.

    An index on a server, or one that the environment names, is kept. The knowledge bases of the configuration belong to
    its own folder, so with another one there are none. Raises ConfigError if the folder does not exist.
    """
    if not named.is_dir():
        what = "is not a folder" if named.exists() else "does not exist"
        raise ConfigError(f"--knowledge: {named} {what}; name your folder of documents")
    configured = Path(str(values["knowledge"]["path"]))
    if configured.is_dir() and configured.samefile(named):
        return values, set()
    decided = [("knowledge", "path")]
    values = _with({**values, "knowledge_bases": {}}, decided[0], str(named))
    defaults = Settings()
    is_on_server = "://" in str(values.get("store", {}).get("uri", ""))
    if not is_on_server and ".".join(_STORE) not in from_environment:
        for section, key in _BESIDE_INDEX:
            if f"{section}.{key}" not in from_environment:
                values = _with(values, (section, key), str(named / getattr(getattr(defaults, section), key)))
                decided.append((section, key))
    return values, {".".join(setting) for setting in decided}


def is_too_wide(folder: Path) -> bool:
    """Whether a folder is the user's home or holds it, so that nobody means all of it."""
    try:
        home = Path.home()
    except RuntimeError:  # the user has none
        home = Path("/")
    return home.resolve().is_relative_to(folder.resolve())


def _usual_folder(base: Path) -> Path:
    usual = base / USUAL_NAME
    # Somebody who types the command in a new terminal does not want their home folder to be read.
    return usual if usual.is_dir() or is_too_wide(base) else base


def _with(values: Sections, setting: tuple[str, str], value: str) -> Sections:
    section, key = setting
    return {**values, section: {**values.get(section, {}), key: value}}
