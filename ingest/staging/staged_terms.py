"""The term statistics of the next generation: the differences to the live one, or all of them if those are many."""

from collections.abc import Mapping, Sequence

from rag.store.collection_spec import ReadTimestamp
from rag.store.namespace import Namespace
from rag.store.records import Commit
from rag.store.term_statistics import TermChanges, compact_statistics, sum_statistics

_MAX_DIFFERENCES = 32


def stage_terms(
    namespace: Namespace, changes: TermChanges, base: Commit | None, *, born: int, since: ReadTimestamp
) -> None:
    """Write the term statistics of a generation that is born from `base`. Raises StoreError."""
    payloads: Sequence[Mapping[str, object]] = changes.payloads()
    if base:
        stored = namespace.term_payloads(base.generation)
        rows = len(stored) + len(payloads)
        if rows > _MAX_DIFFERENCES:
            whole = compact_statistics(sum_statistics([*stored, *payloads]))
            if rows > 2 * len(whole) + _MAX_DIFFERENCES:
                namespace.tombstone_terms(generation=base.generation, died=born, since=since)
                payloads = whole
    namespace.put_terms(payloads, born=born)
