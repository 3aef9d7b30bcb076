"""The audit log: who did what, without texts, in a file that is only added to."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from api.guard.route_rules import RULES
from api.service.audit import ACTIONS, AuditLog
from rag.errors import ConfigError
from rag.serve_settings import ServeSettings
from tests.kit.api_keys import key_of
from tests.kit.processes import Server, Workspace, assert_one_line
from tests.kit.traces import trace

QUESTION = "How often should the lens be polished?"
KEYS = {"reader": "ask", "boss": "admin"}
SILENT = {"POST /ingest/preview": "shows what an ingest would do"}


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def audited(ingested: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = ingested.copy_to(tmp_path_factory.mktemp("audited"))
    given = ",".join(f"{name}:{scope}:{key_of(name)}" for name, scope in KEYS.items())
    with workspace.given(ZHIWEN_SERVE__KEYS=given, ZHIWEN_SERVE__AUDIT_FILE="log/audit.jsonl").serving() as running:
        yield running


def call(server: Server, name: str, method: str, path: str, **body: object) -> Any:
    headers = {"Authorization": f"Bearer {key_of(name)}"}
    return server.client.request(method, path, json=body or None, headers=headers)


def test_every_route_that_does_something_is_noted_and_every_route_noted_exists() -> None:
    routes = {f"{rule.method} {rule.path}" for rule in RULES}
    assert ACTIONS.keys() <= routes
    assert {route for route in routes if route.startswith("POST")} - ACTIONS.keys() == SILENT.keys()


def test_who_asked_ingested_and_rolled_back_is_noted_without_texts(audited: Server) -> None:
    file = audited.workspace.folder / "log" / "audit.jsonl"
    answer = call(audited, "reader", "POST", "/ask", question=QUESTION).json()
    chat = {"model": "zhiwen", "messages": [{"role": "user", "content": QUESTION}]}
    completion = call(audited, "reader", "POST", "/v1/chat/completions", **chat).json()
    call(audited, "boss", "POST", "/ingest")
    audited.client.headers["Authorization"] = f"Bearer {key_of('boss')}"
    audited.wait_for_ingest()
    del audited.client.headers["Authorization"]
    call(audited, "boss", "POST", "/rollback")
    call(audited, "reader", "POST", "/rollback")
    audited.client.post("/rollback")
    call(audited, "reader", "GET", "/health")
    noted = lines(file)
    assert [(line["action"], line["key"], line["route"], line["status"]) for line in noted] == [
        ("asked", "reader", "POST /ask", 200),
        ("asked", "reader", "POST /v1/chat/completions", 200),
        ("ingested", "boss", "POST /ingest", 202),
        ("rolled back", "boss", "POST /rollback", 409),
        ("rolled back", "reader", "POST /rollback", 403),
        ("rolled back", "", "POST /rollback", 401),
    ]
    assert [line.get("trace_id") for line in noted[:3]] == [answer["trace_id"], completion["trace_id"], None]
    assert "lens" not in file.read_text("utf-8")
    assert file.stat().st_mode & 0o777 == 0o600
    assert all(line["at"].endswith("+00:00") for line in noted)


def test_commands_write_to_the_same_file_without_a_server(workspace: Workspace) -> None:
    workspace = workspace.given(ZHIWEN_SERVE__AUDIT_FILE="audit.jsonl", ZHIWEN_SERVE__AUDIT_TEXT="true")
    assert workspace.run("keys", "new", "alice", "--scope", "ingest", "--file", "keys.txt").status == 0
    answer = workspace.run("ask", "--json", QUESTION).json
    assert workspace.run("rollback").status == 1
    made, asked, rolled_back = lines(workspace.folder / "audit.jsonl")
    assert (made["action"], made["name"], made["route"]) == ("made key", "alice:ingest", "command line")
    assert (asked["action"], asked["trace_id"], asked["question"]) == ("asked", answer["trace_id"], QUESTION)
    assert rolled_back["action"] == "rolled back"
    assert "zw_" not in (workspace.folder / "audit.jsonl").read_text("utf-8")


def test_a_file_that_cannot_be_written_is_named_before_anything_is_done(workspace: Workspace) -> None:
    outcome = workspace.given(ZHIWEN_SERVE__AUDIT_FILE=str(workspace.knowledge)).run("ask", QUESTION)
    assert_one_line(outcome, 2, "serve.audit_file", str(workspace.knowledge))


def test_lines_of_many_threads_stay_whole_and_a_file_moved_away_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    audit = AuditLog(ServeSettings(audit_file=str(file)))
    file.chmod(0o644)
    with ThreadPoolExecutor(8) as threads:
        list(
            threads.map(lambda number: audit.note("asked", "POST /ask", key=f"k{number}", trace=trace("t")), range(200))
        )
    assert {line["key"] for line in lines(file)} == {f"k{number}" for number in range(200)}
    assert file.stat().st_mode & 0o777 == 0o600
    file.rename(tmp_path / "old")
    audit.note("asked", "POST /ask")
    assert len(lines(file)) == 1


def test_a_link_is_not_followed_and_a_lasting_failure_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, other = tmp_path / "audit.jsonl", tmp_path / "other"
    audit = AuditLog(ServeSettings(audit_file=str(file)))
    file.unlink()
    file.symlink_to(other)
    with caplog.at_level(logging.WARNING, "zhiwen.audit"):
        audit.note("asked", "POST /ask")
        audit.note("asked", "POST /ask")
    assert len(caplog.records) == 1
    assert not other.exists()
    with pytest.raises(ConfigError, match=r"serve\.audit_file"):
        AuditLog(ServeSettings(audit_file=str(file)))
