"""Two servers that share a PostgreSQL: traces and feedback are the same at both, and answers do not need it."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.postgres_process import PASSWORD
from tests.kit.processes import FirstAsk, Server, Workspace, assert_json_error, assert_one_line
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.kit.postgres_process import PostgresProcess

QUESTION = "向量数据库有哪些知名组件？"


@dataclass(frozen=True, slots=True)
class Replicas:
    """The servers, each with an index of its own of the same documents, and a folder with neither."""

    postgres: "PostgresProcess"
    url: str
    one: Server
    other: Server
    elsewhere: Workspace

    def ask(self, server: Server, question: str = QUESTION) -> dict[str, Any]:
        response = server.post("/ask", question=question)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def has_trace(self, server: Server, answer: dict[str, Any]) -> bool:
        return bool(server.client.get(f"/traces/{answer['trace_id']}").status_code == 200)


@pytest.fixture(scope="module")
def replicas(
    first_ask: FirstAsk, postgres: "PostgresProcess", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    url = postgres.new_database()
    one, other = (
        first_ask.workspace.copy_to(tmp_path_factory.mktemp("replica")).given(ZHIWEN_STATE__URL=url) for _ in range(2)
    )
    elsewhere = Workspace(tmp_path_factory.mktemp("elsewhere")).given(ZHIWEN_STATE__URL=url)
    with one.serving() as first, other.serving() as second:
        yield Replicas(postgres, url, first, second, elsewhere)


def test_each_shows_the_trace_and_the_feedback_of_the_other(replicas: Replicas) -> None:
    answer = replicas.ask(replicas.one)
    eventually(lambda: replicas.has_trace(replicas.other, answer))
    trace = replicas.other.client.get(f"/traces/{answer['trace_id']}").json()
    assert trace == replicas.one.client.get(f"/traces/{answer['trace_id']}").json()
    given = {"trace_id": answer["trace_id"], "question": QUESTION, "answer": answer["answer"]}
    rating = replicas.other.post("/feedback", rating="up", **given).json()

    for workspace in (replicas.one.workspace, replicas.other.workspace, replicas.elsewhere):
        assert workspace.run("explain", answer["trace_id"], "--json").json == trace
        assert workspace.run("feedback", "--json").json == {"feedback": [rating]}


def test_while_postgresql_is_down_answers_go_on_and_their_traces_are_there_when_it_is_back(replicas: Replicas) -> None:
    before = replicas.ask(replicas.one)
    eventually(lambda: replicas.has_trace(replicas.other, before))
    replicas.postgres.stop()
    try:
        meanwhile = replicas.ask(replicas.one)
        assert replicas.ask(replicas.other)["answer"] == before["answer"]
        message = assert_json_error(
            replicas.other.client.get(f"/traces/{before['trace_id']}"), 503, "state_unavailable"
        )
        assert "state.url" in message
        rating = {"trace_id": before["trace_id"], "rating": "up"}
        assert_json_error(replicas.other.post("/feedback", **rating), 503, "feedback_error")
        assert_one_line(replicas.elsewhere.run("explain", before["trace_id"]), 1, "state.url", "refused")
        assert_one_line(replicas.elsewhere.run("feedback"), 1, "state.url", "refused")
        health = replicas.one.client.get("/health")
        assert (health.status_code, health.json()["status"], health.json()["state"]) == (200, "ok", "unavailable")
        assert replicas.one.client.get("/health/ready").status_code == 200
        eventually(lambda: "are not kept" in replicas.one.log)
    finally:
        replicas.postgres.start()
    eventually(lambda: replicas.has_trace(replicas.other, meanwhile))
    eventually(lambda: replicas.other.post("/feedback", **rating).status_code == 201)
    assert replicas.one.log.count("traces are not kept, answers go on") == 1
    assert replicas.one.log.count("traces are kept again; 0 were lost") == 1
    assert PASSWORD not in replicas.one.log + replicas.other.log
    assert replicas.one.client.get("/health").json()["state"] == "ok"


def test_an_answer_does_not_wait_for_a_postgresql_that_hangs(replicas: Replicas) -> None:
    replicas.postgres.pause()
    try:
        answers = [replicas.ask(replicas.one, question) for question in (QUESTION, "Dify 是什么？", "Milvus 是什么？")]
    finally:
        replicas.postgres.resume()
    for answer in answers:
        eventually(lambda: replicas.has_trace(replicas.other, answer))  # noqa: B023  (awaited here)


def test_a_server_starts_without_its_postgresql_and_stops_with_what_it_could_not_keep(
    replicas: Replicas, first_ask: FirstAsk, tmp_path: Path
) -> None:
    dead = replicas.url.replace("127.0.0.1", "127.0.0.9")  # nobody listens there
    with first_ask.workspace.copy_to(tmp_path).given(ZHIWEN_STATE__URL=dead).serving() as server:
        assert replicas.ask(server)["citations"]
        server.signal(signal.SIGTERM)
        server.process.wait(60)
    assert "1 traces could not be kept" in server.log
    assert PASSWORD not in server.log


def test_status_shows_the_database_without_its_password(replicas: Replicas) -> None:
    shown = replicas.one.client.get("/status").json()["state"]
    assert shown == replicas.url.replace(PASSWORD, "***")
    outcome = replicas.one.workspace.run("status")
    assert shown in outcome.out
    assert PASSWORD not in outcome.out
