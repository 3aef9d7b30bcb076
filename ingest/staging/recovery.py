"""What undoes: burying rows and reviving them, repairing after a crash, rolling back, collecting garbage.

Abandoning a generation, recovering from a crash and rolling back are the same operation, `repair`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ingest.staging.failpoints import reach_failpoint
from rag.errors import NoEarlierGeneration
from rag.store import rows
from rag.store.expressions import Row, quote_value
from rag.store.rows import ALIVE
from rag.store.store import Store
from rag.store.versions import Commit

if TYPE_CHECKING:
    from rag.store.milvus.client import Milvus

_LOOKUP_SIZE = 200


def tombstone_rows(milvus: "Milvus", collection: str, buried: Sequence[Row], died: int) -> None:
    """Let rows die in a generation: a copy that says so is written first, the row is deleted after.

    Not an upsert: Milvus Lite deletes and inserts, and a reader, or a kill, in between finds no row at all. Here they
    find one or both, and readers take the two for one.
    """
    milvus.upsert(collection, [row | {"row_id": f"{row['row_id']}-{died}", "died": died} for row in buried])
    reach_failpoint("deaths_written")
    _delete_rows(milvus, collection, [row["row_id"] for row in buried])


def recover(store: Store) -> None:
    """Undo whatever is not part of a committed generation. Changes nothing, and writes nothing, where all is well.

    Every ingest begins with it, so that a rerun after a crash starts from the live generation.
    """
    if store.is_settled():
        return
    state = store.state()
    if state:
        _undo(store, state.live)
    collect_garbage(store)
    store.settle()


def _undo(store: Store, live: Commit) -> None:
    for collection, fields in (
        (f"{live.space}_chunks", [*rows.columns_of(live.schema), "vector"]),
        (f"{live.space}_ledger", ["*"]),
    ):
        unborn = f"born > {live.generation}"
        if store.milvus.count(collection, unborn):
            store.milvus.delete(collection, unborn)
        early = f"died > {live.generation} and died < {ALIVE}"
        _revive(store.milvus, collection, list(store.milvus.rows(collection, early, fields)))


def _revive(milvus: "Milvus", collection: str, dead: Sequence[Row]) -> None:
    """The reverse of `bury`, after which it may have been interrupted anywhere."""
    alive = {row["row_id"].rpartition("-")[0]: row for row in dead}
    standing: set[str] = set()
    for names in listed(list(alive)):
        standing.update(row["row_id"] for row in milvus.rows(collection, f"row_id in {names}", ["row_id"]))
    missing = [row | {"row_id": row_id, "died": ALIVE} for row_id, row in alive.items() if row_id not in standing]
    milvus.upsert(collection, missing)
    _delete_rows(milvus, collection, [row["row_id"] for row in dead])


def _delete_rows(milvus: "Milvus", collection: str, row_ids: Sequence[str]) -> None:
    for names in listed(row_ids):
        milvus.delete(collection, f"row_id in {names}")


def listed(values: Sequence[str]) -> Iterator[str]:
    """Lists as Milvus expressions, each of a size that it takes."""
    for start in range(0, len(values), _LOOKUP_SIZE):
        yield f"[{', '.join(quote_value(value) for value in values[start : start + _LOOKUP_SIZE])}]"


def collect_garbage(store: Store, spared: Sequence[Commit] = ()) -> None:
    """Delete the rows that none of the kept generations can see, and the spaces that none of them uses.

    `spared` are generations that are not kept any more and may still be read by requests under way.
    """
    state = store.state()
    kept = [*(state.history if state else ()), *spared]
    used = {commit.space for commit in kept}
    ours = re.compile(rf"({re.escape(store.collection)}_g\d+)_(?:chunks|ledger)")
    for name in store.milvus.collections():
        match = ours.fullmatch(name)
        if match and match[1] not in used:
            store.milvus.drop(name)
    for part in ("chunks", "ledger"):
        for space in used:
            since = min(commit.generation for commit in kept if commit.space == space)
            dead = f"died <= {since}"
            if store.milvus.count(f"{space}_{part}", dead):
                store.milvus.delete(f"{space}_{part}", dead)


def roll_back(store: Store) -> tuple[Commit, Commit]:
    """Go back to the generation before the live one. Returns (left, now live).

    Raises NoEarlierGeneration if there is none. The rows of the generation that was left are removed by the next
    `repair`, so that requests that still read it end well.
    """
    state = store.state()
    if not state or len(state.history) < 2:
        raise NoEarlierGeneration(
            "there is no earlier generation to go back to (store.keep_generations says how many are kept)"
        )
    store.unsettle()
    earlier = replace(state, version=state.version + 1, history=state.history[:-1])
    store.write_state(earlier)
    return state.live, earlier.live
