"""Documents that were moved and edited: what they said stands in a file that was cut, so they are no deletions."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ingest.staging.deletion_guard import hold_back_deletions
from ingest.staging.document_cutter import CutDocument
from ingest.staging.plan import Plan
from ingest.staging.removal_groups import group_removals
from ingest.staging.report import IngestReport
from ingest.staging.staging import Staging
from rag.store.columns import text_hash
from rag.store.records import DocumentRecord
from rag.types import Chunk

_MIN_KEPT_SHARE = 0.5


class CutTexts:
    """The texts of the chunks that were cut, by their hashes."""

    def __init__(self) -> None:
        self._sources: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, document: CutDocument) -> None:
        """Note the texts of a document."""
        for chunk in document.chunks:
            self._sources[text_hash(chunk.content)].add(document.record.source)

    def hold(self, chunks: Sequence[Chunk]) -> bool:
        """Return whether one of the documents has the text of these chunks, or at least half of its characters."""
        kept: Counter[str] = Counter()
        for chunk in chunks:
            for source in self._sources.get(text_hash(chunk.content), ()):
                kept[source] += len(chunk.content)
        characters = sum(len(chunk.content) for chunk in chunks)
        return bool(kept) and max(kept.values()) >= characters * _MIN_KEPT_SHARE


def release_edited_moves(
    plan: Plan,
    texts: CutTexts,
    staging: Staging,
    documents: Mapping[str, DocumentRecord],
    report: IngestReport,
) -> None:
    """Remove the documents whose deletion the plan holds back without need, and correct the report.

    `texts` are those of the files that were cut. What they hold is not lost, and without it the others may be few.
    """
    if not plan.held_back or staging.live is None or staging.is_fresh:
        return
    lost: list[str] = []
    for group in group_removals(plan.held_back, documents):
        chunks: defaultdict[str, list[Chunk]] = defaultdict(list)
        for live in staging.chunks_of(*group):
            chunks[live.chunk.source].append(live.chunk)
        lost += [source for source in group if not texts.hold(chunks[source])]
    still_lost = set(hold_back_deletions(replace(plan, held_back=()), lost, staging.live).held_back)
    released = [source for source in plan.held_back if source not in still_lost]
    for group in group_removals(released, documents):
        report.chunks.removed += staging.remove_documents(group)
    report.documents.removed += len(released)
    report.hold_back(len(plan.held_back) - len(released))
