"""Probes, metrics and log of one server, from its empty store until the store dies."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.monitoring.metrics import Metrics
from tests.kit.mcp_requests import MCP_HEADERS, mcp_tool
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.process_table import pause, resume
from tests.kit.processes import FirstAsk, Server, Workspace
from tests.kit.server_events import streamed_answer
from tests.kit.waiting import eventually

QUESTION = "向量数据库有哪些知名组件？"
REFUSED = "红烧肉怎么做才不腻？"
SECRET_WORDS = ("向量", "红烧肉", "Milvus", "PingCAP", "no-such-path")


@pytest.fixture(scope="module")
def running(
    first_ask: FirstAsk, chat_endpoint: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server over an empty store. Each test continues where the one before it stopped."""
    workspace = Workspace.with_shipped_knowledge(tmp_path_factory.mktemp("running"))
    chat = {"ZHIWEN_CHAT__BASE_URL": chat_endpoint.base_url, "ZHIWEN_CHAT__MODEL": "scripted"}
    chat_endpoint.play(completion("Milvus [1]. PingCAP was founded in 1987 [1]."))
    server = Server.start(workspace.given(**chat, ZHIWEN_STORE__TIMEOUT_SECONDS="600"))
    try:
        yield server
    finally:
        server.kill()


def readiness(server: Server) -> dict[str, Any]:
    """The error code of each part; None if the part is ready."""
    response = server.client.get("/health/ready")
    body = response.json()
    assert response.status_code == (200 if body["ready"] else 503)
    assert body["ready"] == all(part["ok"] for part in body["parts"])
    assert all(list(part) == ["part", "ok", "code"] for part in body["parts"])
    return {part["part"]: part["code"] for part in body["parts"]}


def metrics(server: Server) -> dict[str, float]:
    response = server.client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain")
    lines = [line for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def requests(server: Server) -> list[dict[str, Any]]:
    """The log lines of requests."""
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "request"]


READY = {"store": None, "embedder": None, "generation": None}


def test_an_empty_server_is_live_but_not_ready_until_there_is_a_generation(running: Server) -> None:
    assert running.client.get("/health/live").json() == {"live": True}
    assert readiness(running) == {**READY, "generation": "store_empty"}
    assert metrics(running)["zhiwen_generation"] == 0
    assert running.ingest()["error"] is None
    assert readiness(running) == READY


def test_ingests_are_counted_and_the_live_generation_is_shown(running: Server) -> None:
    found, health = metrics(running), running.client.get("/health").json()
    assert found['zhiwen_ingests_total{outcome="complete"}'] == 1
    assert found["zhiwen_ingest_seconds_count"] == 1
    assert found["zhiwen_ingest_embedded_chunks_total"] == health["chunks"]
    assert found["zhiwen_chunks"] == health["chunks"]
    assert found["zhiwen_documents"] == health["documents"]
    assert found["zhiwen_generation"] == 1
    assert found["zhiwen_store_up"] == 1
    running.workspace.write("broken.md", b"caf\xe9\n")
    running.ingest()
    away = running.workspace.knowledge.rename(running.workspace.folder / "away")
    running.ingest()
    away.rename(running.workspace.knowledge)
    found = metrics(running)
    assert found['zhiwen_ingests_total{outcome="incomplete"}'] == 1
    assert found['zhiwen_ingests_total{outcome="failed"}'] == 1
    assert found["zhiwen_ingest_unread_documents_total"] == 1


def test_answers_refusals_and_calls_of_the_model_are_counted_and_every_stage_is_timed(running: Server) -> None:
    before = metrics(running)
    assert running.post("/ask", question=QUESTION).json()["unverified"]
    assert streamed_answer(running, QUESTION)[-1].data["cached"] is True
    assert running.post("/ask", question=REFUSED).json()["reason"] == "no_evidence"
    found = metrics(running)
    grown = {name: value - before.get(name, 0) for name, value in found.items() if value != before.get(name, 0)}
    assert grown['zhiwen_answers_total{cached="false"}'] == 2
    assert grown['zhiwen_answers_total{cached="true"}'] == 1
    assert grown['zhiwen_refusals_total{reason="no_evidence"}'] == 1
    assert grown["zhiwen_unverified_sentences_total"] == 2
    assert grown['zhiwen_chat_attempts_total{model="custom/scripted",outcome="answered"}'] == 1
    assert grown['zhiwen_chat_first_token_seconds_count{model="custom/scripted"}'] == 1
    for stage in ("embed", "dense", "lexical", "read", "fuse", "evidence", "search", "first_text", "verify", "total"):
        assert grown[f'zhiwen_stage_seconds_count{{stage="{stage}"}}'] >= 1, stage
    assert grown['zhiwen_http_requests_total{method="POST",route="/ask",status="200"}'] == 3


RETRIEVAL = {"knowledge_id": "default", "query": QUESTION, "retrieval_setting": {"top_k": 3, "score_threshold": 0.0}}
SEARCHES: dict[str, dict[str, Any]] = {
    "/search": {"question": QUESTION},
    "/retrieval": RETRIEVAL,
    "/mcp": mcp_tool("search", query=QUESTION),
}


@pytest.mark.parametrize("path", SEARCHES)
def test_a_search_is_timed_in_each_protocol_and_does_not_count_as_an_answer(running: Server, path: str) -> None:
    before = metrics(running)
    response = running.client.post(path, json=SEARCHES[path], headers=MCP_HEADERS)
    assert response.status_code == 200, response.text
    assert "Milvus" in response.text or "overview.md" in response.text
    found = metrics(running)
    grown = {name: value - before.get(name, 0) for name, value in found.items() if value != before.get(name, 0)}
    counted = {name: value for name, value in grown.items() if name.startswith("zhiwen_stage_seconds_count")}
    stages = ("embed", "dense", "lexical", "read", "fuse", "search")
    assert counted == {f'zhiwen_stage_seconds_count{{stage="{stage}"}}': 1 for stage in stages}
    assert not any(name.startswith(("zhiwen_answers", "zhiwen_refusals")) for name in grown)
    sums = {stage: grown[f'zhiwen_stage_seconds_sum{{stage="{stage}"}}'] for stage in stages}
    assert 0 < sums["lexical"] <= sums["search"]
    in_turn = sum(sums[stage] for stage in ("embed", "dense", "read", "fuse"))
    assert 0 < in_turn <= sums["search"]


def test_labels_come_from_closed_sets(running: Server) -> None:
    for path in ("/no-such-path/1", "/traces/no-such-path", "/%F0%9F%92%A9"):
        running.client.get(path)
    running.client.request("PROPFIND", "/ask")
    text = running.client.get("/metrics").text
    labels = set(re.findall(r'(?:route|method)="([^"]*)"', text))
    assert {"other", "OTHER", "/traces/{trace_id}"} < labels
    assert not any("no-such-path" in label for label in labels)
    assert "PROPFIND" not in labels


def test_every_metric_has_its_help_and_the_prefix_of_the_service() -> None:
    for family in Metrics().registry.collect():
        assert family.documentation
        assert family.name.startswith(("zhiwen_", "process_"))


def test_each_request_has_one_line_in_the_log_without_what_was_asked(running: Server) -> None:
    before = len(requests(running))
    answer = running.post("/ask", question=QUESTION).json()
    running.client.get("/no-such-path?question=红烧肉")
    running.post("/search", question="")
    eventually(lambda: len(requests(running)) == before + 3)
    asked, lost, empty = requests(running)[before:]
    assert {"method": "POST", "route": "/ask", "status": 200, "trace_id": answer["trace_id"]}.items() <= asked.items()
    assert asked["ms"] > 0
    assert asked["level"] == "info"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", asked["timestamp"])
    assert {"method": "GET", "route": "other", "status": 404}.items() <= lost.items()
    assert {"route": "/search", "status": 422}.items() <= empty.items()
    assert not any(word in running.log for word in SECRET_WORDS)


def test_a_store_that_hangs_or_dies_makes_the_server_unready_but_not_dead(running: Server) -> None:
    for pid in running.children:
        pause(pid)
    # The probe does not wait for the store's own deadline of ten minutes.
    assert readiness(running) == {**READY, "store": "store_timeout", "generation": "store_timeout"}
    assert running.client.get("/health/live").status_code == 200
    for pid in running.children:
        resume(pid)
    eventually(lambda: readiness(running) == READY)
    running.kill_store()
    assert readiness(running) == {**READY, "store": "store_unavailable", "generation": "store_unavailable"}
    found = metrics(running)
    assert found["zhiwen_store_up"] == 0
    assert "zhiwen_generation" not in found


def test_text_is_in_the_log_if_that_is_switched_on(workspace: Workspace) -> None:
    with workspace.given(ZHIWEN_SERVE__LOG_TEXT="true").serving() as server:
        server.post("/ask", question=QUESTION)
    [line] = requests(server)
    assert line["question"] == QUESTION
    assert "Milvus" in line["answer"]
