"""Reading API keys: hashes from a file, keys or hashes from the environment."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from api.guard.keys import OWNER, Group, Key, KeyRing, digest_of
from api.guard.route_rules import OPENS, SCOPES
from api.service.entry_names import group_name, plain_name
from api.service.key_entries import (
    GROUP,
    KeyEntry,
    entries_in_environment,
    entries_in_file,
    entries_of,
    entry_of,
    parse_entry,
    text_of,
)
from api.service.key_origins import with_origins
from api.service.operation import Scope
from rag.errors import ConfigError
from rag.private_files import open_private
from rag.serve_settings import ServeSettings

_MIN_CHARACTERS = 32
_HASHED = re.compile(r"sha256:(?P<digest>[0-9a-f]{64})")
_SCOPES: dict[str, Scope] = {scope: scope for scope in SCOPES}


def line_of(
    name: str,
    scopes: Iterable[str],
    key: str,
    knowledge_bases: Iterable[str] = (),
    where: Iterable[str] = (),
    origins: Iterable[str] = (),
) -> str:
    """The line of `serve.keys_file` for a key or GROUP, bound to some knowledge bases, and to the conditions `where`.

    A key with origins is public. Raises ConfigError if the name, a scope, the name of a knowledge base, a condition or
    an origin is invalid.
    """
    kept = GROUP if key == GROUP else f"sha256:{digest_of(key).hex()}"
    line = with_origins(entry_of(name, scopes, kept, knowledge_bases, where), origins, "zhiwen keys")
    _opens(parse_entry(line, "zhiwen keys"))
    return line


def add_line(path: Path, name: str, line: str) -> None:
    """Append a key's line to a file. A new file is readable and writable by its user only.

    Raises ConfigError if the file already has a key of that name, or cannot be written.
    """
    try:
        with open(path, "a+", encoding="utf-8", opener=open_private) as file:
            file.seek(0)
            content = file.read()
            taken = {group_name(plain_name(before.partition(":")[0])) for before in entries_of(content).values()}
            if group_name(name) in taken:
                raise ConfigError(
                    f"{path} already has a key named {name}; remove its line first, or choose another name"
                )
            file.write(("" if not content or content.endswith("\n") else "\n") + line + "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def keys_of(settings: ServeSettings) -> KeyRing:
    """The keys that are configured by now. Raises ConfigError as `text_of` and `keys_in` do."""
    return keys_in(text_of(settings.keys_file), settings)


def keys_in(text: str, settings: ServeSettings) -> KeyRing:
    """The keys in `text`, which is that of the configured file, and those in the environment.

    A file that is configured may get its first key later. Raises ConfigError if a key is malformed or weak, if two have
    the same name, or if no file is configured, there are no keys, and other machines can reach the service.
    """
    entries = [*_in_file(settings.keys_file, text), *entries_in_environment(settings.keys.get_secret_value())]
    _check_names(entries, settings.proxy_key)
    keys = [_key_of(entry) for entry in entries if entry.key != GROUP]
    groups = [Group(entry.name, _opens(entry), entry.rights) for entry in entries if entry.key == GROUP]
    if not keys and not settings.keys_file and not is_loopback(settings.host):
        raise ConfigError(
            f"other machines can reach serve.host {settings.host}, and there is no API key; run `zhiwen keys new NAME "
            "--file keys.txt` and set ZHIWEN_SERVE__KEYS_FILE=keys.txt, or serve on 127.0.0.1"
        )
    return KeyRing(keys, groups)


def _check_names(entries: Sequence[KeyEntry], proxy_key: str) -> None:
    taken = {OWNER}
    for entry in entries:
        if entry.name in taken:
            raise ConfigError(f"two API keys are named {entry.name}; give each its own name")
        taken.add(entry.name)
        if entry.key == GROUP and not proxy_key:
            raise ConfigError(
                f"{entry.place}: {entry.name} is a group, but serve.proxy_key is not set, so nobody can be in it"
            )
    if proxy_key and entries and proxy_key not in {entry.name for entry in entries if entry.key != GROUP}:
        raise ConfigError(f"serve.proxy_key is {proxy_key}, but there is no API key of that name")


def _in_file(path: str, text: str) -> Iterator[KeyEntry]:
    for entry in entries_in_file(path, text):
        if entry.key != GROUP and not _HASHED.fullmatch(entry.key):
            _key_of(entry)  # raises an error if the entry has another fault
            raise ConfigError(f"{entry.place} holds a key instead of its hash; `zhiwen keys new` writes the hash")
        yield entry


def _key_of(entry: KeyEntry) -> Key:
    """Return the key of an entry. Raises ConfigError, which never shows the key."""
    opens = _opens(entry)
    if hashed := _HASHED.fullmatch(entry.key):
        return Key(entry.name, opens, bytes.fromhex(hashed["digest"]), entry.rights, entry.origins)
    if len(entry.key) < _MIN_CHARACTERS or entry.key.startswith("sha256:"):
        raise ConfigError(
            f"{entry.place}: the key of {entry.name} is too easy to guess; `zhiwen keys new {entry.name}` makes a "
            "random one"
        )
    return Key(entry.name, opens, digest_of(entry.key), entry.rights, entry.origins)


def _opens(entry: KeyEntry) -> frozenset[Scope]:
    """Return what an entry opens.

    Raises ConfigError if its scopes would show documents that its rights do not, or open more to the public than the
    widget needs.
    """
    which, opens = f"{entry.place}: {entry.name}", set[Scope]()
    for scope in entry.scopes:
        if scope not in _SCOPES:
            raise ConfigError(f"{which} has the unknown scope {scope!r}; the scopes are {', '.join(SCOPES)}")
        opens |= OPENS[_SCOPES[scope]]
    if entry.origins and (entry.key == GROUP or opens != OPENS["ask"]):
        raise ConfigError(f"{which} has origins, so everybody sees it; it must be a key with the scope ask alone")
    if entry.rights.are_partial and not opens <= OPENS["ask"]:
        raise ConfigError(f"{which} is bound to a filter, so it may have the scope ask only")
    if not (entry.rights.are_unlimited or opens <= OPENS["ingest"]):
        raise ConfigError(f"{which} is bound to knowledge bases, so it may have the scopes ask and ingest only")
    return frozenset(opens)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a service that listens on the host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
