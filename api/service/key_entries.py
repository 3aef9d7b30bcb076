"""The entries of API keys in `serve.keys_file` and in the environment: `name:scopes:key`.

The scopes may be followed by the knowledge bases that the key is bound to, and by a filter for the documents it sees:

    reader:ask@handbook@products?tags=public,staff&source^=guides/:sha256:…

The conditions are those of `--where`; all must hold. As in URLs, `%3A` stands for a colon, `%25` for `%`, `%26` for `&`
and, in the environment, `%2C` for a comma; so they do in names. A public key is followed by the origins of its sites.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from api.schemas.filter_syntax import parse_conditions
from api.service.entry_names import read_name, written_name
from api.service.key_origins import split_origins
from rag.errors import ConfigError, FilterError
from rag.knowledge_base_names import DEFAULT, check_names
from rag.rights import Grant, Rights, check_within
from rag.serve_settings import ServeSettings
from rag.store.filters import Filter

PREFIX = "zw_"
"""Scanners for secrets recognise a key by this prefix."""
GROUP = "group"
"""Stands in place of the key of a group, which a trusted proxy names."""
_SAFE = "/=!^<>*~ "
"""The characters that need no escape in a condition."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """An entry at a place, for messages. `scopes` and `key` are as they were written; a public key has `origins`."""

    place: str
    name: str
    scopes: tuple[str, ...]
    rights: Rights
    key: str
    origins: frozenset[str] = frozenset()


def entry_of(name: str, scopes: Iterable[str], key: str, knowledge_bases: Iterable[str], where: Iterable[str]) -> str:
    """Return the entry of a key, as `parse_entry` reads it."""
    conditions = [quote(condition, safe=_SAFE) for condition in where]
    # An empty condition stays one, which `parse_entry` refuses: a key without a filter would see everything.
    rights = "@".join(("+".join(scopes), *knowledge_bases)) + ("?" + "&".join(conditions) if conditions else "")
    return f"{written_name(name)}:{rights}:{key}"


def parse_entry(entry: str, place: str) -> KeyEntry:
    """Parse an entry; `place` says in messages where it stands. Raises ConfigError, which never shows the key."""
    entry, origins = split_origins(entry, place)
    written, _, rest = entry.partition(":")
    access, _, key = rest.partition(":")
    if not key:
        raise ConfigError(f"{place}: must be name:scopes:key, such as page:ask:{PREFIX}…")
    name = read_name(written, place, of_group=key == GROUP)
    which = f"{place}: {name}"
    bound, has_filter, conditions = access.partition("?")
    scopes, *names = bound.split("@")
    for each in names:
        _check_name(each, which)
    within = _within(conditions, which) if has_filter else None
    rights = Rights((Grant(frozenset(names) if names else None, within),))
    return KeyEntry(place, name, tuple(scopes.split("+")), rights, key, origins)


def entries_in_file(path: str, text: str) -> Iterator[KeyEntry]:
    """Yield the entries of a key file with this text. Raises ConfigError."""
    for number, line in entries_of(text).items():
        yield parse_entry(line, f"{path}:{number}")


def entries_in_environment(value: str) -> Iterator[KeyEntry]:
    """Yield the entries of `ZHIWEN_SERVE__KEYS`. Raises ConfigError."""
    for number, entry in enumerate((part.strip() for part in value.split(",")), 1):
        if entry:
            yield parse_entry(entry, f"ZHIWEN_SERVE__KEYS, key {number}")


def rights_by_name(settings: ServeSettings) -> Mapping[str, Rights]:
    """Return the rights of all keys and groups that are configured now, by name. Raises ConfigError."""
    entries = [*entries_in_file(settings.keys_file, text_of(settings.keys_file))]
    entries += entries_in_environment(settings.keys.get_secret_value())
    return {entry.name: entry.rights for entry in entries}


def text_of(path: str) -> str:
    """The text of the key file, "" if none is configured or there is none yet.

    Raises ConfigError if it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8") if path else ""
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"serve.keys_file {path} cannot be read: {error}") from error


def entries_of(text: str) -> dict[int, str]:
    """The entries of a key file by the number of their line, without comments and blank lines."""
    lines = {number: line.strip() for number, line in enumerate(text.splitlines(), 1)}
    return {number: line for number, line in lines.items() if line and not line.startswith("#")}


def _check_name(name: str, which: str) -> None:
    if name != DEFAULT:
        try:
            check_names({name: None})
        except ValueError as error:
            raise ConfigError(f"{which} is bound to a knowledge base that {error}") from error


def _within(conditions: str, which: str) -> Filter:
    try:
        within = parse_conditions([unquote(condition) for condition in conditions.split("&")]).to_filter()
        check_within(within)
    except FilterError as error:
        raise ConfigError(f"{which} has a filter that cannot hold: {error}") from error
    return within
