"""API keys: how they are made and read, and what they open on a running server."""

import hashlib
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from api.guard.key_file import keys_of
from api.guard.keys import PREFIX, new_key
from rag.errors import ConfigError
from rag.settings import ServeSettings
from tests.kit.processes import FirstAsk, Server, Workspace, assert_json_error, assert_one_line

QUESTION = "向量数据库有哪些知名组件？"
KEY = re.compile(r"zw_[A-Za-z0-9_-]{43}")


def key_of(name: str) -> str:
    """The same key in each process: test ids contain it, and xdist wants the same ids everywhere."""
    return PREFIX + hashlib.sha256(name.encode()).hexdigest()[:43]


KEYS = {scope: key_of(scope) for scope in ("ask", "ingest", "admin", "metrics")}


def settings(host: str = "127.0.0.1", keys: str = "", keys_file: str = "") -> ServeSettings:
    return ServeSettings(host=host, keys=SecretStr(keys), keys_file=keys_file)


def hashed(key: str) -> str:
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


# Reading them


def test_keys_come_from_the_environment_and_from_a_file_of_hashes(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text(f"# who may ask\n\n  page:ask:{hashed(KEYS['ask'])}\nops:ingest+metrics:{hashed(KEYS['admin'])}\n")
    ring = keys_of(
        settings(keys=f"ci:ingest:{KEYS['ingest']}, boss:admin:{hashed(KEYS['metrics'])}", keys_file=str(file))
    )
    found = {name: ring.find(KEYS[name]) for name in KEYS}
    assert {name: key.name for name, key in found.items() if key} == {
        "ask": "page",
        "ingest": "ci",
        "admin": "ops",
        "metrics": "boss",
    }
    assert found["admin"] is not None
    assert found["admin"].opens == {"ask", "ingest", "metrics"}
    assert ring.find(new_key()) is None
    assert ring.find("") is None
    assert ring.find("\ud800") is None
    assert not ring.is_open


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_without_keys_loopback_is_open_to_everybody(host: str) -> None:
    assert keys_of(settings(host)).is_open


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "example.com", ""])
def test_without_keys_no_other_address_is_served(host: str) -> None:
    with pytest.raises(ConfigError, match=r"zhiwen keys new NAME --file keys\.txt.*ZHIWEN_SERVE__KEYS_FILE"):
        keys_of(settings(host))
    assert not keys_of(settings(host, keys=f"page:ask:{KEYS['ask']}")).is_open


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ("zw_secret-secret", "must be name:scopes:key"),
        (f":ask:{KEYS['ask']}", "must be name:scopes:key"),
        (f"a b:ask:{KEYS['ask']}", "must be name:scopes:key"),
        ("page:ask:", "must be name:scopes:key"),
        (f"page::{KEYS['ask']}", "has the unknown scope ''; the scopes are ask, ingest, admin, metrics"),
        (f"page:ask+root:{KEYS['ask']}", "has the unknown scope 'root'"),
        ("page:ask:change-me", "is too easy to guess"),
        (f"page:ask:sha256:{'0' * 63}", "is too easy to guess"),
        (f"owner:ask:{KEYS['ask']}", "two API keys are named owner"),
        (f"page:ask:{KEYS['ask']},page:admin:{KEYS['admin']}", "two API keys are named page"),
    ],
)
def test_an_invalid_key_is_refused_and_never_shown(keys: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        keys_of(settings(keys=keys))
    assert complaint in str(caught.value)
    assert not any(key in str(caught.value) for key in (*KEYS.values(), "change-me", "secret-secret"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (f"page:ask:{KEYS['ask']}\n", "keys.txt:1 holds a key instead of its hash"),
        ("# nobody\n\n", "has no keys"),
        ("", "has no keys"),
        (b"\xff\xfe", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_a_file_without_hashes_is_refused(tmp_path: Path, content: str | bytes | None, complaint: str) -> None:
    file = tmp_path / "keys.txt"
    if content is not None:
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        keys_of(settings(keys_file=str(file)))
    assert complaint in str(caught.value)
    assert KEYS["ask"] not in str(caught.value)


# Making them


def test_a_new_key_is_shown_once_and_its_hash_put_into_the_file(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).given(ZHIWEN_SERVE__KEYS_FILE=str(tmp_path / "keys.txt"))
    made = workspace.run("keys", "new", "page")
    assert made.status == 0, made
    assert KEY.fullmatch(made.out.strip())
    other = workspace.run("keys", "new", "ops", "--scope", "ingest", "--scope", "metrics")
    content = (tmp_path / "keys.txt").read_text()
    assert content == f"page:ask:{hashed(made.out.strip())}\nops:ingest+metrics:{hashed(other.out.strip())}\n"
    assert stat.S_IMODE((tmp_path / "keys.txt").stat().st_mode) == 0o600
    ring = keys_of(settings("0.0.0.0", keys_file=str(tmp_path / "keys.txt")))
    assert (key := ring.find(made.out.strip()))
    assert key.name == "page"

    assert_one_line(workspace.run("keys", "new", "page"), 2, "already has a key named page")
    assert_one_line(workspace.run("keys", "new", "x", "--scope", "root"), 2, "'root'", "ask, ingest, admin, metrics")
    assert (tmp_path / "keys.txt").read_text() == content


def test_a_server_for_other_machines_does_not_start_without_keys(tmp_path: Path) -> None:
    outcome = Workspace.with_shipped_knowledge(tmp_path).run("serve", "--host", "0.0.0.0", "--port", "0")
    assert_one_line(outcome, 2, "0.0.0.0", "zhiwen keys new", "ZHIWEN_SERVE__KEYS_FILE")
    assert not (tmp_path / "m.db").exists()


# What they open


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
    "DELETE /ask": ("admin",),
    "GET /nothing": ("admin",),
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
