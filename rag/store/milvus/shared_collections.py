"""Collections of a file that several knowledge bases share: to its own, each part of one is a collection.

milvus-lite 2.5.1 keeps each collection in arrays of 32,768 rows, 48 MB for vectors of 384 numbers, however few rows it
has, and no setting changes that. So the knowledge bases of a file share collections, one for all that have the same
fields. A row has the number of its part in a column of its own, and every expression names the part.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rag.store.collection_spec import LATEST, PAYLOADS_BY_KEY, CollectionSpec, Field, ReadTimestamp, Row
from rag.store.expressions import quote_value, value_lists
from rag.store.milvus.client import PAGE_ROWS, Milvus

# Persisted names. After the name of a store, a collection of its own has `_state` or `_g1_…`, so none is called alike.
_SHARED = "shared_collection_"
_STATES = f"{_SHARED}states"
_PART, _PART_ROW = "part", "part_row"
_PART_ROW_CHARACTERS = 100
_DELETED_TOGETHER = 500
_ANY = f'{_PART_ROW} != ""'


@dataclass(frozen=True, slots=True)
class Part:
    """A collection as its users see it: a part of a shared `collection`, in which `key` is the first field.

    A `number` belongs to one name for ever: who still reads a part that was dropped must not find the rows of another.
    """

    name: str
    number: int
    collection: str
    key: str

    def within(self, expression: str) -> str:
        """Return the expression for the rows of the part alone."""
        return f"{_PART} == {self.number} and ({expression})"

    def with_part(self, rows: Sequence[Row]) -> list[Row]:
        """Return rows as they stand in the shared collection."""
        return [row | {_PART: self.number, _PART_ROW: f"{self.number}:{row[self.key]}"} for row in rows]

    def key_of(self, key: str) -> str:
        """Return the key of a row in the part, by that which it has in the shared collection."""
        return key.removeprefix(f"{self.number}:")


class SharingMilvus(Milvus):
    """A connection to a file. With `shares`, what it creates is a part of a shared collection.

    It finds the parts that there are in any case. What is no part is a collection as ever.
    """

    def __init__(
        self, uri: str, *, timeout_seconds: float = 10, connect_timeout_seconds: float = 4, shares: bool = False
    ) -> None:
        super().__init__(uri, timeout_seconds=timeout_seconds, connect_timeout_seconds=connect_timeout_seconds)
        self.shares = shares
        self._lock = threading.RLock()
        self._known: Mapping[str, Part] | None = None

    def is_shared(self, name: str) -> bool:
        return self._part(name) is not None

    def collections(self) -> list[str]:
        own = super().collections()
        parts = (part.name for part in self._parts().values() if part.collection in own)
        return sorted([*parts, *(name for name in own if not name.startswith(_SHARED))])

    def create(self, name: str, collection: CollectionSpec) -> None:
        if not self.shares:
            super().create(name, collection)
            return
        with self._lock:
            self._create_shared(PAYLOADS_BY_KEY)  # for the list
            part = Part(name, _number_of(name), self._create_shared(collection), collection.fields[0].name)
            payload = asdict(part)
            row = {"key": _list_key(name), "payload": payload, "vector": [0.0] * PAYLOADS_BY_KEY.dimension}
            super().upsert(_LIST.collection, _LIST.with_part([row]))
            self._known = {**self._parts(), name: part}

    def drop(self, name: str) -> None:
        """Delete a part with all its rows, and with the last one its collection."""
        part = self._part(name)
        if part is None:
            super().drop(name)
            return
        with self._lock:
            # What is interrupted anywhere can be repeated: the part is in the list until all its rows are gone.
            is_last = all(other == part or other.collection != part.collection for other in self._parts().values())
            if not is_last or part.collection == _LIST.collection:
                self._delete_rows(part)
            elif part.collection in super().collections():
                super().drop(part.collection)
            super().delete(_LIST.collection, _LIST.within(f"key == {quote_value(_list_key(name))}"))
            self._known = {other: each for other, each in self._parts().items() if other != name}

    def load(self, name: str) -> None:
        super().load(self._locate(name)[0])

    def upsert(self, name: str, rows: Sequence[Row]) -> None:
        part = self._part(name)
        super().upsert(part.collection if part else name, part.with_part(rows) if part else rows)

    def insert(self, name: str, rows: Sequence[Row]) -> None:
        part = self._part(name)
        super().insert(part.collection if part else name, part.with_part(rows) if part else rows)

    def delete(self, name: str, expression: str) -> None:
        super().delete(*self._locate(name, expression))

    def count(self, name: str, expression: str) -> int:
        return super().count(*self._locate(name, expression))

    def rows(
        self, name: str, expression: str, fields: Sequence[str], *, since: ReadTimestamp = LATEST, page: int = PAGE_ROWS
    ) -> Iterator[Row]:
        for row in super().rows(*self._locate(name, expression), fields, since=since, page=page):
            yield {field: value for field, value in row.items() if field not in (_PART, _PART_ROW)}

    def search(
        self,
        name: str,
        query: NDArray[np.float32] | str,
        *,
        expression: str,
        limit: int,
        since: ReadTimestamp = LATEST,
    ) -> list[tuple[str, float]]:
        part = self._part(name)
        if part is None:
            return super().search(name, query, expression=expression, limit=limit, since=since)
        within = part.within(expression)
        found = super().search(part.collection, query, expression=within, limit=limit, since=since)
        return [(part.key_of(key), score) for key, score in found]

    def _locate(self, name: str, expression: str = "") -> tuple[str, str]:
        part = self._part(name)
        return (part.collection, part.within(expression)) if part else (name, expression)

    def _part(self, name: str) -> Part | None:
        return self._parts().get(name)

    def _parts(self) -> Mapping[str, Part]:
        """Return the parts by name. No other process changes them while this one has the file open."""
        if self._known is None:
            with self._lock:
                if self._connection.is_missing:
                    return {}
                self._known = self._known or {part.name: part for part in self._listed()}
        return self._known

    def _listed(self) -> Iterator[Part]:
        if _LIST.collection in super().collections():
            for row in super().rows(_LIST.collection, _LIST.within(_ANY), ["payload"]):
                yield Part(**row["payload"])

    def _create_shared(self, collection: CollectionSpec) -> str:
        name = _shared_name(collection)
        if name not in super().collections():
            own = (Field(_PART_ROW, "text", _PART_ROW_CHARACTERS), Field(_PART, "integer"))
            super().create(name, replace(collection, fields=(*own, *collection.fields)))
        return name

    def _delete_rows(self, part: Part) -> None:
        """Delete the rows of a part, in pieces: searches wait for each."""
        found = [row[_PART_ROW] for row in super().rows(part.collection, part.within(_ANY), [_PART_ROW])]
        for keys in value_lists(found, _DELETED_TOGETHER):
            super().delete(part.collection, f"{_PART_ROW} in {keys}")


def _shared_name(collection: CollectionSpec) -> str:
    """Return the name of what collections with these fields share; it may change, but for the list of the parts."""
    if collection == PAYLOADS_BY_KEY:
        return _STATES
    shape = json.dumps(asdict(collection), sort_keys=True)
    return f"{_SHARED}{hashlib.sha256(shape.encode()).hexdigest()[:12]}"


def _number_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big")


def _list_key(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


_LIST = Part("", 0, _STATES, PAYLOADS_BY_KEY.fields[0].name)
"""The part that has a row for each part."""
