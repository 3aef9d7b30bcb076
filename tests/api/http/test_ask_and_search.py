"""Questions over HTTP: answers, streams, refusals, hits."""

import threading

import httpx2
import pytest

from tests.kit.processes import Server
from tests.kit.public_json import ANSWER_KEYS, CITATION_KEYS, HIT_KEYS
from tests.kit.server_events import streamed_answer

QUESTION = "向量数据库有哪些知名组件？"


def test_health_tells_what_is_live(server: Server) -> None:
    response = server.client.get("/health")
    assert response.status_code == 200
    health = response.json()
    assert health["status"] == "ok"
    assert health["generation"] == 2
    assert health["documents"] == 4
    assert health["chunks"] > 40
    assert health["chat"] == "extractive"


def test_ask_answers_with_exactly_the_agreed_keys(server: Server) -> None:
    response = server.post("/ask", question=QUESTION)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert list(answer) == ANSWER_KEYS
    assert "Milvus" in answer["answer"]
    assert "PingCAP" in answer["answer"]
    assert answer["refused"] is False
    assert answer["reason"] is None
    assert all(list(citation) == CITATION_KEYS for citation in answer["citations"])
    assert answer["citations"][0]["source"] == "overview.md"
    assert answer["citations"][0]["start_line"] == 82


def test_every_answer_has_a_trace_id_of_its_own(server: Server) -> None:
    answers = [server.post("/ask", question=QUESTION).json() for _ in range(2)]
    assert answers[0]["trace_id"] != answers[1]["trace_id"]


def test_a_streamed_answer_is_passages_then_deltas_that_join_to_the_answer(server: Server) -> None:
    events = streamed_answer(server, QUESTION)
    names = [event.name for event in events]
    assert names == ["passages", *["delta"] * (len(events) - 2), "answer"]
    assert names.count("delta") >= 1
    answer = events[-1].data
    assert list(answer) == ANSWER_KEYS
    assert "".join(event.data["text"] for event in events[1:-1]) == answer["answer"]
    passages = {passage["number"]: passage for passage in events[0].data["passages"]}
    for citation in answer["citations"]:
        assert citation["quote"] in passages[citation["number"]]["content"]


def test_a_streamed_answer_is_the_plain_answer(server: Server) -> None:
    plain = server.post("/ask", question=QUESTION).json()
    answer = streamed_answer(server, QUESTION)[-1].data
    assert {**answer, "trace_id": "", "cached": True} == {**plain, "trace_id": "", "cached": True}


def test_a_refusal_is_an_answer_with_status_200_plain_and_streamed(server: Server) -> None:
    question = "红烧肉怎么做才不腻？"
    response = server.post("/ask", question=question)
    assert response.status_code == 200
    answer = response.json()
    assert answer["refused"] is True
    assert answer["reason"] == "no_evidence"
    assert answer["citations"] == []
    events = streamed_answer(server, question)
    assert [event.name for event in events] == ["passages", "answer"]
    assert events[-1].data["refused"] is True


def test_a_filter_narrows_what_an_answer_may_rest_on(server: Server) -> None:
    response = server.post(
        "/ask", question="How often is the lighthouse lens polished?", filter={"field": "source", "prefix": "guides/"}
    )
    answer = response.json()
    assert "forty days" in answer["answer"]
    assert {citation["source"] for citation in answer["citations"]} == {"guides/upkeep.md"}


@pytest.mark.parametrize("top_k", [1, 5, 20])
def test_search_returns_no_more_than_top_k_hits_best_first(server: Server, top_k: int) -> None:
    response = server.post("/search", question=QUESTION, top_k=top_k)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["question", "generation", "hits", "generations"]
    assert body["question"] == QUESTION
    hits = body["hits"]
    assert len(hits) == top_k
    assert all(list(hit) == HIT_KEYS for hit in hits)
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert hits[0]["start_line"] == 82


def test_search_without_top_k_returns_as_many_as_configured(server: Server) -> None:
    assert len(server.post("/search", question=QUESTION).json()["hits"]) == 8


def test_many_questions_at_once_all_get_their_own_answer(server: Server) -> None:
    questions = ["Dify 的官网是什么？", QUESTION, "How often is the lighthouse lens polished?"] * 4
    answers: dict[int, httpx2.Response] = {}

    def ask(position: int) -> None:
        answers[position] = server.post("/search", question=questions[position], top_k=1)

    threads = [threading.Thread(target=ask, args=(position,)) for position in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = ["dify.ai", "Milvus", "forty days"] * 4
    for position, words in enumerate(expected):
        assert words in answers[position].json()["hits"][0]["content"]
