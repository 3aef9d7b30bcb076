"""Milvus with generations on top: which generation is live, and the way to a snapshot of it.

The store is its own ledger. The state row says which generation is live; a `Snapshot` is that row read once.
"""

import os
import threading
from typing import TYPE_CHECKING

from rag.errors import StoreEmpty
from rag.settings import StoreSettings
from rag.store import rows
from rag.store.expressions import LATEST, ReadTimestamp, quote_value
from rag.store.rows import alive_at
from rag.store.snapshot import Snapshot
from rag.store.term_statistics import TermStatistics, sum_statistics
from rag.store.versions import Commit, State

if TYPE_CHECKING:
    from rag.store.milvus.client import Milvus

_UNSETTLED = "unsettled"


class Store:
    """Milvus with generations on top. Opened once per process, shared by all threads, closed by its owner."""

    def __init__(self, milvus: "Milvus", *, collection: str = "zhiwen") -> None:
        self.milvus = milvus
        self.collection = collection
        self.writing = threading.Lock()
        """Held while an ingest or a rollback runs in this process."""
        self._knows_state = False
        self._statistics: dict[tuple[str, int], TermStatistics] = {}
        self._seen: tuple[int, ReadTimestamp] = (0, LATEST)

    @classmethod
    def open(cls, settings: StoreSettings) -> "Store":
        """Connect. Raises StoreUnavailable, StoreLocked, StoreTimeout or ConfigError."""
        # Read when gRPC is first imported, which else reports on stderr what is raised, and harmless things besides.
        os.environ.setdefault("GRPC_VERBOSITY", "NONE")
        # Imported here: its client takes most of a second to load, and commands that go through a server do without.
        from rag.store.milvus.client import Milvus  # noqa: PLC0415

        milvus = Milvus(
            settings.uri,
            token=settings.token.get_secret_value(),
            database=settings.database,
            timeout_seconds=settings.timeout_seconds,
            connect_timeout_seconds=settings.connect_timeout_seconds,
        )
        return cls(milvus, collection=settings.collection)

    @property
    def uri(self) -> str:
        return self.milvus.uri

    @property
    def state_collection(self) -> str:
        return f"{self.collection}_state"

    def close(self) -> None:
        self.milvus.close()

    def state(self) -> State | None:
        """The newest state row, or None before the first commit."""
        if not self._has_state_collection():
            return None
        found = self.milvus.rows(self.state_collection, 'key >= "state-" and key < "state."', ["payload"])
        newest = max((row["payload"] for row in found), key=lambda payload: int(payload["version"]), default=None)
        return State.from_payload(newest) if newest else None

    def snapshot(self) -> Snapshot:
        """The live generation, fixed for the length of a request. Raises StoreEmpty before the first commit."""
        state = self.state()
        if state is None:
            raise StoreEmpty(
                "nothing has been ingested yet; run `zhiwen ingest`, or wait for the ingest that is running"
            )
        return Snapshot(self, state.live, since=self._seen_at(state.version))

    def create_state_collection(self) -> None:
        """Make room for the state row, where that was not done yet."""
        if not self._has_state_collection():
            self.milvus.create(self.state_collection, rows.STATE_COLLECTION)

    def write_state(self, state: State) -> None:
        """The one write by which readers change sides. A new row, for an upsert of Milvus Lite has a gap in it."""
        self.milvus.upsert(self.state_collection, [rows.to_state_row(_state_key(state.version), state.as_payload())])
        older = f'key >= "state-" and key < {quote_value(_state_key(state.version))}'
        self.milvus.delete(self.state_collection, older)

    def is_settled(self) -> bool:
        """Whether nothing is left behind by a writer that was interrupted, or by a rollback."""
        return not (self._has_state_collection() and self.milvus.count(self.state_collection, f'key == "{_UNSETTLED}"'))

    def unsettle(self) -> None:
        """Note that rows are about to be written which no committed generation knows of."""
        self.create_state_collection()
        if self.is_settled():
            self.milvus.upsert(self.state_collection, [rows.to_state_row(_UNSETTLED, {})])

    def settle(self) -> None:
        self.milvus.delete(self.state_collection, f'key == "{_UNSETTLED}"')

    def statistics(self, commit: Commit) -> TermStatistics:
        """Term statistics of a generation, read once and kept while it is among the latest two asked for."""
        key = (commit.space, commit.generation)
        known = self._statistics.get(key)
        if known is None:
            known = sum_statistics(self.term_payloads(commit))
            latest = list(self._statistics.items())[-1:]
            self._statistics = dict([*latest, (key, known)])
        return known

    def term_payloads(self, commit: Commit) -> list[dict[str, object]]:
        """The ledger's term statistics of a generation, each once."""
        expression = f'kind == "terms" and {alive_at(commit.generation)}'
        found = self.milvus.rows(f"{commit.space}_ledger", expression, ["name", "born", "payload"])
        return list({(row["name"], row["born"]): row["payload"] for row in found}.values())

    def _has_state_collection(self) -> bool:
        # Never dropped once it is there, so that most requests need not ask.
        self._knows_state = self._knows_state or self.state_collection in self.milvus.collections()
        return self._knows_state

    def _seen_at(self, version: int) -> ReadTimestamp:
        """A moment after the state was written, and so after all that its generation is made of.

        A read that must see what was written until just now waits until the server's next tick, 0.2 s. The state is
        read like that each time, its generation needs no more than this.
        """
        known, moment = self._seen
        if known != version:
            moment = self.milvus.moment()
            self._seen = (version, moment)
        return moment


def _state_key(version: int) -> str:
    return f"state-{version:012d}"
