"""Which knowledge bases and which earlier answer a line of the audit log names."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit.api_keys import key_of
from tests.kit.keyed_app import KeyedApp, keyed_app
from tests.kit.mcp_requests import mcp_tool

FREE, BOUND = key_of("free"), key_of("bound")
KEYS = f"free:admin:{FREE},bound:ask@other:{BOUND}"
LEAVE = "How many days of leave are there?"
TEXTS = {
    "default": {"a.md": "# Harbour\n\nThe harbour pilot boards at buoy seven.\n"},
    "other": {"b.md": "# Leave\n\nThere are 15 days of leave.\n"},
}


@dataclass(frozen=True, slots=True)
class Audited:
    """An application and its audit log."""

    app: KeyedApp
    file: Path

    def line(self, key: str, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Return the line of a request, the last one."""
        self.app.send(key, method, path, body)
        line: dict[str, Any] = json.loads(self.file.read_text("utf-8").splitlines()[-1])
        return line


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    place = tmp_path_factory.mktemp("audited")
    file = place / "audit.jsonl"
    with keyed_app(place, TEXTS, KEYS, audit_file=str(file)) as app:
        yield Audited(app, file)


def chat(model: str) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": LEAVE}]}


@pytest.mark.parametrize(
    ("key", "method", "path", "body", "named"),
    [
        (FREE, "POST", "/ask", {"question": LEAVE}, ["default"]),
        (FREE, "POST", "/ask", {"question": LEAVE, "knowledge_base": ["other", "default"]}, ["default", "other"]),
        (FREE, "POST", "/search", {"question": LEAVE, "knowledge_base": "all"}, ["default", "other"]),
        (BOUND, "POST", "/ask", {"question": LEAVE, "knowledge_base": "all"}, ["other"]),
        (BOUND, "POST", "/ask", {"question": LEAVE, "knowledge_base": "default"}, ["default"]),
        (BOUND, "POST", "/ask", {"question": LEAVE, "knowledge_base": "what I ask"}, None),
        (FREE, "POST", "/v1/chat/completions", chat("zhiwen/other"), ["other"]),
        (BOUND, "POST", "/v1/chat/completions", chat("gpt-4o"), ["other"]),
        (FREE, "POST", "/retrieval", {"knowledge_id": "other", "query": LEAVE}, ["other"]),
        (FREE, "POST", "/retrieval", {"knowledge_id": "zhiwen", "query": LEAVE}, ["default"]),
        (FREE, "POST", "/mcp", mcp_tool("ask", question=LEAVE, knowledge_base="other"), ["other"]),
        (BOUND, "POST", "/mcp", mcp_tool("fetch", id="b.md"), ["other"]),
        (FREE, "GET", "/gaps?knowledge_base=other", None, ["other"]),
        (
            FREE,
            "POST",
            "/evaluation",
            {"knowledge_base": "other", "questions": [{"question": LEAVE, "source": "b.md"}]},
            ["other"],
        ),
        (FREE, "POST", "/ingest", {"knowledge_base": "other"}, ["other"]),
        (FREE, "POST", "/rollback", {"knowledge_base": "other"}, ["other"]),
        ("", "POST", "/hooks/git/other", {}, ["other"]),
        ("", "POST", "/hooks/git/nowhere", {}, None),
    ],
)
def test_a_line_names_the_knowledge_bases_that_the_request_was_about(
    audited: Audited, key: str, method: str, path: str, body: object, named: list[str] | None
) -> None:
    line = audited.line(key, method, path, body)
    assert line["route"].partition("{")[0] in f"{method} {path}"
    assert line.get("knowledge_bases") == named


def test_reading_and_rating_an_answer_names_it_even_if_that_is_refused(audited: Audited) -> None:
    asked = {"question": LEAVE, "knowledge_base": "all"}
    trace_id = audited.app.json(FREE, "POST", "/ask", asked)["trace_id"]
    rating = {"trace_id": trace_id, "rating": "up"}
    lines = [audited.line(key, "GET", f"/traces/{trace_id}") for key in (FREE, BOUND)]
    lines += [audited.line(FREE, "POST", "/feedback", rating)]
    assert [line["status"] for line in lines] == [200, 404, 201]
    for line in lines:
        assert (line["trace_id"], line["knowledge_bases"]) == (trace_id, ["default", "other"])
