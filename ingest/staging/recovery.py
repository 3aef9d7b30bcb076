"""Recovery: undo whatever belongs to no committed generation.

Abandoning a generation, recovering from a crash and cleaning up after a rollback are the same operation. The chunks
that an interrupted ingest had staged can stay until the next commit: no generation shows them, but their vectors need
not be made again.
"""

from collections.abc import Sequence

from ingest.staging.garbage import collect_garbage
from rag.store.records import Layout, StagedGeneration
from rag.store.store import Store


def recover(store: Store, *, kept_layout: Layout | None = None) -> list[StagedGeneration]:
    """Undo whatever belongs to no committed generation. If nothing does, write nothing.

    Every ingest begins with it, so that a rerun after a crash starts from the live generation. Chunks of interrupted
    ingests that have `kept_layout` stay for a `Staging` that resumes the generations returned; no others stay.
    """
    if store.notes.is_clean():
        return []
    state = store.state()
    staged = _settled(store, kept_layout) if kept_layout else []
    store.imports.delete_files()
    if state:
        store.namespace_of(state.live).restore(state.live.generation, spared=_numbers(staged, state.live.namespace))
    new = {each.namespace for each in staged} - {commit.namespace for commit in (state.history if state else ())}
    for name in new:
        store.staged_namespace(name).restore(0, spared=_numbers(staged, name))
    collect_garbage(store, spared_namespaces=new)
    if not staged:
        store.notes.mark_clean()
    return staged


def resumable(store: Store, layout: Layout) -> list[StagedGeneration]:
    """Return the interrupted generations whose chunks have a layout, the latest last. Raises StoreError.

    None is in a namespace to which a job that was left behind may still add rows: nobody would bury those.
    """
    state = store.state()
    last_number = state.last_number if state else 0
    noted = store.notes.staged_generations()
    imported = _imported(noted)

    def may_grow(namespace: str) -> bool:
        return namespace in imported and store.imports.may_add_rows(namespace)

    return [
        staged
        for staged in noted
        # One that was committed before its note could be removed is nothing to resume, nor is one without chunks:
        # milvus-lite 2.5.1 cannot read vectors of a collection that had no row when the file was opened.
        if staged.layout == layout
        and staged.generation > last_number
        and store.has_chunks_in(staged.namespace)
        and not may_grow(staged.namespace)
    ]


def _settled(store: Store, layout: Layout) -> list[StagedGeneration]:
    for namespace in _imported(store.notes.staged_generations()).intersection(store.namespaces()):
        store.imports.wait_for_jobs(namespace)
    return resumable(store, layout)


def _imported(noted: Sequence[StagedGeneration]) -> set[str]:
    return {staged.namespace for staged in noted if staged.is_imported}


def _numbers(staged: Sequence[StagedGeneration], namespace: str) -> list[int]:
    return [each.generation for each in staged if each.namespace == namespace]
