"""The ids of chunks and of the blocks that they come from. Each is 32 hex digits."""

import hashlib
import unicodedata
from collections.abc import Sequence


def chunk_identity(source: str, heading_path: Sequence[str], kind: str, content: str) -> str:
    """Return what makes a chunk the same in the next version of its document; several of its chunks may share it."""
    normalised = " ".join(unicodedata.normalize("NFKC", content).split())
    return _digest(source, *heading_path, kind, normalised)


def numbered_id(identity: str, number: int) -> str:
    """Return the id of the chunk that has this number, from 1, among those of its document that share an identity."""
    return _digest(identity, str(number))


def group_id(source: str, block: int) -> str:
    """Return the id of a block by its number in its document, from 0."""
    return _digest(source, str(block))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
