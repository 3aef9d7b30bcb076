"""Several knowledge bases in one process: each with its own generations, all over one connection and one embedder."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ingest.staging.rollback import roll_back
from ingest.sync import ingest
from rag.answering.answer import final_answer
from rag.errors import KnowledgeBaseNotFound, StoreEmpty
from rag.retrieval.search import Retrieval
from rag.types import Answer
from rag.wiring import Services
from tests.kit.corpus import Folder, document
from tests.kit.knowledge_bases import (
    DEFAULT_TEXTS,
    HANDBOOK_TEXTS,
    PRODUCTS_TEXTS,
    ingest_all,
    ingest_one,
    several,
)
from tests.kit.pictures import dump

TEXTS = {"default": DEFAULT_TEXTS, "handbook": HANDBOOK_TEXTS, "products": PRODUCTS_TEXTS}


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    with several(tmp_path, TEXTS) as opened:
        ingest_all(opened)
        yield opened


def ask(services: Services, question: str) -> Answer:
    return asyncio.run(final_answer(services.answerer.answer(question)))


def found_in(retrieval: Retrieval) -> set[tuple[str, str]]:
    return {(hit.chunk.knowledge_base, hit.chunk.source) for hit in retrieval.hits}


def test_a_question_to_one_finds_nothing_of_the_others(services: Services) -> None:
    for name, texts in TEXTS.items():
        for question in ("annual leave", "Falcon warranty", "harbour pilot"):
            hits = services.of(name).searcher.search(question, top_k=50)
            assert found_in(hits) == {(name, source) for source in texts}
            assert hits.generations == {name: 1}


def test_they_share_the_connection_and_the_models(services: Services) -> None:
    handbook = services.of("handbook")
    assert handbook.embedder is services.embedder
    assert handbook.traces is services.traces
    assert handbook.store.is_embedded
    assert handbook.store.collection == "zhiwen_kb_handbook"
    assert set(services.store.namespaces()).isdisjoint(handbook.store.namespaces())


def test_an_ingest_of_one_never_disturbs_the_readers_of_another(services: Services, tmp_path: Path) -> None:
    handbook, products = services.of("handbook"), services.of("products")
    before, commit = dump(products.store), products.store.snapshot().commit
    for number in range(6):
        Folder(tmp_path / "handbook").write(f"{number}.md", document(f"lantern{number}"))
    looks = 0

    def look(progress: object) -> None:
        nonlocal looks
        looks += 1
        assert products.store.snapshot().commit == commit
        assert dump(products.store) == before
        assert found_in(products.searcher.search("Falcon warranty")) == {
            ("products", "README.md"),
            ("products", "travel.md"),
        }

    assert ingest(handbook.settings, handbook.store, handbook.embedder, on_progress=look).generation == 2
    assert looks > 1
    assert dump(products.store) == before
    assert products.store.snapshot().commit == commit


def test_a_rollback_of_one_leaves_the_others(services: Services, tmp_path: Path) -> None:
    for name in TEXTS:
        Folder(tmp_path / name).write("new.md", "# New\n\nThe lighthouse is new.\n")
    ingest_all(services)
    others = {name: dump(services.of(name).store) for name in ("default", "products")}
    roll_back(services.of("handbook").store)
    assert ("handbook", "new.md") not in found_in(services.of("handbook").searcher.search("lighthouse", top_k=50))
    assert {name: dump(services.of(name).store) for name in others} == others
    assert [services.of(name).store.snapshot().generation for name in TEXTS] == [2, 1, 2]


def test_two_ingests_at_the_same_time_are_two_writers(services: Services, tmp_path: Path) -> None:
    for name in ("handbook", "products"):
        Folder(tmp_path / name).write("new.md", "# New\n\nThe lighthouse is new.\n")
    handbook, generations = services.of("handbook"), []

    def ingest_the_other(progress: object) -> None:
        if not generations:
            generations.append(ingest_one(services, "products").generation)

    report = ingest(handbook.settings, handbook.store, handbook.embedder, on_progress=ingest_the_other)
    assert [report.generation, *generations] == [2, 2]
    for name in ("handbook", "products"):
        assert (name, "new.md") in found_in(services.of(name).searcher.search("lighthouse", top_k=50))


def test_the_same_question_to_another_is_another_answer(services: Services) -> None:
    answers = [ask(services.of(name), "How many ports has the Falcon router?") for name in ("handbook", "products")]
    again = ask(services.of("products"), "How many ports has the Falcon router?")
    assert "four ports" not in answers[0].text
    assert "four ports" in answers[1].text
    assert again.cached
    assert again.text == answers[1].text
    assert again.generations == {"products": 1}


def test_a_question_to_several_is_one_search(services: Services) -> None:
    hits = services.joined(["handbook", "products"]).searcher.search("annual leave Falcon warranty", top_k=50)
    assert {name for name, _ in found_in(hits)} == {"handbook", "products"}
    assert hits.generations == {"handbook": 1, "products": 1}
    assert hits.generation == 0
    assert found_in(services.joined(["all"]).searcher.search("annual leave", top_k=50)) == {
        (name, source) for name, texts in TEXTS.items() for source in texts
    }


def test_citations_say_which_knowledge_base_they_are_from(services: Services) -> None:
    answer = ask(services.joined(["all"]), "How many ports has the Falcon router?")
    [citation] = answer.citations
    assert (citation.knowledge_base, citation.source) == ("products", "README.md")
    assert citation.url == "/docs/README.md?knowledge_base=products&lines=3-3#passage"
    assert answer.generations == {"default": 1, "handbook": 1, "products": 1}


def test_documents_of_the_same_name_are_not_mixed(services: Services) -> None:
    """Both travel.md have a table in the same block, so their chunks are in groups of the same name."""
    joined = services.joined(["all"])
    groups = {
        name: {hit.chunk.group for hit in services.of(name).searcher.search("Manager Large", top_k=50).hits}
        for name in ("handbook", "products")
    }
    assert groups["handbook"] & groups["products"]
    answer = ask(joined, "Compare the hotel of each grade")
    assert [(one.knowledge_base, one.source) for one in answer.citations] == [("handbook", "travel.md")] * 2
    assert "| Clerk | 400 [1] |\n| Manager | 600 [2] |" in answer.text
    assert "kg" not in answer.text


MIXED = {f"{number}.md": document(f"lantern{number}") for number in range(12)}


@pytest.mark.parametrize("question", ["lantern3 word", "lantern11", "第1段说的是lantern7", "a word of lantern0"])
def test_scores_of_several_are_those_of_one_that_holds_all(tmp_path: Path, question: str) -> None:
    parts: Mapping[str, Mapping[str, str]] = {
        "default": {source: text for source, text in MIXED.items() if source < "3"},
        "rest": {source: text for source, text in MIXED.items() if source >= "3"},
        "whole": MIXED,
    }
    with several(tmp_path, parts) as services:
        ingest_all(services)
        whole = services.of("whole").searcher.search(question, top_k=50)
        joined = services.joined(["default", "rest"]).searcher.search(question, top_k=50)
    assert joined.idf == pytest.approx(whole.idf)
    expected = {hit.chunk.id: hit for hit in whole.hits}
    assert len(joined.hits) == len(expected)
    for hit in joined.hits:
        same = expected[hit.chunk.id]
        assert hit.cosine == pytest.approx(same.cosine, abs=1e-5)
        assert hit.coverage == pytest.approx(same.coverage)
        assert hit.bm25 == pytest.approx(same.bm25, rel=0.05)
        assert hit.score == pytest.approx(same.score, abs=0.05)


def test_one_that_is_still_empty_is_left_out(tmp_path: Path) -> None:
    with several(tmp_path, TEXTS) as services:
        with pytest.raises(StoreEmpty, match="zhiwen ingest --kb products"):
            services.joined(["handbook", "products"]).searcher.search("Falcon")
        ingest_one(services, "products")
        found = services.joined(["handbook", "products"]).searcher.search("Falcon")
    assert found.generations == {"products": 1}


def test_an_unknown_name_is_an_error_that_lists_those_there_are(services: Services) -> None:
    for names in (["nope"], ["handbook", "nope"]):
        with pytest.raises(KnowledgeBaseNotFound, match="'nope'; there are: default, handbook, products"):
            services.joined(names)


def test_what_one_is_about_is_told_to_the_model(services: Services) -> None:
    knowledge = services.settings.knowledge_bases.by_name["handbook"]
    bases = services.settings.knowledge_bases.model_validate(
        {
            "handbook": knowledge.model_copy(update={"context": "Rules for employees"}),
            "products": services.settings.knowledge_bases.by_name["products"],
        }
    )
    settings = services.settings.model_copy(update={"knowledge_bases": bases})
    with Services(settings, store=services.store, embedder=services.embedder) as told:
        assert told.of("handbook").about == "Rules for employees"
        assert told.joined(["all"]).about == "Rules for employees"
        assert told.about == ""
