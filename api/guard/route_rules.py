"""The table of all routes: which scope each needs, and which of them answer questions.

Only administrators may call a route that is missing from the table. A test checks that no route is missing.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

from starlette.routing import compile_path

from api.error_formats import DIFY, OPENAI, OWN, ErrorFormat
from api.service.operation import Scope
from api.service.operations import OPERATIONS

SCOPES: tuple[Scope, ...] = get_args(Scope)

OPENS: dict[Scope, frozenset[Scope]] = {
    "ask": frozenset({"ask"}),
    "ingest": frozenset({"ask", "ingest"}),
    "admin": frozenset(SCOPES),
    # For Prometheus, which must not read documents.
    "metrics": frozenset({"metrics"}),
}
"""The scopes that a key of each scope opens."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for one route.

    `needs` is the scope that the caller's key must open; None if the route needs no key. `answers` marks a route that
    counts towards `serve.max_concurrent_answers`. `error_format` is the format in which its clients expect errors.
    `is_public` marks what public keys open, which are bound to the pages of some sites.
    """

    method: str
    path: str
    needs: Scope | None
    answers: bool = False
    error_format: ErrorFormat = OWN
    is_public: bool = False


RULES = (
    # Browsers, probes and the command line need these before they can send a key. They show nothing of the documents.
    Rule("GET", "/", None),
    Rule("GET", "/static/{path:path}", None),
    Rule("GET", "/knowledge", None),
    Rule("GET", "/unanswered", None),
    Rule("GET", "/docs/{source:path}", None),  # if keys are needed, the page's script fetches the document with one
    Rule("GET", "/favicon.ico", None),
    Rule("GET", "/widget.js", None),
    Rule("GET", "/api-docs", None),
    Rule("GET", "/api-docs/assets/{path:path}", None),
    Rule("GET", "/api-docs/oauth2-redirect", None),
    Rule("GET", "/openapi.json", None),
    Rule("GET", "/instance", None),
    Rule("GET", "/health/live", None),
    Rule("GET", "/health/ready", None),
    # Reading.
    Rule("POST", "/ask", "ask", answers=True),
    Rule("GET", "/documents/{source:path}", "ask"),
    Rule("GET", "/pictures/{path:path}", "ask"),
    Rule("GET", "/page/suggestions", "ask"),
    Rule("POST", "/page/ask", "ask", answers=True),
    Rule("POST", "/widget/ask", "ask", answers=True, is_public=True),
    Rule("GET", "/page/gaps.csv", "ask", answers=True),
    Rule("GET", "/ingest", "ask"),
    # Signed by the platform or the forge, which has no API key. The answer of a bot is a part of the request.
    Rule("POST", "/hooks/feishu", None, answers=True),
    Rule("GET", "/hooks/wecom", None),
    Rule("POST", "/hooks/wecom", None, answers=True),
    Rule("POST", "/hooks/git/{name}", None),
    # Writing.
    Rule("POST", "/ingest", "ingest"),
    # Other protocols.
    Rule("GET", "/v1/models", "ask", error_format=OPENAI),
    Rule("GET", "/v1/models/{name:path}", "ask", error_format=OPENAI),
    Rule("GET", "/models", "ask", error_format=OPENAI),
    Rule("GET", "/models/{name:path}", "ask", error_format=OPENAI),
    Rule("POST", "/v1/chat/completions", "ask", answers=True, error_format=OPENAI),
    Rule("POST", "/chat/completions", "ask", answers=True, error_format=OPENAI),
    Rule("POST", "/retrieval", "ask", answers=True, error_format=DIFY),
    Rule("POST", "/mcp", "ask", answers=True),
    Rule("GET", "/mcp", "ask"),
    Rule("DELETE", "/mcp", "ask"),
    # Running it.
    Rule("GET", "/metrics", "metrics"),
    # Every operation says itself what opens it.
    *(Rule(one.method, one.path, one.scope, answers=one.is_answer) for one in OPERATIONS),
)

_COMPILED: tuple[tuple[re.Pattern[str], Rule], ...] = tuple((compile_path(rule.path)[0], rule) for rule in RULES)


def rule_of(method: str, path: str) -> Rule:
    """The rule for a request; for a route that the table does not know, one that needs the scope `admin`."""
    # Clients choose both, so only short ones may stay in memory.
    return (_kept_rule if len(method) + len(path) <= _KEPT_CHARACTERS else _find_rule)(method, path)


def _find_rule(method: str, path: str) -> Rule:
    method = "GET" if method == "HEAD" else method
    matching = [rule for pattern, rule in _COMPILED if pattern.match(path)]
    for rule in matching:
        if rule.method == method:
            return rule
    # Administrators get 404 or 405 from the router.
    return Rule(method, "", "admin", error_format=matching[0].error_format if matching else _format_of_unknown(path))


def methods_of(path: str) -> tuple[str, ...]:
    """The methods of the routes with this path; none if the table has no such path."""
    return tuple(sorted({rule.method for pattern, rule in _COMPILED if pattern.match(path)}))


_KEPT_CHARACTERS = 256
_kept_rule = lru_cache(maxsize=1024)(_find_rule)


def _format_of_unknown(path: str) -> ErrorFormat:
    """The error format for a path that does not exist: OpenAI clients also try endpoints below /v1 that we lack."""
    return OPENAI if path.startswith("/v1/") else OWN
