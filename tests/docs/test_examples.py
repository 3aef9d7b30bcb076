"""The examples of the documents are right: values, calls, answers, filters, configurations.

Nothing is opened or started here; whether the commands work is tested where they live.
"""

import json
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator

from api.error_codes import STATUS, error_code
from api.guard.route_rules import RULES
from api.openai.schemas import MODEL
from api.schemas.error_bodies import ErrorResponse
from api.schemas.filter import FilterIn
from api.schemas.filter_syntax import parse_filter
from ingest.golden.questions import load_golden
from rag.settings import Settings
from rag.settings_loader import load_settings
from tests.kit.markdown import DOCUMENTS, GUIDES, READMES, MarkdownFile, guide
from tests.kit.paths import ROOT

SHELL_WORDS = {"export", "curl", ".", "make", "zhiwen", "cp", "docker", "kubectl", "cd", "pip", "uv", "ray"}
OPENAPI = json.loads((ROOT / "api/http/openapi/openapi.json").read_text("utf-8"))
ROUTES = {(rule.method, rule.path) for rule in RULES}

documents = pytest.mark.parametrize("document", DOCUMENTS, ids=str)
http_api = pytest.mark.parametrize("document", guide("http-api"), ids=str)
clients = pytest.mark.parametrize("document", guide("clients"), ids=str)
filters = pytest.mark.parametrize("document", guide("filters"), ids=str)
production = pytest.mark.parametrize("document", guide("production"), ids=str)


@documents
def test_shell_blocks_hold_only_commands_that_are_checked(document: MarkdownFile) -> None:
    for line in document.shell_lines():
        first = next((word for word in line if not re.match(r"[A-Za-z_]+=", word)), None)
        assert first is None or first in SHELL_WORDS, line


@documents
def test_every_extra_exists(document: MarkdownFile) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(re.findall(r"zhiwen\[([\w-]+)\]", document.text)) <= set(project["optional-dependencies"])


@documents
def test_every_value_given_to_a_setting_is_valid(document: MarkdownFile) -> None:
    for variable, value in document.assignments():
        if "__" in variable:
            load_settings(environment={variable: value.replace("…", "x")})  # sk-…: the reader's own key


def test_the_guides_give_values_to_the_settings_that_people_change_first() -> None:
    given = {variable.split("_")[1] for page in (*READMES, *GUIDES) for variable, _ in page.assignments()}
    assert {"KNOWLEDGE", "STORE", "CHAT", "EMBEDDING", "RERANK", "RETRIEVAL", "SERVE"} <= given


@http_api
def test_every_call_names_an_endpoint_and_sends_a_body_that_it_takes(document: MarkdownFile) -> None:
    calls = document.curl_calls()
    assert {call.path for call in calls} >= {"/ask", "/search", "/text", "/ingest", "/health"}
    for call in calls:
        operation = OPENAPI["paths"][call.path][call.method.lower()]
        if call.body:
            body = operation["requestBody"]["content"]["application/json"]["schema"]
            assert problems(json.loads(call.body), body) == [], call


@http_api
def test_the_answer_shown_has_the_fields_of_an_answer(document: MarkdownFile) -> None:
    (answer,) = (json.loads(block) for block in document.blocks("json"))
    schema = OPENAPI["components"]["schemas"]["AskResponse"]
    assert problems(answer, schema) == []
    assert answer.keys() == schema["properties"].keys()


@http_api
def test_the_answer_shown_cites_a_line_that_holds_what_is_quoted(document: MarkdownFile) -> None:
    (citation,) = json.loads(document.blocks("json")[0])["citations"]
    line = (ROOT / "knowledge" / citation["source"]).read_text("utf-8").splitlines()[citation["start_line"] - 1]
    assert "向量数据库" in line
    assert citation["quote"].rpartition(": ")[2] in line


@http_api
def test_the_error_shown_has_the_fields_and_a_code_of_an_error(document: MarkdownFile) -> None:
    (shown,) = (code for code in document.codes if code.startswith('{"error"'))
    error = ErrorResponse.model_validate_json(shown)
    assert error.model_dump() == json.loads(shown)
    assert error.error.code in {error_code(kind("")) for kind in STATUS}


@clients
def test_what_clients_make_of_the_addresses_shown_are_routes(document: MarkdownFile) -> None:
    appended = {
        "Cherry Studio": ("GET /v1/models", "POST /v1/chat/completions"),
        "Chatbox": ("GET /models", "POST /chat/completions"),
        "Open WebUI": ("GET /models", "POST /chat/completions"),
        "Dify": ("POST /retrieval",),
    }
    rows = {row[0]: codes for row, codes in zip(document.table_rows(), document.coded_rows(), strict=True)}
    for client, calls in appended.items():
        base = urlsplit(rows[client][0])
        assert base.port == Settings().serve.port
        assert {(call.split()[0], base.path + call.split()[1]) for call in calls} <= ROUTES
        assert rows[client][1] == MODEL == Settings().store.collection
    (over_http,) = (codes for codes in rows.values() if codes and codes[0].endswith("/mcp"))
    assert ("POST", urlsplit(over_http[0]).path) in ROUTES


@clients
def test_the_command_that_an_mcp_client_starts_is_complete(document: MarkdownFile) -> None:
    (shown,) = (json.loads(block) for block in document.blocks("jsonc"))
    server = shown["mcpServers"]["zhiwen"]
    assert server["command"].endswith("/bin/zhiwen")
    assert [server["args"][0], server["args"][-1]] == ["--config", "mcp"]


@filters
def test_every_filter_shown_is_one(document: MarkdownFile) -> None:
    shown = 0
    for line in document.command_lines("zhiwen"):
        options = list(pairwise(line))
        where = [value for option, value in options if option == "--where"]
        written = next((value for option, value in options if option == "--filter"), None)
        found = parse_filter(where, written)
        assert found
        found.to_filter()
        shown += 1
    for block in document.blocks("json"):
        FilterIn.model_validate_json(block).to_filter()
    for row in document.coded_rows():
        for code in row:
            if re.match(r"\w+(?:[=!^]|[<>]=)", code):
                assert parse_filter([code], None)
                shown += 1
    assert shown > 8


@pytest.mark.parametrize("document", guide("golden-questions"), ids=str)
def test_the_golden_questions_shown_can_be_loaded(document: MarkdownFile, tmp_path: Path) -> None:
    for block in document.blocks("yaml"):
        (tmp_path / "golden.yaml").write_text(block, "utf-8")
        questions = load_golden(tmp_path)
        assert questions
        assert all(not entry.source or (ROOT / "knowledge" / entry.source).is_file() for entry in questions)


@production
def test_the_proxy_fits_the_service_behind_it(document: MarkdownFile) -> None:
    (block,) = document.blocks("nginx")
    given = {words[0]: words[-1] for line in block.splitlines() if len(words := line.strip(" ;").split()) > 1}
    serve, chat = Settings().serve, Settings().chat
    assert block.count("{") == block.count("}")
    assert given["proxy_pass"] == f"http://{serve.host}:{serve.port}"
    assert given["client_max_body_size"] == f"{serve.max_body_bytes // 1024}k"
    assert float(given["proxy_read_timeout"].rstrip("s")) > chat.total_timeout_seconds
    assert given["proxy_buffering"] == "off"
    assert float(given["client_header_timeout"].rstrip("s")) <= serve.header_timeout_seconds
    assert dict(document.assignments())["ZHIWEN_SERVE__TRUSTED_HOSTS"] == given["server_name"]


@production
def test_what_is_applied_exists(document: MarkdownFile) -> None:
    applied = [line[2] for line in document.command_lines("kubectl") if line[:2] == ["apply", "-k"]]
    assert applied
    assert all((ROOT / folder / "kustomization.yaml").is_file() for folder in applied)


def problems(value: object, schema: dict[str, object]) -> list[str]:
    """What the OpenAPI document does not allow about a value."""
    validator = Draft202012Validator({**schema, "components": OPENAPI["components"]})
    return [error.message for error in validator.iter_errors(value)]
