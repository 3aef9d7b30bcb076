"""What writers note for each other: which rows were left behind, which documents could not be parsed, who writes."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, replace

from rag.store.expressions import KEYS_IN_A_LIST, value_lists
from rag.store.records import FailedDocument, Lease, StagedGeneration
from rag.store.state_collection import StateCollection

# Persisted keys.
_DIRTY = "unsettled"
_LEASE = "lease"
_FAILED = 'key >= "failed-" and key < "failed."'
_MAX_ERROR_CHARACTERS = 1000
_STAGED = 'key >= "staging-" and key < "staging."'


class WriterNotes:
    """The notes of the writers of one store. Every method raises StoreError."""

    def __init__(self, states: StateCollection) -> None:
        self._states = states

    def is_clean(self) -> bool:
        """Whether no interrupted writer and no rollback left anything behind."""
        return not self._states.has(f'key == "{_DIRTY}"')

    def mark_dirty(self) -> None:
        """Note that rows are about to be written that no committed generation knows of."""
        if self.is_clean():
            self._states.put(_DIRTY, {})

    def mark_clean(self) -> None:
        """Take back what `mark_dirty` and `note_staged` noted."""
        self._states.delete(f'key == "{_DIRTY}" or ({_STAGED})')

    def note_staged(self, staged: StagedGeneration) -> None:
        """Note which generation the chunks about to be written belong to, after `mark_dirty`."""
        self._states.put(f"staging-{staged.generation:012d}", staged.as_payload())

    def staged_generations(self) -> list[StagedGeneration]:
        """Return what `note_staged` noted, in the order of the numbers."""
        noted = map(StagedGeneration.from_payload, self._states.payloads(_STAGED))
        return sorted(noted, key=lambda staged: staged.generation)

    def failed_documents(self) -> dict[str, FailedDocument]:
        """Return what `note_failed` noted, by source."""
        noted = (FailedDocument(**payload) for payload in self._states.payloads(_FAILED))
        return {failed.source: failed for failed in noted}

    def note_failed(self, documents: Sequence[FailedDocument]) -> None:
        """Note that documents cannot be parsed, each instead of what was noted of it before."""
        shortened = (replace(failed, error=failed.error[:_MAX_ERROR_CHARACTERS]) for failed in documents)
        self._states.put_all({_key_of_failed(failed.source): asdict(failed) for failed in shortened})

    def forget_failed(self, sources: Sequence[str]) -> None:
        """Delete what was noted of these documents."""
        for keys in value_lists([_key_of_failed(source) for source in sources], KEYS_IN_A_LIST):
            self._states.delete(f"key in {keys}")

    def read_lease(self) -> Lease | None:
        """Return the lease of the writer that holds one."""
        found = self._states.payloads(f'key == "{_LEASE}"')
        return Lease(str(found[0]["owner"]), float(found[0]["beat"])) if found else None

    def put_lease(self, lease: Lease) -> None:
        """Write the lease, whoever held it before."""
        self._states.put(_LEASE, {"owner": lease.owner, "beat": lease.beat})

    def release_lease(self) -> None:
        """Delete the lease, whoever holds it."""
        self._states.delete(f'key == "{_LEASE}"')


def _key_of_failed(source: str) -> str:
    return f"failed-{hashlib.sha256(source.encode()).hexdigest()[:32]}"
