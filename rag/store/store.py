"""Milvus with generations on top: which generation is live, and the way to read it and to write the next.

There is no bookkeeping elsewhere: a state row says which generation is live, and a `Snapshot` reads that one.
"""

import copy
import re
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from rag.errors import StoreEmpty
from rag.knowledge_base_names import DEFAULT, option_of
from rag.settings import StoreSettings
from rag.store import rows
from rag.store.background import BackgroundReads
from rag.store.chunk_cache import ChunkCache
from rag.store.collection_spec import LATEST, ReadTimestamp
from rag.store.expressions import quote_value
from rag.store.imports import Imports
from rag.store.milvus.opening import open_milvus
from rag.store.namespace import Namespace
from rag.store.records import SHARED, Commit, State
from rag.store.snapshot import Snapshot
from rag.store.state_collection import StateCollection
from rag.store.term_statistics import TermStatistics, TermStatisticsCache, sum_statistics
from rag.store.visible import VisibleCache
from rag.store.writer_notes import WriterNotes

if TYPE_CHECKING:
    from rag.store.milvus.client import Milvus

_STATES = 'key >= "state-" and key < "state."'
_COLLECTIONS = (rows.chunks_collection, rows.manifests_collection)


class Store:
    """Milvus with generations on top; methods raise StoreError. All threads share it; whoever opened it closes it.

    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> from rag.types import Chunk
    >>> chunk = Chunk("1", "a.md", "Tides", ("Tides",), "", "text", 0, "g", 1, 1, "The tide turns twice a day.")
    >>> with TemporaryDirectory() as folder:
    ...     store = Store.open(StoreSettings(uri=f"{folder}/m.db"))
    ...     store.notes.mark_dirty()
    ...     namespace = store.new_namespace(1)
    ...     namespace.create(dimension=2, lexical=True)
    ...     stored = namespace.insert_chunks([chunk], np.eye(1, 2, dtype=np.float32), born=1)
    ...     commit = Commit(1, namespace.name, "embedder", "fingerprint", 2, 2, "hybrid", "2024-05-31", "/docs", 1, 1)
    ...     store.publish(State(version=1, last_number=1, history=(commit,)))
    ...     store.notes.mark_clean()
    ...     found = store.snapshot().search_terms(["tide"], limit=5)
    ...     store.close()
    >>> [hit.chunk.content for hit, score in found]
    ['The tide turns twice a day.']
    """

    def __init__(
        self,
        milvus: "Milvus",
        *,
        collection: str = "zhiwen",
        knowledge_base: str = DEFAULT,
        background: BackgroundReads | None = None,
        index: str = "",
    ) -> None:
        self._milvus = milvus
        self._states = StateCollection(milvus, rows.state_collection(collection))
        self._statistics = TermStatisticsCache(self._sum_statistics)
        self._chunk_cache = ChunkCache()
        self._background = background or BackgroundReads()
        self._live_since: tuple[int, ReadTimestamp] = (0, LATEST)
        self._known_state: tuple[object, State | None] = (object(), None)
        self._pinned: Snapshot | None = None
        self._visible_cache = VisibleCache()
        self.collection = collection
        self.knowledge_base = knowledge_base
        self.index = index  # the `Layout.index` of a new namespace
        self.notes = WriterNotes(self._states)
        self.imports = Imports(milvus, collection)
        self.write_lock = threading.Lock()  # held while an ingest or a rollback runs in this process

    @classmethod
    def open(cls, settings: StoreSettings, *, shares: bool = False) -> "Store":
        """Return the store, which connects at the first call, so that reading creates no database file.

        With `shares`, new namespaces in a file share collections. Raises ConfigError if the database file has a name
        that Milvus Lite does not take, and for settings that only a server has.
        """
        milvus = open_milvus(settings, shares=shares)
        index = SHARED if shares and milvus.is_embedded else milvus.index.identity
        return cls(milvus, collection=settings.collection, index=index)

    def beside(self, collection: str, knowledge_base: str) -> "Store":
        """Return the store of another knowledge base, over the same connection. It is closed with this one."""
        own = {"collection": collection, "knowledge_base": knowledge_base}
        return Store(self._milvus, background=self._background, index=self.index, **own)

    @property
    def uri(self) -> str:
        """The database file, or the address of the server."""
        return self._milvus.uri

    @property
    def is_embedded(self) -> bool:
        """Whether the database is a file, which one process at a time has open."""
        return self._milvus.is_embedded

    def connect(self) -> None:
        """Connect now; a missing database file is created. Raises StoreUnavailable, StoreLocked or StoreTimeout."""
        self._milvus.connect()

    def close(self) -> None:
        """End the connection, after the reads that have begun."""
        self._background.close()
        self._milvus.close()

    # What readers need

    def state(self) -> State | None:
        """Read the newest state; None before the first commit."""
        read_after = self._milvus.last_write
        newest = max(self._states.payloads(_STATES), key=lambda payload: int(payload["version"]), default=None)
        self._known_state = (read_after, state := State.from_payload(newest) if newest else None)
        return state

    @property
    def within(self) -> str:
        """The filter that restricts what readers see, as a text; "" if none does."""
        return ""

    def live(self) -> Commit | None:
        """Return the live generation, or None before the first."""
        state = self.state()
        return state.live if state else None

    def snapshot(self) -> Snapshot:
        """Return the live generation, to be read for the length of a request. Raises StoreEmpty if there is none."""
        if self._pinned:
            return self._pinned
        read_after, state = self._known_state
        if state is None or read_after is not self._milvus.last_write or not self._milvus.is_alive:
            state = self.state()
        if state is None:
            raise StoreEmpty(_nothing_ingested(self.knowledge_base))
        return self.snapshot_of(state.live, since=self._timestamp_after(state.version))

    def snapshot_of(
        self,
        commit: Commit,
        *,
        since: ReadTimestamp = LATEST,
        statistics: Callable[[Commit], TermStatistics] | None = None,
    ) -> Snapshot:
        """Return any generation.

        By default its term statistics and the chunks found in it are kept, as those of a generation that went live.
        Pass the `statistics` of one that may never.
        """
        return Snapshot(
            self._milvus,
            commit,
            statistics=statistics or self._statistics.of,
            chunk_cache=None if statistics else self._chunk_cache,
            background=self._background,
            since=since,
            knowledge_base=self.knowledge_base,
        )

    def pinned(self, snapshot: Snapshot) -> "Store":
        """Return this store for readers of one generation, whichever is live. It is closed with this one."""
        store = copy.copy(self)
        store._pinned = snapshot
        return store

    def read_timestamp(self) -> ReadTimestamp:
        """Return now, by the server's clock. Reads `since` it see all that was written before, and wait for no more."""
        return self._milvus.read_timestamp()

    # What writers need

    def publish(self, state: State) -> None:
        """Make a state the newest: the one write that changes what readers see.

        It inserts a row, because an upsert of Milvus Lite has a gap in which there is no row.
        """
        self._states.put(_state_key(state.version), state.as_payload())
        self._states.delete(f"{_STATES} and key < {quote_value(_state_key(state.version))}")

    def create_state_collection(self) -> None:
        """Create what `publish` and the notes are written to, if it is not there yet."""
        self._states.create()

    def namespace_of(self, commit: Commit) -> Namespace:
        """Return the namespace that holds a generation."""
        return Namespace(self._milvus, commit.namespace, schema=commit.schema)

    def new_namespace(self, generation: int) -> Namespace:
        """Return the namespace that a generation may be staged into; it is not created yet."""
        return self.staged_namespace(f"{self.collection}_g{generation}")

    def staged_namespace(self, name: str) -> Namespace:
        """Return a namespace of the current schema by its name."""
        return Namespace(self._milvus, name)

    def namespaces(self) -> list[str]:
        """Return the names of all namespaces of this store, also of those that were only half created."""
        return sorted(set(self._collections_by_namespace().values()))

    def has_chunks_in(self, name: str) -> bool:
        """Whether both collections of a namespace exist, and any chunk was written to it, in whatever generation."""
        is_whole = list(self._collections_by_namespace().values()).count(name) == len(_COLLECTIONS)
        return is_whole and self.staged_namespace(name).has_chunks()

    def drop_namespace(self, name: str) -> None:
        """Drop what there is of a namespace."""
        for collection, namespace in self._collections_by_namespace().items():
            if namespace == name:
                self._milvus.drop(collection)

    def _collections_by_namespace(self) -> dict[str, str]:
        endings = "|".join(re.escape(collection("")) for collection in _COLLECTIONS)
        ours = re.compile(rf"({re.escape(self.collection)}_g\d+)(?:{endings})")
        matches = (ours.fullmatch(name) for name in self._milvus.collections())
        return {match[0]: match[1] for match in matches if match}

    def _sum_statistics(self, commit: Commit) -> TermStatistics:
        return sum_statistics(self.namespace_of(commit).term_payloads(commit.generation))

    def _timestamp_after(self, version: int) -> ReadTimestamp:
        """Return a timestamp after the state was written, and so after all that its generation consists of.

        A read that must see the latest writes waits 0.2 s for the server's next tick. The state is read like that each
        time; its generation needs no more than this timestamp.
        """
        known, since = self._live_since
        if known != version:
            since = self.read_timestamp()
            self._live_since = (version, since)
        return since


def _state_key(version: int) -> str:
    return f"state-{version:012d}"


def _nothing_ingested(knowledge_base: str) -> str:
    option = option_of(knowledge_base)
    return f"nothing has been ingested yet; run `zhiwen ingest{option}`, or wait for the ingest that is running"
