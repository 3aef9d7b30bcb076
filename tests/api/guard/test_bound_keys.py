"""A key that is bound to a knowledge base sees nothing of the others, on any route and in any protocol."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import INVALID_PARAMS

from api.guard.key_file import keys_in, line_of
from api.guard.route_rules import RULES
from rag.errors import ConfigError
from rag.rights import UNLIMITED, Grant, Rights
from rag.serve_settings import ServeSettings
from rag.store.filters import All, AnyOf, In, Not, Prefix
from tests.kit.api_keys import key_of
from tests.kit.knowledge_bases import ingested_workspace
from tests.kit.mcp_requests import MCP_HEADERS, mcp_call
from tests.kit.processes import Server, assert_json_error

FALCON = "How many ports has the Falcon router?"
HARBOUR = "Where does the harbour pilot board?"
SECRETS = (
    "Falcon has",
    "router has",
    "36 months",
    "2 kg",
    "Large",
    "buoy seven",
    "Cases",
    "new secret",
    "travel-secret",
)
"""What only the documents of others hold, and no request."""
BOUND, PIPELINE, FREE = key_of("bound"), key_of("pipeline"), key_of("free")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = ingested_workspace(tmp_path_factory, tmp_path_factory.mktemp("bound"))
    products = workspace.folder / "products"
    (products / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n travel-secret")
    (products / "new.md").write_text("# new secret\n\nThe new secret waits for the next ingest.\n", "utf-8")
    keys = [
        f"bound:ask@handbook:{BOUND}",
        f"pipeline:ingest@handbook:{PIPELINE}",
        f"free:ask:{FREE}",
        f"lost:ask@gone:{key_of('lost')}",
    ]
    with workspace.given(ZHIWEN_SERVE__KEYS=",".join(keys), ZHIWEN_TRACES__KEEP_QUESTIONS="true").serving() as running:
        yield running


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def others(server: Server) -> dict[str, str]:
    """The traces of answers that a key that is not bound got, by knowledge base."""
    found = {}
    for name, question in (("products", FALCON), ("default", HARBOUR), ("all", FALCON)):
        body = {"question": question, "knowledge_base": name}
        answer = server.client.post("/ask", json=body, headers=bearer(FREE)).json()
        assert not answer["refused"]
        found[name] = answer["trace_id"]
    return found


WHICH: list[Any] = ["products", "default", ["handbook", "products"], "all", None]


def bodies(path: str, name: Any) -> Iterator[tuple[str, str, dict[str, Any] | None]]:
    """Every request of a route that could show something of a knowledge base."""
    chosen = {} if name is None else {"knowledge_base": name}
    query = "" if name is None or isinstance(name, list) else f"?knowledge_base={name}"
    for question in (FALCON, HARBOUR):
        message = [{"role": "user", "content": question}]
        model = "zhiwen" if name in (None, "default") else f"zhiwen/{name if isinstance(name, str) else 'products'}"
        knowledge = name if isinstance(name, str) else "zhiwen"
        requests: dict[str, tuple[str, str, dict[str, Any] | None]] = {
            "/ask": ("POST", "/ask", {"question": question, **chosen}),
            "/page/ask": ("POST", "/page/ask", {"question": question, **chosen}),
            "/widget/ask": ("POST", "/widget/ask", {"question": question}),
            "/search": ("POST", "/search", {"question": question, "explain": True, **chosen}),
            "/v1/chat/completions": ("POST", "/v1/chat/completions", {"model": model, "messages": message}),
            "/chat/completions": ("POST", "/chat/completions", {"model": model, "messages": message}),
            "/retrieval": ("POST", "/retrieval", {"knowledge_id": knowledge, "query": question}),
            "/documents": ("GET", f"/documents{query}", None),
            "/documents/{source:path}": ("GET", f"/documents/travel.md{query}", None),
            "/pictures/{path:path}": ("GET", f"/pictures/picture.png{query}", None),
            "/text": ("GET", f"/text{query or '?knowledge_base=default'}&id=travel.md", None),
            "/grep": ("GET", f"/grep{query or '?knowledge_base=default'}&text=the", None),
            "/lines": ("GET", f"/lines{query or '?knowledge_base=default'}&source=travel.md", None),
            "/gaps": ("GET", f"/gaps{query}", None),
            "/page/gaps.csv": ("GET", f"/page/gaps.csv{query}", None),
            "/page/suggestions": ("GET", f"/page/suggestions{query}", None),
            "/ingest": ("GET", f"/ingest{query}", None),
            "/status": ("GET", f"/status{query}", None),
            "/health": ("GET", "/health", None),
            "/knowledge-bases": ("GET", "/knowledge-bases", None),
            "/v1/models": ("GET", "/v1/models", None),
            "/v1/models/{name:path}": ("GET", f"/v1/models/{model}", None),
            "/models": ("GET", "/models", None),
            "/models/{name:path}": ("GET", f"/models/{model}", None),
        }
        if path in requests:
            yield requests[path]


ELSEWHERE = {"/traces/{trace_id}", "/feedback", "/mcp"}
"""The routes that have tests of their own below."""
PATHS = sorted({rule.path for rule in RULES if rule.needs == "ask"} - ELSEWHERE)


@pytest.mark.parametrize("name", WHICH, ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_no_route_shows_anything_of_another(server: Server, path: str, name: Any) -> None:
    sent = list(bodies(path, name))
    assert sent, f"add a request of {path} to this test"
    for method, address, body in sent:
        text = server.client.request(method, address, json=body, headers=bearer(BOUND)).text
        assert not [secret for secret in SECRETS if secret in text], text
        asked = json.dumps(body, ensure_ascii=False) + address
        assert "products" in asked or "products" not in text, text


@pytest.mark.parametrize("path", PATHS)
def test_a_key_that_is_not_bound_sees_them(server: Server, path: str) -> None:
    """So the words that the test above looks for are there to be seen."""
    texts = [
        server.client.request(method, address, json=body, headers=bearer(FREE)).text
        for name in WHICH
        for method, address, body in bodies(path, name)
    ]
    assert any(word in text for text in texts for word in ("products", *SECRETS)) or path in {
        *("/ingest", "/pictures/{path:path}", "/health"),
        *("/gaps", "/page/gaps.csv"),  # they show the questions of the key itself
    }


def test_a_name_that_is_hidden_and_one_that_is_unknown_are_the_same_error(server: Server) -> None:
    def message(name: str) -> str:
        response = server.client.post("/ask", json={"question": "x", "knowledge_base": name}, headers=bearer(BOUND))
        return assert_json_error(response, 404, "knowledge_base_not_found").replace(name, "NAME")

    assert message("products") == message("unknown") == "there is no knowledge base 'NAME'; there are: handbook"


def test_all_means_those_that_the_key_may_ask(server: Server) -> None:
    body = {"question": "How many days of annual leave?", "knowledge_base": "all"}
    answer = server.client.post("/ask", json=body, headers=bearer(BOUND)).json()
    assert answer["generations"] == {"handbook": 1}
    models = [each["id"] for each in server.client.get("/v1/models", headers=bearer(BOUND)).json()["data"]]
    assert models == ["zhiwen/handbook"]
    assert server.client.get("/health", headers=bearer(BOUND)).json()["documents"] == 2


@pytest.mark.parametrize("name", ["products", "default", "all"])
def test_traces_and_feedback_of_others_do_not_exist(server: Server, others: dict[str, str], name: str) -> None:
    trace_id = others[name]
    assert server.client.get(f"/traces/{trace_id}", headers=bearer(FREE)).status_code == 200
    unknown = server.client.get(f"/traces/{'0' * 32}", headers=bearer(BOUND)).text.replace("0" * 32, "ID")
    hidden = server.client.get(f"/traces/{trace_id}", headers=bearer(BOUND))
    assert hidden.status_code == 404
    assert hidden.text.replace(trace_id, "ID") == unknown
    rating = {"trace_id": trace_id, "rating": "up"}
    assert_json_error(server.client.post("/feedback", json=rating, headers=bearer(BOUND)), 404, "trace_not_found")
    own = server.client.post(
        "/ask", json={"question": "annual leave?", "knowledge_base": "handbook"}, headers=bearer(BOUND)
    )
    own_id = own.json()["trace_id"]
    assert server.client.get(f"/traces/{own_id}", headers=bearer(BOUND)).status_code == 200
    rated = server.client.post("/feedback", json={"trace_id": own_id, "rating": "up"}, headers=bearer(BOUND))
    assert rated.status_code == 201


def test_mcp_tools_show_nothing_of_others(server: Server) -> None:
    async def talk() -> list[str]:
        headers = {**bearer(BOUND)}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as http,
            Client(streamable_http_client(f"{server.url}/mcp", http_client=http)) as client,
        ):
            calls: list[tuple[str, dict[str, str]]] = [("list_knowledge_bases", {})]
            for name in ("products", "default", "all"):
                for question in (FALCON, HARBOUR):
                    calls += [("search", {"query": question, "knowledge_base": name})]
                    calls += [("ask", {"question": question, "knowledge_base": name})]
                calls += [
                    ("list_documents", {"knowledge_base": name}),
                    ("grep", {"text": "the", "knowledge_base": name}),
                    ("read_lines", {"source": "travel.md", "knowledge_base": name}),
                ]
            calls += [("fetch", {"id": name}) for name in ("products:travel.md", "README.md", "handbook:travel.md")]
            return [(await client.call_tool(name, given)).model_dump_json() for name, given in calls]

    answers = asyncio.run(talk())
    for answer in answers:
        assert not [secret for secret in SECRETS if secret in answer], answer
    assert "handbook" in answers[0]
    assert "products" not in answers[0]
    assert "Manager" in answers[-1]


def test_who_may_ask_only_one_need_not_name_it_where_programs_choose(server: Server) -> None:
    def mcp(method: str, key: str = BOUND, **parameters: object) -> Any:
        headers = {**bearer(key), **MCP_HEADERS}
        text = server.client.post("/mcp", json=mcp_call(method, **parameters), headers=headers).text
        return json.loads(text.partition("data: ")[2])

    def tool(name: str, key: str = BOUND, **arguments: object) -> str:
        result = mcp("tools/call", key, name=name, arguments=arguments)["result"]
        assert not result["isError"], result
        return str(result["structuredContent"])

    assert "Manager" in tool("fetch", id="travel.md")
    assert "Manager" in tool("read_lines", source="travel.md")
    assert "Manager" in tool("read_lines", FREE, source="handbook:travel.md")
    assert "Manager" in tool("fetch", FREE, id="travel.md", knowledge_base="handbook")
    assert "travel.md" in tool("list_documents")
    assert "travel.md" in tool("grep", text="Manager")
    assert "handbook:" in tool("search", query="annual leave")
    assert "leave" in tool("ask", question="How many days of annual leave are there?")
    unknown = mcp("resources/read", uri="zhiwen://documents/products:travel.md")["error"]
    assert (unknown["code"], "products:travel.md" in unknown["message"]) == (INVALID_PARAMS, True)
    nothing = mcp("resources/read", key_of("lost"), uri="zhiwen://documents/travel.md")["error"]
    assert nothing["code"] == INVALID_PARAMS

    chat = {"messages": [{"role": "user", "content": "How many days of annual leave are there?"}]}
    for model in ("gpt-4o", "zhiwen"):
        answer = server.client.post("/v1/chat/completions", json={"model": model, **chat}, headers=bearer(BOUND))
        assert answer.json()["model"] == "zhiwen/handbook"
    refused = server.client.post("/v1/chat/completions", json={"model": "zhiwen/x", **chat}, headers=bearer(BOUND))
    assert refused.status_code == 404
    assert "unknown model 'zhiwen/x'; this server has: zhiwen/handbook" in refused.text


def test_a_bound_key_ingests_its_own_alone(server: Server) -> None:
    for name in ("products", "default"):
        body = {"knowledge_base": name}
        for path in ("/ingest", "/ingest/preview"):
            response = server.client.post(path, json=body, headers=bearer(PIPELINE))
            assert_json_error(response, 404, "knowledge_base_not_found")
    preview = server.client.post("/ingest/preview", json={"knowledge_base": "handbook"}, headers=bearer(PIPELINE))
    assert preview.json()["unchanged"] == 2
    assert server.client.post("/rollback", json={}, headers=bearer(PIPELINE)).status_code == 403


def test_a_key_bound_to_what_is_gone_sees_nothing_and_the_log_says_so(server: Server) -> None:
    assert "bound to the unknown knowledge base gone; there are: default, handbook, products" in server.log
    lost = bearer(key_of("lost"))
    assert server.client.get("/knowledge-bases", headers=lost).json() == {"knowledge_bases": []}
    assert server.client.get("/health", headers=lost).json()["documents"] == 0
    for name in ("all", "default", "gone"):
        response = server.client.post("/ask", json={"question": FALCON, "knowledge_base": name}, headers=lost)
        assert_json_error(response, 404, "knowledge_base_not_found")


KEY = key_of("any")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (f"a:admin@handbook:{KEY}", "a is bound to knowledge bases, so it may have the scopes ask and ingest only"),
        (f"a:ask+metrics@handbook:{KEY}", "so it may have the scopes ask and ingest only"),
        (f"a:ask@Hand Book:{KEY}", "a is bound to a knowledge base that has the name 'Hand Book'; take at most 32"),
        (f"a:ask@all:{KEY}", "which stands for every knowledge base"),
        (f"a:ask@:{KEY}", "has the name ''"),
        (f"a:ask?kind=row:{KEY}", "a has a filter that cannot hold: kind differs within a document; use source, title"),
        (f"a:ask?:{KEY}", "a has a filter that cannot hold: '': write KEY=VALUE"),
        (f"a:ask?tags:{KEY}", "'tags': write KEY=VALUE"),
        (f"a:ask?tags=x&start_line>=3:{KEY}", "start_line differs within a document"),
        (f"a:ingest?tags=x:{KEY}", "a is bound to a filter, so it may have the scope ask only"),
        (f"a:ask+metrics@handbook?tags=x:{KEY}", "a is bound to a filter, so it may have the scope ask only"),
        ("a:ask?tags=x:group", "a is a group, but serve.proxy_key is not set"),
    ],
)
def test_a_binding_that_cannot_hold_is_refused(entry: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        keys_in("", ServeSettings.model_validate({"keys": entry}))
    assert words in str(caught.value)
    assert KEY not in str(caught.value)


def test_the_line_of_a_bound_key_is_read_as_it_was_written() -> None:
    line = line_of("reader", ["ask"], KEY, ["handbook", "default"])
    settings = ServeSettings(keys_file="keys.txt")
    found = keys_in(line, settings).find(KEY)
    assert found
    assert found.rights == Rights((Grant(frozenset({"handbook", "default"})),))
    conditions = ["tags=hr,it: 50%", "source^=a&b/", "title!=x?y@z"]
    filtered = keys_in(line_of("reader", ["ask"], KEY, ["handbook"], conditions), settings).find(KEY)
    assert filtered
    within = All(
        (
            In("tags", ("hr", "it: 50%")),
            AnyOf((Prefix("source", "a&b/"),)),
            Not(In("title", ("x?y@z",))),
        )
    )
    assert filtered.rights == Rights((Grant(frozenset({"handbook"}), within),))
    free = keys_in(line_of("reader", ["ask"], KEY), settings).find(KEY)
    assert free
    assert free.rights == UNLIMITED


@pytest.mark.parametrize("conditions", [[""], ["tags=hr", ""]])
def test_a_condition_that_is_empty_makes_no_key_that_sees_everything(conditions: list[str]) -> None:
    with pytest.raises(ConfigError, match="a filter that cannot hold: '': write KEY=VALUE"):
        line_of("reader", ["ask"], KEY, where=conditions)


def test_an_entry_of_the_environment_may_have_a_filter_with_a_list() -> None:
    settings = ServeSettings.model_validate({"keys": f"a:ask?tags=hr%2Cit:{KEY},b:ask:{key_of('b')}"})
    found = keys_in("", settings).find(KEY)
    assert found
    assert found.rights == Rights((Grant(None, In("tags", ("hr", "it"))),))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (f"a:ask:{KEY}", "serve.proxy_key is sso, but there is no API key of that name"),
        (f"sso:ask:group,a:ask:{KEY}", "serve.proxy_key is sso, but there is no API key of that name"),
        (f"sso:ask:{KEY},sso:ask:group", "two API keys are named sso"),
    ],
)
def test_a_proxy_needs_a_key_of_its_own(entries: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        keys_in("", ServeSettings.model_validate({"keys": entries, "proxy_key": "sso"}))
    assert words in str(caught.value)
