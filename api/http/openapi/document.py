"""The OpenAPI document: what FastAPI knows of the routes, with an example of each request, response and error."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from api.error_codes import STATUS, error_code
from api.error_formats import Problem
from api.guard.access import Rule, rule_of
from api.http.openapi.errors import ALWAYS, GROUPS, MESSAGES, WITH_ANSWERS, WITH_BODY, WITHOUT_CLASS
from api.http.openapi.examples import EXAMPLES, TAGS
from api.service.operation import Example

FILE = Path(__file__).with_name("openapi.json")
"""A copy of the document, for people who generate clients from it; `python -m api.http.write_openapi` writes it."""
_KEY = "api_key"
_JSON = "application/json"
_METHODS = ("get", "post", "put", "patch", "delete")

Document = dict[str, Any]


def add_openapi(app: FastAPI) -> None:
    """Complete the document that the application serves. After all routes."""
    generate = app.openapi

    def openapi() -> Document:
        if not app.openapi_schema:
            app.openapi_schema = _completed(generate())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Method, path and description of each operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield method.upper(), path, operation


def _completed(document: Document) -> Document:
    document["tags"] = [{"name": name, "description": description} for name, description in TAGS.items()]
    document["components"]["securitySchemes"] = {
        _KEY: {"type": "http", "scheme": "bearer", "description": "An API key, where the service has keys."}
    }
    for method, path, operation in operations(document):
        rule, example = rule_of(method, path), EXAMPLES.get(f"{method} {path}", Example())
        # Whether keys are needed is up to whoever runs the service.
        operation["security"] = [] if rule.needs is None else [{}, {_KEY: []}]
        _show(operation, example)
        _show_errors(operation, rule, example, document["components"].setdefault("examples", {}))
    return document


def _show(operation: Document, example: Example) -> None:
    """What goes in and what comes out."""
    if example.request is not None:
        operation["requestBody"]["content"][_JSON]["example"] = example.request
    for name, value in example.parameters.items():
        parameter = next(one for one in operation["parameters"] if one["name"] == name)
        parameter["example"] = value
    content = next(answer["content"] for status, answer in operation["responses"].items() if status.startswith("2"))
    shown = {_JSON: example.response, "text/event-stream": example.stream, "text/plain": example.text}
    for media_type, value in shown.items():
        if value is not None:
            content[media_type]["example"] = value


def _show_errors(operation: Document, rule: Rule, example: Example, shown: Document) -> None:
    """The errors that may come, each in the words of the operation's protocol; what they say is kept in `shown`."""
    codes = [*ALWAYS, *(code for group in example.errors for code in GROUPS[group])]
    if "requestBody" in operation or "parameters" in operation:
        codes += WITH_BODY
    if rule.answers:
        codes += WITH_ANSWERS
    for pattern in ("4XX", "5XX"):
        answer = operation["responses"].get(pattern)
        if answer is None:
            continue
        problems = [Problem(statuses()[code], code, MESSAGES[code]) for code in dict.fromkeys(codes)]
        answer["content"][_JSON]["examples"] = examples = {}
        for problem in problems:
            status, name = rule.error_format.status(problem), f"{rule.error_format.name}.{problem.code}"
            if str(status)[0] == pattern[0]:
                shown[name] = {"summary": f"status {status}", "value": rule.error_format.body(problem).model_dump()}
                examples[problem.code] = {"$ref": f"#/components/examples/{name}"}


def statuses() -> dict[str, int]:
    """The status of every code of an error, in our own words."""
    return {error_code(kind()): status for kind, status in STATUS.items()} | dict(WITHOUT_CLASS)


def as_text(document: Document) -> str:
    """The document as it is written to `FILE`."""
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
