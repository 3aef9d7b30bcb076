"""The OpenAPI document is complete, matches its own schemas, and is the one in the repository."""

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.error_codes import STATUS, error_code
from api.http.app import create_app
from api.http.openapi.document import FILE, as_text, operations, statuses
from api.http.openapi.errors import ELSEWHERE, MESSAGES
from api.http.openapi.examples import EXAMPLES
from api.http.server_context import ServerContext
from ingest.background import IngestRunner
from tests.kit.processes import Server
from tests.kit.services import UNOPENED

DOCUMENT: dict[str, Any] = create_app(UNOPENED, IngestRunner(), ServerContext()).openapi()
OPERATIONS = {f"{method} {path}": operation for method, path, operation in operations(DOCUMENT)}
each_operation = pytest.mark.parametrize("name", OPERATIONS)


def problems(schema: dict[str, Any], value: Any) -> list[str]:
    # References point into the document, so the schema is checked as a part of it.
    validator = Draft202012Validator(DOCUMENT["components"] | {"components": DOCUMENT["components"]} | schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def examples_of(content: dict[str, Any]) -> list[Any]:
    found = [content["example"]] if "example" in content else []
    return found + [kept(example)["value"] for example in content.get("examples", {}).values()]


def kept(reference: dict[str, str]) -> dict[str, Any]:
    example: dict[str, Any] = DOCUMENT["components"]["examples"][reference["$ref"].rpartition("/")[2]]
    return example


def test_the_document_that_is_kept_is_the_one_that_is_served(server: Server) -> None:
    assert FILE.read_text(encoding="utf-8") == as_text(DOCUMENT), "run `make openapi` and commit what it writes"
    assert server.client.get("/openapi.json").json() == DOCUMENT


def test_only_what_clients_may_call_is_in_it() -> None:
    assert OPERATIONS.keys() >= {"POST /ask", "POST /v1/chat/completions", "POST /retrieval", "GET /text"}
    assert not [name for name in OPERATIONS if name.split()[1].startswith(("/page", "/static", "/api-docs", "/mcp"))]


def test_every_example_is_of_an_operation_that_exists() -> None:
    assert EXAMPLES.keys() - OPERATIONS.keys() == set()


def test_names_of_operations_are_unique_and_fit_for_functions() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


@each_operation
def test_an_operation_is_described_and_shown(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["description"]
    assert set(operation["tags"]) <= {tag["name"] for tag in DOCUMENT["tags"]}
    for parameter in operation.get("parameters", ()):
        assert "example" in parameter, parameter["name"]
    for content in operation.get("requestBody", {}).get("content", {}).values():
        assert examples_of(content), "add its request to api/http/openapi/examples.py"
    for status, answer in operation["responses"].items():
        assert answer["description"]
        for media_type, content in answer["content"].items():
            assert status == "503" or examples_of(content), (
                f"add its {status} {media_type} to api/http/openapi/examples.py"
            )


@each_operation
def test_every_example_is_as_its_schema_says(name: str) -> None:
    operation = OPERATIONS[name]
    contents = list(operation.get("requestBody", {}).get("content", {}).values())
    contents += [content for answer in operation["responses"].values() for content in answer["content"].values()]
    for content in contents:
        for example in examples_of(content):
            assert problems(content["schema"], example) == [], example
    for parameter in operation.get("parameters", ()):
        assert problems(parameter["schema"], parameter["example"]) == []


def test_the_check_of_examples_finds_what_is_wrong() -> None:
    [schema] = [content["schema"] for content in OPERATIONS["POST /search"]["requestBody"]["content"].values()]
    assert problems(schema, {"question": "x"}) == []
    assert problems(schema, {"question": 1}) != []
    assert problems(schema, {"question": "x", "filter": {"field": "a", "any": [{"in": "no list"}]}}) != []


def test_every_error_has_an_example_where_it_can_come() -> None:
    shown = {
        code
        for operation in OPERATIONS.values()
        for status in ("4XX", "5XX")
        for code in operation["responses"][status]["content"]["application/json"]["examples"]
    }
    assert statuses().keys() - shown - {"method_not_allowed"} == set(ELSEWHERE)
    assert shown <= MESSAGES.keys()
    assert {error_code(kind()) for kind in STATUS} <= statuses().keys()


def test_errors_are_shown_in_the_words_of_their_protocol() -> None:
    def shown(name: str, status: str, code: str) -> Any:
        answer = OPERATIONS[name]["responses"][status]["content"]["application/json"]
        return kept(answer["examples"][code])["value"]

    assert list(shown("POST /ask", "4XX", "question_error")["error"]) == ["code", "message"]
    assert list(shown("POST /v1/chat/completions", "4XX", "key_unknown")["error"]) == ["message", "type", "code"]
    assert shown("POST /retrieval", "4XX", "key_unknown")["error_code"] == 1002
    assert "chat_broken" in OPERATIONS["POST /ask"]["responses"]["5XX"]["content"]["application/json"]["examples"]


def test_the_document_is_json_that_any_reader_takes() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8"))["openapi"].startswith("3.1")


# The document and its page as they are served


def test_every_operation_of_the_document_is_described_and_every_reference_resolves(server: Server) -> None:
    response = server.client.get("/openapi.json")
    assert response.status_code == 200
    api = response.json()
    assert api["openapi"].startswith("3.")
    assert api["info"]["title"]
    assert api["info"]["version"]
    identifiers = [operation["operationId"] for item in api["paths"].values() for operation in item.values()]
    assert len(set(identifiers)) == len(identifiers)
    for item in api["paths"].values():
        for operation in item.values():
            assert operation["description"]
            assert {"4XX", "5XX"} < set(operation["responses"])
    for reference in re.findall(r'"\$ref":\s*"([^"]+)"', response.text):
        assert reference.startswith("#/")
        node = api
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


class _Addresses(HTMLParser):
    """Collects the addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href", "action") and value]


def test_the_api_page_loads_nothing_from_elsewhere(server: Server) -> None:
    page = server.client.get("/api-docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    addresses = _Addresses()
    addresses.feed(page.text)
    assert len(addresses.found) >= 3
    assert not re.findall(r"(?:https?:)?//[a-z]", re.sub(r"^\s*//.*|<!--.*?-->", "", page.text, flags=re.MULTILINE))
    for address in addresses.found:
        assert address.startswith("/")
        asset = server.client.get(address)
        assert asset.status_code == 200
        assert asset.content
        if address.endswith(".css"):
            assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", asset.text)
