"""People who signed in through a trusted proxy, such as one for OpenID Connect: they may do what their groups may.

The proxy sends its own API key, and headers with the name and the groups of the person. In a request with any other key
they are ignored. The proxy must remove these headers from what clients send, as such proxies do.
"""

import hashlib
from dataclasses import dataclass

from starlette.datastructures import Headers

from api.guard.keys import Group, Key, Keys
from api.request_errors import ScopeMissing
from api.service.entry_names import group_name
from rag.rights import Rights

_MAX_NAME = 64
"""What the state database keeps of a name."""
_MAX_PARTS = 1000
"""The parts between commas that are read of a header."""
_MAX_PARTS_OF_NAME = 16


@dataclass(frozen=True, slots=True)
class TrustedProxy:
    """The name of the proxy's API key, and the headers in which it names the groups, with commas, and the person."""

    key_name: str
    groups_header: str
    user_header: str


def person_of(key: Key, headers: Headers, proxy: TrustedProxy, keys: Keys) -> Key:
    """Return a key under the name of the person, with everything that any group of the person opens and may see.

    Raises ScopeMissing if no group is known, or the header is there twice: one may be the client's.
    """
    given = headers.getlist(proxy.groups_header)
    groups = _known_groups(_decoded(given[0]), keys) if len(given) == 1 else []
    if not groups:
        raise ScopeMissing("none of your groups may use this service; ask the administrator", scope="ask")
    rights = Rights(tuple(grant for group in groups for grant in group.rights.grants))
    person = _decoded(headers.get(proxy.user_header, "")) or "+".join(sorted(group.name for group in groups))
    return Key(
        _short(f"{key.name}/{person}"), frozenset().union(*(group.opens for group in groups)), key.digest, rights
    )


def _known_groups(names: str, keys: Keys) -> list[Group]:
    """Return the known groups that a header names.

    Groups have commas between them, and some in their names: the longest name that is known is meant.
    """
    parts, groups, start = group_name(names).split(",")[:_MAX_PARTS], dict[str, Group](), 0
    while start < len(parts):
        for end in range(min(start + _MAX_PARTS_OF_NAME, len(parts)), start, -1):
            if group := keys.find_group(",".join(parts[start:end])):
                groups[group.name] = group
                break
        else:
            end = start + 1
        start = end
    return list(groups.values())


def _decoded(value: str) -> str:
    """Return the text of a header, which proxies send in UTF-8 and Starlette reads as Latin-1."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


def _short(name: str) -> str:
    """Return a name that the state database takes, and that no other person has."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - len(digest) - 1]}-{digest}"
