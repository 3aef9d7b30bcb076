"""Keys, hosts, origins and settings as the clients of the other protocols see them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from api.guard.keys import new_key
from tests.kit.processes import PUBLIC_URL, ZHIWEN, FirstAsk, Server

QUESTION = "向量数据库有哪些知名组件？"
CHAT, SCRAPER = new_key(), new_key()
ORIGIN = "https://chat.example.com"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def locked(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that needs keys and adds no list of links."""
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("locked"))
    with workspace.given(
        ZHIWEN_SERVE__KEYS=f"chat:ask:{CHAT},scraper:metrics:{SCRAPER}",
        ZHIWEN_SERVE__CORS_ORIGINS=ORIGIN,
        ZHIWEN_SERVE__LINK_LIST="false",
    ).serving() as running:
        yield running


def test_the_openai_client_needs_its_key(locked: Server) -> None:
    with openai.OpenAI(base_url=f"{locked.url}/v1", api_key=CHAT, max_retries=0) as client:
        done = client.chat.completions.create(model="zhiwen", messages=MESSAGES)
        assert "PingCAP" in (done.choices[0].message.content or "")
        assert [model.id for model in client.models.list()] == ["zhiwen"]
    with (
        openai.OpenAI(base_url=f"{locked.url}/v1", api_key="sk-other", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.chat.completions.create(model="zhiwen", messages=MESSAGES)
    assert (caught.value.type, caught.value.code) == ("authentication_error", "key_unknown")
    with (
        openai.OpenAI(base_url=f"{locked.url}/v1", api_key=SCRAPER, max_retries=0) as client,
        pytest.raises(openai.PermissionDeniedError) as denied,
    ):
        client.models.list()
    assert (denied.value.type, denied.value.code) == ("permission_error", "scope_missing")


def test_the_list_of_links_can_be_switched_off(locked: Server) -> None:
    with openai.OpenAI(base_url=f"{locked.url}/v1", api_key=CHAT, max_retries=0) as client:
        done = client.chat.completions.create(model="zhiwen", messages=MESSAGES)
        chunks = list(client.chat.completions.create(model="zhiwen", messages=MESSAGES, stream=True))
    message = done.choices[0].message
    assert (message.content or "").endswith("（未配置大模型，以上摘自原文。）")
    assert len(message.annotations or []) == 1
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == message.content


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 1001),
        ({"Authorization": CHAT}, 1001),
        ({"Authorization": "Bearer"}, 1001),
        ({"Authorization": f"Basic {CHAT}"}, 1001),
        ({"Authorization": "Bearer other"}, 1002),
        ({"Authorization": f"Bearer {SCRAPER}"}, 1002),
    ],
)
def test_dify_without_a_valid_key_gets_403_and_its_own_error_codes(
    locked: Server, headers: dict[str, str], code: int
) -> None:
    for body in ({"knowledge_id": "zhiwen", "query": QUESTION}, None):
        response = locked.client.post("/retrieval", json=body, headers=headers)
        assert response.status_code == 403
        assert list(response.json()) == ["error_code", "error_msg"]
        assert response.json()["error_code"] == code


def test_dify_with_its_key_gets_records(locked: Server) -> None:
    headers = {"Authorization": f"Bearer {CHAT}"}
    response = locked.client.post("/retrieval", json={"knowledge_id": "zhiwen", "query": QUESTION}, headers=headers)
    assert response.status_code == 200
    assert response.json()["records"]
    assert locked.client.post("/retrieval", headers=headers).status_code == 400


async def _results(client: Client) -> int:
    found = await client.call_tool("search", {"query": QUESTION})
    assert found.structured_content is not None
    return len(found.structured_content["results"])


def test_an_mcp_client_needs_its_key_over_http(locked: Server) -> None:
    async def talk() -> int:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {CHAT}"}, trust_env=False) as http,
            Client(streamable_http_client(f"{locked.url}/mcp", http_client=http)) as client,
        ):
            return await _results(client)

    assert asyncio.run(talk()) > 0
    assert locked.client.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "ping"}).status_code == 401


def test_an_mcp_client_of_the_same_user_needs_no_key_over_stdio(locked: Server, tmp_path: Path) -> None:
    command = StdioServerParameters(
        command=str(ZHIWEN), args=["mcp"], env=locked.workspace.environment, cwd=locked.workspace.folder
    )

    async def talk() -> int:
        with (tmp_path / "errors").open("w") as log:
            async with Client(stdio_client(command, errlog=log)) as client:
                return await _results(client)

    assert asyncio.run(talk()) > 0


# Without keys: pages of other sites must not use the service on the reader's own machine, desktop clients may


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:3000", "null"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/mcp", "/retrieval"])
def test_pages_of_other_sites_are_refused(server: Server, path: str, origin: str) -> None:
    response = server.client.post(path, json={"messages": MESSAGES}, headers={"Origin": origin})
    assert response.status_code == 403
    assert "cors_origins" in response.text


@pytest.mark.parametrize("origin", ["app://localhost", "file://", "tauri://localhost", "vscode-webview://1a2b"])
def test_desktop_clients_are_not_refused(server: Server, origin: str) -> None:
    response = server.client.post("/v1/chat/completions", json={"messages": MESSAGES}, headers={"Origin": origin})
    assert response.status_code == 200


def test_a_configured_site_may_send_the_headers_of_its_client(locked: Server) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,mcp-protocol-version,x-stainless-os",
    }
    for path in ("/mcp", "/v1/chat/completions"):
        assert locked.client.options(path, headers=asked).status_code == 200
        assert locked.client.options(path, headers=asked | {"Origin": "https://evil.example"}).status_code == 400


def test_the_host_of_the_public_url_is_trusted(talking: Server) -> None:
    host = PUBLIC_URL.split("/")[2]
    assert talking.client.get("/v1/models", headers={"Host": host}).status_code == 200
    assert talking.client.get("/v1/models", headers={"Host": "evil.example"}).status_code == 400
