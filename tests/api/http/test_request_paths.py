"""Paths as clients and proxies send them: HEAD, doubled slashes, a prefix, and paths that do not exist."""

import json
import re
from urllib.parse import urljoin

import pytest

from api.guard.no_such_route import about_path
from tests.kit.processes import Server

QUESTION = "向量数据库有哪些知名组件？"
PREFIXED = {"X-Forwarded-Prefix": "/kb"}


@pytest.mark.parametrize(
    "path", ["/health/live", "/health/ready", "/", "/docs/overview.md", "/v1/models", "/static/ask.js", "/openapi.json"]
)
def test_head_is_get_without_a_body(server: Server, path: str) -> None:
    head, get = server.client.head(path), server.client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == get.headers["content-type"]
    assert head.headers["content-length"] == str(len(get.content))


@pytest.mark.parametrize(("path", "status"), [("/ask", 405), ("/nothing", 404), ("/docs/nothing.md", 404)])
def test_head_fails_as_get_does(server: Server, path: str, status: int) -> None:
    assert server.client.head(path).status_code == server.client.get(path).status_code == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "//health/live"),
        ("GET", "/health//live"),
        ("GET", "//v1///models"),
        ("GET", "//docs//overview.md"),
        ("GET", "///static/ask.js"),
        ("POST", "//search"),
    ],
)
def test_doubled_slashes_are_one(server: Server, method: str, path: str) -> None:
    body = {"question": QUESTION} if method == "POST" else None
    assert server.client.request(method, f"{server.url}{path}", json=body).status_code == 200


def references(html: str) -> set[str]:
    return set(re.findall(r'(?:href|src)="([^"#]+)"', html))


@pytest.mark.parametrize("path", ["/", "/knowledge", "/docs/overview.md?lines=82", "/docs/nothing.md", "/api-docs"])
@pytest.mark.parametrize("is_passed_on", [False, True])
def test_all_that_a_page_refers_to_lies_below_the_prefix(server: Server, path: str, is_passed_on: bool) -> None:
    headers = PREFIXED | {"Accept": "text/html"}
    html = server.client.get(f"/kb{path}" if is_passed_on else path, headers=headers).text
    own = [address for address in references(html) if not address.startswith(("http", "mailto"))]
    assert own
    for address in own:
        whole = urljoin("http://127.0.0.1/kb/docs/", address)
        assert whole.startswith("http://127.0.0.1/kb/"), address
        if "/pictures/" not in whole:
            status = server.client.get(whole.removeprefix("http://127.0.0.1"), headers=headers).status_code
            assert status == 200, address


@pytest.mark.parametrize(
    ("prefix", "begins"),
    [
        ("/kb", "/kb/docs/"),
        ("/kb/", "/kb/docs/"),
        ("/team/kb-2", "/team/kb-2/docs/"),
        ("/team, /kb", "/team/kb/docs/"),
        ("/", "/docs/"),
        ("", "/docs/"),
        ("//evil.example", "/docs/"),
        ("/..", "/docs/"),
        ('/"><script>', "/docs/"),
        ("https://evil.example", "/docs/"),
    ],
)
def test_addresses_in_json_begin_with_the_prefix_if_it_is_a_plain_path(
    server: Server, prefix: str, begins: str
) -> None:
    headers = {"X-Forwarded-Prefix": prefix}
    found = server.client.post("/search", json={"question": QUESTION}, headers=headers).json()
    answer = server.client.post("/ask", json={"question": QUESTION}, headers=headers).json()
    listed = server.client.get("/documents", headers=headers).json()
    shown = server.client.get("/documents/overview.md", headers=headers).json()
    text = server.client.get("/text", params={"id": "overview.md"}, headers=headers).json()
    urls = [each["url"] for each in (*found["hits"], *answer["citations"], *listed["documents"], shown, text)]
    assert len(urls) > 5
    assert [url for url in urls if not url.startswith(begins)] == []
    page = server.client.get("/", headers=headers).text
    assert f'src="{begins.removesuffix("docs/")}static/ask.js"' in page
    assert "evil" not in page


def test_streams_and_other_protocols_begin_with_the_prefix_too(server: Server) -> None:
    for path in ("/ask", "/page/ask"):
        body = {"question": QUESTION, "stream": True}
        stream = server.client.post(path, json=body, headers=PREFIXED).text
        urls = re.findall(r'"url": ?"([^"]+)"', stream)
        assert len(urls) >= 2
        assert [url for url in urls if not url.startswith("/kb/docs/")] == []
    messages = [{"role": "user", "content": QUESTION}]
    completion = server.client.post("/v1/chat/completions", json={"messages": messages}, headers=PREFIXED).json()
    cited = completion["choices"][0]["message"]["annotations"][0]["url_citation"]["url"]
    assert cited.startswith(f"{server.url}/kb/docs/")
    servers = server.client.get("/openapi.json", headers=PREFIXED).json()["servers"]
    assert servers == [{"url": "/kb"}]
    assert "servers" not in server.client.get("/openapi.json").json()


def test_the_path_of_the_public_address_is_a_prefix(talking: Server) -> None:
    assert 'data-base="/zhiwen"' in talking.client.get("/").text
    for path in ("/search", "/zhiwen/search"):
        found = talking.client.post(path, json={"question": QUESTION}).json()
        assert found["hits"][0]["url"].startswith("/zhiwen/docs/")
    assert talking.client.get("/zhiwen").status_code == 200
    assert talking.client.get("/zhiwen/static/ask.js").status_code == 200
    outcome = talking.workspace.run("search", QUESTION, "--json")
    assert json.loads(outcome.out)["hits"][0]["url"].startswith("/docs/")


@pytest.mark.parametrize(
    ("path", "there_is"),
    [
        ("/v1/responses", "/v1/chat/completions"),
        ("/responses", "/v1/chat/completions"),
        ("/v1/messages", "/v1/chat/completions"),
        ("/v1/completions", "/v1/chat/completions"),
        ("/v1/embeddings", "computes no embeddings"),
        ("/v1/v1/chat/completions", "/v1/chat/completions is one"),
        ("/v1/chat/completions/chat/completions", "/chat/completions is one"),
        ("/other/retrieval", "/retrieval is one"),
        ("/nothing", "/openapi.json"),
        ("/" + "x" * 5000, "/openapi.json"),
    ],
)
def test_an_unknown_path_says_which_one_may_be_meant(server: Server, path: str, there_is: str) -> None:
    response = server.client.post(path, json={"model": "zhiwen", "input": "x"})
    assert response.status_code == 404
    message = response.json()["error"]["message"]
    assert message == about_path(path)
    assert there_is in message
    assert len(message) < 250
