"""API keys: who holds one, and what it opens.

A key is 32 random bytes. Nobody can try so many, so a fast hash (SHA-256) keeps it as well as a slow one would, and
costs a request nothing; slow hashes are for passwords, which people choose. Of keys in a file only hashes are kept.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from api.guard.access import OPENS
from api.service.operation import Scope

PREFIX = "zw_"
"""By which a scanner for secrets knows a key."""
_RANDOM_BYTES = 32
OWNER = "owner"
"""The name of the key that a server gives to the command line of its own user."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of an API key; `opens` are the scopes that it and what they imply open."""

    name: str
    opens: frozenset[Scope]
    digest: bytes


class Keys(Protocol):
    """The keys of a service. If it starts without any, `is_open`: everybody may do everything, as long as it runs."""

    @property
    def is_open(self) -> bool: ...

    def find(self, key: str) -> Key | None:
        """Whose key this is; None if it is none of the service's."""
        ...


class KeyRing:
    """Keys as they were read."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._keys = tuple(keys)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def is_open(self) -> bool:
        return not self._keys

    def find(self, key: str) -> Key | None:
        """Whose key this is. All are compared, each in constant time, so that the time tells nothing of any."""
        digest = digest_of(key)
        found = None
        for known in self._keys:
            if hmac.compare_digest(known.digest, digest):
                found = known
        return found

    def with_owner(self, token: str) -> "KeyRing":
        """The same and, unless everything is open, an administrator's key for the command line."""
        return self if self.is_open else KeyRing((*self._keys, Key(OWNER, OPENS["admin"], digest_of(token))))


def new_key() -> str:
    return PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def digest_of(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
