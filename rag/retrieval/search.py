"""Question → hits: both legs searched, fused by the evidence they bring, what repeats another left out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from rag.errors import EmbedderMismatch
from rag.models.embedders.protocol import Embedder
from rag.models.rerankers.protocol import Reranker
from rag.retrieval.context import drop_overlaps
from rag.retrieval.fusion import ScoredChunks, fuse
from rag.retrieval.rerank import Reranked, rerank
from rag.settings import RetrievalSettings
from rag.store.filters import Filter
from rag.store.snapshot import Snapshot
from rag.text.tokens import tokenize_question
from rag.types import Hit


@dataclass(frozen=True, slots=True)
class RetrieverResults:
    """What each leg found for a question, best first. `idf` has the question's terms, `seconds` are by stage."""

    dense: ScoredChunks = ()
    lexical: ScoredChunks = ()
    idf: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The hits, best first, and how they were found.

    `candidates` are all that the legs brought, in the order of fusion; for those of them that are no hits, `dropped`
    says why, by id. `embedder` is the fingerprint that the generation was made with. `seconds` are by stage.
    """

    question: str
    generation: int
    embedder: str
    hits: tuple[Hit, ...]
    candidates: tuple[Hit, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    legs: RetrieverResults = field(default_factory=RetrieverResults)
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def idf(self) -> Mapping[str, float]:
        """The question's terms and what each weighs."""
        return self.legs.idf


def retrieve(
    question: str,
    snapshot: Snapshot,
    embedder: Embedder,
    settings: RetrievalSettings,
    *,
    top_k: int | None = None,
    condition: Filter | None = None,
    reranker: Reranker | None = None,
    rerank_candidates: int = 20,
) -> Retrieval:
    """Find the chunks of one generation that answer a question.

    A reranker orders the best of them once more; where it fails, they stay as found and `warnings` says so.

    Raises StoreError and EmbedderError; EmbedderMismatch if the generation's vectors are another embedder's.
    """
    legs = run_retrievers(question, snapshot, embedder, settings, condition=condition)
    clock = time.perf_counter()
    candidates = fuse(legs.dense, legs.lexical, legs.idf)
    distinct, repeated = drop_overlaps(candidates)
    fused = time.perf_counter()
    seconds = {**legs.seconds, "fuse": fused - clock}
    reranked = Reranked(tuple(distinct))
    if reranker:
        reranked = rerank(question, distinct, reranker, candidates=rerank_candidates)
        seconds["rerank"] = time.perf_counter() - fused
    hits = reranked.hits[: top_k or settings.top_k]
    dropped = {hit.chunk.id: "beyond top_k" for hit in reranked.hits[len(hits) :]}
    dropped |= {name: f"the same text as {better}" for name, better in repeated.items()}
    return Retrieval(
        question=question,
        generation=snapshot.generation,
        embedder=snapshot.commit.fingerprint,
        hits=hits,
        candidates=tuple(candidates),
        dropped=dropped,
        legs=legs,
        seconds=seconds,
        warnings=(reranked.warning,) if reranked.warning else (),
    )


def run_retrievers(
    question: str,
    snapshot: Snapshot,
    embedder: Embedder,
    settings: RetrievalSettings,
    *,
    condition: Filter | None = None,
) -> RetrieverResults:
    """Search by meaning and, in hybrid mode, by words. Raises as `retrieve`."""
    if snapshot.commit.fingerprint != embedder.fingerprint:
        raise EmbedderMismatch(
            f"the live index was made with {snapshot.commit.embedder}, questions are embedded with {embedder.name}; "
            "run `zhiwen ingest` to build it anew, or go back to the old settings"
        )
    # An index built in dense mode has no lexical leg to search.
    is_hybrid = settings.mode == snapshot.commit.mode == "hybrid"
    started = time.perf_counter()
    vector = embedder.embed_query(question)
    embedded = time.perf_counter()
    dense = snapshot.search_vectors(vector, limit=settings.candidates, search_filter=condition)
    searched_dense = time.perf_counter()
    terms = tokenize_question(question)
    lexical = snapshot.search_terms(terms, limit=settings.candidates, search_filter=condition) if is_hybrid else []
    searched_lexical = time.perf_counter()
    return RetrieverResults(
        dense=dense,
        lexical=lexical,
        idf={term: snapshot.statistics.idf(term) for term in terms},
        seconds={
            "embed": embedded - started,
            "dense": searched_dense - embedded,
            "lexical": searched_lexical - searched_dense,
        },
    )
