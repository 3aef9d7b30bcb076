"""Servers that start, that are stopped in the middle of their work, and that lose their store."""

import signal

from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server, Workspace, assert_json_error
from tests.kit.server_events import streamed
from tests.kit.waiting import eventually

QUESTION = "向量数据库有哪些知名组件？"


def test_a_server_on_an_empty_store_says_that_it_is_empty_and_loads_no_torch(empty_workspace: Workspace) -> None:
    with empty_workspace.given(PYTHONPROFILEIMPORTTIME="1").serving() as server:
        health = server.client.get("/health")
        assert health.status_code == 200
        assert health.json()["status"] == "empty"
        assert health.json()["generation"] == 0
        for path in ("/ask", "/search"):
            message = assert_json_error(server.post(path, question=QUESTION), 503, "store_empty")
            assert "zhiwen ingest" in message
        imported = {line.rpartition("|")[2].strip() for line in server.log.splitlines()}
        assert "uvicorn" in imported
        assert not {"torch", "sentence_transformers", "transformers"} & imported


def test_sigterm_ends_a_server_with_an_answer_still_streaming(
    workspace: Workspace, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("Milvus [1] is", " one", hangs=True))
    chatting = workspace.given(
        ZHIWEN_CHAT__BASE_URL=chat_endpoint.base_url,
        ZHIWEN_CHAT__MODEL="slow",
        # The answer must not end by itself before the server does.
        ZHIWEN_CHAT__IDLE_TIMEOUT_SECONDS="600",
        ZHIWEN_CHAT__TOTAL_TIMEOUT_SECONDS="600",
    )
    server = Server.start(chatting)
    try:
        with server.client.stream("POST", "/ask", json={"question": QUESTION, "stream": True}) as response:
            events = streamed(response)
            assert next(events).name == "passages"
            assert next(events).name == "delta"
            assert server.stop() == 0
    finally:
        server.kill()
    assert not server.remains
    assert workspace.run("status", "--json").json["generation"] == 1


def test_sigterm_ends_a_server_in_the_middle_of_an_ingest_and_the_index_is_whole(workspace: Workspace) -> None:
    for number in range(80):
        lines = "\n".join(f"Lamp {number}-{line} burns {line + 3} hours on one litre of oil." for line in range(12))
        workspace.write(f"lamps/{number:03}.md", f"# Lamps {number}\n\n{lines}\n")
    server = Server.start(workspace)
    try:
        assert server.client.post("/ingest").status_code == 202
        eventually(lambda: (server.ingest_state()["progress"] or {}).get("embedded"), message="it has begun to embed")
        assert server.stop() == 0
    finally:
        server.kill()
    status = workspace.run("status", "--json").json
    assert status["generation"] in (1, 2)
    assert status["documents"] == (1 if status["generation"] == 1 else 81)


def test_ctrl_c_ends_a_server_without_a_traceback(workspace: Workspace) -> None:
    server = Server.start(workspace)
    try:
        server.signal(signal.SIGINT)
        assert server.process.wait(timeout=60) in (0, 130)
    finally:
        server.kill()
    assert "Traceback" not in server.log
    assert not server.remains


def test_a_store_that_died_is_an_error_and_never_an_empty_result(workspace: Workspace) -> None:
    server = Server.start(workspace)
    try:
        assert server.post("/search", question=QUESTION).json()["hits"]
        server.kill_store()
        for response in (
            server.client.get("/health"),
            server.post("/search", question=QUESTION),
            server.post("/ask", question=QUESTION),
            server.post("/ask", question=QUESTION, stream=True),
        ):
            assert_json_error(response, 503, "store_unavailable")
    finally:
        server.kill()
