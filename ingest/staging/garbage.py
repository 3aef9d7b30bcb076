"""Garbage: rows and namespaces that no kept generation shows."""

from collections.abc import Collection, Sequence

from rag.store.records import Commit
from rag.store.store import Store


def collect_garbage(store: Store, spared: Sequence[Commit] = (), *, spared_namespaces: Collection[str] = ()) -> None:
    """Delete the rows that none of the kept generations shows, and the namespaces that none of them uses.

    `spared` are generations that are no longer kept but may still be read by requests under way, `spared_namespaces`
    those that an ingest will go on with.
    """
    state = store.state()
    kept = [*(state.history if state else ()), *spared]
    oldest: dict[str, Commit] = {}
    for commit in kept:
        known = oldest.setdefault(commit.namespace, commit)
        if commit.generation < known.generation:
            oldest[commit.namespace] = commit
    for name in store.namespaces():
        if name not in oldest and name not in spared_namespaces:
            store.drop_namespace(name)
    for commit in oldest.values():
        store.namespace_of(commit).purge(commit.generation)
