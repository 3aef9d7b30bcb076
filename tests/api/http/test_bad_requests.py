"""Requests that must fail: one JSON error each, and the index as it was."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.processes import Server, assert_json_error

MEGABYTE = "长" * 350_000


@pytest.fixture(autouse=True)
def the_server_is_unharmed(request: pytest.FixtureRequest) -> Iterator[None]:
    """No request of this module changes the index of the server."""
    if "server" not in request.fixturenames:
        yield
        return
    running: Server = request.getfixturevalue("server")
    before = running.client.get("/health").json()
    yield
    after = running.client.get("/health")
    assert after.status_code == 200
    assert after.json() == before


@pytest.mark.parametrize("path", ["/ask", "/search"])
@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ("", 422, "question_error"),
        (" \t\n\u3000", 422, "question_error"),
        ("what \0 is this", 422, "question_error"),
        ("what \x1b[2J is this", 422, "question_error"),
        ("x" * 4001, 413, "question_too_long"),
        (MEGABYTE, 413, "body_too_large"),
    ],
    ids=["empty", "white space", "NUL", "escape", "too long", "1 MB"],
)
def test_an_invalid_question_is_the_callers_error(
    server: Server, path: str, question: str, status: int, code: str
) -> None:
    message = assert_json_error(server.post(path, question=question), status, code)
    assert len(message) < 300


def test_an_invalid_question_for_a_stream_is_an_ordinary_error(server: Server) -> None:
    assert_json_error(server.post("/ask", question="", stream=True), 422, "question_error")


def sent(server: Server, content: bytes, *, path: str = "/search", content_type: str = "application/json") -> Any:
    return server.client.post(path, content=content, headers={"content-type": content_type})


@pytest.mark.parametrize("path", ["/ask", "/search", "/ingest"])
@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b'"question"', b"question", b"\xff\xfe", b'{"question": "caf\xe9"}', b"[" * 100_000],
    ids=["cut off", "list", "text", "word", "not UTF-8", "not UTF-8 inside", "nested"],
)
def test_a_body_that_is_not_the_agreed_json_is_the_callers_error(server: Server, path: str, content: bytes) -> None:
    response = sent(server, content, path=path)
    assert 400 <= response.status_code < 500, response.text
    assert_json_error(response, response.status_code, response.json()["error"]["code"])


def test_an_empty_body_is_the_callers_error(server: Server) -> None:
    assert_json_error(sent(server, b""), 422, "invalid_request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "text/html; charset=gbk"])
@pytest.mark.parametrize("path", ["/ask", "/search", "/ingest", "/feedback"])
def test_a_body_of_another_type_is_the_callers_error(server: Server, content_type: str, path: str) -> None:
    response = sent(server, b'{"question": "what"}', path=path, content_type=content_type)
    message = assert_json_error(response, 422, "invalid_request")
    assert content_type in message
    assert "Content-Type: application/json" in message


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/retrieval"])
def test_other_protocols_name_the_type_too(server: Server, path: str) -> None:
    response = sent(server, b"{}", path=path, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 400
    assert "Content-Type: application/json" in response.text


@pytest.mark.parametrize("headers", [{}, {"content-type": ""}, {"content-type": "application/vnd.api+json"}])
def test_a_body_without_a_type_is_json(server: Server, headers: dict[str, str]) -> None:
    body = b'{"question": "vector database"}'
    assert server.client.post("/search", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("content", "headers", "words"),
    [
        ('{"question": "向量"}'.encode("gbk"), {}, "not UTF-8"),
        ('{"question": "café"}'.encode("latin-1"), {}, "not UTF-8"),
        (gzip.compress(b'{"question": "x"}', mtime=0), {"content-encoding": "gzip"}, "Content-Encoding: gzip"),
        (b"[" * 100_000, {}, "nested"),
    ],
)
def test_the_encoding_of_a_body_that_is_no_text_is_named(
    server: Server, content: bytes, headers: dict[str, str], words: str
) -> None:
    response = server.client.post("/ask", content=content, headers={"content-type": "application/json"} | headers)
    assert response.status_code == 400
    assert words in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/ask", 405, "method_not_allowed"),
        ("PUT", "/search", 405, "method_not_allowed"),
        ("DELETE", "/ingest", 405, "method_not_allowed"),
        ("POST", "/health", 405, "method_not_allowed"),
        ("GET", "/nothing", 404, "not_found"),
        ("POST", "/ask/more", 404, "not_found"),
        ("GET", "/api-docs/assets/absent.js", 404, "not_found"),
        ("GET", "/api-docs/assets/%2e%2e/%2e%2e/etc/passwd", 404, "not_found"),
    ],
)
def test_an_unknown_path_or_method_is_the_callers_error(
    server: Server, method: str, path: str, status: int, code: str
) -> None:
    response = server.client.request(method, path)
    assert_json_error(response, status, code)
    if status == 405:
        assert response.headers["allow"]


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("/search", {"question": "x", "topk": 3}, "topk"),
        ("/search", {"question": "x", "top_k": 0}, "top_k"),
        ("/search", {"question": "x", "top_k": 51}, "top_k"),
        ("/search", {"question": "x", "top_k": "many"}, "top_k"),
        ("/search", {"question": 5}, "question"),
        ("/search", {"question": "x", "filter": {"field": "source", "like": "x"}}, "like"),
        ("/ask", {}, "question"),
        ("/ask", {"question": "x", "stream": "perhaps"}, "stream"),
        ("/ask", {"question": "x", "model": "gpt"}, "model"),
        ("/ingest", {"pth": "/etc"}, "pth"),
        ("/search", {"question": "x", "\ud800": 1}, ""),
        ("/search", {"question": "\ud800"}, ""),
        ("/search", {"question": "x", "filter": {"field": "source", "equals": "\ud800"}}, ""),
        ("/search", {"question": "x", "filter": {"field": "\ud800", "equals": "x"}}, ""),
    ],
)
def test_a_field_that_is_not_agreed_is_named(server: Server, path: str, body: dict[str, Any], named: str) -> None:
    response = sent(server, json.dumps(body).encode(), path=path)
    assert response.status_code == 422, response.text
    message = assert_json_error(response, 422, response.json()["error"]["code"])
    assert named in message


def test_a_body_over_the_limit_is_refused_before_it_is_read(server: Server) -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"question": "'
        for _ in range(64):
            yield b"x" * 16_384

    response = server.client.post("/ask", content=endless(), headers={"content-type": "application/json"})
    assert_json_error(response, 413, "body_too_large")


def test_an_ingest_of_another_folder_is_refused(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n")
    for path in (str(tmp_path), "/etc", "../..", ""):
        response = server.client.post("/ingest", json={"path": path})
        assert_json_error(response, 409, "knowledge_error")
    response = server.client.post("/ingest/preview", json={"path": "/etc"})
    assert_json_error(response, 409, "knowledge_error")
    assert server.client.get("/ingest").json()["running"] is False
