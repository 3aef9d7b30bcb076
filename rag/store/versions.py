"""What the ledger keeps: which generations there are and which is live, and the manifest of each document."""

from dataclasses import asdict, dataclass
from typing import Any

from rag.errors import StoreError
from rag.store.rows import SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Commit:
    """What one generation is made of. `committed_at` is UTC, ISO 8601; `mode` the retrieval mode it was built for."""

    generation: int
    space: str
    embedder: str
    fingerprint: str
    dimension: int
    schema: int
    mode: str
    committed_at: str
    root: str
    documents: int
    chunks: int
    # Digests of the golden questions asked before it went live, and of those it found.
    golden_asked: tuple[str, ...] = ()
    golden_found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """The live generation is the last of `history`. `last_number` is the highest generation number ever committed.

    Every state is a row of its own, with a `version` one higher than the one before.
    """

    version: int
    last_number: int
    history: tuple[Commit, ...]

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> "State":
        """What `as_payload` gave. Raises StoreError for that of a newer version of this program."""
        history = tuple(
            Commit(
                **commit
                | {"golden_asked": tuple(commit["golden_asked"]), "golden_found": tuple(commit["golden_found"])}
            )
            for commit in payload["history"]
        )
        if not history or history[-1].schema > SCHEMA_VERSION:
            raise StoreError("the index was written by a newer zhiwen; upgrade, or point store.collection elsewhere")
        return cls(int(payload["version"]), int(payload["last_number"]), history)

    def as_payload(self) -> dict[str, object]:
        return {
            "version": self.version,
            "last_number": self.last_number,
            "history": [asdict(commit) for commit in self.history],
        }

    @property
    def live(self) -> Commit:
        return self.history[-1]


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """The manifest of one document. `recipe` names the chunker and embedder that made its chunks of the bytes."""

    source: str
    content_hash: str
    recipe: str
    size: int
    modified_ns: int
    title: str
    chunks: int
