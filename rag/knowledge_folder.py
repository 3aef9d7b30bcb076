"""Which folder of documents is meant, and where its index is.

The folder is the one of `--knowledge`, else of the environment, else of the configuration file. If none of them names
one, it is the folder `knowledge` beside the configuration file or in the working directory, and if there is none, that
directory itself.

A folder has an index of its own. The configured index belongs to the configured folder, so another folder that
`--knowledge` names has its index in its own `.zhiwen`.

The folder of documents that come from a repository or a bucket is in a copy of it, which is beside the index.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag.errors import ConfigError
from rag.knowledge_base_names import DEFAULT
from rag.settings import KnowledgeSettings, Settings
from rag.source_settings import ADDRESSES

USUAL_NAME = "knowledge"

Sections = dict[str, Any]
"""Valid values by section and key."""

_STORE = ("store", "uri")
_BESIDE_INDEX = (_STORE, ("serve", "feedback_path"))
_COPIES = "sources"
_OURS = Path(".zhiwen")


def find_folder(values: Sections, base: Path) -> Sections:
    """Return the values with the folder of documents filled in if they name none.

    `base` is the folder of the configuration file, or the working directory.
    """
    if values.get("knowledge", {}).get("path"):
        return values
    return _with(values, ("knowledge", "path"), str(_usual_folder(base)))


def place_copies(values: Sections, settings: Settings) -> Sections:
    """Return the values with the folder of each knowledge base whose documents come from elsewhere.

    `settings` are those of the values.
    """
    folder = (_OURS if "://" in settings.store.uri else Path(settings.store.uri).parent) / _COPIES
    if path := _copy_of(settings.knowledge, folder, DEFAULT):
        values = _with(values, ("knowledge", "path"), path)
    for name, base in settings.knowledge_bases.by_name.items():
        if path := _copy_of(base, folder, name):
            bases = values["knowledge_bases"]
            values = {**values, "knowledge_bases": {**bases, name: {**bases[name], "path": path}}}
    return values


def check_folders(values: Sections, from_file: Sections, file: Path) -> None:
    """Check where the documents are of the knowledge bases that a configuration file declares.

    Raises ConfigError if one has neither folder nor repository, or both, or if nothing says where those of the default
    one are: the whole folder of the file would be meant, with the folders of the others in it.
    """
    bases = values.get("knowledge_bases", {})
    in_file = {f"knowledge_bases.{name}": settings for name, settings in bases.items()}
    for name, settings in {"knowledge": from_file.get("knowledge", {}), **in_file}.items():
        if settings.get("path") and (address := _address_in(settings)):
            raise ConfigError(f"{file}: {name} has both path and {address}; keep the one that has the documents")
    for name, settings in bases.items():
        if not settings.get("path") and not _address_in(settings):
            raise ConfigError(
                f"{file}: knowledge_bases.{name}.path is missing; name the folder of its documents, or where they come "
                f"from: {', '.join(ADDRESSES)}"
            )
    default = values.get("knowledge", {})
    has_place = default.get("path") or _address_in(default) or (file.parent / USUAL_NAME).is_dir()
    if bases and not has_place:
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
    for address in ADDRESSES:
        values = _with(values, ("knowledge", address), "")
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


def _address_in(settings: Sections) -> str:
    """Return the setting that says where the documents come from, "" if they are in a folder of this machine."""
    return next((address for address in ADDRESSES if settings.get(address)), "")


def _copy_of(settings: KnowledgeSettings, folder: Path, name: str) -> str:
    if not settings.source_url:
        return ""
    # Another source has another folder, so that an ingest notices that the documents are others.
    copy = folder / f"{name}-{hashlib.sha256(settings.source_url.encode()).hexdigest()[:8]}"
    return str(copy / settings.folder_in_copy)


def _with(values: Sections, setting: tuple[str, str], value: str) -> Sections:
    section, key = setting
    return {**values, section: {**values.get(section, {}), key: value}}
