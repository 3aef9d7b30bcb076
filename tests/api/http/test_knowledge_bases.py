"""One server with several knowledge bases, over each of its protocols."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client

from tests.kit.knowledge_bases import write_folders
from tests.kit.processes import Server, Workspace, assert_json_error
from tests.kit.waiting import eventually

NAMES = ["default", "handbook", "products"]
FALCON = "How many ports has the Falcon router?"
LEAVE = "How many days of annual leave has an employee?"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("several")
    write_folders(place)
    with Workspace(place).serving() as running:
        for name in NAMES:
            assert running.ingest(knowledge_base=name)["error"] is None
        yield running


def ask(server: Server, question: str, **more: object) -> Any:
    response = server.post("/ask", question=question, **more)
    assert response.status_code == 200, response.text
    return response.json()


def test_they_are_listed_with_what_they_are_about(several: Server) -> None:
    found = several.client.get("/knowledge-bases").json()["knowledge_bases"]
    assert [each["name"] for each in found] == NAMES
    handbook = found[1]
    assert (handbook["title"], handbook["context"]) == ("员工手册", "The rules for employees")
    assert (handbook["generation"], handbook["documents"]) == (1, 2)


def test_a_question_that_names_none_goes_to_the_default_one(several: Server) -> None:
    answer = ask(several, FALCON)
    assert "four ports" not in answer["answer"]
    assert answer["generations"] == {"default": 1}
    assert answer["generation"] == 1


def test_a_question_goes_to_the_one_that_it_names_and_its_citations_lead_there(several: Server) -> None:
    answer = ask(several, FALCON, knowledge_base="products")
    [citation] = answer["citations"]
    assert (citation["knowledge_base"], citation["source"]) == ("products", "README.md")
    assert "four ports" in several.client.get(citation["url"]).text
    assert ask(several, FALCON, knowledge_base="handbook")["refused"]


@pytest.mark.parametrize("which", [None, 3, {}, [], [3], ["handbook", 3], "x" * 101, ["x" * 101], ["handbook"] * 101])
def test_what_is_neither_a_name_nor_names_is_refused_in_one_sentence(several: Server, which: object) -> None:
    message = assert_json_error(several.post("/ask", question=FALCON, knowledge_base=which), 422, "invalid_request")
    assert message == (
        "knowledge_base: must be a name, a list of at most 100 names, or `all`; a name has at most 100 characters"
    )


@pytest.mark.parametrize("which", ["all", ["handbook", "products"]])
def test_a_question_to_several_says_which_ones_its_hits_are_from(several: Server, which: str | list[str]) -> None:
    hits = several.post("/search", question=FALCON, knowledge_base=which).json()
    assert hits["hits"][0]["knowledge_base"] == "products"
    assert hits["generation"] == 0
    assert {hit["knowledge_base"] for hit in hits["hits"]} == set(hits["generations"])
    answer = ask(several, FALCON, knowledge_base=which)
    assert answer["citations"][0]["knowledge_base"] == "products"
    trace = several.client.get(f"/traces/{answer['trace_id']}").json()
    assert trace["answer"]["generations"] == hits["generations"]


def test_documents_texts_and_status_are_those_of_the_one_that_is_named(several: Server) -> None:
    client = several.client
    documents = client.get("/documents", params={"knowledge_base": "handbook"}).json()["documents"]
    assert [each["url"] for each in documents] == [
        f"/docs/{name}?knowledge_base=handbook" for name in ("README.md", "travel.md")
    ]
    text = client.get("/text", params={"id": "README.md", "knowledge_base": "handbook"}).json()
    assert "annual leave" in text["text"]
    assert text["knowledge_base"] == "handbook"
    assert "Leave" in client.get("/documents/README.md", params={"knowledge_base": "handbook"}).json()["title"]
    assert client.get("/status", params={"knowledge_base": "handbook"}).json()["documents"] == 2
    assert client.get("/page/suggestions", params={"language": "en", "knowledge_base": "products"}).status_code == 200


def test_lines_are_found_and_read_in_the_one_that_is_named(several: Server) -> None:
    found = several.client.get("/grep", params={"text": "four ports", "knowledge_base": "products"}).json()
    [line] = found["lines"]
    assert (found["knowledge_base"], line["url"]) == (
        "products",
        "/docs/README.md?knowledge_base=products&lines=3-3#passage",
    )
    read = several.client.get("/lines", params={"source": "README.md", "knowledge_base": "products"}).json()
    assert "four ports" in read["text"]
    assert several.client.get("/grep", params={"text": "four ports"}).json()["found"] == 0


def test_an_ingest_and_a_rollback_of_one_leave_the_others(several: Server) -> None:
    folder = several.workspace.folder / "products"
    (folder / "new.md").write_text("# Lighthouse\n\nThe lighthouse lamp uses 900 watts.\n", encoding="utf-8")
    state = several.ingest(knowledge_base="products")
    assert (state["error"], state["last"]["documents"]["added"]) == (None, 1)
    question = "How many watts uses the lighthouse lamp?"
    assert not ask(several, question, knowledge_base="products")["refused"]
    assert several.post("/rollback", knowledge_base="products").json() == {"left": 2, "live": 1}
    assert ask(several, question, knowledge_base="products")["refused"]
    found = several.client.get("/knowledge-bases").json()["knowledge_bases"]
    assert [each["generation"] for each in found] == [1, 1, 1]
    assert_json_error(several.post("/rollback", knowledge_base="handbook"), 409, "no_earlier_generation")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/ask", {"question": "x", "knowledge_base": "nope"}),
        ("POST", "/ask", {"question": "x", "knowledge_base": ["handbook", "nope"]}),
        ("POST", "/page/ask", {"question": "x", "knowledge_base": "nope"}),
        ("POST", "/search", {"question": "x", "knowledge_base": "nope"}),
        ("POST", "/ingest", {"knowledge_base": "nope"}),
        ("POST", "/ingest/preview", {"knowledge_base": "nope"}),
        ("POST", "/rollback", {"knowledge_base": "nope"}),
        ("POST", "/rollback", {"knowledge_base": "all"}),
        ("GET", "/ingest?knowledge_base=nope", None),
        ("GET", "/status?knowledge_base=nope", None),
        ("GET", "/documents?knowledge_base=nope", None),
        ("GET", "/documents/README.md?knowledge_base=nope", None),
        ("GET", "/docs/README.md?knowledge_base=nope", None),
        ("GET", "/pictures/a.png?knowledge_base=nope", None),
        ("GET", "/text?id=x&knowledge_base=nope", None),
        ("GET", "/page/suggestions?knowledge_base=nope", None),
        ("GET", "/grep?text=x&knowledge_base=nope", None),
        ("GET", "/lines?source=README.md&knowledge_base=nope", None),
        ("GET", "/gaps?knowledge_base=nope", None),
        ("GET", "/gaps/stale?knowledge_base=nope", None),
    ],
)
def test_an_unknown_name_is_an_error_with_those_there_are(
    several: Server, method: str, path: str, body: dict[str, object] | None
) -> None:
    response = several.client.request(method, path, json=body)
    message = assert_json_error(response, 404, "knowledge_base_not_found")
    assert "there are: default, handbook, products" in message


def test_each_has_gauges_of_its_own(several: Server) -> None:
    text = several.client.get("/metrics").text
    assert 'zhiwen_knowledge_base_documents{knowledge_base="handbook"} 2.0' in text
    assert 'zhiwen_knowledge_base_generation{knowledge_base="default"} 1.0' in text
    assert "zhiwen_documents 1.0" in text


def test_a_server_is_ready_once_one_of_them_can_be_asked(tmp_path: Path) -> None:
    write_folders(tmp_path)
    with Workspace(tmp_path).serving() as server:
        assert server.client.get("/health/ready").status_code == 503
        assert server.ingest(knowledge_base="products")["error"] is None
        assert server.client.get("/health/ready").status_code == 200
        assert not ask(server, FALCON, knowledge_base="all")["refused"]


# OpenAI


def complete(server: Server, model: str, question: str) -> httpx2.Response:
    return server.post("/v1/chat/completions", model=model, messages=[{"role": "user", "content": question}])


def test_each_is_a_model_and_so_are_all(several: Server) -> None:
    listed = [each["id"] for each in several.client.get("/v1/models").json()["data"]]
    assert listed == ["zhiwen", "zhiwen/handbook", "zhiwen/products", "zhiwen/all"]
    assert several.client.get("/v1/models/zhiwen/handbook").json()["id"] == "zhiwen/handbook"
    answer = complete(several, "zhiwen/products", FALCON).json()
    assert answer["model"] == "zhiwen/products"
    assert "four ports" in answer["choices"][0]["message"]["content"]
    assert "four ports" not in complete(several, "zhiwen/handbook", FALCON).text
    assert complete(several, "gpt-4o", FALCON).json()["model"] == "zhiwen"
    [annotation] = complete(several, "zhiwen/all", FALCON).json()["choices"][0]["message"]["annotations"]
    assert annotation["url_citation"]["title"].startswith("products › README.md")
    streamed = several.post(
        "/v1/chat/completions", model="zhiwen/products", stream=True, messages=[{"role": "user", "content": FALCON}]
    ).text
    assert '"model":"zhiwen/products"' in streamed
    unknown = complete(several, "zhiwen/nope", FALCON)
    assert unknown.status_code == 404
    assert "has: zhiwen, zhiwen/handbook, zhiwen/products, zhiwen/all" in unknown.json()["error"]["message"]


# Dify


def test_each_is_a_knowledge_of_dify(several: Server) -> None:
    def titles(knowledge_id: str) -> list[str]:
        body = {"knowledge_id": knowledge_id, "query": FALCON, "retrieval_setting": {"top_k": 3}}
        response = several.client.post("/retrieval", json=body)
        return [record["title"] for record in response.json()["records"]]

    assert titles("products")[0] == "Falcon"
    assert "Falcon" not in titles("handbook")
    assert titles("zhiwen") == titles("default") == ["Harbour"]
    refused = several.client.post("/retrieval", json={"knowledge_id": "nope", "query": "x"})
    assert refused.status_code == 404
    assert "this server has: 'zhiwen', 'handbook', 'products'" in refused.json()["error_msg"]
    listed = several.client.post(
        "/retrieval",
        json={
            "knowledge_id": "handbook",
            "query": LEAVE,
            "metadata_condition": {
                "conditions": [{"name": "source", "comparison_operator": "start with", "value": "travel"}]
            },
        },
    ).json()["records"]
    assert {record["metadata"]["source"] for record in listed} == {"travel.md"}


# MCP


def test_mcp_clients_list_and_choose_them(several: Server) -> None:
    async def talk() -> list[Any]:
        async with Client(f"{several.url}/mcp") as client:
            listed = (await client.call_tool("list_knowledge_bases", {})).structured_content
            found = await client.call_tool("search", {"query": FALCON, "knowledge_base": "all"})
            best = (found.structured_content or {})["results"][0]
            text = (await client.call_tool("fetch", {"id": best["id"]})).structured_content
            document = (await client.call_tool("fetch", {"id": "handbook:README.md"})).structured_content
            answer = await client.call_tool("ask", {"question": FALCON, "knowledge_base": "products"})
            wrong = await client.call_tool("ask", {"question": FALCON, "knowledge_base": "nope"})
            return [listed, best, text, document, answer.structured_content, wrong]

    listed, best, text, document, answer, wrong = asyncio.run(talk())
    assert [each["name"] for each in listed["knowledge_bases"]] == NAMES
    assert best["id"].startswith("products:")
    assert best["title"].startswith("products › ")
    assert "four ports" in text["text"]
    assert text["id"] == best["id"]
    assert "annual leave" in document["text"]
    assert answer["sources"][0]["title"].startswith("README.md")
    assert wrong.is_error
    assert "there are: default, handbook, products" in wrong.content[0].text


# Watching


def test_each_folder_is_watched_and_ingested_by_itself(tmp_path: Path) -> None:
    write_folders(tmp_path)
    with Workspace(tmp_path).given(ZHIWEN_SERVE__AUDIT_FILE="audit.jsonl").serving("--watch") as server:

        def generations() -> list[int]:
            found = server.client.get("/knowledge-bases").json()["knowledge_bases"]
            return [each["generation"] for each in found]

        eventually(generations, until=lambda now: now == [1, 1, 1], within_seconds=120, message="all are ingested")
        (tmp_path / "handbook" / "new.md").write_text("# New\n\nA new rule.\n", encoding="utf-8")
        eventually(generations, until=lambda now: now == [1, 2, 1], within_seconds=120, message="the handbook is")
    noted = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text("utf-8").splitlines()]
    assert {(line["action"], line["route"]) for line in noted} == {("ingested", "server")}
    assert [line["knowledge_bases"] for line in noted].count(["handbook"]) >= 2
