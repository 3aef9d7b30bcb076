"""The OpenAPI document: what FastAPI generates, with an example of each request, response and error."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from api.error_codes import STATUS, error_code
from api.error_formats import Problem
from api.guard.route_rules import Rule, rule_of
from api.http.openapi.errors import ALWAYS, GROUPS, MESSAGES, WITH_ANSWERS, WITH_BODY, WITHOUT_CLASS
from api.http.openapi.examples import EXAMPLES, TAGS
from api.service.operation import Example
from rag.document_url import KNOWLEDGE_BASE
from rag.knowledge_base_names import DEFAULT

FILE = Path(__file__).with_name("openapi.json")
"""A copy of the document, for people who generate clients from it; `python -m api.http.write_openapi` writes it."""
_KEY = "api_key"
_JSON = "application/json"
_METHODS = ("get", "post", "put", "patch", "delete")

Document = dict[str, Any]


def add_openapi(app: FastAPI) -> None:
    """Make the application serve the complete document. Call this after all routes have been added."""
    generate = app.openapi

    def openapi() -> Document:
        if not app.openapi_schema:
            app.openapi_schema = _complete(generate())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Yield the method, the path and the description of each operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield method.upper(), path, operation


def _complete(document: Document) -> Document:
    document["tags"] = [{"name": name, "description": description} for name, description in TAGS.items()]
    document["components"]["securitySchemes"] = {
        _KEY: {"type": "http", "scheme": "bearer", "description": "An API key, if the service has keys."}
    }
    for method, path, operation in operations(document):
        rule, example = rule_of(method, path), EXAMPLES.get(f"{method} {path}", Example())
        # A service may run without keys.
        operation["security"] = [] if rule.needs is None else [{}, {_KEY: []}]
        _add_examples(operation, example)
        _add_error_examples(operation, rule, example, document["components"].setdefault("examples", {}))
    return document


def _add_examples(operation: Document, example: Example) -> None:
    if example.request is not None:
        operation["requestBody"]["content"][_JSON]["example"] = example.request
    for name, value in example.parameters.items():
        parameter = next(item for item in operation["parameters"] if item["name"] == name)
        parameter["example"] = value
    for parameter in operation.get("parameters", ()):
        if parameter["name"] == KNOWLEDGE_BASE:
            parameter["example"] = DEFAULT
    texts = {"text/event-stream": example.stream, "text/plain": example.text, "text/html": example.html}
    for status, body in operation["responses"].items():
        values = texts | ({_JSON: example.response} if status.startswith("2") else {})
        for media_type, value in values.items():
            if value is not None and media_type in body.get("content", {}):
                body["content"][media_type]["example"] = value


def _add_error_examples(operation: Document, rule: Rule, example: Example, shared: Document) -> None:
    """Add the possible errors in the format of the operation's protocol. `shared` collects the examples themselves."""
    codes = [*ALWAYS, *(code for group in example.errors for code in GROUPS[group])]
    if "requestBody" in operation or "parameters" in operation:
        codes += WITH_BODY
    if rule.answers:
        codes += WITH_ANSWERS
    for pattern in ("4XX", "5XX"):
        response = operation["responses"].get(pattern)
        if response is None:
            continue
        problems = [Problem(statuses()[code], code, MESSAGES[code]) for code in dict.fromkeys(codes)]
        response["content"][_JSON]["examples"] = examples = {}
        for problem in problems:
            status, name = rule.error_format.status(problem), f"{rule.error_format.name}.{problem.code}"
            if str(status)[0] == pattern[0]:
                shared[name] = {"summary": f"status {status}", "value": rule.error_format.body(problem).model_dump()}
                examples[problem.code] = {"$ref": f"#/components/examples/{name}"}


def statuses() -> dict[str, int]:
    """Return the HTTP status of each error code in our own API."""
    return {error_code(kind()): status for kind, status in STATUS.items()} | dict(WITHOUT_CLASS)


def as_text(document: Document) -> str:
    """Return the document as it is written to `FILE`."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
