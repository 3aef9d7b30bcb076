"""Recovery: undo whatever belongs to no committed generation.

Abandoning a generation, recovering from a crash and cleaning up after a rollback are the same operation.
"""

from ingest.staging.garbage import collect_garbage
from rag.store.store import Store


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
