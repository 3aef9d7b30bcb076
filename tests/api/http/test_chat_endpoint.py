"""Answers that a chat model writes, over a real socket from end to end."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.kit.leaving_clients import assert_leaving_ends_the_call
from tests.kit.openai_scripts import completion, reply
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import FirstAsk, Server, Workspace, assert_one_line
from tests.kit.server_events import streamed_answer

QUESTION = "向量数据库有哪些知名组件？"
KEY = "sk-test-7311"
PIECES = ("知名的向量数据库有 Milvus", " 和 PingCAP [", "1]。", "它们属于基础设施 [99]", "[1]。")
TEXT = "知名的向量数据库有 Milvus 和 PingCAP [1]。它们属于基础设施 [1]。"


def pointed_at(endpoint: OpenAIServer, workspace: Workspace) -> Workspace:
    return workspace.given(
        ZHIWEN_CHAT__BASE_URL=endpoint.base_url,
        ZHIWEN_ANSWERING__CACHED_ANSWERS="0",  # the script changes, the question does not
        ZHIWEN_CHAT__MODEL="scripted-1",
        ZHIWEN_CHAT__API_KEY=KEY,
        ZHIWEN_CHAT__MAX_ATTEMPTS="2",
        ZHIWEN_CHAT__REST_AFTER_FAILURES="100",  # one server for many tests of failures
    )


@pytest.fixture(scope="module")
def chatting(
    first_ask: FirstAsk, chat_endpoint: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with a chat model."""
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("chatting"))
    with pointed_at(chat_endpoint, workspace).serving() as running:
        yield running


def offered(prompt: str) -> dict[int, str]:
    """The passages of a prompt by number."""
    found = re.findall(r'<passage number="(\d+)"[^>]*>\n(.*?)\n</passage>', prompt, re.DOTALL)
    return {int(number): content for number, content in found}


def assert_citations_match(answer: dict[str, Any], passages: dict[int, str]) -> None:
    numbers = {int(number) for number in re.findall(r"\[(\d+)\]", answer["answer"])}
    assert {citation["number"] for citation in answer["citations"]} == numbers
    for citation in answer["citations"]:
        assert citation["quote"]
        assert citation["quote"] in passages[citation["number"]]


# The text of the model


def test_the_command_prints_the_models_text_as_it_is_with_its_sources(
    chat_endpoint: OpenAIServer, workspace: Workspace
) -> None:
    chat_endpoint.play(completion("知名组件有 Milvus [1]。见 :smile: [bold]x[/bold]", " [1][99]。"))
    outcome = pointed_at(chat_endpoint, workspace).run("ask", QUESTION)
    assert outcome.status == 0, outcome
    assert outcome.out.startswith("知名组件有 Milvus [1]。见 :smile: [bold]x[/bold] [1]。\n")
    assert "\n未核实（文档里没有依据，或者没有核对到）\n  ! 见 :smile: [bold]x[/bold] [1]。\n" in outcome.out
    assert re.search(r"^\[1\] \S*knowledge/overview\.md:82\b", outcome.out, re.MULTILINE)
    assert "[99]" not in outcome.out
    assert "未配置大模型" not in outcome.out
    assert outcome.err == ""


def test_a_plain_answer_carries_the_models_text_without_markers_that_were_not_offered(
    chat_endpoint: OpenAIServer, chatting: Server
) -> None:
    chat_endpoint.play(completion(*PIECES))
    response = chatting.post("/ask", question=QUESTION)
    assert response.status_code == 200
    answer = response.json()
    assert answer["answer"] == TEXT
    assert answer["model"] == "custom/scripted-1"
    assert answer["refused"] is False
    [asked] = chat_endpoint.calls
    assert_citations_match(answer, offered(asked.prompt))


def test_a_streamed_answer_carries_the_models_text_in_pieces(chat_endpoint: OpenAIServer, chatting: Server) -> None:
    chat_endpoint.play(completion(*PIECES))
    events = streamed_answer(chatting, QUESTION)
    assert [event.name for event in events][:2] == ["passages", "delta"]
    assert {event.name for event in events[1:-1]} == {"delta"}
    assert len(events) > 3
    answer = events[-1].data
    assert events[-1].name == "answer"
    assert answer["answer"] == TEXT == "".join(event.data["text"] for event in events[1:-1])
    [asked] = chat_endpoint.calls
    sent = offered(asked.prompt)
    assert {passage["number"]: passage["content"] for passage in events[0].data["passages"]} == sent
    assert_citations_match(answer, sent)


def test_a_marker_split_over_many_pieces_is_still_one_marker(chat_endpoint: OpenAIServer, chatting: Server) -> None:
    chat_endpoint.play(completion("Milvus", " ", "[", "1", ",", " 9", "9", "]", "【", "1", "】", "。"))
    answer = streamed_answer(chatting, QUESTION)[-1].data
    assert answer["answer"] == "Milvus [1] [1]。"
    assert [citation["number"] for citation in answer["citations"]] == [1]


# The request to the model


def test_the_model_gets_the_passages_the_question_and_the_key(chat_endpoint: OpenAIServer, chatting: Server) -> None:
    chat_endpoint.play(completion(*PIECES))
    chatting.post("/ask", question=QUESTION)
    [asked] = chat_endpoint.calls
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body["model"] == "scripted-1"
    assert asked.body["stream"] is True
    assert [message["role"] for message in asked.body["messages"]] == ["system", "user"]
    assert asked.prompt.endswith(f"问题: {QUESTION}")
    passages = offered(asked.prompt)
    assert list(passages) == list(range(1, len(passages) + 1))
    assert "Milvus, PingCAP" in passages[1]
    assert 'source="overview.md"' in asked.prompt
    assert 'lines="82-82"' in asked.prompt


def test_a_question_without_evidence_never_reaches_the_model(chat_endpoint: OpenAIServer, chatting: Server) -> None:
    chat_endpoint.play(completion(*PIECES))
    answer = chatting.post("/ask", question="红烧肉怎么做才不腻？").json()
    assert answer["refused"] is True
    assert answer["reason"] == "no_evidence"
    assert chat_endpoint.calls == []


# Refusals of the model


@pytest.mark.parametrize("pieces", [("NOT_IN_PASSAGES",), ("NOT_IN", "_PASS", "AGES", "\n"), ("  NOT_IN_PASSAGES。",)])
def test_a_model_that_finds_nothing_in_the_passages_makes_a_refusal(
    chat_endpoint: OpenAIServer, chatting: Server, pieces: tuple[str, ...]
) -> None:
    chat_endpoint.play(completion(*pieces))
    answer = chatting.post("/ask", question=QUESTION).json()
    assert answer["refused"] is True
    assert answer["reason"] == "model_declined"
    assert answer["citations"] == []
    assert answer["answer"].startswith("知识库里没有")
    events = streamed_answer(chatting, QUESTION)
    assert [event.name for event in events] == ["passages", "answer"]
    assert "NOT_IN" not in str(events)


def test_an_answer_that_nothing_supports_is_replaced_by_quotes(chat_endpoint: OpenAIServer, chatting: Server) -> None:
    chat_endpoint.play(completion("我猜是 Oracle [42]。"))
    answer = chatting.post("/ask", question=QUESTION).json()
    assert answer["refused"] is False
    assert answer["model"] == "extractive"
    assert "Oracle" not in answer["answer"]
    assert answer["answer"].endswith("（大模型的回答在文档里没有依据，已换成原文摘录。）")


def test_the_command_takes_back_text_that_nothing_supports(chat_endpoint: OpenAIServer, workspace: Workspace) -> None:
    chat_endpoint.play(completion("我猜是 Oracle [42]。"))
    outcome = pointed_at(chat_endpoint, workspace).run("ask", QUESTION)
    assert outcome.status == 0, outcome
    assert re.search(r"^以上回答在文档里没有依据，请不要采信。", outcome.out, re.MULTILINE), outcome.out
    assert "知识库里没有" not in outcome.out


# Failures of the model


def test_a_model_that_is_down_is_replaced_by_quotes_and_the_answer_says_so(
    chat_endpoint: OpenAIServer, chatting: Server
) -> None:
    chat_endpoint.play(reply(500))
    answer = chatting.post("/ask", question=QUESTION).json()
    assert len(chat_endpoint.calls) == 2  # it was tried again
    assert answer["model"] == "extractive"
    assert "Milvus" in answer["answer"]
    assert "大模型没有应答" in answer["answer"]
    assert answer["citations"][0]["start_line"] == 82
    events = streamed_answer(chatting, QUESTION)
    assert events[-1].data["model"] == "extractive"
    assert "".join(event.data["text"] for event in events[1:-1]) == events[-1].data["answer"]


def test_a_key_that_is_refused_is_said_once_and_never_shown(chat_endpoint: OpenAIServer, workspace: Workspace) -> None:
    chat_endpoint.play(reply(401))
    outcome = pointed_at(chat_endpoint, workspace).run("ask", QUESTION)
    assert outcome.status == 0, outcome
    assert len(chat_endpoint.calls) == 1
    assert "大模型没有应答" in outcome.out
    assert len(outcome.error_lines) == 1
    assert "ZHIWEN_CHAT__API_KEY" in outcome.err
    assert KEY not in outcome.out + outcome.err


def test_an_answer_that_breaks_off_is_an_error_and_never_passes_for_whole(
    chat_endpoint: OpenAIServer, chatting: Server
) -> None:
    chat_endpoint.play(completion(*PIECES[:3], breaks_off=True))
    response = chatting.post("/ask", question=QUESTION)
    assert response.status_code == 502
    assert response.json()["error"]["code"] == "chat_broken"
    events = streamed_answer(chatting, QUESTION)
    assert [event.name for event in events][:2] == ["passages", "delta"]
    assert events[-1].name == "error"
    assert list(events[-1].data) == ["code", "message", "trace_id"]
    assert events[-1].data["code"] == "chat_broken"
    assert "answer" not in {event.name for event in events}


def test_the_error_of_an_answer_that_breaks_off_names_its_trace(chat_endpoint: OpenAIServer, chatting: Server) -> None:
    chat_endpoint.play(completion(*PIECES[:3], breaks_off=True))
    before = metrics(chatting)
    response = chatting.post("/ask", question=QUESTION)
    assert list(response.json()["error"]) == ["code", "message", "trace_id"]
    streamed = streamed_answer(chatting, QUESTION)
    for trace_id in (response.json()["error"]["trace_id"], streamed[-1].data["trace_id"]):
        trace = chatting.client.get(f"/traces/{trace_id}").json()
        assert trace["trace_id"] == trace_id
        assert trace["question"] == QUESTION
        assert trace["failure"]["code"] == "chat_broken"
        assert "broke off" in trace["failure"]["message"]
        assert [passage["source"] for passage in trace["passages"]]
        assert trace["retrieval"]["candidates"]
        assert QUESTION in trace["prompt"][1]["content"]
        [attempt] = trace["attempts"]
        assert attempt["outcome"] == "broken"
        assert "broke off" in attempt["problem"]
        assert trace["answer"]["answer"].startswith("知名的向量数据库有 Milvus")
        assert {"embed", "search", "write", "total"} <= trace["milliseconds"].keys()
        shown = chatting.workspace.run("explain", trace_id)
        assert shown.status == 0, shown
        assert "Broken off" in shown.out
        assert "chat_broken: " in shown.out
        assert f'"trace_id": "{trace_id}"' in chatting.log
    after = metrics(chatting)
    assert after.get(BROKEN_OFF, 0) - before.get(BROKEN_OFF, 0) == 2
    assert after[BROKEN_ATTEMPTS] - before.get(BROKEN_ATTEMPTS, 0) == 2
    assert after[WRITTEN] - before.get(WRITTEN, 0) == 2
    assert after.get(ANSWERS, 0) == before.get(ANSWERS, 0), "what broke off is no answer"


def test_an_answer_that_did_not_break_off_has_no_failure_in_its_trace(
    chat_endpoint: OpenAIServer, chatting: Server
) -> None:
    chat_endpoint.play(completion(*PIECES))
    trace_id = chatting.post("/ask", question=QUESTION).json()["trace_id"]
    assert chatting.client.get(f"/traces/{trace_id}").json()["failure"] is None


def metrics(server: Server) -> dict[str, float]:
    """The value of each series, by its name and labels."""
    families = text_string_to_metric_families(server.client.get("/metrics").text)
    return {f"{one.name}{sorted(one.labels.items())}": one.value for family in families for one in family.samples}


BROKEN_OFF = f"zhiwen_answers_broken_off_total{[('code', 'chat_broken')]}"
BROKEN_ATTEMPTS = f"zhiwen_chat_attempts_total{[('model', 'custom/scripted-1'), ('outcome', 'broken')]}"
WRITTEN = f"zhiwen_stage_seconds_count{[('stage', 'write')]}"
ANSWERS = f"zhiwen_answers_total{[('cached', 'false')]}"


def test_the_command_ends_with_status_1_when_the_answer_breaks_off(
    chat_endpoint: OpenAIServer, workspace: Workspace
) -> None:
    chat_endpoint.play(completion(*PIECES[:3], breaks_off=True))
    pointed = pointed_at(chat_endpoint, workspace)
    outcome = pointed.run("ask", QUESTION)
    assert_one_line(outcome, 1, "broke off")
    assert "Milvus" in outcome.out
    told = re.search(r"\(zhiwen explain ([0-9a-f]{32})\)$", outcome.err.strip())
    assert told
    assert pointed.run("explain", told[1], "--json").json["failure"]["code"] == "chat_broken"


def test_an_answer_that_breaks_off_ends_the_command_the_same_way_through_a_server(
    chat_endpoint: OpenAIServer, chatting: Server
) -> None:
    chat_endpoint.play(completion(*PIECES[:3], breaks_off=True))
    outcome = chatting.workspace.run("ask", QUESTION)
    assert_one_line(outcome, 1, "broke off", "(zhiwen explain ")
    assert "Milvus" in outcome.out


def test_an_answer_without_a_word_is_replaced_by_quotes(chat_endpoint: OpenAIServer, chatting: Server) -> None:
    chat_endpoint.play(completion())
    answer = chatting.post("/ask", question=QUESTION).json()
    assert (answer["refused"], answer["model"]) == (False, "extractive")
    assert answer["answer"].endswith("（大模型没有应答，以上摘自原文。）")


def test_a_stream_that_ends_before_it_begins_is_replaced_by_quotes(
    chat_endpoint: OpenAIServer, chatting: Server
) -> None:
    chat_endpoint.play(completion(breaks_off=True))
    answer = chatting.post("/ask", question=QUESTION).json()
    assert answer["model"] == "extractive"
    assert "大模型没有应答" in answer["answer"]


def test_an_answer_that_stops_at_its_length_limit_says_so(chat_endpoint: OpenAIServer, chatting: Server) -> None:
    chat_endpoint.play(completion(*PIECES[:3], finish_reason="length"))
    answer = chatting.post("/ask", question=QUESTION).json()
    assert answer["truncated"] is True
    assert answer["answer"].endswith("（回答达到长度上限，没有写完。）")
    assert answer["citations"]
    chat_endpoint.play(completion(*PIECES))
    assert chatting.post("/ask", question=QUESTION).json()["truncated"] is False


def test_reasoning_is_an_event_of_its_own_and_no_part_of_the_answer(
    chat_endpoint: OpenAIServer, chatting: Server
) -> None:
    chat_endpoint.play(completion(*PIECES, thoughts=("先看 [1]", "，再看 [2]")))
    events = streamed_answer(chatting, QUESTION)
    names = [event.name for event in events]
    assert names[:3] == ["passages", "reasoning", "reasoning"]
    assert "reasoning" not in names[names.index("delta") :]
    assert "".join(event.data["text"] for event in events if event.name == "reasoning") == "先看 [1]，再看 [2]"
    assert events[-1].data["answer"] == TEXT
    outcome = chatting.workspace.run("ask", QUESTION)
    assert outcome.out.startswith(TEXT)


def test_while_the_first_model_is_down_its_fallback_answers(chat_endpoint: OpenAIServer, workspace: Workspace) -> None:
    chat_endpoint.play(completion(*PIECES))
    down = workspace.given(
        ZHIWEN_CHAT__BASE_URL="http://127.0.0.1:9/v1",
        ZHIWEN_CHAT__MODEL="down",
        ZHIWEN_CHAT__API_KEY=KEY,
        ZHIWEN_CHAT__MAX_ATTEMPTS="1",
        ZHIWEN_CHAT__FALLBACKS=f"custom/spare@{chat_endpoint.base_url}",
        ZHIWEN_CHAT__FALLBACK_API_KEY="sk-spare",
    )
    answer = down.run("ask", "--json", QUESTION).json
    assert answer["model"] == "custom/spare"
    assert answer["answer"] == TEXT
    [asked] = chat_endpoint.calls
    assert asked.headers["authorization"] == "Bearer sk-spare"


# A client that goes away


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole answer"])
@pytest.mark.parametrize("pieces", [(), ("Milvus", " [1]")], ids=["before the first token", "in mid-answer"])
def test_a_client_that_goes_away_ends_the_call_to_the_model(
    chat_endpoint: OpenAIServer, chatting: Server, pieces: tuple[str, ...], stream: bool
) -> None:
    chat_endpoint.play(completion(*pieces, hangs=True))
    body = {"question": QUESTION, "stream": stream}
    assert_leaving_ends_the_call(chatting, chat_endpoint, "/ask", body)


def test_a_follow_up_is_rewritten_by_the_model_before_anything_is_searched(
    chat_endpoint: OpenAIServer, chatting: Server
) -> None:
    chat_endpoint.play(completion("向量数据库的知名组件有 Milvus [1]"))
    history = [{"role": "user", "content": "向量数据库是什么？"}, {"role": "assistant", "content": "基础设施 [1]。"}]
    answer = chatting.post("/ask", question="它有哪些知名组件？", history=history).json()
    rewriting, answering = chat_endpoint.calls
    assert "向量数据库是什么？" in rewriting.prompt
    assert answering.prompt.endswith("向量数据库的知名组件有 Milvus [1]")
    trace = chatting.client.get(f"/traces/{answer['trace_id']}").json()
    assert (trace["question"], trace["rewritten_by"]) == ("它有哪些知名组件？", "model")
    assert trace["standalone_question"] == "向量数据库的知名组件有 Milvus [1]"
    assert [attempt["outcome"] for attempt in trace["attempts"]] == ["answered", "answered"]


@pytest.mark.parametrize("status", [200, 401])
def test_a_trace_holds_what_the_model_was_asked_and_never_the_key(
    chat_endpoint: OpenAIServer, chatting: Server, status: int
) -> None:
    chat_endpoint.play(completion("知名的有 Milvus [1]。") if status == 200 else reply(status))
    answer = chatting.post("/ask", question=QUESTION).json()
    trace = chatting.client.get(f"/traces/{answer['trace_id']}")
    assert KEY not in trace.text
    assert trace.json()["prompt"][-1]["content"] == chat_endpoint.calls[-1].prompt
    assert trace.json()["attempts"][-1]["outcome"] == ("answered" if status == 200 else "denied")
