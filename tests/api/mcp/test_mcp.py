"""MCP over stdio and HTTP, used by the SDK's own client."""

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ResourceTemplateReference, TextContent, TextResourceContents
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, MODERN_PROTOCOL_VERSIONS

from tests.kit.leaving_clients import assert_leaving_ends_the_call
from tests.kit.mcp_requests import MCP_HEADERS, mcp_call, mcp_tool
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import ZHIWEN, Server, Workspace
from tests.kit.server_events import streamed

QUESTION = "向量数据库有哪些知名组件？"
SETUP = "guides/setup.md"
Result = TypeVar("Result")
Talk = Callable[[Client], Awaitable[Result]]


def over_http(server: Server, talk: Talk[Result], mode: str = "auto") -> Result:
    async def talked() -> Result:
        async with Client(f"{server.url}/mcp", mode=mode) as client:
            return await talk(client)

    return asyncio.run(talked())


def over_stdio(workspace: Workspace, talk: Talk[Result], errors: Path, mode: str = "auto") -> Result:
    """Run a client against its own `zhiwen mcp`, and keep the standard error."""
    command = StdioServerParameters(command=str(ZHIWEN), args=["mcp"], env=workspace.environment, cwd=workspace.folder)

    async def talked() -> Result:
        with errors.open("w") as log:
            async with Client(stdio_client(command, errlog=log), mode=mode) as client:
                return await talk(client)

    return asyncio.run(talked())


def structured(result: CallToolResult) -> Any:
    """The structured content, which must equal the content of the one text."""
    assert not result.is_error, result
    [text] = result.content
    assert isinstance(text, TextContent)
    assert json.loads(text.text) == result.structured_content
    return result.structured_content


def failure(result: CallToolResult) -> str:
    assert result.is_error
    [text] = result.content
    assert isinstance(text, TextContent)
    return text.text


async def search_and_fetch(client: Client) -> tuple[Any, Any]:
    found = structured(await client.call_tool("search", {"query": "lighthouse daemon port"}))
    fetched = structured(await client.call_tool("fetch", {"id": found["results"][0]["id"]}))
    return found, fetched


# Over HTTP


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_tool_says_what_it_is_for_with_schemas_of_what_goes_in_and_comes_out(server: Server, mode: str) -> None:
    async def talk(client: Client) -> Any:
        return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in over_http(server, talk, mode)}
    inputs = {name: tool.input_schema.get("required", []) for name, tool in tools.items()}
    assert inputs == {
        "search": ["query"],
        "fetch": ["id"],
        "ask": ["question"],
        "list_knowledge_bases": [],
        "list_documents": [],
        "grep": ["text"],
        "read_lines": ["source"],
    }
    for tool in tools.values():
        assert tool.description
        others = {f"`{name}`" for name in tools if name != tool.name}
        assert "use" in tool.description.lower()
        assert any(other in tool.description for other in others), "it says what to use instead"
        assert tool.output_schema
        assert tool.annotations
        assert tool.annotations.read_only_hint


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_search_result_can_be_fetched(server: Server, mode: str) -> None:
    found, fetched = over_http(server, search_and_fetch, mode)
    assert list(found) == ["results"]
    assert all(list(result) == ["id", "title", "url"] for result in found["results"])
    assert all(result["url"].startswith(f"{server.url}/docs/") and result["title"] for result in found["results"])
    assert all('id="passage"' in server.client.get(result["url"]).text for result in found["results"])
    assert list(fetched) == ["id", "title", "text", "url", "metadata"]
    assert {key: fetched[key] for key in ("id", "url")} == {key: found["results"][0][key] for key in ("id", "url")}
    assert fetched["text"] == (
        "# Setup\n\nInstall the lighthouse daemon with the package lamp-tools and start it on port 7311."
    )
    assert fetched["metadata"]["source"] == SETUP
    assert fetched["metadata"]["audience"] == "admin"


def test_a_section_is_found_once_and_fetched_whole_with_its_tables_as_tables(server: Server) -> None:
    async def talk(client: Client) -> tuple[Any, Any]:
        found = structured(await client.call_tool("search", {"query": QUESTION}))
        return found, structured(await client.call_tool("fetch", {"id": found["results"][0]["id"]}))

    found, fetched = over_http(server, talk)
    titles = [result["title"] for result in found["results"]]
    assert len(set(titles)) == len(titles)
    assert titles[0] == "概述 › AI 工程架构"
    assert fetched["text"].startswith("# 概述\n\n## AI 工程架构\n\n")
    assert "PingCAP" in fetched["text"]
    assert "层级: 第一层 › " not in fetched["text"]  # a row as it is indexed
    assert fetched["metadata"]["whole"] is True


def test_a_document_is_fetched_by_its_path(server: Server) -> None:
    async def talk(client: Client) -> list[Any]:
        names = ("overview.md", "guides/100%_sure.md")
        return [structured(await client.call_tool("fetch", {"id": name})) for name in names]

    overview, sure = over_http(server, talk)
    assert overview["text"].startswith("# 概述\n\n")
    assert overview["text"].count("\n## ") > 2
    assert overview["url"].startswith(f"{server.url}/docs/overview.md?lines=")
    assert sure["url"].startswith(f"{server.url}/docs/guides/100%25_sure.md?lines=")


def test_ask_answers_with_sources_and_refuses_without(server: Server) -> None:
    async def talk(client: Client) -> list[CallToolResult]:
        return [await client.call_tool("ask", {"question": text}) for text in (QUESTION, "红烧肉怎么做才不腻？")]

    answered, refused = over_http(server, talk)
    assert answered.structured_content is not None
    assert answered.structured_content["refused"] is False
    [source] = answered.structured_content["sources"]
    assert source["url"].startswith(f"{server.url}/docs/overview.md?lines=82-82")
    assert "PingCAP" in source["quote"]
    [text] = answered.content
    assert isinstance(text, TextContent)
    assert text.text.startswith(answered.structured_content["answer"])
    assert text.text.endswith(f"\n\n来源:\n[1] [overview.md › 概述 › AI 工程架构]({source['url']})")
    assert refused.structured_content is not None
    assert refused.structured_content["refused"] is True
    assert refused.structured_content["sources"] == []


async def read_as_files(client: Client) -> list[Any]:
    calls = (
        ("list_documents", {"folder": "guides/"}),
        ("grep", {"text": "LIGHTHOUSE*port"}),
        ("read_lines", {"source": SETUP, "start": 7}),
    )
    return [structured(await client.call_tool(name, arguments)) for name, arguments in calls]


def test_an_agent_lists_greps_and_reads_on(server: Server) -> None:
    listed, found, read = over_http(server, read_as_files)
    assert [document["source"] for document in listed["documents"]] == [
        "guides/100%_sure.md",
        SETUP,
        "guides/upkeep.md",
    ]
    assert listed["found"] == 3
    assert all(document["date"] and document["url"].startswith(server.url) for document in listed["documents"])
    [line] = found["lines"]
    assert (line["source"], line["line"], found["found"]) == (SETUP, 10, 1)
    assert line["url"].startswith(f"{server.url}/docs/{SETUP}?lines=10-10")
    text = "Install the lighthouse daemon with the package lamp-tools and start it on port 7311."
    assert read["text"] == f"\t# Setup\n10\t{text}"
    assert (read["start_line"], read["end_line"], read["last_line"]) == (10, 10, 10)


def test_a_failed_tool_call_says_why_in_words(server: Server) -> None:
    async def talk(client: Client) -> list[str]:
        calls = (("fetch", {"id": "nothing.md"}), ("search", {"query": " "}), ("ask", {"question": "长" * 5000}))
        more = (("read_lines", {"source": "nothing.md"}), ("read_lines", {"source": SETUP, "start": 99}))
        return [
            failure(await client.call_tool(name, arguments))
            for name, arguments in (*calls, *more, ("grep", {"text": "*"}))
        ]

    nothing, empty, long, no_document, beyond, anything = over_http(server, talk)
    assert "has no document 'nothing.md'" in no_document
    assert "its last line is 10" in beyond
    assert "the text to look for is empty" in anything
    assert "'nothing.md' is neither a passage nor a document" in nothing
    assert "the question is empty" in empty
    assert "4000" in long


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("fetch", {"id": ""}),
        ("fetch", {"id": "x" * 5000}),
        ("search", {"query": "x", "knowledge_base": "x" * 200}),
        ("list_documents", {"knowledge_base": "x" * 200}),
        ("grep", {"text": "x", "folder": "x" * 5000}),
        ("read_lines", {"source": ""}),
    ],
)
def test_an_argument_that_cannot_be_is_named(server: Server, tool: str, arguments: dict[str, str]) -> None:
    said = over_http(server, lambda client: client.call_tool(tool, arguments))
    assert list(arguments)[-1] in failure(said)
    assert "raised an unexpected exception" not in server.log


def test_a_request_leaves_nothing_open(server: Server) -> None:
    assert server.client.get("/mcp").status_code == 405
    response = server.client.post("/mcp", json=mcp_call("tools/list"), headers=MCP_HEADERS)
    assert response.status_code == 200, response.text
    assert "mcp-session-id" not in response.headers


def test_a_call_whose_client_goes_away_ends_the_call_to_the_model(chat_endpoint: OpenAIServer, talking: Server) -> None:
    body = mcp_tool("ask", question=QUESTION)
    chat_endpoint.play(completion("Milvus", hangs=True))
    assert_leaving_ends_the_call(talking, chat_endpoint, "/mcp", body, accept=MCP_HEADERS["Accept"])


async def use_resources(client: Client) -> tuple[list[Any], list[Any], list[str], list[str]]:
    listed = (await client.list_resources()).resources
    templates = (await client.list_resource_templates()).resource_templates
    texts = []
    for uri in (f"zhiwen://documents/{SETUP}", "zhiwen://documents/guides/100%25_sure.md"):
        [content] = (await client.read_resource(uri)).contents
        assert isinstance(content, TextResourceContents)
        assert content.mime_type == "text/markdown"
        texts.append(content.text)
    reference = ResourceTemplateReference(uri=templates[0].uri_template)
    completed = await client.complete(reference, {"name": "source", "value": "UP"})
    return listed, templates, texts, completed.completion.values


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_documents_are_resources_that_are_listed_completed_and_read(server: Server, mode: str) -> None:
    listed, [template], [setup, sure], completed = over_http(server, use_resources, mode)
    by_name = {each.name: each for each in listed}
    assert by_name[SETUP].title == "Setup"
    assert by_name["guides/100%_sure.md"].uri == "zhiwen://documents/guides/100%25_sure.md"
    assert template.uri_template == "zhiwen://documents/{+source}"
    assert "port 7311" in setup
    assert "one hundred percent sure" in sure
    assert completed == [SETUP, "guides/upkeep.md"]


def test_a_resource_that_does_not_exist_is_an_error_that_says_so(server: Server) -> None:
    async def talk(client: Client) -> list[str]:
        messages = []
        for name in ("nothing.md", "../config.yaml", "/etc/passwd", "%2e%2e/config.yaml"):
            with pytest.raises(MCPError) as caught:
                await client.read_resource(f"zhiwen://documents/{name}")
            messages.append(str(caught.value))
        return messages

    missing, *outside = over_http(server, talk)
    assert "'nothing.md' is neither a passage nor a document" in missing
    assert len(outside) == 3


def test_the_prompt_asks_for_an_answer_with_citations_in_the_language_of_the_question(server: Server) -> None:
    async def talk(client: Client) -> list[str]:
        [prompt] = (await client.list_prompts()).prompts
        assert [argument.name for argument in prompt.arguments or ()] == ["question"]
        texts = []
        for question in (QUESTION, "Where is {the} lamp?"):
            [message] = (await client.get_prompt(prompt.name, {"question": question})).messages
            assert isinstance(message.content, TextContent)
            texts.append(message.content.text)
        return texts

    chinese, english = over_http(server, talk)
    assert chinese.endswith(f"问题：{QUESTION}")
    assert english.endswith("Question: Where is {the} lamp?")
    assert all(tool in chinese and tool in english for tool in ("search", "fetch", "grep"))


# Protocol revisions


@pytest.mark.parametrize("revision", HANDSHAKE_PROTOCOL_VERSIONS[-2:])
def test_a_client_of_an_older_revision_is_answered_in_its_own(server: Server, revision: str) -> None:
    client = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    headers = dict(MCP_HEADERS)

    def call(method: str, **params: object) -> Any:
        [event] = streamed(server.client.post("/mcp", json=mcp_call(method, **params), headers=headers))
        return event.data["result"]

    begun = call("initialize", **client)
    assert begun["protocolVersion"] == revision
    assert begun["capabilities"].keys() >= {"tools", "resources", "prompts", "completions"}
    headers["MCP-Protocol-Version"] = revision
    assert {tool["name"] for tool in call("tools/list")["tools"]} >= {"search", "fetch", "ask"}
    found = call("tools/call", name="search", arguments={"query": "lighthouse daemon port"})
    assert found["structuredContent"]["results"]
    assert call("resources/read", uri=f"zhiwen://documents/{SETUP}")["contents"]
    assert call("prompts/get", name="answer_with_citations", arguments={"question": "?"})["messages"]


@pytest.mark.parametrize("revision", MODERN_PROTOCOL_VERSIONS[-1:])
def test_a_client_of_the_newest_revision_needs_no_handshake(server: Server, revision: str) -> None:
    found, fetched = over_http(server, search_and_fetch, revision)
    assert found["results"]
    assert fetched["metadata"]["source"] == SETUP
    assert over_http(server, use_resources, revision)[3] == [SETUP, "guides/upkeep.md"]
    offered = {"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    [event] = streamed(server.client.post("/mcp", json=mcp_call("initialize", **offered), headers=MCP_HEADERS))
    assert event.data["result"]["protocolVersion"] == HANDSHAKE_PROTOCOL_VERSIONS[-1]


# Over stdio


def test_over_stdio_the_tools_work_without_a_server_and_addresses_are_those_of_the_files(
    workspace: Workspace, tmp_path: Path
) -> None:
    async def talk(client: Client) -> tuple[Any, CallToolResult]:
        found = structured(await client.call_tool("search", {"query": QUESTION}))
        structured(await client.call_tool("fetch", {"id": found["results"][0]["id"]}))
        # The store is closed between calls, so that other commands can open it.
        roots.append(workspace.run("status", "--json").json["root"])
        return found, await client.call_tool("ask", {"question": QUESTION})

    roots: list[str] = []
    found, answered = over_stdio(workspace, talk, tmp_path / "errors", "legacy")
    here = Path(roots[0], "overview.md").as_uri()
    assert {result["url"] for result in found["results"]} == {here}
    assert answered.structured_content is not None
    assert answered.structured_content["sources"][0]["url"] == here
    assert (tmp_path / "errors").read_text() == ""


def test_over_stdio_the_tools_go_through_the_server_that_owns_the_store(server: Server, tmp_path: Path) -> None:
    read = over_stdio(server.workspace, read_as_files, tmp_path / "errors")
    assert read[1]["lines"][0]["url"].startswith(f"{server.url}/docs/{SETUP}?lines=")
    found, fetched = over_stdio(server.workspace, search_and_fetch, tmp_path / "errors")
    assert found["results"][0]["url"].startswith(f"{server.url}/docs/{SETUP}?lines=")
    assert fetched["metadata"]["source"] == SETUP


def test_over_stdio_nothing_but_the_protocol_is_on_standard_output(empty_workspace: Workspace, tmp_path: Path) -> None:
    messages: list[dict[str, Any]] = [
        {
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            },
        },
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "search", "arguments": {"query": QUESTION}}},
    ]
    sent = "".join(json.dumps({"jsonrpc": "2.0"} | message) + "\n" for message in messages)
    process = subprocess.Popen(
        [ZHIWEN, "mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=empty_workspace.folder,
        env=empty_workspace.environment,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(sent)
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
        process.wait()
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[0]["result"]["serverInfo"]["name"] == "zhiwen"
    assert answers[1]["result"]["isError"] is True
    assert "zhiwen ingest" in answers[1]["result"]["content"][0]["text"]
    assert out == ""
    assert "Traceback" not in err
    assert process.returncode == 0
