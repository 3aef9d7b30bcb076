"""Filters over HTTP mean what they say, whatever they hold."""

from typing import Any

import pytest

from tests.kit.processes import Server, assert_json_error

LIGHTHOUSE = "What is known about the lighthouse?"
SETUP, UPKEEP, SURE = "guides/setup.md", "guides/upkeep.md", "guides/100%_sure.md"


def found(server: Server, condition: dict[str, Any], question: str = LIGHTHOUSE) -> set[str]:
    """The sources of the hits under a condition."""
    response = server.post("/search", question=question, top_k=50, filter=condition)
    assert response.status_code == 200, response.text
    return {hit["source"] for hit in response.json()["hits"]}


@pytest.mark.parametrize(
    ("condition", "sources"),
    [
        ({"field": "source", "equals": SETUP}, {SETUP}),
        ({"field": "source", "equals": "guides/SETUP.md"}, set()),
        ({"field": "audience", "equals": "o'neil"}, {SURE}),
        ({"field": "title", "equals": 'Quotes " and % signs'}, {SURE}),
        ({"field": "level", "equals": 3}, {UPKEEP}),
        ({"field": "draft", "equals": False}, {SETUP}),
        ({"field": "source", "in": [SETUP, UPKEEP, "absent.md"]}, {SETUP, UPKEEP}),
        ({"field": "level", "in": [1, 2]}, {SETUP, SURE}),
        ({"field": "level", "in": ["3", 1, False]}, {SETUP}),
        ({"field": "audience", "at_least": "b", "at_most": "p"}, {UPKEEP, SURE}),
        ({"not": {"field": "level", "at_least": 2}}, {SETUP, "overview.md"}),
        ({"any": [{"field": "level", "equals": number} for number in range(1, 51)]}, {SETUP, UPKEEP, SURE}),
        ({"field": "source", "prefix": "guides/"}, {SETUP, UPKEEP, SURE}),
        ({"field": "source", "prefix": "guides/100%"}, {SURE}),
        ({"field": "source", "prefix": "guides/%"}, set()),
        ({"field": "source", "prefix": "guides/_"}, set()),
        ({"field": "level", "at_least": 2}, {UPKEEP, SURE}),
        ({"field": "level", "at_least": 2, "at_most": 2}, {SURE}),
        ({"any": [{"field": "level", "equals": 1}, {"field": "audience", "equals": "operator"}]}, {SETUP, UPKEEP}),
        ({"all": [{"field": "source", "prefix": "guides/"}, {"field": "level", "at_most": 2}]}, {SETUP, SURE}),
        (
            {"all": [{"field": "source", "prefix": "guides/"}, {"not": {"field": "audience", "equals": "admin"}}]},
            {UPKEEP, SURE},
        ),
        ({"not": {"field": "source", "prefix": "guides/"}}, {"overview.md"}),
        ({"not": {"not": {"field": "source", "equals": SETUP}}}, {SETUP}),
        ({"not": {"any": [{"field": "source", "in": [SETUP, UPKEEP]}, {"field": "source", "equals": SURE}]}},
         {"overview.md"}),
    ],
)  # fmt: skip
def test_a_filter_means_what_it_says(server: Server, condition: dict[str, Any], sources: set[str]) -> None:
    assert found(server, condition) == sources


@pytest.mark.parametrize(
    "value",
    [
        '" or 1 == 1 or source == "',
        'x" || true || "',
        '"]) or born >= 0 or source in ["',
        "\\",
        '\\" or 1 == 1 --',
        "%",
        "{source}",
        "'; drop collection zhiwen; --",
        "\u2028",
        "𝕏" * 900,
    ],
)
def test_a_hostile_value_is_only_a_value(server: Server, value: str) -> None:
    assert found(server, {"field": "source", "equals": value}) == set()
    assert found(server, {"field": "source", "in": [value]}) == set()
    assert found(server, {"field": "source", "prefix": value}) == set()
    assert found(server, {"field": "audience", "equals": value}) == set()
    assert len(found(server, {"not": {"field": "source", "equals": value}})) == 4


@pytest.mark.parametrize(
    "condition",
    [
        {},
        {"field": "source"},
        {"field": "", "equals": "x"},
        {"field": 'source"] == "" or metadata["x', "equals": "x"},
        {"field": "a b", "equals": "x"},
        {"field": "source", "equals": "a\u0000b"},
        {"field": "source", "equals": "a\nb"},
        {"field": "source", "in": []},
        {"field": "source", "equals": [1]},
        {"field": "start_line", "equals": "eighty-two"},
        {"field": "source", "equals": 82},
        {"field": "source", "at_least": 82},
        {"field": "level", "at_least": True},
        {"field": "level", "at_least": 1, "at_most": "2"},
        {"field": "start_line", "prefix": "8"},
        {"field": "source", "like": "x"},
        {"any": []},
        {"not": {}},
    ],
)
def test_a_filter_that_makes_no_sense_is_the_callers_error(server: Server, condition: dict[str, Any]) -> None:
    response = server.post("/search", question=LIGHTHOUSE, filter=condition)
    assert response.status_code == 422, response.text
    assert_json_error(response, 422, response.json()["error"]["code"])
    assert response.json()["error"]["code"] in ("filter_error", "invalid_request")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1e999"])
def test_a_number_that_is_not_finite_is_the_callers_error(server: Server, number: str) -> None:
    body = f'{{"question": "x", "filter": {{"field": "level", "at_least": {number}}}}}'
    response = server.client.post("/search", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422, response.text
    assert response.json()["error"]["code"] in ("filter_error", "invalid_request")


@pytest.mark.parametrize("depth", [20, 300, 5000, 30000])
def test_a_deeply_nested_filter_is_the_callers_error(server: Server, depth: int) -> None:
    body = '{"question": "x", "filter": ' + '{"not":' * depth + '{"field": "level", "equals": 1}' + "}" * depth + "}"
    response = server.client.post("/search", content=body, headers={"content-type": "application/json"})
    assert 400 <= response.status_code < 500, response.text
    assert_json_error(response, response.status_code, response.json()["error"]["code"])
    assert server.client.get("/health").json()["status"] == "ok"
