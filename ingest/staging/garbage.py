"""Garbage: rows and namespaces that no kept generation shows."""

from collections.abc import Sequence

from rag.store.records import Commit
from rag.store.store import Store


def collect_garbage(store: Store, spared: Sequence[Commit] = ()) -> None:
    """Delete the rows that none of the kept generations shows, and the namespaces that none of them uses.

    `spared` are generations that are no longer kept but may still be read by requests under way.
    """
    state = store.state()
    kept = [*(state.history if state else ()), *spared]
    oldest: dict[str, Commit] = {}
    for commit in kept:
        known = oldest.setdefault(commit.namespace, commit)
        if commit.generation < known.generation:
            oldest[commit.namespace] = commit
    for name in store.namespaces():
        if name not in oldest:
            store.drop_namespace(name)
    for commit in oldest.values():
        store.namespace_of(commit).purge(commit.generation)
