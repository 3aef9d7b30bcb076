"""The table of routes: every route has one rule, and every rule is found by its route."""

import pytest
from starlette.routing import BaseRoute, Mount

from api.guard.route_rules import OPENS, RULES, SCOPES, Rule, _find_rule, _kept_rule, rule_of
from api.http.app import create_app
from api.http.server_context import ServerContext
from ingest.background import IngestRunner
from tests.kit.services import UNOPENED


def routes() -> dict[tuple[str, str], BaseRoute]:
    """All routes of the service, by method and path."""
    found: dict[tuple[str, str], BaseRoute] = {}
    for route in create_app(UNOPENED, IngestRunner(), ServerContext()).routes:
        if isinstance(route, Mount):
            found["GET", f"{route.path}/{{path:path}}"] = route
            continue
        for method in getattr(route, "methods", None) or {"GET"}:
            found[method, getattr(route, "path", "")] = route
    return {(method, path): route for (method, path), route in found.items() if method != "HEAD"}


def test_every_route_has_a_rule_of_its_own() -> None:
    assert routes().keys() - {(rule.method, rule.path) for rule in RULES} == set()


def test_no_two_rules_are_for_the_same_route() -> None:
    assert len({(rule.method, rule.path) for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.method} {rule.path}")
def test_a_rule_is_found_by_a_request_for_its_route(rule: Rule) -> None:
    path = rule.path.replace("{path:path}", "a/b.js").replace("{source:path}", "guides/a b.md")
    assert rule_of(rule.method, path.replace("{trace_id}", "0f")) == rule


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("DELETE", "/ask"),
        ("GET", "/ask"),
        ("POST", "/"),
        ("GET", "//"),
        ("GET", "/ask/"),
        ("POST", "/rollback/"),
        ("GET", "/health/live/"),
        ("GET", "/HEALTH"),
        ("GET", ""),
    ],
)
def test_a_route_that_the_table_does_not_know_needs_the_scope_admin(method: str, path: str) -> None:
    assert rule_of(method, path).needs == "admin"


def test_head_needs_what_get_needs() -> None:
    assert rule_of("HEAD", "/status") == rule_of("GET", "/status")


def test_each_scope_implies_the_one_before_except_metrics() -> None:
    assert OPENS["ask"] < OPENS["ingest"] < OPENS["admin"] == set(SCOPES)
    assert OPENS["metrics"] == {"metrics"}


def test_no_route_that_shows_documents_or_changes_anything_is_open() -> None:
    for rule in RULES:
        if rule.needs is None and not rule.path.startswith("/hooks/"):  # these are signed
            assert rule.method == "GET"
            assert not rule.answers
            assert not rule.path.startswith(("/documents", "/traces", "/status", "/ingest", "/metrics"))


def test_what_clients_send_does_not_fill_the_memory() -> None:
    _kept_rule.cache_clear()
    for number in range(3000):
        for method, path in (("GET", f"/docs/{number}{'x' * 9000}"), (f"M{number}{'x' * 9000}", "/ask")):
            assert rule_of(method, path) == _find_rule(method, path)
    assert _kept_rule.cache_info().currsize == 0
    assert rule_of("POST", "/ask").answers
    assert _kept_rule.cache_info().currsize == 1
