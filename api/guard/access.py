"""Who may do what, and what it costs: one table of all routes.

A route that does not stand here is closed to everybody but administrators; a test sees to it that none is missing.
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
    # For a scraper, which has no business with documents.
    "metrics": frozenset({"metrics"}),
}
"""What a key of each scope opens."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`needs` is the scope that a key must open, None for what everybody may have.

    `answers` are the routes of which only so many are served at a time; `dialect` is how their clients want a refusal.
    """

    method: str
    path: str
    needs: Scope | None
    answers: bool = False
    dialect: ErrorFormat = OWN


RULES = (
    # What a browser, a probe or the command line must get before it can show a key. No content of documents.
    Rule("GET", "/", None),
    Rule("GET", "/static/{path:path}", None),
    Rule("GET", "/knowledge", None),
    Rule("GET", "/docs/{source:path}", None),  # with keys, its script asks for the document
    Rule("GET", "/favicon.ico", None),
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
    Rule("GET", "/page/suggestions", "ask"),
    Rule("POST", "/page/ask", "ask", answers=True),
    Rule("GET", "/ingest", "ask"),
    # Writing.
    Rule("POST", "/ingest", "ingest"),
    # Other protocols.
    Rule("GET", "/v1/models", "ask", dialect=OPENAI),
    Rule("GET", "/v1/models/{name:path}", "ask", dialect=OPENAI),
    Rule("GET", "/models", "ask", dialect=OPENAI),
    Rule("GET", "/models/{name:path}", "ask", dialect=OPENAI),
    Rule("POST", "/v1/chat/completions", "ask", answers=True, dialect=OPENAI),
    Rule("POST", "/chat/completions", "ask", answers=True, dialect=OPENAI),
    Rule("POST", "/retrieval", "ask", answers=True, dialect=DIFY),
    Rule("POST", "/mcp", "ask", answers=True),
    Rule("GET", "/mcp", "ask"),
    Rule("DELETE", "/mcp", "ask"),
    # Running it.
    Rule("GET", "/metrics", "metrics"),
    # Every operation says itself what opens it.
    *(Rule(one.method, one.path, one.scope, answers=one.is_answer) for one in OPERATIONS),
)

_COMPILED: tuple[tuple[re.Pattern[str], Rule], ...] = tuple((compile_path(rule.path)[0], rule) for rule in RULES)


@lru_cache(maxsize=1024)
def rule_of(method: str, path: str) -> Rule:
    """The rule for a request; for one that the table does not know, one that only administrators pass."""
    method = "GET" if method == "HEAD" else method
    matching = [rule for pattern, rule in _COMPILED if pattern.match(path)]
    for rule in matching:
        if rule.method == method:
            return rule
    # The router says 404 or 405 to those who may know.
    return Rule(method, "", "admin", dialect=matching[0].dialect if matching else _dialect_of(path))


def _dialect_of(path: str) -> ErrorFormat:
    """That of a path which does not exist: clients of OpenAI's try more than there is, all below /v1."""
    return OPENAI if path.startswith("/v1/") else OWN
