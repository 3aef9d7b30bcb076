"""The limits on the body of a request: its size, its time, and the length of the question in it."""

import json

import pytest

from tests.kit.mcp_requests import MCP_HEADERS
from tests.kit.processes import Server, assert_json_error
from tests.kit.raw_connection import connected, post_head, read_response, read_until_closed
from tests.kit.tight_server import key_header


@pytest.mark.parametrize("path", ["/search", "/ingest", "/v1/chat/completions", "/retrieval", "/mcp"])
def test_a_body_that_is_too_large_is_refused_with_and_without_a_length(tight: Server, path: str) -> None:
    pieces = (b" " * 65536 for _ in range(5))
    headers = {"Content-Type": "application/json", **MCP_HEADERS}
    for content in (b" " * (256 * 1024 + 1), pieces):
        response = tight.client.post(path, content=content, headers=headers)
        assert response.status_code == 413
        assert "262144 bytes" in response.text
    if path not in ("/v1/chat/completions", "/retrieval"):
        assert_json_error(response, 413, "body_too_large")


def test_a_question_that_is_too_long_is_refused_before_it_is_embedded(tight: Server) -> None:
    message = assert_json_error(tight.post("/ask", question="长" * 4001), 413, "question_too_long")
    assert "4000" in message


@pytest.mark.parametrize("path", ["/search", "/feedback"])
def test_a_body_that_does_not_arrive_is_refused_and_the_connection_closed(tight: Server, path: str) -> None:
    """`/search` reads it in a middleware, `/feedback` in the route."""
    with connected(tight, post_head(path, 100, headers=key_header(tight)) + b'{"quest') as own:
        response = read_response(own)
        assert response.status == 408
        assert response.headers["connection"] == "close"
        assert json.loads(response.body)["error"]["code"] == "request_timeout"
        assert read_until_closed(own) == b""
