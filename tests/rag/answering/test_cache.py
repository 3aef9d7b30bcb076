"""An identical question costs nothing; a changed one, a changed corpus and a failed answer do."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.sync import ingest
from rag.answering.answer import Answerer, AnswerEvent, PassagesFound
from rag.answering.cache import AnswerCache, CacheKey
from rag.answering.history import Turn
from rag.answering.replies import Reply, ReplyCache
from rag.chat.prompt import DECLINED
from rag.chat.protocol import Finished, TextDelta
from rag.chat.scripted import ScriptedChat
from rag.errors import ChatBroken, ChatUnavailable
from rag.settings import KnowledgeSettings, Settings, StoreSettings, TraceSettings
from rag.state.database import StateDatabase
from rag.state.traces import TraceStore
from rag.store.filters import Equals
from rag.types import Answer, Attempt
from rag.wiring import Services
from tests.kit.traces import trace

ZH = "向量数据库有哪些知名组件？"
SAID = ["知名的有 Milvus [1]。"]


@pytest.fixture
def caching(shipped: Services, tmp_path: Path) -> Answerer:
    traces = TraceStore(TraceSettings(), StateDatabase(f"sqlite:///{tmp_path / 'state.db'}"))
    return replace(shipped.answerer, cache=AnswerCache(2), traces=traces)


def events(answerer: Answerer, chat: ScriptedChat, question: str = ZH, **options: object) -> list[AnswerEvent]:
    async def run() -> list[AnswerEvent]:
        heard = replace(answerer, chat=chat).answer(question, **options)  # type: ignore[arg-type]
        return [event async for event in heard]

    return asyncio.run(run())


def asked(answerer: Answerer, chat: ScriptedChat, question: str = ZH, **options: object) -> Answer:
    last = events(answerer, chat, question, **options)[-1]
    assert isinstance(last, Answer)
    return last


def test_an_identical_question_is_answered_alike_without_the_model(caching: Answerer) -> None:
    chat = ScriptedChat(SAID)
    first, second = events(caching, chat), events(caching, chat)
    assert len(chat.requests) == 1
    assert isinstance(first[-1], Answer)
    assert isinstance(second[-1], Answer)
    kept = ("text", "citations", "unverified", "model", "generation")
    assert [getattr(first[-1], name) for name in kept] == [getattr(second[-1], name) for name in kept]
    assert (first[-1].cached, second[-1].cached) == (False, True)
    assert first[0] == second[0]
    assert isinstance(second[0], PassagesFound)
    assert second[1] == TextDelta(first[-1].text)


def test_a_cached_answer_has_its_own_trace_and_costs_nothing(caching: Answerer) -> None:
    chat = ScriptedChat([*SAID, Attempt("m", "answered", 1.0)])
    first, second = asked(caching, chat), asked(caching, chat)
    assert first.trace_id != second.trace_id
    assert second.attempts == ()
    trace = caching.traces.get(second.trace_id)
    assert trace
    assert trace.answer.cached
    assert trace.retrieval.candidates


def test_a_refusal_of_the_model_is_given_again(caching: Answerer) -> None:
    chat = ScriptedChat([DECLINED])
    assert asked(caching, chat).reason == asked(caching, chat).reason == "model_declined"
    assert len(chat.requests) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"question": "向量数据库有哪些组件？"}),
        ({}, {"search_filter": Equals("kind", "row")}),
        ({}, {"history": [Turn("user", "Dify 是什么？")]}),
    ],
)
def test_another_question_filter_or_history_is_not_answered_from_the_cache(
    caching: Answerer, first: dict[str, object], second: dict[str, object]
) -> None:
    chat = ScriptedChat(SAID)
    asked(caching, chat, **first)
    assert not asked(caching, chat, **({"question": ZH} | second)).cached  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pieces",
    [
        [*SAID, Finished("m", truncated=True)],
        ["Qdrant 是 2019 年的。"],
        ["Qdrant 是 2019 年的 [1]。"],
        [*SAID, Attempt("m", "unavailable", 1.0), Attempt("m", "answered", 1.0)],
    ],
    ids=["truncated", "no citation", "unsupported", "tried twice"],
)
def test_an_answer_that_may_come_out_better_is_not_cached(caching: Answerer, pieces: list[str]) -> None:
    chat = ScriptedChat(pieces)
    for _ in range(2):
        assert not asked(caching, chat).cached
    assert len(chat.requests) == 2


def test_quotes_in_place_of_a_failed_model_are_not_kept(caching: Answerer) -> None:
    assert asked(caching, ScriptedChat([], error=ChatUnavailable("down"))).model == "extractive"
    again = asked(caching, ScriptedChat(SAID))
    assert (again.model, again.cached) == ("scripted", False)


def test_half_an_answer_is_not_kept(caching: Answerer) -> None:
    with pytest.raises(ChatBroken):
        asked(caching, ScriptedChat(SAID, error=ChatBroken("broke off")))
    assert not asked(caching, ScriptedChat(SAID)).cached


def test_the_answers_used_longest_ago_go_first(caching: Answerer) -> None:
    chat = ScriptedChat(SAID)
    one, two, three = ZH, "知名的向量数据库有哪些？", "向量数据库的知名组件是什么？"
    for question in (one, two, one, three):
        asked(caching, chat, question)
    assert [is_searched(asked(caching, chat, question)) for question in (one, three, two)] == [False, False, True]


def is_searched(answer: Answer) -> bool:
    return "search" in answer.seconds


def test_an_answer_survives_an_edit_that_changes_nothing_which_the_model_reads(
    small: tuple[Settings, Services],
) -> None:
    settings, services = small
    chat = ScriptedChat(["年假有 5 天 [1]。"])
    first = asked(services.answerer, chat, "年假有几天？")
    (settings.knowledge.path / "b.md").write_text("# Parking\n\nThe garage closes at 22:00.\n", encoding="utf-8")
    ingest(settings, services.store, services.embedder)
    again = asked(services.answerer, chat, "年假有几天？")
    assert len(chat.requests) == 1
    assert (again.text, again.cached, again.attempts) == (first.text, True, ())
    assert again.generation == first.generation + 1
    assert is_searched(again)
    assert not is_searched(asked(services.answerer, chat, "年假有几天？")), "it is in the cache of the new generation"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "# 年假\n\n年假有 10 天。\n"),
        ("c.md", "# 年假补充\n\n工龄满十年，年假有 15 天。\n"),
        ("a.md", "# 年假规定\n\n年假有 5 天。\n"),
    ],
    ids=["cited passage", "new passage", "heading"],
)
def test_an_edit_of_what_the_model_reads_calls_it_again(small: tuple[Settings, Services], name: str, text: str) -> None:
    settings, services = small
    chat = ScriptedChat(["年假有 5 天 [1]。"])
    asked(services.answerer, chat, "年假有几天？")
    (settings.knowledge.path / name).write_text(text, encoding="utf-8")
    ingest(settings, services.store, services.embedder)
    assert not asked(services.answerer, chat, "年假有几天？").cached
    assert len(chat.requests) == 2


def in_the_next_generation(answerer: Answerer) -> Answerer:
    """The answerer after a commit: the answers of the generation before do not count, what the model wrote does."""
    cache = AnswerCache(2)
    cache.replies = answerer.cache.replies
    return replace(answerer, cache=cache)


@pytest.mark.parametrize(
    "pieces",
    [[*SAID, Finished("scripted", truncated=True)], ["Qdrant 是 2019 年的。"], ["Qdrant 是 2019 年的 [1]。"]],
    ids=["truncated", "no citation", "unsupported"],
)
def test_what_may_come_out_better_is_not_repeated(caching: Answerer, pieces: list[str]) -> None:
    asked(caching, ScriptedChat(pieces))
    good = ScriptedChat(SAID)
    assert not asked(in_the_next_generation(caching), good).cached
    assert asked(in_the_next_generation(caching), good).cached
    assert len(good.requests) == 1


def test_another_model_and_other_instructions_are_not_answered_from_what_a_model_wrote(caching: Answerer) -> None:
    asked(caching, ScriptedChat(SAID))
    assert not asked(in_the_next_generation(caching), ScriptedChat(SAID, name="other")).cached
    instructed = replace(caching, settings=caching.settings.model_copy(update={"instructions": "Rhyme."}))
    assert not asked(in_the_next_generation(instructed), ScriptedChat(SAID)).cached
    off = replace(caching, cache=AnswerCache(0))
    assert [asked(off, ScriptedChat(SAID)).cached for _ in range(2)] == [False, False]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Settings, Services]]:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# 年假\n\n年假有 5 天。\n", encoding="utf-8")
    for number in range(12):  # more than an answer may cite
        (tmp_path / "docs" / f"d{number}.md").write_text(
            f"# {number} 号分公司的年假\n\n{number} 号分公司的年假有 {number + 6} 天。\n", encoding="utf-8"
        )
    settings = Settings(
        knowledge=KnowledgeSettings(path=tmp_path / "docs"),
        store=StoreSettings(uri=str(tmp_path / "m.db")),
        traces=TraceSettings(enabled=False),
    )
    with Services(settings) as services:
        ingest(settings, services.store, services.embedder)
        yield settings, services


def test_a_new_generation_is_not_answered_from_the_cache(small: tuple[Settings, Services]) -> None:
    settings, services = small
    assert "5 天" in asked(services.answerer, ScriptedChat(["年假有 5 天 [1]。"]), "年假有几天？").text
    (settings.knowledge.path / "a.md").write_text("# 年假\n\n年假有 10 天。\n", encoding="utf-8")
    ingest(settings, services.store, services.embedder)
    fresh = asked(services.answerer, ScriptedChat(["年假有 10 天 [1]。"]), "年假有几天？")
    assert "10 天" in fresh.text
    assert not fresh.cached


def test_the_bytes_of_the_answers_are_bounded_whatever_questions_and_passages_are_like(shipped: Services) -> None:
    snapshots = shipped.store.snapshot().identities
    cache = AnswerCache(1000, max_bytes=400_000)
    for number in range(200):
        question = f"{number} " + "问" * 4000
        cache.put(CacheKey(question, (), "", snapshots), trace(f"{number}", question=question))
    kept = [n for n in range(200) if cache.get(CacheKey(f"{n} " + "问" * 4000, (), "", snapshots))]
    assert kept == list(range(kept[0], 200)), "the last ones stay"
    assert 1 < len(kept) <= 400_000 // (2 * 3 * 4000)
    long_history = CacheKey("q", (Turn("user", "x" * 200_000),), "", snapshots)
    cache.put(long_history, trace("history"))
    assert cache.get(long_history) is None, "more than there is room for"
    assert [cache.get(CacheKey(f"{n} " + "问" * 4000, (), "", snapshots)) is None for n in kept] == [False] * len(kept)


def test_the_number_of_answers_is_bounded_too(shipped: Services) -> None:
    snapshots = shipped.store.snapshot().identities
    for size in (0, 1, 3):
        cache = AnswerCache(size)
        for number in range(10):
            cache.put(CacheKey(f"{number}", (), "", snapshots), trace(f"{number}"))
        assert sum(cache.get(CacheKey(f"{number}", (), "", snapshots)) is not None for number in range(10)) == size


def test_the_bytes_of_what_models_wrote_are_bounded() -> None:
    replies = ReplyCache(is_on=True)
    for number in range(100):
        replies.put(bytes([number]), Reply("x" * 100_000, "m"))
    kept = [number for number in range(100) if replies.get(bytes([number]))]
    assert kept == list(range(kept[0], 100)), "the last ones stay"
    assert 1 < len(kept) <= 16 * 1024**2 // 400_000
    replies.put(b"long", Reply("x" * 5_000_000, "m"))
    assert replies.get(b"long") is None, "more than there is room for"
