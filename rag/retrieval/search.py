"""Search for a question with both retrievers, fuse their results, and drop hits that repeat others."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rag.blocking_work import Turns
from rag.models.embedders.protocol import Embedder
from rag.models.rerankers.protocol import Reranker
from rag.retrieval.embedder_check import check_embedder
from rag.retrieval.exact_names import exact_names_first
from rag.retrieval.fusion import ScoredChunks, fuse, keep_best_match
from rag.retrieval.neighbours import drop_overlaps
from rag.retrieval.rerank import Reranked, rerank
from rag.retrieval.translated_words import coverage_across, translate_question
from rag.settings import RetrievalSettings
from rag.store.filters import Filter
from rag.store.joint import AnySnapshot, JointStore
from rag.store.rankings import Ranking
from rag.store.store import Store
from rag.text.language import is_cross_lingual
from rag.text.question_validation import validate_question
from rag.text.tokens import tokenize_question
from rag.types import Hit

_NEAREST = 5
"""The chunks most similar to a question whose language is compared with its own."""
_MANY = 10_000
"""More than there are threads."""

CompareTexts = Callable[[Sequence[str]], list[float]]
"""The cosines of texts with a question. Blocks; raises EmbedderError."""


@dataclass(frozen=True, slots=True)
class RetrieverResults:
    """What each retriever found for a question, best first.

    `idf` has the question's terms with their inverse document frequencies. If the nearest chunks are in another
    language, `by_translation` is what the lexical retriever found for translations of the question's words, and
    `translated` has the share (0..1) of them that each chunk holds, by its id. `compare` embeds other texts for it.
    `seconds` are by stage: the stage `lexical` runs at the same time as `embed` and `dense`, and `read` is the time to
    read the chunks that both found.
    """

    dense: ScoredChunks = ()
    lexical: ScoredChunks = ()
    by_translation: ScoredChunks = ()
    idf: Mapping[str, float] = field(default_factory=dict)
    translated: Mapping[str, float] = field(default_factory=dict)
    compare: CompareTexts = field(default=lambda texts: [0.0] * len(texts), compare=False, repr=False)
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def by_words(self) -> ScoredChunks:
        """What was found by the question's words, translated if need be."""
        return self.by_translation or self.lexical


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The hits, best first, and how they were found.

    `candidates` are all chunks that a retriever found, in the order of fusion. For each that is not a hit, `dropped`
    has the reason, by id. `embedder` is the fingerprint of the generation's embedder. `seconds` are by stage.
    `generations` has the generation of each knowledge base that was searched, by name; if there are several,
    `generation` is 0.
    """

    question: str
    generation: int
    embedder: str
    hits: tuple[Hit, ...]
    candidates: tuple[Hit, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    results: RetrieverResults = field(default_factory=RetrieverResults)
    seconds: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    generations: Mapping[str, int] = field(default_factory=dict)

    @property
    def idf(self) -> Mapping[str, float]:
        """The question's terms with their inverse document frequencies."""
        return self.results.idf


@dataclass(frozen=True, slots=True)
class Searcher:
    """Finds the chunks that answer a question, in one knowledge base or several. Safe to use from several threads.

    The best `rerank_candidates` go to the reranker, if there is one. Searches for callers take `turns`. `on_search` is
    called with the seconds by stage of each `search`.
    """

    store: Store | JointStore
    embedder: Embedder
    settings: RetrievalSettings = field(default_factory=RetrievalSettings)
    reranker: Reranker | None = None
    rerank_candidates: int = 20
    max_question_characters: int = 4000
    turns: Turns = field(default_factory=lambda: Turns(_MANY))
    on_search: Callable[[Mapping[str, float]], object] = lambda seconds: None

    def snapshot(self) -> AnySnapshot:
        """Return what is live now, to be read for the length of a request. Raises StoreError."""
        return self.store.snapshot()

    def search(self, question: str, *, top_k: int | None = None, search_filter: Filter | None = None) -> Retrieval:
        """Return at most `top_k` hits of the live generation, by default `settings.top_k`.

        Blocks. Raises QuestionError, StoreError and EmbedderError.
        """
        question = validate_question(question, max_characters=self.max_question_characters)
        started = time.perf_counter()
        with self.turns.turn():
            retrieval = self.retrieve(question, self.snapshot(), top_k=top_k, search_filter=search_filter)
        self.on_search({**retrieval.seconds, "search": time.perf_counter() - started})
        return retrieval

    def retrieve(
        self, question: str, snapshot: AnySnapshot, *, top_k: int | None = None, search_filter: Filter | None = None
    ) -> Retrieval:
        """Search one generation. The question must have been validated. Blocks; raises what `retrieve` raises."""
        return retrieve(
            question,
            snapshot,
            self.embedder,
            self.settings,
            top_k=top_k,
            search_filter=search_filter,
            reranker=self.reranker,
            rerank_candidates=self.rerank_candidates,
        )


def retrieve(
    question: str,
    snapshot: AnySnapshot,
    embedder: Embedder,
    settings: RetrievalSettings,
    *,
    top_k: int | None = None,
    search_filter: Filter | None = None,
    reranker: Reranker | None = None,
    rerank_candidates: int = 20,
) -> Retrieval:
    """Find the chunks of one generation that answer a question, at most `top_k`, by default `settings.top_k`.

    A reranker sorts the best `rerank_candidates`; if it fails, they keep their order and `warnings` says so. Raises
    StoreError and EmbedderError; EmbedderMismatch if another embedder made the generation's vectors.
    """
    results = run_retrievers(question, snapshot, embedder, settings, search_filter=search_filter)
    found = time.perf_counter()
    fused_hits = fuse(results.dense, results.by_words, results.idf, translated=results.translated)
    candidates = exact_names_first(question, fused_hits, results.idf)
    distinct, repeated = drop_overlaps(candidates)
    fused = time.perf_counter()
    seconds = {**results.seconds, "fuse": fused - found}
    limit = top_k or settings.top_k
    reranked = Reranked(tuple(keep_best_match(distinct, limit)))
    if reranker:
        reranked = rerank(question, distinct, reranker, candidates=rerank_candidates)
        seconds["rerank"] = time.perf_counter() - fused
    hits = reranked.hits[:limit]
    dropped = {hit.chunk.id: "beyond top_k" for hit in reranked.hits[limit:]}
    dropped |= {chunk_id: f"the same text as {better_id}" for chunk_id, better_id in repeated.items()}
    return Retrieval(
        question=question,
        generation=snapshot.generation,
        embedder=snapshot.fingerprint,
        hits=hits,
        candidates=tuple(candidates),
        dropped=dropped,
        results=results,
        seconds=seconds,
        warnings=(reranked.warning,) if reranked.warning else (),
        generations=snapshot.generations,
    )


def run_retrievers(
    question: str,
    snapshot: AnySnapshot,
    embedder: Embedder,
    settings: RetrievalSettings,
    *,
    search_filter: Filter | None = None,
) -> RetrieverResults:
    """Run the dense retriever and, in hybrid mode, the lexical one. Raises what `retrieve` raises."""
    check_embedder(embedder, snapshot)
    # An index that was built in dense mode has nothing for the lexical retriever.
    is_hybrid = settings.mode == "hybrid" and any(commit.mode == "hybrid" for commit in snapshot.commits.values())
    terms = tokenize_question(question)

    def rank_by_terms() -> tuple[Ranking, float]:
        began = time.perf_counter()
        ranking = snapshot.rank_by_terms(terms, limit=settings.candidates, search_filter=search_filter)
        return ranking, time.perf_counter() - began

    is_awaited = is_hybrid and not (snapshot.is_in_memory and not search_filter)
    lexical = snapshot.background.start(rank_by_terms) if is_awaited else None
    started = time.perf_counter()
    vector = embedder.embed_query(question)
    embedded = time.perf_counter()
    by_vector = snapshot.rank_by_vector(vector, limit=settings.candidates, search_filter=search_filter)
    ranked = time.perf_counter()
    by_terms, lexical_seconds = lexical.result() if lexical else rank_by_terms() if is_hybrid else ([], 0.0)
    waited = time.perf_counter()
    chunks = snapshot.read_chunks(name for name, _ in (*by_vector, *by_terms))
    results = RetrieverResults(
        dense=[(chunks[name], cosine) for name, cosine in by_vector],
        lexical=[(chunks[name], score) for name, score in by_terms],
        idf={term: snapshot.statistics.idf(term) for term in terms},
        compare=lambda texts: (embedder.embed_documents(texts) @ vector).tolist(),
        seconds={
            "embed": embedded - started,
            "dense": ranked - embedded,
            "lexical": lexical_seconds,
            "read": time.perf_counter() - waited,
        },
    )
    limit = settings.candidates if is_hybrid else 0
    return _add_translations(question, results, snapshot, limit=limit, search_filter=search_filter)


def _add_translations(
    question: str, results: RetrieverResults, snapshot: AnySnapshot, *, limit: int, search_filter: Filter | None
) -> RetrieverResults:
    """Return the results with at most `limit` chunks that the question's words find in translation.

    They are searched for only if the nearest chunks are in another language.
    """
    nearest = "\n".join(stored.chunk.content for stored, _ in results.dense[:_NEAREST])
    if not limit or not is_cross_lingual(question, nearest):
        return results
    started = time.perf_counter()
    words = translate_question(question)
    terms = list(dict.fromkeys(term for word in words for term in word.terms))
    if not terms:
        return results
    ranking = snapshot.rank_by_terms(terms, limit=limit, search_filter=search_filter)
    chunks = snapshot.read_chunks(name for name, _ in ranking)
    by_translation = [(chunks[name], score) for name, score in ranking]
    found = {stored.chunk.id: stored.terms.keys() for stored, _ in (*results.dense, *results.lexical, *by_translation)}
    return replace(
        results,
        by_translation=by_translation,
        translated=coverage_across(words, found),
        seconds={**results.seconds, "translate": time.perf_counter() - started},
    )
