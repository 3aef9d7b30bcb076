"""What the widget's route answers."""

import json

from tests.kit.processes import Server, assert_json_error
from tests.kit.server_events import ServerEvent, streamed

QUESTION = "向量数据库有哪些知名组件？"


def asked(server: Server, **body: object) -> list[ServerEvent]:
    with server.client.stream("POST", "/widget/ask", json=body) as response:
        assert response.status_code == 200, response.read()
        return list(streamed(response))


def test_an_answer_has_its_sources_and_nothing_that_only_its_operator_needs(server: Server) -> None:
    *pieces, last = asked(server, question=QUESTION)
    assert {piece.name for piece in pieces} == {"blocks"}
    assert last.name == "answer"
    assert sorted(last.data) == ["blocks", "nearest", "refused", "sources", "text"]
    [source] = last.data["sources"]
    assert source["number"] == 1
    assert source["title"] == "概述 › AI 工程架构"
    assert source["url"].startswith("/docs/overview.md?lines=82-82")
    assert "Milvus" in last.data["text"]
    assert '"data-cite": "1"' in json.dumps(last.data["blocks"])


def test_a_refusal_names_the_nearest_sections_and_a_follow_up_its_conversation(server: Server) -> None:
    last = asked(server, question="红烧肉怎么做才不腻？")[-1]
    assert last.data["refused"]
    assert last.data["sources"] == []
    assert all(near["url"].startswith("/docs/") for near in last.data["nearest"])
    history = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": "Milvus [1]。"}]
    assert not asked(server, question="它们的供应商呢？", history=history)[-1].data["refused"]


def test_an_error_has_a_code_and_no_message(server: Server) -> None:
    assert asked(server, question=" ") == [ServerEvent("error", {"code": "question_error"})]
    assert asked(server, question="x" * 5000) == [ServerEvent("error", {"code": "question_too_long"})]
    refused = server.client.post("/widget/ask", json={"question": QUESTION, "filter": {}})
    assert_json_error(refused, 422, "invalid_request")
