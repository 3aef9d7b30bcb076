"""A server that lacks its Milvus, its folder or an index starts, says so, and is ready once it has them."""

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.kit.processes import Server, Workspace, assert_json_error, assert_one_line
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.milvus_process import MilvusProcess

QUESTION = "Where does the owl sit?"
OWL = "# Owl\n\nThe owl sits in the tower.\n"


def readiness(server: Server) -> dict[str, Any]:
    """The error code of each part; None if the part is ready."""
    response = server.client.get("/health/ready")
    body = response.json()
    assert response.status_code == (200 if body["ready"] else 503)
    return {part["part"]: part["code"] for part in body["parts"]}


def is_ready(server: Server) -> bool:
    return not any(readiness(server).values())


def ask(server: Server) -> httpx2.Response:
    return server.post("/ask", question=QUESTION)


def warnings_of(server: Server, beginning: str) -> list[str]:
    """The warnings in the log that begin with these words."""
    lines = [json.loads(line) for line in server.log.splitlines() if line.startswith("{")]
    return [line["event"] for line in lines if line["level"] == "warning" and line["event"].startswith(beginning)]


@pytest.mark.timeout(400)
# The package `milvus` does not close its log files.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_starts_without_its_milvus_and_is_ready_when_that_comes(
    tmp_path: "Path", milvus_server: "MilvusProcess"
) -> None:
    workspace = Workspace(tmp_path).given(
        ZHIWEN_STORE__URI=milvus_server.uri, ZHIWEN_STORE__COLLECTION="late", ZHIWEN_RETRIEVAL__MODE="dense"
    )
    workspace.write("owl.md", OWL)
    milvus_server.kill()
    try:
        with workspace.serving("--watch") as server:
            found = readiness(server)
            assert found["store"] in ("store_unavailable", "store_timeout")
            assert found["embedder"] is None
            assert server.client.get("/health/live").status_code == 200
            response = ask(server)
            assert milvus_server.uri in assert_json_error(response, 503, "store_unavailable")
            assert int(response.headers["Retry-After"]) > 0
            eventually(lambda: warnings_of(server, "waiting for the store"))
            milvus_server.start()
            eventually(lambda: is_ready(server), within_seconds=60, message="it is ready by itself")
            assert "tower" in ask(server).json()["answer"]
            assert len(warnings_of(server, "waiting for the store")) == 1, "once, not every second"
            assert '"the store answers"' in server.log
            assert server.ingest_state()["error"] is None
    finally:
        if not milvus_server.is_running:
            milvus_server.start()


def test_a_watching_server_over_an_empty_folder_takes_in_the_first_document(tmp_path: "Path") -> None:
    workspace = Workspace(tmp_path)
    workspace.knowledge.mkdir()
    with workspace.serving("--watch") as server:
        state = server.wait_for_ingest(lambda state: state["error"])
        assert state["error"]["code"] == "knowledge_error"
        assert readiness(server) == {"store": None, "embedder": None, "generation": "store_empty"}
        response = ask(server)
        assert_json_error(response, 503, "store_empty")
        assert int(response.headers["Retry-After"]) > 0
        workspace.write("owl.md", OWL)
        eventually(lambda: is_ready(server))
        assert "tower" in ask(server).json()["answer"]


def test_a_server_whose_folder_is_missing_answers_from_its_index_and_says_what_it_lacks(workspace: Workspace) -> None:
    """A replica has no folder: only the process that ingests needs one."""
    workspace.knowledge.rename(workspace.folder / "away")
    with workspace.serving() as server:
        assert is_ready(server)
        assert server.post("/search", question="Milvus").json()["hits"]
        assert server.client.get("/status").json()["pending"] is None
        eventually(lambda: warnings_of(server, f"{workspace.knowledge} does not exist"))
        assert server.ingest()["error"]["code"] == "knowledge_error"


def test_a_watching_server_waits_for_a_missing_folder(tmp_path: "Path") -> None:
    workspace = Workspace(tmp_path)
    with workspace.serving("--watch") as server:
        assert server.wait_for_ingest(lambda state: state["error"])["error"]["code"] == "knowledge_error"
        assert readiness(server)["generation"] == "store_empty"
        workspace.write("owl.md", OWL)
        eventually(lambda: is_ready(server))
        assert "tower" in ask(server).json()["answer"]


@pytest.mark.parametrize(
    ("uri", "named"), [("notes.db", "notes.db cannot be opened"), ("ftp://milvus:1", "ftp://milvus:1 is illegal")]
)
def test_what_stays_wrong_ends_a_server_with_one_line(tmp_path: "Path", uri: str, named: str) -> None:
    (tmp_path / "notes.db").write_text("my notes, not a database\n" * 100)
    outcome = Workspace(tmp_path).given(ZHIWEN_STORE__URI=uri).run("serve", "--port", "0")
    assert outcome.out == ""
    assert_one_line(outcome, 1, named)
