"""Authentication: what API keys open on a running server."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.kit.api_keys import KEYS, key_of
from tests.kit.processes import FirstAsk, Server, assert_json_error

QUESTION = "向量数据库有哪些知名组件？"


@pytest.fixture(scope="module")
def keyed(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("keyed"))
    given = ",".join(f"{scope}-key:{scope}:{key}" for scope, key in KEYS.items())
    with workspace.given(ZHIWEN_SERVE__KEYS=given, ZHIWEN_SERVE__HOST="0.0.0.0").serving() as server:
        yield server


OPEN = ["/", "/api-docs", "/openapi.json", "/instance"]
CALLS = {
    "GET /health": ("ask", "ingest", "admin"),
    "GET /status": ("ask", "ingest", "admin"),
    "GET /ingest": ("ask", "ingest", "admin"),
    "POST /ask": ("ask", "ingest", "admin"),
    "POST /search": ("ask", "ingest", "admin"),
    "GET /traces/00": ("ask", "ingest", "admin"),
    "POST /mcp": ("ask", "ingest", "admin"),
    "POST /ingest/preview": ("ingest", "admin"),
    "POST /rollback": ("admin",),
    # No key opens what does not exist, so none is asked for.
    "DELETE /ask": tuple(KEYS),
    "GET /nothing": tuple(KEYS),
    "GET /metrics": ("admin", "metrics"),
}


def call(server: Server, what: str, **headers: str) -> httpx2.Response:
    method, _, path = what.partition(" ")
    body = {"question": QUESTION} if path in ("/ask", "/search") else None
    return server.client.request(method, path, json=body, headers=headers)


@pytest.mark.parametrize("path", OPEN)
def test_routes_that_show_nothing_of_the_documents_need_no_key(keyed: Server, path: str) -> None:
    assert keyed.client.get(path).status_code < 400


@pytest.mark.parametrize("what", CALLS)
def test_a_call_needs_a_key_of_its_scope(keyed: Server, what: str) -> None:
    response = call(keyed, what)
    assert_json_error(response, 401, "key_missing")
    assert response.headers["www-authenticate"].startswith('Bearer realm="zhiwen"')
    for scope, key in KEYS.items():
        response = call(keyed, what, Authorization=f"Bearer {key}")
        if scope in CALLS[what]:
            assert response.status_code not in (401, 403), (scope, response.text)
            continue
        message = assert_json_error(response, 403, "scope_missing")
        needed = re.search(r"lacks the scope (\w+)", message)
        assert needed
        assert needed[1] in CALLS[what]
        assert f'error="insufficient_scope", scope="{needed[1]}"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("scope", KEYS)
def test_what_does_not_exist_does_not_exist_for_any_key(keyed: Server, scope: str) -> None:
    key = f"Bearer {KEYS[scope]}"
    missing = call(keyed, "POST /v1/responses", Authorization=key)
    assert missing.status_code == 404
    assert "/v1/chat/completions" in missing.json()["error"]["message"]
    assert_json_error(call(keyed, "GET /nothing", Authorization=key), 404, "not_found")
    wrong = call(keyed, "DELETE /ingest", Authorization=key)
    assert_json_error(wrong, 405, "method_not_allowed")
    assert set(wrong.headers["allow"].split(", ")) >= {"GET", "POST"} or scope == "admin"


def test_a_key_may_come_in_a_header_of_its_own(keyed: Server) -> None:
    assert call(keyed, "POST /search", **{"X-API-Key": KEYS["ask"]}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": f"Bearer {key_of('somebody')}"}, "key_unknown"),
        ({"Authorization": f"Bearer {KEYS['ask'][:-1]}"}, "key_unknown"),
        ({"Authorization": f"bearer {KEYS['ask']}x"}, "key_unknown"),
        ({"X-API-Key": "zw_"}, "key_unknown"),
        ({"Authorization": KEYS["ask"]}, "key_missing"),
        ({"Authorization": f"Basic {KEYS['ask']}"}, "key_missing"),
        ({"Authorization": "Bearer"}, "key_missing"),
        ({"Cookie": f"key={KEYS['ask']}"}, "key_missing"),
    ],
)
def test_an_invalid_key_opens_nothing(keyed: Server, headers: dict[str, str], code: str) -> None:
    assert_json_error(call(keyed, "POST /search", **headers), 401, code)


def test_a_key_in_the_address_does_not_count(keyed: Server) -> None:
    """It would be written to logs and to the history of browsers."""
    assert_json_error(keyed.client.get(f"/status?api_key={KEYS['ask']}&key={KEYS['ask']}"), 401, "key_missing")


def test_openai_clients_are_refused_in_their_error_format(keyed: Server) -> None:
    response = keyed.client.get("/v1/models")
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "key_missing"
    assert response.json()["error"]["type"] == "authentication_error"
    assert keyed.client.get("/v1/models", headers={"Authorization": f"Bearer {KEYS['ask']}"}).status_code == 200


@pytest.mark.parametrize(
    ("header", "code"),
    [("", 1001), ("Basic x", 1001), (f"Bearer {key_of('somebody')}", 1002), (f"Bearer {KEYS['metrics']}", 1002)],
)
def test_dify_is_refused_in_its_error_format(keyed: Server, header: str, code: int) -> None:
    response = keyed.client.post("/retrieval", json={}, headers={"Authorization": header})
    assert response.status_code == 403
    assert list(response.json()) == ["error_code", "error_msg"]
    assert response.json()["error_code"] == code


def test_a_request_is_refused_before_its_body_is_read(keyed: Server) -> None:
    response = keyed.client.post("/ask", content=b"{" * 300_000)
    assert_json_error(response, 401, "key_missing")


def test_the_command_line_of_the_same_user_needs_no_key(keyed: Server) -> None:
    workspace = keyed.workspace
    assert "PingCAP" in workspace.run("ask", QUESTION).out
    assert workspace.run("status", "--json").json["generation"] >= 1
    assert workspace.run("ingest", "--json").status == 0
    assert workspace.run("doctor", "--json").json["checks"][2]["ok"] is True


def test_the_record_of_the_server_is_for_its_user_alone(keyed: Server) -> None:
    record = Path(f"{keyed.workspace.database}.owner")
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert "token" in record.read_text()


def test_no_key_is_in_the_log(keyed: Server) -> None:
    call(keyed, "GET /nothing", Authorization=f"Bearer {KEYS['admin']}")
    assert not any(key in keyed.log for key in KEYS.values())
