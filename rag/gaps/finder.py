"""Find what nobody could answer: the kept questions by meaning, each with the section that is nearest to them."""

import threading
from dataclasses import dataclass

from rag.gaps.grouping import Gap, group_questions
from rag.gaps.question_vectors import QuestionVectors
from rag.models.embedders.protocol import Embedder
from rag.retrieval.search import retrieve
from rag.retrieval.sufficiency import answer_probability
from rag.settings import Settings
from rag.state.questions import QuestionLog
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.types import Chunk


@dataclass(frozen=True, slots=True)
class LocatedGap:
    """A gap and the passage of the live generation that is nearest to its question; None if there is none.

    `is_answerable`: that generation has enough evidence for the question by now.
    """

    gap: Gap
    nearest: Chunk | None
    is_answerable: bool


@dataclass(frozen=True, slots=True)
class Gaps:
    """The gaps with most askings, of `found` in all; `asked` counts the askings of all of them."""

    gaps: tuple[LocatedGap, ...]
    found: int
    asked: int


class GapFinder:
    """Groups the questions that were kept. Safe to use from several threads: one groups at a time."""

    def __init__(self, log: QuestionLog, embedder: Embedder, settings: Settings) -> None:
        self._log = log
        self._embedder = embedder
        self._settings = settings
        self._vectors = QuestionVectors(embedder)
        self._lock = threading.Lock()

    def find(self, store: Store, *, asked_by: str | None = None, since: float = 0.0, limit: int = 20) -> Gaps:
        """Return at most `limit` gaps of the knowledge base in a store, since a time in seconds since 1970.

        With `asked_by`, only the questions of this key count. Raises StateUnavailable, EmbedderError and StoreError.
        """
        kept = self._log.read(knowledge_base=store.knowledge_base, asked_by=asked_by, since=since)
        with self._lock:
            gaps = group_questions(kept, self._vectors)
        snapshot = store.snapshot() if gaps and store.state() else None
        located = tuple(self._locate(gap, snapshot) for gap in gaps[:limit])
        return Gaps(located, found=len(gaps), asked=sum(gap.asked for gap in gaps))

    def _locate(self, gap: Gap, snapshot: Snapshot | None) -> LocatedGap:
        if snapshot is None:
            return LocatedGap(gap, None, is_answerable=False)
        found = retrieve(gap.question, snapshot, self._embedder, self._settings.retrieval)
        nearest = found.hits[0].chunk if found.hits else None
        least = self._settings.answering.min_evidence
        is_answerable = answer_probability(found, enough=least) >= least
        return LocatedGap(gap, nearest, is_answerable)
