"""Dify's external knowledge base API of a running server."""

from typing import Any

import httpx2
import pytest

from tests.kit.processes import Server

SETUP, UPKEEP, SURE, OVERVIEW = "guides/setup.md", "guides/upkeep.md", "guides/100%_sure.md", "overview.md"
QUERY = "What is known about the lighthouse?"
RECORD_KEYS = ["content", "score", "title", "metadata"]
OWN_KEYS = {"source", "title", "heading_path", "anchor", "kind", "start_line", "end_line", "url"}


def retrieval(server: Server, **body: Any) -> httpx2.Response:
    asked = {"knowledge_id": "zhiwen", "query": QUERY, "retrieval_setting": {"top_k": 50, "score_threshold": 0.0}}
    return server.client.post("/retrieval", json=asked | body, headers={"Authorization": "Bearer none"})


def records(server: Server, **body: Any) -> list[dict[str, Any]]:
    response = retrieval(server, **body)
    assert response.status_code == 200, response.text
    assert list(response.json()) == ["records"]
    found: list[dict[str, Any]] = response.json()["records"]
    return found


def sources(server: Server, *conditions: dict[str, Any], operator: str = "and") -> set[str]:
    wanted = {"logical_operator": operator, "conditions": list(conditions)}
    return {record["metadata"]["source"] for record in records(server, metadata_condition=wanted)}


def where(name: str | list[str], operator: str, value: Any = None) -> dict[str, Any]:
    return {"name": name, "comparison_operator": operator} | ({} if value is None else {"value": value})


def assert_dify_error(response: httpx2.Response, status: int, code: int, *words: str) -> None:
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error_code", "error_msg"]
    assert response.json()["error_code"] == code
    for word in words:
        assert word in response.json()["error_msg"]


def test_records_have_the_documented_keys_and_scores_that_fall_from_1_to_0(server: Server) -> None:
    found = records(server)
    assert all(list(record) == RECORD_KEYS for record in found)
    scores = [record["score"] for record in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    setup = next(record for record in found if record["metadata"]["source"] == SETUP)
    assert set(setup["metadata"]) == OWN_KEYS | {"level", "audience", "draft"}
    assert setup["metadata"]["level"] == 1
    assert setup["title"] == "Setup"
    assert "lamp-tools" in setup["content"]
    assert setup["metadata"]["url"] == f"{server.url}/docs/{SETUP}?lines=10-10#passage"
    assert "lamp-tools" in server.client.get(setup["metadata"]["url"]).text


def test_no_more_records_come_than_asked_for_and_none_below_the_threshold(server: Server) -> None:
    everything = records(server, retrieval_setting={"top_k": 999, "score_threshold": 0.0})
    assert 5 < len(everything) <= 50
    assert records(server, retrieval_setting={"top_k": 3, "score_threshold": 0.0}) == everything[:3]
    threshold = everything[4]["score"]
    above = records(server, retrieval_setting={"top_k": 50, "score_threshold": threshold})
    assert above == [record for record in everything if record["score"] >= threshold]
    assert 5 <= len(above) < len(everything)


ALL = {SETUP, UPKEEP, SURE, OVERVIEW}

CONDITIONS: list[tuple[dict[str, Any], set[str]]] = [
    (where("audience", "contains", "admi"), {SETUP}),
    (where("audience", "not contains", "admi"), ALL - {SETUP}),
    (where("audience", "start with", "o"), {UPKEEP, SURE}),
    (where("audience", "end with", "neil"), {SURE}),
    (where("audience", "is", "o'neil"), {SURE}),
    (where("audience", "is not", "o'neil"), ALL - {SURE}),
    (where("audience", "in", ["admin", "operator"]), {SETUP, UPKEEP}),
    (where("audience", "in", "admin,operator"), {SETUP, UPKEEP}),
    (where("audience", "not in", ["admin", "operator"]), {SURE, OVERVIEW}),
    (where("audience", "empty"), {OVERVIEW}),
    (where("audience", "not empty"), ALL - {OVERVIEW}),
    (where("level", "=", "2"), {SURE}),
    (where("level", "≠", 2), ALL - {SURE}),
    (where("level", ">", 1), {UPKEEP, SURE}),
    (where("level", "<", 2), {SETUP}),
    (where("level", "≥", 2), {UPKEEP, SURE}),
    (where("level", "≤", 2), {SETUP, SURE}),
    (where("draft", "is", "false"), {SETUP}),
    (where("source", "contains", "%"), {SURE}),
    (where("source", "start with", "guides/"), ALL - {OVERVIEW}),
    (where("document_name", "end with", "setup.md"), {SETUP}),
    (where("title", "contains", '" and %'), {SURE}),
    (where("kind", "in", ["row", "table"]), {OVERVIEW}),
    (where(["level", "draft"], "is", "false"), {SETUP}),
    (where(["audience", "level"], "is", "3"), {UPKEEP}),
    (where(["audience", "title"], "not contains", "p"), {OVERVIEW, SURE}),
    (where(["kind", "audience"], "is", "admin"), {SETUP}),
    (where(["kind", "audience"], "is not", "text"), ALL - {SETUP, UPKEEP, SURE}),
    (where("end_line", "≤", 9), ALL - {OVERVIEW}),
    (where("nobody_has_this", "is", "x"), set()),
    (where('not a key: "; drop', "empty"), ALL),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_a_condition_finds_exactly_the_documents_for_which_it_holds(
    server: Server, condition: dict[str, Any], expected: set[str]
) -> None:
    assert sources(server, condition) == expected


def test_conditions_are_joined_by_and_or_by_or(server: Server) -> None:
    admin, high = where("audience", "is", "admin"), where("level", "≥", 2)
    assert sources(server, admin, high) == set()
    assert sources(server, admin, high, operator="or") == {SETUP, UPKEEP, SURE}
    assert sources(server, where("audience", "not empty"), high) == {UPKEEP, SURE}
    assert sources(server, admin, where("audience", "is not", "operator"), operator="or") == ALL - {UPKEEP}
    assert sources(server, where("kind", "is not", "text"), where("level", "empty")) == {OVERVIEW}
    assert sources(server, where("kind", "is", "none"), where("level", "=", 1), operator="or") == {SETUP}
    assert sources(server) == ALL


def test_dates_are_compared_by_time(server: Server) -> None:
    # No document has the field, so neither condition holds.
    assert sources(server, where("level", "before", "1970-01-02")) == {SETUP, UPKEEP, SURE}  # Unix times
    assert sources(server, where("audience", "after", "1970-01-02")) == set()


def test_an_unknown_knowledge_base_is_2001(server: Server) -> None:
    assert_dify_error(retrieval(server, knowledge_id="other"), 404, 2001, "'other'", "'zhiwen'")
    assert records(server, knowledge_id="default", query="lighthouse")


def test_the_request_by_which_dify_tries_an_address_gets_400(server: Server) -> None:
    assert_dify_error(server.client.post("/retrieval"), 400, 400)


@pytest.mark.parametrize(
    "body",
    [
        {"query": ""},
        {"query": None},
        {"retrieval_setting": {"top_k": 0, "score_threshold": 0.5}},
        {"retrieval_setting": {"top_k": 3, "score_threshold": 1.5}},
        {"metadata_condition": {"conditions": [{"name": "level", "comparison_operator": "like", "value": "x"}]}},
        {"metadata_condition": {"conditions": [where("level", ">", "many")]}},
        {"metadata_condition": {"conditions": [where("level", "before", "soon")]}},
        {"metadata_condition": {"conditions": [where([], "is", "x")]}},
        {"metadata_condition": {"conditions": [where(["a"] * 21, "is", "x")]}},
        {"metadata_condition": {"conditions": [where("a", "in", ["x"] * 201)]}},
        {"metadata_condition": {"conditions": [where("a", "is", "x")] * 51}},
        {"metadata_condition": {"conditions": [where("start_line", "contains", "1")]}},
        {"metadata_condition": {"conditions": [where("start_line", "=", "first")]}},
        {"metadata_condition": {"logical_operator": "xor", "conditions": [where("level", "=", 1)]}},
    ],
)
def test_a_request_that_means_nothing_gets_400_in_difys_shape(server: Server, body: dict[str, Any]) -> None:
    assert_dify_error(retrieval(server, **body), 400, 400)


def test_a_query_that_is_too_long_gets_413_in_difys_shape(server: Server) -> None:
    assert_dify_error(retrieval(server, query="长" * 5000), 413, 413, "4000")


def test_fields_of_newer_versions_are_no_errors(server: Server) -> None:
    wanted = {"logical_operator": None, "conditions": None, "new": 1}
    assert records(server, metadata_condition=wanted, new={"a": 1})
    assert records(server, metadata_condition=None)
    assert len(records(server, retrieval_setting={"top_k": None, "score_threshold": None})) == 8
