"""What the store keeps of itself: its generations, which one is live, each document's manifest, and who is writing."""

import datetime
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, TypeVar

from rag.errors import StoreError
from rag.store.columns import SCHEMA_VERSION

T = TypeVar("T")

SHARED = "shared"
"""`Layout.index` of a namespace whose collections others share. Persisted."""

COPIED = "copied"
"""`DocumentRecord.dated_by` if nothing says how old a document is."""

_NEWER = "the index was written by a newer zhiwen; upgrade, or point store.collection elsewhere"
# Keys in stored payloads that have another name in the code.
_STORED_KEYS = {"namespace": "space", "pipeline_fingerprint": "recipe"}


@dataclass(frozen=True, slots=True)
class Layout:
    """What all chunks of a namespace have in common: embedder, version of the columns, retrieval mode, and index.

    `index` is a `VectorIndex.identity`, or `SHARED` if other namespaces share its collections.
    """

    fingerprint: str
    schema: int
    mode: str
    index: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """What a generation consists of.

    `committed_at` is UTC in ISO 8601, `schema` the version of the chunks' columns, `mode` the retrieval mode that the
    generation was built for, and `root` the folder it was made from.
    """

    generation: int
    namespace: str
    embedder: str
    fingerprint: str
    dimension: int
    schema: int
    mode: str
    committed_at: str
    root: str
    documents: int
    chunks: int
    # Digests of the golden questions asked before the generation went live, and of those that were found.
    golden_asked: tuple[str, ...] = ()
    golden_found: tuple[str, ...] = ()
    # While deletions are held back: the number of documents before that.
    documents_before_loss: int = 0
    # That of the layout.
    index: str = ""
    # The state of the source that the folder is a copy of: a commit of a repository, a digest of a bucket.
    label: str = ""

    @property
    def layout(self) -> Layout:
        """What the generation's chunks have in common."""
        return Layout(self.fingerprint, self.schema, self.mode, self.index)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "Commit":
        """Return what `as_payload` was called on. Raises StoreError if a newer zhiwen wrote the payload."""
        tuples = {name: tuple(payload.get(name, ())) for name in ("golden_asked", "golden_found")}
        return _from_payload(cls, {**payload, **tuples})

    def as_payload(self) -> dict[str, object]:
        """Return the commit as the state row holds it."""
        payload = _as_payload(self)
        for name in ("documents_before_loss", "index", "label"):
            if not payload[name]:
                del payload[name]  # zhiwen 0.2 refuses keys that it does not know
        return payload


@dataclass(frozen=True, slots=True)
class SnapshotIdentity:
    """What all that is read of a generation depends on: two that are equal read the same.

    `within` says which filter restricts it, "" if none does.
    """

    knowledge_base: str
    commit: Commit
    within: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """The live generation is the last of `history`; `last_number` is the highest generation number ever committed.

    Every state is a row of its own; its `version` is one more than that of the state before.
    """

    version: int
    last_number: int
    history: tuple[Commit, ...]

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "State":
        """Return what `as_payload` was called on. Raises StoreError if a newer zhiwen wrote the payload."""
        commits = payload["history"]
        if not commits or commits[-1]["schema"] > SCHEMA_VERSION:
            raise StoreError(_NEWER)
        history = tuple(Commit.from_payload(commit) for commit in commits)
        return cls(int(payload["version"]), int(payload["last_number"]), history)

    def as_payload(self) -> dict[str, object]:
        """Return the state as its row holds it."""
        return {
            "version": self.version,
            "last_number": self.last_number,
            "history": [commit.as_payload() for commit in self.history],
        }

    @property
    def live(self) -> Commit:
        """The generation that readers see."""
        return self.history[-1]


@dataclass(frozen=True, slots=True)
class StagedGeneration:
    """A generation that an ingest has begun to write, and not committed. `is_imported`: its chunks come in bulk."""

    generation: int
    namespace: str
    layout: Layout
    is_imported: bool = False

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "StagedGeneration":
        """Return what `as_payload` was called on."""
        layout, is_imported = Layout(**payload["layout"]), bool(payload.get("is_imported"))
        return cls(int(payload["generation"]), str(payload["namespace"]), layout, is_imported)

    def as_payload(self) -> dict[str, object]:
        """Return the record as its row holds it."""
        payload = asdict(self)
        if not self.layout.index:
            del payload["layout"]["index"]  # zhiwen 0.2 refuses keys that it does not know
        return payload


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """The manifest of one document.

    `pipeline_fingerprint` identifies the chunker, its settings and the embedder that made the document's chunks;
    `chunks` counts them. `content_hash`, `size` (bytes) and `modified_ns` are those of the file. `dated` is the day
    that the front matter or the git repository gives the document, as `2026-01-31`, and `dated_by` which of them; both
    are "" if only the file has a date, and `dated_by` is COPIED if that is the day when we copied it from elsewhere.
    """

    source: str
    content_hash: str
    pipeline_fingerprint: str
    size: int
    modified_ns: int
    title: str
    chunks: int
    dated: str = ""
    dated_by: str = ""

    @property
    def date(self) -> str:
        """The day of the document, as `2026-01-31`; "" if nothing has one."""
        if self.dated or self.dated_by == COPIED or not self.modified_ns:
            return self.dated
        return datetime.datetime.fromtimestamp(self.modified_ns / 1e9, datetime.UTC).date().isoformat()

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "DocumentRecord":
        """Return what `as_payload` was called on. Raises StoreError if a newer zhiwen wrote the payload."""
        return _from_payload(cls, payload)

    @classmethod
    def payload_keys(cls) -> list[str]:
        """Return the keys of a payload, in the order of the fields."""
        return list(_names_by_key(cls))  # type: ignore[arg-type]  # mypy takes a class with slots for unhashable

    def as_payload(self) -> dict[str, Any]:
        """Return the manifest as its row, or a backup, holds it."""
        return _as_payload(self)


@dataclass(frozen=True, slots=True)
class FailedDocument:
    """A document that could not be parsed: its bytes, the `recipe` with which they were tried, and why not."""

    source: str
    content_hash: str
    recipe: str
    error: str


@dataclass(frozen=True, slots=True)
class Lease:
    """Who is writing, and when that writer last said so: seconds since 1970, by the writer's own clock."""

    owner: str
    beat: float


@cache
def _names_by_key(cls: type) -> Mapping[str, str]:
    """Return the names of a class's fields, in their order, by their keys in a payload."""
    return {_STORED_KEYS.get(field.name, field.name): field.name for field in fields(cls)}


def _from_payload(cls: type[T], payload: Mapping[str, Any]) -> T:
    """Keys that the payload lacks, because an earlier zhiwen wrote it, have the defaults of the class."""
    names = _names_by_key(cls)  # type: ignore[arg-type]  # mypy takes a class with slots for unhashable
    if not payload.keys() <= names.keys():
        raise StoreError(_NEWER)
    return cls(**{names[key]: value for key, value in payload.items()})


def _as_payload(value: Commit | DocumentRecord) -> dict[str, Any]:
    return {_STORED_KEYS.get(name, name): content for name, content in asdict(value).items()}
