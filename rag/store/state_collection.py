"""The collection with the states of a store, and with what its writers note for each other."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rag.store import rows

if TYPE_CHECKING:
    from rag.store.milvus.client import Milvus


class StateCollection:
    """Rows of a key and a payload. Every method raises StoreError.

    The first write creates the collection, and nothing drops it; until then there are no rows.
    """

    def __init__(self, milvus: "Milvus", name: str) -> None:
        self._milvus = milvus
        self._name = name
        self._exists = False

    def payloads(self, expression: str) -> list[Mapping[str, Any]]:
        """Return the payloads of the rows that match."""
        if not self._is_there():
            return []
        return [row["payload"] for row in self._milvus.rows(self._name, expression, ["payload"])]

    def has(self, expression: str) -> bool:
        """Whether any row matches."""
        return self._is_there() and bool(self._milvus.count(self._name, expression))

    def put(self, key: str, payload: Mapping[str, Any]) -> None:
        """Write a row, whether there is one with this key or not."""
        self.put_all({key: payload})

    def put_all(self, payloads: Mapping[str, Mapping[str, Any]]) -> None:
        """Write a row for each key, whether there is one with this key or not."""
        if payloads:
            self.create()
            self._milvus.upsert(self._name, [rows.to_state_row(key, dict(each)) for key, each in payloads.items()])

    def delete(self, expression: str) -> None:
        """Delete the rows that match."""
        if self._is_there():
            self._milvus.delete(self._name, expression)

    def create(self) -> None:
        """Create the collection if there is none yet."""
        if not self._is_there():
            self._milvus.create(self._name, rows.STATE_COLLECTION)

    def _is_there(self) -> bool:
        # Asked until it is there once, so that most requests need not ask.
        self._exists = self._exists or self._name in self._milvus.collections()
        return self._exists
