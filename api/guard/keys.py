"""API keys: their names, their scopes, and how a presented key is looked up.

A key is 32 random bytes, which nobody can guess. So a fast hash (SHA-256) protects it as well as a slow one would, and
costs a request nothing; slow hashes are for passwords, which people choose. Files hold only hashes of keys.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from api.guard.route_rules import OPENS
from api.service.key_entries import PREFIX
from api.service.operation import Scope
from rag.rights import UNLIMITED, Rights

_RANDOM_BYTES = 32
OWNER = "owner"
"""The name of the key that a server gives to the command line of its own user."""


@dataclass(frozen=True, slots=True)
class Key:
    """An API key as the service knows it: its SHA-256 digest, and all scopes that it opens, implied ones included.

    `rights` say which documents it may see. A key with `origins` is public: it stands in pages of these sites, and
    opens the widget for them only.
    """

    name: str
    opens: frozenset[Scope]
    digest: bytes
    rights: Rights = UNLIMITED
    origins: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Group:
    """A group of people, as a trusted proxy names it: what its members' requests open, and which documents they see."""

    name: str
    opens: frozenset[Scope]
    rights: Rights = UNLIMITED


class Keys(Protocol):
    """The keys of a service."""

    @property
    def is_open(self) -> bool:
        """Whether the service needs no keys, so that everybody may do everything. Does not change while it runs."""
        ...

    @property
    def awaits_first(self) -> bool:
        """Whether keys are needed and there is none yet, so that nobody can ask."""
        ...

    @property
    def origins(self) -> frozenset[str]:
        """The origins of all public keys."""
        ...

    def find(self, key: str) -> Key | None:
        """The known key that equals the presented one, None if there is none."""
        ...

    def find_group(self, name: str) -> Group | None:
        """The known group of this name, None if there is none."""
        ...

    def rights_of(self, name: str) -> Rights | None:
        """What the known key or group of this name may see, None if there is none."""
        ...


class KeyRing:
    """A fixed set of keys and groups."""

    def __init__(self, keys: Iterable[Key] = (), groups: Iterable[Group] = ()) -> None:
        self._keys = tuple(keys)
        self._groups = {group.name: group for group in groups}
        self._origins = frozenset().union(*(key.origins for key in self._keys))

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def is_open(self) -> bool:
        """Whether there are no keys."""
        return not self._keys

    @property
    def awaits_first(self) -> bool:
        """Always False: no key is added later."""
        return False

    @property
    def origins(self) -> frozenset[str]:
        """The origins of all public keys."""
        return self._origins

    @property
    def knowledge_bases(self) -> frozenset[str]:
        """The names of all knowledge bases that a key or group is bound to."""
        every = [key.rights for key in self._keys] + [group.rights for group in self._groups.values()]
        return frozenset().union(*(rights.knowledge_bases for rights in every))

    def find(self, key: str) -> Key | None:
        """The known key that equals the presented one, None if there is none.

        It compares all keys, each in constant time, so that timing reveals nothing about them.
        """
        digest = digest_of(key)
        found = None
        for known in self._keys:
            if hmac.compare_digest(known.digest, digest):
                found = known
        return found

    def find_group(self, name: str) -> Group | None:
        """The known group of this name, None if there is none."""
        return self._groups.get(name)

    def rights_of(self, name: str) -> Rights | None:
        """What the known key or group of this name may see, None if there is none."""
        holders: list[Key | Group] = [*self._keys, *self._groups.values()]
        return next((each.rights for each in holders if each.name == name), None)

    def with_owner(self, token: str) -> "KeyRing":
        """These keys and groups, and an administrator's key for the command line."""
        return KeyRing((*self._keys, Key(OWNER, OPENS["admin"], digest_of(token))), self._groups.values())


def new_key() -> str:
    """A new random key."""
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def digest_of(key: str) -> bytes:
    """The SHA-256 digest of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
