"""Ingests over HTTP, and the responses to readers meanwhile."""

import re
import threading
from collections.abc import Iterator

import httpx2
import pytest

from tests.kit.processes import FirstAsk, Server, Workspace, assert_json_error
from tests.kit.public_json import INGEST_KEYS


@pytest.fixture(scope="module")
def ingesting(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Workspace]]:
    """A server whose folder the tests may change."""
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("ingesting"))
    with workspace.serving() as running:
        yield running, workspace


def test_a_second_ingest_is_refused_while_one_runs_and_searches_go_on(ingesting: tuple[Server, Workspace]) -> None:
    server, workspace = ingesting
    idle = server.client.get("/ingest").json()
    assert (idle["running"], idle["progress"], idle["last"], idle["error"]) == (False, None, None, None)
    for number in range(40):
        workspace.write(f"many/{number:02}.md", f"# Beacon {number}\n\nBeacon {number} blinks every {number + 7} s.\n")
    workspace.write("many/broken.md", b"caf\xe9\n")

    started = server.client.post("/ingest")
    assert started.status_code == 202
    assert started.json()["running"] is True
    assert_json_error(server.client.post("/ingest"), 409, "store_locked")

    progress: list[dict[str, int]] = []
    state = server.client.get("/ingest").json()
    while state["running"]:
        if state["progress"]:
            progress.append(state["progress"])
        found = server.post("/search", question="How often does beacon 12 blink?", top_k=3)
        assert found.status_code == 200, found.text
        assert found.json()["hits"]
        if found.json()["generation"] == 1:
            assert {hit["source"] for hit in found.json()["hits"]} == {"overview.md"}
        state = server.client.get("/ingest").json()

    assert progress, "the ingest was over before it could be watched"
    assert all(step["documents_total"] == 41 for step in progress)
    assert [step["chunks"] for step in progress] == sorted(step["chunks"] for step in progress)
    assert any(step["chunks_per_second"] > 0 and step["seconds_left"] is not None for step in progress)
    assert state["error"] is None
    report = state["last"]
    assert list(report) == INGEST_KEYS
    assert report["generation"] == 2
    assert report["documents"] == {"added": 40, "changed": 0, "removed": 0, "unchanged": 1, "failed": 1}
    assert report["chunks"]["added"] == report["embedded"] == 40
    [failure] = report["failures"]
    assert failure["source"] == "many/broken.md"
    assert "UTF-8" in failure["error"]
    hits = server.post("/search", question="How often does beacon 12 blink?").json()["hits"]
    assert hits[0]["source"] == "many/12.md"


def test_an_edited_document_is_served_in_its_new_version_at_once(ingesting: tuple[Server, Workspace]) -> None:
    server, workspace = ingesting
    workspace.write("buoy.md", "# Buoy\n\nThe old buoy of Andøya is painted crimson.\n")
    server.ingest()
    question = "What colour is the old buoy of Andøya painted?"
    assert "crimson" in server.post("/ask", question=question).json()["answer"]
    workspace.write("buoy.md", "# Buoy\n\nThe old buoy of Andøya is painted turquoise.\n")
    state = server.ingest()
    assert state["last"]["documents"]["changed"] == 1
    assert state["last"]["embedded"] == 1
    answer = server.post("/ask", question=question).json()
    assert answer["generation"] == state["last"]["generation"]
    assert "turquoise" in answer["answer"]
    assert "crimson" not in str(server.post("/search", question=question, top_k=50).json())


def test_readers_during_re_ingests_always_see_exactly_one_whole_generation(
    ingesting: tuple[Server, Workspace],
) -> None:
    server, workspace = ingesting

    def write(version: int) -> None:
        sections = [f"## Bell {number}\n\nBell {number} rings {version} times at noon." for number in range(12)]
        workspace.write("bells.md", "# Bells\n\n" + "\n\n".join(sections) + "\n")

    write(100)
    versions = {server.ingest()["last"]["generation"]: 100}
    request = {"question": "How often?", "top_k": 50, "filter": {"field": "source", "equals": "bells.md"}}
    whole = len(server.post("/search", **request).json()["hits"])
    assert whole >= 12
    stop = threading.Event()
    answers: list[httpx2.Response] = []

    def read() -> None:
        with httpx2.Client(base_url=server.url, timeout=30, trust_env=False) as client:
            while not stop.is_set():
                answers.append(client.post("/search", json=request))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for version in range(101, 107):
            write(version)
            state = server.ingest()
            assert state["error"] is None, state
            versions[state["last"]["generation"]] = version
    finally:
        stop.set()
        for reader in readers:
            reader.join()

    failed = [answer.text for answer in answers if answer.status_code != 200]
    assert not failed, f"{len(failed)} of {len(answers)} searches failed: {failed[0]}"
    seen = [(answer.json()["generation"], answer.json()["hits"]) for answer in answers]
    partial = [(generation, len(hits)) for generation, hits in seen if len(hits) != whole]
    assert not partial, f"{len(partial)} of {len(answers)} searches saw part of a document: {partial[:5]}"
    for generation, hits in seen:
        told = {number for hit in hits for number in re.findall(r"rings (\d+) times", hit["content"])}
        assert told == {str(versions[generation])}
    assert len({generation for generation, _ in seen}) > 3


def test_an_ingest_that_fails_says_why_and_changes_nothing(ingesting: tuple[Server, Workspace]) -> None:
    server, workspace = ingesting
    before = server.client.get("/health").json()
    last = server.client.get("/ingest").json()["last"]
    away = workspace.knowledge.rename(workspace.folder / "away")
    try:
        state = server.ingest()
    finally:
        away.rename(workspace.knowledge)
    assert state["error"]["code"] == "knowledge_error"
    assert "does not exist" in state["error"]["message"]
    assert state["last"] == last
    assert server.client.get("/health").json() == before


def test_most_documents_are_only_removed_when_that_is_asked_for(ingesting: tuple[Server, Workspace]) -> None:
    server, workspace = ingesting
    server.ingest()
    before = server.client.get("/health").json()
    for path in workspace.knowledge.glob("many/*"):
        path.unlink()
    workspace.write("later.md", "# Later\n\nThe foghorn came later.\n")
    state = server.ingest()
    assert state["error"] is None
    assert state["last"]["deletions_held_back"] == 40
    assert "--allow-mass-deletion" in state["last"]["message"]
    assert server.client.get("/health").json()["documents"] == before["documents"] + 1
    response = server.post("/ingest", allow_mass_deletion=True)
    assert response.status_code == 202
    state = server.wait_for_ingest()
    assert state["error"] is None
    assert server.client.get("/health").json()["documents"] == len(list(workspace.knowledge.glob("**/*.md")))
    sources = {hit["source"] for hit in server.post("/search", question="beacon 12", top_k=50).json()["hits"]}
    assert not any(source.startswith("many/") for source in sources)
