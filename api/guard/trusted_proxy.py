"""People who signed in through a trusted proxy, such as one for OpenID Connect: they may do what their groups may.

The proxy sends its own API key, and headers with the name and the groups of the person. In a request with any other key
they are ignored. The proxy must remove these headers from what clients send, as such proxies do.
"""

import hashlib
from dataclasses import dataclass

from starlette.datastructures import Headers

from api.guard.keys import Key, Keys
from api.request_errors import ScopeMissing
from rag.rights import Rights

_MAX_NAME = 64
"""What the state database keeps of a name."""
_MAX_GROUPS = 200


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
    names = [name.strip() for name in given[0].split(",")][:_MAX_GROUPS] if len(given) == 1 else []
    groups = [group for name in dict.fromkeys(names) if (group := keys.find_group(name))]
    if not groups:
        raise ScopeMissing("none of your groups may use this service; ask the administrator", scope="ask")
    rights = Rights(tuple(grant for group in groups for grant in group.rights.grants))
    person = headers.get(proxy.user_header, "") or "+".join(sorted(group.name for group in groups))
    return Key(
        _short(f"{key.name}/{person}"), frozenset().union(*(group.opens for group in groups)), key.digest, rights
    )


def _short(name: str) -> str:
    """Return a name that the state database takes, and that no other person has."""
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - len(digest) - 1]}-{digest}"
