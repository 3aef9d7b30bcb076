"""The answer to a request for a route that does not exist. Most often, the client means one that does."""

from starlette.responses import JSONResponse

from api.error_formats import Problem
from api.guard.route_rules import RULES, methods_of, rule_of

_MAX_CHARACTERS = 100
_CHAT = "this server answers at /v1/chat/completions"
_OF_OTHERS = {
    "responses": _CHAT,
    "completions": _CHAT,
    "messages": _CHAT,
    "assistants": _CHAT,
    "threads": _CHAT,
    "api/chat": _CHAT,
    "api/generate": _CHAT,
    "embeddings": "this server computes no embeddings for clients; POST /search finds passages",
    "rerank": "this server does not rerank for clients; POST /search finds passages",
    "api/tags": "its models are at /v1/models",
}
"""Endpoints of OpenAI, Anthropic, Ollama and others that clients try, and what this server has instead."""
_FIXED = sorted((rule.path for rule in RULES if "{" not in rule.path and len(rule.path) > 1), key=len, reverse=True)


def no_such_route(method: str, path: str) -> JSONResponse:
    """Return a response with status 404 or, if the path has other methods, 405."""
    error_format = rule_of(method, path).error_format
    if methods := methods_of(path):
        allow = ", ".join(methods)
        return error_format.response(
            Problem(405, "method_not_allowed", f"{path} has no {method}, only {allow}"), {"Allow": allow}
        )
    return error_format.response(Problem(404, "not_found", about_path(path)))


def about_path(path: str) -> str:
    """Return one sentence: that the path does not exist, and which one may be meant.

    >>> about_path("/v1/v1/chat/completions")
    'no such path: /v1/v1/chat/completions; /v1/chat/completions is one'
    """
    shown = path if len(path) <= _MAX_CHARACTERS else f"{path[:_MAX_CHARACTERS]}…"
    end = path.rstrip("/")
    found = next((f"{known} is one" for known in _FIXED if end.endswith(known)), "")
    instead = next((there for name, there in _OF_OTHERS.items() if end.endswith(f"/{name}")), "")
    return f"no such path: {shown}; {found or instead or 'GET /openapi.json lists all of them'}"
