"""Reading API keys: hashes from a file, keys or hashes from the environment."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from api.guard.key_origins import split_origins, with_origins
from api.guard.keys import OWNER, PREFIX, Key, KeyRing, digest_of
from api.guard.route_rules import OPENS, SCOPES
from api.service.operation import Scope
from rag.errors import ConfigError
from rag.private_files import open_private
from rag.settings import ServeSettings

_MIN_CHARACTERS = 32
_HASHED = re.compile(r"sha256:(?P<digest>[0-9a-f]{64})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")
_SCOPES: dict[str, Scope] = {scope: scope for scope in SCOPES}


def line_of(name: str, scopes: Iterable[str], key: str) -> str:
    """The line of `serve.keys_file` for a key. Raises ConfigError if the name or a scope is invalid."""
    line = f"{name}:{'+'.join(scopes)}:sha256:{digest_of(key).hex()}"
    _parsed(line, "zhiwen keys")
    return line


def public_line(line: str, origins: Iterable[str]) -> str:
    """The line of a public key for pages of these sites; the same line without any.

    Raises ConfigError if an origin is invalid, or if the key would open more than the widget.
    """
    line = with_origins(line, origins)
    _with_origins(line, "zhiwen keys")
    return line


def add_line(path: Path, name: str, line: str) -> None:
    """Append a key's line to a file. A new file is readable and writable by its user only.

    Raises ConfigError if the file already has a key of that name, or cannot be written.
    """
    try:
        with open(path, "a+", encoding="utf-8", opener=open_private) as file:
            file.seek(0)
            content = file.read()
            if any(before.startswith(f"{name}:") for before in content.splitlines()):
                raise ConfigError(
                    f"{path} already has a key named {name}; remove its line first, or choose another name"
                )
            file.write(("" if not content or content.endswith("\n") else "\n") + line + "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error


def keys_of(settings: ServeSettings) -> KeyRing:
    """The keys that are configured by now. Raises ConfigError as `text_of` and `keys_in` do."""
    return keys_in(text_of(settings.keys_file), settings)


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


def keys_in(text: str, settings: ServeSettings) -> KeyRing:
    """The keys in `text`, which is that of the configured file, and those in the environment.

    A file that is configured may get its first key later. Raises ConfigError if a key is malformed or weak, if two have
    the same name, or if no file is configured, there are no keys, and other machines can reach the service.
    """
    keys = [*_in_file(settings.keys_file, text), *_in_environment(settings.keys.get_secret_value())]
    taken = {OWNER}
    for key in keys:
        if key.name in taken:
            raise ConfigError(f"two API keys are named {key.name}; give each its own name")
        taken.add(key.name)
    if not keys and not settings.keys_file and not is_loopback(settings.host):
        raise ConfigError(
            f"other machines can reach serve.host {settings.host}, and there is no API key; run `zhiwen keys new NAME "
            "--file keys.txt` and set ZHIWEN_SERVE__KEYS_FILE=keys.txt, or serve on 127.0.0.1"
        )
    return KeyRing(keys)


def entries_of(text: str) -> dict[int, str]:
    """The entries of a key file by the number of their line, without comments and blank lines."""
    lines = {number: line.strip() for number, line in enumerate(text.splitlines(), 1)}
    return {number: line for number, line in lines.items() if line and not line.startswith("#")}


def _in_file(path: str, text: str) -> Iterator[Key]:
    for number, line in entries_of(text).items():
        key = _with_origins(line, f"{path}:{number}")
        if not _HASHED.search(line):
            raise ConfigError(f"{path}:{number} holds a key instead of its hash; `zhiwen keys new` writes the hash")
        yield key


def _in_environment(value: str) -> Iterator[Key]:
    for number, entry in enumerate((part.strip() for part in value.split(",")), 1):
        if entry:
            yield _with_origins(entry, f"ZHIWEN_SERVE__KEYS, key {number}")


def _with_origins(entry: str, where: str) -> Key:
    entry, origins = split_origins(entry, where)
    key = _parsed(entry, where)
    if origins and key.opens != OPENS["ask"]:
        raise ConfigError(f"{where}: {key.name} has origins, so everybody sees it; its scope must be ask alone")
    return replace(key, origins=origins)


def _parsed(entry: str, where: str) -> Key:
    """Parse `name:scope+scope:key`, or `name:scope+scope:sha256:hash`. Messages never show the key."""
    name, _, rest = entry.partition(":")
    scopes, _, key = rest.partition(":")
    if not _NAME.fullmatch(name) or not key:
        raise ConfigError(f"{where}: must be name:scopes:key, such as page:ask:{PREFIX}…")
    opens: set[Scope] = set()
    for scope in scopes.split("+"):
        if scope not in _SCOPES:
            raise ConfigError(f"{where}: {name} has the unknown scope {scope!r}; the scopes are {', '.join(SCOPES)}")
        opens |= OPENS[_SCOPES[scope]]
    if hashed := _HASHED.fullmatch(key):
        return Key(name, frozenset(opens), bytes.fromhex(hashed["digest"]))
    if len(key) < _MIN_CHARACTERS or key.startswith("sha256:"):
        raise ConfigError(
            f"{where}: the key of {name} is too easy to guess; `zhiwen keys new {name}` makes a random one"
        )
    return Key(name, frozenset(opens), digest_of(key))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a service that listens on the host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
