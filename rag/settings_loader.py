"""Read the settings: environment variables override config.yaml, which overrides the defaults."""

import json
import logging
import os
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from rag import strict_yaml
from rag.database_url import SQLITE, sqlite_file
from rag.errors import ConfigError
from rag.knowledge_folder import check_folders, find_folder, name_folder, place_copies
from rag.pasted_values import split_list
from rag.settings import SECRETS, Settings
from rag.settings_flaws import BASES, describe_flaws, known_keys
from rag.settings_section import ENVIRONMENT_PREFIX, Section, variable_of
from rag.source_settings import SOURCE_SECRETS
from rag.url_credentials import mask_credentials

DEFAULT_FILE = "config.yaml"

_REMOVED = {
    ("traces", "path"): "traces are kept in the database of state.url; remove this setting, and the folder it names",
}
"""Settings of earlier versions, and what replaces them."""

log = logging.getLogger("zhiwen.settings")


def load_settings(
    file: Path | None = None, environment: Mapping[str, str] = os.environ, *, knowledge: Path | None = None
) -> Settings:
    """Read the settings.

    `file` is the configuration file, by default `config.yaml` in the working directory, which may be missing. Paths in
    the file are relative to its folder, paths in the environment to the working directory. `knowledge` is the folder of
    documents, instead of the configured one.

    Raises ConfigError with a line for each unknown key and each invalid value: the file or variable, the key, the rule
    and the value.
    """
    return load_settings_with_origins(file, environment, knowledge=knowledge)[0]


def load_settings_with_origins(
    file: Path | None = None, environment: Mapping[str, str] = os.environ, *, knowledge: Path | None = None
) -> tuple[Settings, Mapping[str, str]]:
    """Return the settings as `load_settings` does, and where each value comes from.

    The origins map `section.key` to the file, the variable or `--knowledge`; defaults have no entry. Raises as
    `load_settings` does.
    """
    path = file or Path(DEFAULT_FILE)
    if file is not None and not file.is_file():
        raise ConfigError(f"{file}: no such configuration file; leave out --config to use the defaults")
    from_file = _read_file(path) if path.is_file() else {}
    from_environment, variables = _read_environment(environment)
    values = _without_removed(_merge(from_file, from_environment), path, variables)
    _check_declared(from_environment.get(BASES, {}), _declared(from_file), path, variables)
    try:
        checked = Settings.model_validate(values)
        check_folders(values, from_file, path)
        values = find_folder(place_copies(values, checked), path.parent if path.is_file() else Path())
        decided: set[str] = set()
        if knowledge is not None:
            values, decided = name_folder(values, knowledge, variables)
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(describe_flaws(error, path, variables)) from error
    if file is None:
        _mark_found(settings, from_file, variables)
    in_file = {f"{section}.{key}": str(path) for section, values in from_file.items() for key in values}
    return settings, in_file | variables | dict.fromkeys(decided, "--knowledge")


def _declared(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the knowledge bases that a file declares; none if something else stands there."""
    bases = content.get(BASES)
    return bases if isinstance(bases, dict) else {}


def _check_declared(
    named: Mapping[str, Mapping[str, Any]], declared: Container[str], path: Path, variables: Mapping[str, str]
) -> None:
    """Raise ConfigError for a secret of a knowledge base that the file does not declare."""
    for name, secrets in named.items():
        if name not in declared:
            variable = variables[f"{BASES}.{name}.{next(iter(secrets))}"]
            raise ConfigError(f"{variable}: {path} declares no knowledge base {name}; correct one of the names")


def _mark_found(settings: Settings, from_file: Mapping[str, Any], variables: Mapping[str, str]) -> None:
    for section, values in from_file.items():
        found: Section = getattr(settings, section)
        found.mark_found(key for key in values if f"{section}.{key}" not in variables)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = strict_yaml.load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except strict_yaml.StrictYAMLError as error:
        raise ConfigError(f"{path}: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: must contain sections such as `chat:`, got {type(content).__name__}")
    # YAML loads a section whose keys are all commented out as None.
    content = {section: values for section, values in content.items() if values is not None}
    declared = {f"{BASES}.{name}": values for name, values in _declared(content).items()}
    for section, secret in sorted(SECRETS | {(section, secret) for section in declared for secret in SOURCE_SECRETS}):
        values = (content | declared).get(section)
        if isinstance(values, dict) and values.get(secret):
            variable = variable_of(section, secret)
            raise ConfigError(f"{path}: {section}.{secret} is a secret; set it in the environment as {variable}")
    state = content.get("state")
    url = state.get("url") if isinstance(state, dict) else None
    if isinstance(url, str) and mask_credentials(url) != url:
        variable = variable_of("state", "url")
        raise ConfigError(
            f"{path}: state.url has a password, which is a secret; set it in the environment as {variable}"
        )
    return _anchor_paths(content, path.parent)


def _anchor_paths(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    paths = (
        ("knowledge", "path"),
        ("store", "uri"),
        ("state", "url"),
        ("serve", "keys_file"),
        ("serve", "audit_file"),
        ("serve", "feedback_path"),
    )
    in_sections = [(content.get(section), key) for section, key in paths]
    for values, key in in_sections + [(base, "path") for base in _declared(content).values()]:
        if not isinstance(values, dict) or not isinstance(values.get(key), str) or not values[key]:
            continue
        value = values[key]
        if value.startswith(SQLITE):
            values[key] = f"{SQLITE}{folder / sqlite_file(value)}"
        elif "://" not in value:
            values[key] = str(folder / Path(value).expanduser())
    return content


def _read_environment(environment: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the values by section and key, and the variable of each `section.key` for messages."""
    values: dict[str, Any] = {}
    variables: dict[str, str] = {}
    for variable, value in environment.items():
        section, separator, key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        if section == BASES:
            name, _, key = key.partition("__")
            if key not in SOURCE_SECRETS:
                raise ConfigError(f"{variable}: knowledge bases are declared in the configuration file: {BASES}")
            name = name.replace("_", "-")
            variables[f"{BASES}.{name}.{key}"] = variable
            values.setdefault(BASES, {}).setdefault(name, {})[key] = _parse(variable, value, None)
            continue
        if not separator:
            _check_underscores(variable, section)
            continue
        variables[f"{section}.{key}"] = variable
        if section not in Settings.model_fields:
            variables[section] = variable
        field = Settings.model_fields.get(section)
        known = field.annotation.model_fields if field and isinstance(field.annotation, type) else {}
        annotation = known[key].annotation if key in known else None
        values.setdefault(section, {})[key] = _parse(variable, value, annotation)
    return values, variables


def _parse(variable: str, value: str, annotation: object) -> object:
    """Return the value of a variable: blanks and quotes around it are slips, lists and mappings have a syntax."""
    try:
        if annotation == tuple[str, ...]:
            return split_list(value)
        if annotation == dict[str, JsonValue]:
            return json.loads(value) if value.strip() else {}
    except ValueError as error:
        rule = str(error) if annotation == tuple[str, ...] else "must be a JSON object"
        raise ConfigError(f"{variable}: {rule}, got {value!r}") from error
    text = value.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if is_quoted else text


def _check_underscores(variable: str, name: str) -> None:
    """Raise ConfigError for a setting with one underscore too few. Other variables may begin with our prefix."""
    section, _, key = name.partition("_")
    if section in Settings.model_fields and key in known_keys((section, key)):
        raise ConfigError(f"{variable}: use two underscores between section and key: {variable_of(section, key)}")


def _merge(base: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for section, values in overrides.items():
        base_values = merged.get(section)
        if section == BASES and isinstance(base_values, dict):
            merged[section] = _merge(base_values, values)
        else:
            merged[section] = {**base_values, **values} if isinstance(base_values, dict) else values
    return merged


def _without_removed(content: dict[str, Any], path: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """Leave out settings of earlier versions, with a warning that says what replaces them."""
    for (section, key), instead in _REMOVED.items():
        values = content.get(section)
        if isinstance(values, dict) and key in values:
            origin = variables.get(f"{section}.{key}", path)
            log.warning("%s: %s.%s has no effect: %s", origin, section, key, instead)
            content = content | {section: {name: value for name, value in values.items() if name != key}}
    return content
