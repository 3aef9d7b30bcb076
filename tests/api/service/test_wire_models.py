"""The JSON of requests and responses."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from api.schemas.filter import FilterIn
from api.service.ask import AskRequest, AskResponse
from api.service.ingest import IngestRequest, IngestResponse
from api.service.search import SearchRequest, SearchResponse
from ingest.staging.report import Failure, IngestReport
from rag.errors import FilterError
from rag.retrieval.search import Retrieval
from rag.store.filter_expressions import translate_filter
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Prefix, Range
from rag.types import Answer, Citation


def parsed(condition: dict[str, Any]) -> Filter:
    return FilterIn.model_validate(condition).to_filter()


@pytest.mark.parametrize(
    ("condition", "meant"),
    [
        ({"field": "source", "equals": "a.md"}, Equals("source", "a.md")),
        ({"field": "level", "equals": 0}, Equals("level", 0)),
        ({"field": "draft", "equals": False}, Equals("draft", False)),
        ({"field": "title", "equals": ""}, Equals("title", "")),
        ({"field": "kind", "in": ["row", "list"]}, In("kind", ("row", "list"))),
        ({"field": "source", "prefix": ""}, Prefix("source", "")),
        ({"field": "level", "at_least": 0}, Range("level", 0, None)),
        ({"field": "level", "at_most": 2.5}, Range("level", None, 2.5)),
        ({"field": "level", "at_least": 1, "at_most": 2}, Range("level", 1, 2)),
        ({"field": "date", "at_least": "2024-05-31"}, Range("date", "2024-05-31", None)),
        ({"not": {"field": "level", "equals": 1}}, Not(Equals("level", 1))),
        (
            {"any": [{"field": "a", "equals": 1}, {"all": [{"field": "b", "equals": 2}]}]},
            AnyOf((Equals("a", 1), All((Equals("b", 2),)))),
        ),
    ],
)
def test_each_operator_of_a_filter_becomes_its_condition(condition: dict[str, Any], meant: Filter) -> None:
    found = parsed(condition)
    assert found == meant
    assert repr(found) == repr(meant)  # True is not 1


def test_several_operators_in_one_object_all_hold() -> None:
    found = parsed({"field": "level", "at_least": 1, "equals": 2, "not": {"field": "level", "equals": 3}})
    assert found == All((Equals("level", 2), Range("level", 1, None), Not(Equals("level", 3))))


def test_a_filter_without_an_operator_is_refused() -> None:
    with pytest.raises(FilterError):
        translate_filter(parsed({"field": "level"}))


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (SearchRequest, {"question": "x", "topk": 3}),
        (SearchRequest, {"question": "x", "top_k": 0}),
        (SearchRequest, {"question": "x", "top_k": 51}),
        (SearchRequest, {"question": None}),
        (SearchRequest, {}),
        (AskRequest, {"question": "x", "top_k": 3}),
        (AskRequest, {"question": ["x"]}),
        (AskRequest, {"question": "x", "stream": "perhaps"}),
        (AskRequest, {"question": "x", "filter": {"field": "a", "equals": 1, "like": "x"}}),
        (AskRequest, {"question": "x", "filter": {"field": "a", "in_": [1]}}),
        (IngestRequest, {"paths": "x"}),
    ],
)
def test_a_request_with_a_key_or_value_that_is_not_agreed_is_refused(
    model: type[SearchRequest] | type[AskRequest] | type[IngestRequest], body: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(body)


def test_an_answer_keeps_its_keys_in_the_agreed_order() -> None:
    citation = Citation(1, "a.md", ("A", "B"), "b", 3, 4, "quote", "a.md#b")
    response = AskResponse.of(Answer("text [1]", (citation,), "extractive", 7, "trace"))
    body = json.loads(response.model_dump_json())
    assert list(body) == [
        *("answer", "refused", "reason", "citations", "unverified"),
        *("model", "generation", "trace_id", "truncated", "usage", "cached", "generations"),
    ]
    assert body["citations"] == [
        {
            "number": 1,
            "source": "a.md",
            "heading_path": ["A", "B"],
            "anchor": "b",
            "start_line": 3,
            "end_line": 4,
            "quote": "quote",
            "url": "a.md#b",
            "date": "",
            "knowledge_base": "default",
        }
    ]
    assert body["refused"] is False
    assert body["reason"] is None


@pytest.mark.parametrize("reason", ["no_evidence", "model_declined", "no_citation", "unsupported"])
def test_a_refusal_says_so_and_why(reason: Any) -> None:
    response = AskResponse.of(Answer("no", (), "m", 1, "t", reason))
    assert response.refused is True
    assert response.reason == reason


def test_a_search_that_found_nothing_is_an_empty_list() -> None:
    found = Retrieval("q", 3, "builtin", (), 0.0, {}, {})
    assert json.loads(SearchResponse.of(found).model_dump_json()) == {
        "question": "q",
        "generation": 3,
        "hits": [],
        "generations": {},
    }


def test_a_report_keeps_its_keys_in_the_agreed_order() -> None:
    report = IngestReport(generation=2, embedded=5, seconds=0.5, failures=[Failure("a.md", "why")])
    body = json.loads(IngestResponse.of(report).model_dump_json())
    agreed = ["generation", "documents", "chunks", "embedded", "seconds", "failures"]
    added = ["warnings", "without_passages", "passed_over", "other_suffixes", "deletions_held_back", "message"]
    assert list(body) == agreed + added
    assert list(body["documents"]) == ["added", "changed", "removed", "unchanged", "failed"]
    assert list(body["chunks"]) == ["added", "removed", "unchanged"]
    assert body["failures"] == [{"source": "a.md", "error": "why"}]
