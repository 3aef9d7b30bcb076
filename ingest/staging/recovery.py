"""What undoes and cleans up: recovery after a crash, rollback, and the collection of garbage.

Abandoning a generation, recovering from a crash and cleaning up after a rollback are the same operation, `recover`.
"""

from collections.abc import Sequence
from dataclasses import replace

from rag.errors import NoEarlierGeneration
from rag.store.store import Store
from rag.store.versions import Commit


def recover(store: Store) -> None:
    """Undo whatever belongs to no committed generation. If nothing does, write nothing.

    Every ingest begins with it, so that a rerun after a crash starts from the live generation.
    """
    if store.is_clean():
        return
    state = store.state()
    if state:
        store.namespace_of(state.live).restore(state.live.generation)
    collect_garbage(store)
    store.mark_clean()


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


def roll_back(store: Store) -> tuple[Commit, Commit]:
    """Go back to the generation before the live one. Return (left, now live). Use it within `write_lease`.

    Raises NoEarlierGeneration if there is none. The next `recover` removes the rows of the generation that was left,
    so that requests that still read it end well.
    """
    state = store.state()
    if not state or len(state.history) < 2:
        raise NoEarlierGeneration(
            "there is no earlier generation to go back to (store.keep_generations says how many are kept)"
        )
    store.mark_dirty()
    earlier = replace(state, version=state.version + 1, history=state.history[:-1])
    store.publish(earlier)
    return state.live, earlier.live
