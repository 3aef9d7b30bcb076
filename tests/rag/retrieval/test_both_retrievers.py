"""Both retrievers at once, over chunks in memory, find what each finds alone in the store."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import yaml

from rag.errors import EmbedderError, FilterError, StoreError
from rag.models.embedders.protocol import Vector
from rag.models.embedders.scripted import ScriptedEmbedder
from rag.retrieval.evidence import Evidence, gather_evidence
from rag.retrieval.search import Retrieval, retrieve, run_retrievers
from rag.settings import RetrievalSettings
from rag.store.filters import Equals, Filter
from rag.store.snapshot import Snapshot
from rag.store.store import Store
from rag.text.tokens import tokenize_question
from rag.wiring import Services
from tests.kit.paths import ROOT
from tests.kit.raw_rows import another_store
from tests.kit.stored_chunks import DIMENSION, stored_chunks
from tests.kit.waiting import eventually

ENTRIES = yaml.safe_load((ROOT / "tests" / "shipped_questions.yaml").read_text(encoding="utf-8"))
QUESTIONS = [entry["question"] for kind in ENTRIES.values() for entry in kind] + ["🙂？！", "pycharm 怎么用"]
SETTINGS = RetrievalSettings()


@pytest.fixture(scope="module")
def small_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with stored_chunks(tmp_path_factory.mktemp("store")) as store:
        yield store


def forgetful(services: Services) -> Snapshot:
    """The live generation, read by a store that remembers nothing."""
    return another_store(services.store).snapshot()


def evidence_of(services: Services, found: Retrieval, snapshot: Snapshot) -> Evidence:
    evidence = gather_evidence(
        found,
        snapshot,
        count_tokens=services.embedder.count_tokens,
        max_tokens=4000,
        max_passage_tokens=640,
        max_passages=8,
    )
    return replace(evidence, judged=evidence.probability)


@pytest.mark.usefixtures("searches_in_milvus")
@pytest.mark.parametrize("search_filter", [None, Equals("kind", "list")])
def test_each_finds_the_same_chunks_with_the_same_scores_as_alone(
    shipped: Services, search_filter: Filter | None
) -> None:
    for question in QUESTIONS:
        found = run_retrievers(
            question, shipped.store.snapshot(), shipped.embedder, SETTINGS, search_filter=search_filter
        )
        snapshot, vector = forgetful(shipped), shipped.embedder.embed_query(question)
        limits = {"limit": SETTINGS.candidates, "search_filter": search_filter}
        assert found.dense == snapshot.search_vectors(vector, **limits), question
        assert found.lexical == snapshot.search_terms(tokenize_question(question), **limits), question


@pytest.mark.usefixtures("searches_in_milvus")
def test_hits_scores_and_evidence_are_those_of_a_store_that_remembers_nothing(shipped: Services) -> None:
    for question in QUESTIONS:
        for snapshot in (shipped.store.snapshot(), shipped.store.snapshot()):
            known = retrieve(question, snapshot, shipped.embedder, SETTINGS)
            new = retrieve(question, forgetful(shipped), shipped.embedder, SETTINGS)
            assert (known.hits, known.candidates, known.dropped) == (new.hits, new.candidates, new.dropped), question
            assert known.idf == new.idf
            assert evidence_of(shipped, known, snapshot) == evidence_of(shipped, new, forgetful(shipped)), question


def test_a_generation_in_memory_gives_the_hits_and_the_evidence_of_milvus(shipped: Services) -> None:
    in_memory = forgetful(shipped)
    in_memory.keep_in_memory()
    eventually(lambda: in_memory.is_in_memory)
    for question in QUESTIONS:
        known = retrieve(question, in_memory, shipped.embedder, SETTINGS)
        new = retrieve(question, forgetful(shipped), shipped.embedder, SETTINGS)
        assert [hit.chunk for hit in known.hits] == [hit.chunk for hit in new.hits], question
        assert [hit.score for hit in known.hits] == pytest.approx([hit.score for hit in new.hits], abs=1e-5)
        here, there = evidence_of(shipped, known, in_memory), evidence_of(shipped, new, forgetful(shipped))
        assert [passage.chunk for passage in here.passages] == [passage.chunk for passage in there.passages]
        assert here.judged == pytest.approx(there.judged, abs=1e-4)


class BrokenEmbedder(ScriptedEmbedder):
    def embed_query(self, text: str) -> Vector:
        raise EmbedderError("no vector today")


def test_the_error_of_either_retriever_is_raised(small_store: Store) -> None:
    snapshot = small_store.snapshot()
    question = "common"
    with pytest.raises(EmbedderError, match="no vector today"):
        run_retrievers(question, snapshot, BrokenEmbedder(dimension=DIMENSION), SETTINGS)
    with pytest.raises(StoreError, match="32 numbers"):
        run_retrievers(question, snapshot, ScriptedEmbedder(dimension=DIMENSION // 2), SETTINGS)
    with pytest.raises(FilterError):
        run_retrievers(
            question, snapshot, ScriptedEmbedder(dimension=DIMENSION), SETTINGS, search_filter=Equals("id", "\0")
        )


def test_an_error_of_the_lexical_retriever_alone_is_raised(small_store: Store) -> None:
    """An index of vectors only, of which somebody says that it has terms."""
    live = small_store.snapshot().commit
    namespace = small_store.new_namespace(live.generation + 1)
    namespace.create(dimension=DIMENSION, lexical=False)
    commit = replace(live, namespace=namespace.name)
    snapshot = small_store.snapshot_of(commit)
    assert len(snapshot.rank_by_vector(np.ones(DIMENSION, dtype=np.float32), limit=5)) == 0
    with pytest.raises(StoreError):
        run_retrievers("common", snapshot, ScriptedEmbedder(dimension=DIMENSION), SETTINGS)
    small_store.drop_namespace(namespace.name)


def test_a_chunk_that_is_gone_is_an_error_and_not_one_hit_less(small_store: Store) -> None:
    snapshot = small_store.snapshot()
    assert snapshot.read_chunks(["c1", "c2", "c1"]).keys() == {"c1", "c2"}
    with pytest.raises(StoreError, match="generation 1 was deleted while it was read; ask again"):
        snapshot.read_chunks(["c1", "long gone"])
