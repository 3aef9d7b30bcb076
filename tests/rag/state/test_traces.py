"""What is kept of an answer."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rag.answering.answer import Answerer
from rag.answering.history import Turn
from rag.chat.protocol import ChatModel
from rag.chat.scripted import ScriptedChat
from rag.errors import ChatBroken, ChatUnavailable, EmbedderUnavailable
from rag.models.embedders.protocol import Embedder, Matrix, OnEmbedded, Vector, ignore_embedded
from rag.settings import TraceSettings
from rag.state import traces as traces_module
from rag.state.database import StateDatabase
from rag.state.traces import Failure, Trace, TraceStore
from rag.types import Answer, Attempt, Usage
from rag.wiring import Services
from tests.kit.chat import shown_in
from tests.kit.waiting import eventually

ZH = "向量数据库有哪些知名组件？"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'state.db'}"


@pytest.fixture
def traced(shipped: Services, traces: TraceStore) -> Answerer:
    return replace(shipped.answerer, traces=traces)


def rewrite(database: StateDatabase, given: Answer, body: str) -> None:
    """Change the body of a trace once it is written."""
    with database.writing() as transaction:
        transaction.execute("UPDATE traces SET body = :body WHERE trace_id = :id", {"body": body, "id": given.trace_id})


def body_of(database: StateDatabase, given: Answer) -> str:
    """The body of a trace as it is written."""

    def read() -> list[str]:
        with database.reading() as transaction:
            found = transaction.execute("SELECT body FROM traces WHERE trace_id = :id", {"id": given.trace_id})
        return [row["body"] for row in found]

    (body,) = eventually(read)
    return body


def answered(answerer: Answerer, question: str = ZH, chat: ChatModel | None = None, **options: object) -> Answer:
    async def run() -> Answer:
        events = replace(answerer, chat=chat).answer(question, **options)  # type: ignore[arg-type]
        (given,) = [event async for event in events if isinstance(event, Answer)]
        return given

    return asyncio.run(run())


def kept(answerer: Answerer, given: Answer) -> Trace:
    found = answerer.traces.get(given.trace_id)
    assert found
    return found


def test_a_trace_comes_back_as_it_was_kept(traced: Answerer, database: StateDatabase) -> None:
    usage = Usage(100, 20, 0.001)
    attempts = [Attempt("m", "unavailable", 0.2, problem="down"), Attempt("m", "answered", 1.0, 0.5, usage)]
    chat = ScriptedChat(["知名的有 Milvus [1]。", "还有 Qdrant [1]。", *attempts])
    given = answered(traced, chat=chat)
    body_of(database, given)  # it is written now
    trace = kept(traced, given)
    assert trace.answer == given
    assert trace.question == ZH
    assert trace.standalone_question is None
    assert trace.prompt == chat.requests[0]
    assert trace.answer.attempts == tuple(attempts)
    assert trace.answer.usage == usage
    assert [(one.statement, one.numbers, one.verdict.fault) for one in trace.verification] == [
        ("知名的有 Milvus [1]。", (1,), None),
        ("还有 Qdrant [1]。", (1,), "name"),
    ]
    assert shown_in(chat.requests[0][1]) == [passage.number for passage in trace.passages]
    assert [one.id for one in trace.retrieval.candidates if one.dropped is None]
    stages = ("embed", "dense", "lexical", "read", "evidence", "search", "verify", "total")
    assert all(trace.milliseconds[stage] > 0 for stage in stages)


def test_the_trace_of_a_follow_up_has_its_standalone_question(traced: Answerer) -> None:
    history = [Turn("user", "Dify 是什么？"), Turn("assistant", "一个平台。")]
    given = answered(traced, "那它的官网呢？", history=history)
    trace = kept(traced, given)
    assert (trace.standalone_question, trace.rewritten_by) == ("Dify 的官网呢？", "rule")
    assert "dify.ai" in given.text
    assert trace.prompt == ()


def test_the_language_of_an_answer_is_that_of_the_question_as_it_was_asked(traced: Answerer) -> None:
    history = [Turn("user", "Dify 是什么？")]
    assert "No chat model is configured" in answered(traced, "And its website?", history=history).text


def test_a_refusal_is_kept_with_its_candidates(traced: Answerer) -> None:
    trace = kept(traced, answered(traced, "明天上海会下雨吗？"))
    assert trace.answer.refused
    assert trace.retrieval.candidates
    assert trace.retrieval.evidence < 0.5


def test_an_answer_that_fell_back_to_quotes_says_what_the_model_was_asked(traced: Answerer) -> None:
    trace = kept(traced, answered(traced, chat=ScriptedChat([], error=ChatUnavailable("down"))))
    assert trace.prompt
    assert trace.answer.model == "extractive"


def test_the_trace_of_an_answer_that_broke_off_has_its_passages_prompt_attempts_and_text(traced: Answerer) -> None:
    attempt = Attempt("m", "broken", 0.3, 0.1, problem="half")
    chat = ScriptedChat(["知名的有 ", "Milvus [1]。", "还有 ", attempt], error=ChatBroken("half"))
    with pytest.raises(ChatBroken, match="half") as caught:
        answered(traced, chat=chat)
    trace = traced.traces.get(caught.value.trace_id)
    assert trace
    assert trace.failure == Failure("chat_broken", "half")
    assert trace.question == ZH
    assert shown_in(chat.requests[0][1]) == [passage.number for passage in trace.passages]
    assert trace.prompt == chat.requests[0]
    assert trace.answer.attempts == (attempt,)
    assert trace.answer.text.startswith("知名的有 Milvus")
    assert trace.answer.citations == ()
    assert trace.milliseconds["write"] > 0


def test_the_trace_of_an_answer_that_could_not_be_verified_has_its_text(traced: Answerer) -> None:
    said = "These are well known among the tools for searching by similarity [1]."
    down = _DownAfterTheSearch(traced.searcher.embedder)
    answerer = replace(traced, searcher=replace(traced.searcher, embedder=down))
    with pytest.raises(EmbedderUnavailable) as caught:
        answered(answerer, chat=ScriptedChat([said]))
    trace = traced.traces.get(caught.value.trace_id)
    assert trace
    assert trace.failure == Failure("embedder_unavailable", "down")
    assert trace.answer.text == said


def test_a_trace_of_an_earlier_version_is_read_as_one_without_a_failure(
    traced: Answerer, database: StateDatabase
) -> None:
    given = answered(traced)
    content = json.loads(body_of(database, given))
    del content["failure"]
    rewrite(database, given, json.dumps(content))
    assert kept(traced, given).failure is None


class _DownAfterTheSearch:
    """An embedder that goes down once the question has been embedded and compared with what was found."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name, self.engine = embedder.name, embedder.engine
        self.fingerprint, self.equivalents = embedder.fingerprint, embedder.equivalents
        self.dimension, self.max_tokens = embedder.dimension, embedder.max_tokens
        self._is_down = False

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)

    def embed_query(self, text: str) -> Vector:
        return self._embedder.embed_query(text)

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        if self._is_down:
            raise EmbedderUnavailable("down")
        self._is_down = True
        return self._embedder.embed_documents(texts, on_embedded)


@pytest.mark.parametrize("trace_id", ["", "../../m", "0" * 32, "0" * 31 + "/", "x" * 100])
def test_an_unknown_trace_is_not_found(traced: Answerer, trace_id: str) -> None:
    assert traced.traces.get(trace_id) is None


def test_a_trace_that_is_none_is_skipped_and_logged(
    traced: Answerer, database: StateDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    given = answered(traced)
    body_of(database, given)
    rewrite(database, given, "{}")
    assert traced.traces.get(given.trace_id) is None
    assert "cannot be read" in caplog.text


def test_a_trace_that_is_far_too_large_is_not_kept(
    traced: Answerer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(traces_module, "_MAX_CHARACTERS", 1000)
    assert traced.traces.get(answered(traced).trace_id) is None
    assert "is not kept; the limit is 1000" in caplog.text


def test_switched_off_nothing_is_kept(shipped: Services, database: StateDatabase, tmp_path: Path) -> None:
    answerer = replace(shipped.answerer, traces=TraceStore(TraceSettings(enabled=False), database))
    assert answerer.traces.get(answered(answerer).trace_id) is None
    assert not (tmp_path / "state.db").exists()


def test_an_answer_does_not_fail_for_its_trace(
    shipped: Services, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    traces = TraceStore(TraceSettings(), StateDatabase(f"sqlite:///{tmp_path / 'file' / 'state.db'}"))
    assert answered(replace(shipped.answerer, traces=traces)).text
    traces.close()
    assert "traces are not kept, answers go on: the state database" in caplog.text


def test_recent_questions_are_those_that_were_answered_newest_first_and_each_once(
    traced: Answerer, traces: TraceStore
) -> None:
    history = [Turn("user", "Dify 是什么？"), Turn("assistant", "一个平台。")]
    answered(traced, "Dify 是什么？")
    answered(traced)
    assert answered(traced, "今天北京的天气怎么样？").refused
    follow_up = answered(traced, "那它的官网呢？", history=history)
    answered(traced, "Dify 是什么？")
    standalone = kept(traced, follow_up).standalone_question
    assert eventually(lambda: traces.recent_questions(10)[:1] == ["Dify 是什么？"])
    assert traces.recent_questions(10) == ["Dify 是什么？", standalone, ZH]
    assert traces.recent_questions(2) == ["Dify 是什么？", standalone]


def test_switched_off_there_are_no_recent_questions(database: StateDatabase) -> None:
    assert TraceStore(TraceSettings(enabled=False), database).recent_questions(10) == []
