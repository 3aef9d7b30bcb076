"""The texts of `--where` and `--filter`, and the filters that they mean."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.schemas.filter_syntax import parse_filter
from rag.errors import FilterError
from rag.store.filter_expressions import translate_filter
from rag.store.filters import All, AnyOf, Equals, Filter, In, Not, Prefix, Range
from tests.kit.processes import Server, Workspace, assert_one_line

GUIDE = "---\ntags: [ops, storage]\nyear: 2024\ndate: 2024-05-31\ndraft: yes\n---\n\n# Lamp\n\nThe lamp burns oil.\n"
NOTE = "---\ntags: ops\nyear: '2023'\n---\n\n# Lamp oil\n\nThe oil of the lamp is kept in the cellar.\n"
BARE = "# Lamp glass\n\nThe glass of the lamp is polished every forty days.\n"


def meant_by(*where: str, filter_json: str | None = None) -> Filter | None:
    found = parse_filter(where, filter_json)
    return found.to_filter() if found else None


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("source=a.md", In("source", ("a.md",))),
        ("source = a.md , b.md", In("source", ("a.md", "b.md"))),
        ("source==a.md", In("source", ("a.md",))),
        ("title=2024", In("title", ("2024",))),
        ("start_line=12", In("start_line", (12,))),
        ("tags=ops,db", In("tags", ("ops", "db"))),
        ("year=2024", In("year", ("2024", 2024))),
        ("weight=-1.5", In("weight", ("-1.5", -1.5))),
        ("draft=Yes,false", In("draft", ("Yes", True, "false", False))),
        ("serial=12345678901234567890", In("serial", ("12345678901234567890",))),
        ("标签=运维", In("标签", ("运维",))),
        ("title=a=b", In("title", ("a=b",))),
        ("title=", In("title", ("",))),
        ("kind!=row,table", Not(In("kind", ("row", "table")))),
        ("year!=2024", Not(In("year", ("2024", 2024)))),
        ("source^=guides/,notes/", AnyOf((Prefix("source", "guides/"), Prefix("source", "notes/")))),
        ("year>=2024", Range("year", 2024)),
        ("year <= 2024.5", Range("year", None, 2024.5)),
        ("date>=2024-05-31", Range("date", "2024-05-31")),
        ("start_line<=10", Range("start_line", None, 10)),
        ("cafe\u0301=e\u0301", In("caf\u00e9", ("\u00e9",))),
    ],
)
def test_a_condition_means_what_it_says(text: str, meant: Filter) -> None:
    assert repr(meant_by(text)) == repr(meant)  # True is not 1


def test_several_conditions_must_all_hold_and_so_must_the_filter_in_json() -> None:
    in_json = '{"any": [{"field": "a", "equals": 1}, {"not": {"field": "b", "prefix": "x"}}]}'
    alone = AnyOf((Equals("a", 1), Not(Prefix("b", "x"))))
    assert meant_by(filter_json=in_json) == alone
    assert meant_by("kind=row", "tags=ops") == All((In("kind", ("row",)), In("tags", ("ops",))))
    assert meant_by("kind=row", filter_json=in_json) == All((In("kind", ("row",)), alone))
    assert meant_by() is None


@pytest.mark.parametrize("text", ["", "tags", "=x", "year>2024", "year=>2024", "year<>2024", "a===b", "tags~=x"])
def test_a_malformed_condition_is_refused_and_the_operators_are_listed(text: str) -> None:
    with pytest.raises(FilterError, match=r"write KEY=VALUE, or with != \(is not\), \^= \(begins with\), >= or <="):
        parse_filter([text], None)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "--filter is not JSON"),
        ("source=a.md", "--filter is not JSON"),
        ("[" * 100_000, "--filter is not JSON"),
        ("[]", "the filter is not valid"),
        ("3", "the filter is not valid"),
        ('{"field": "a", "like": "x"}', "the filter is not valid: like: Extra inputs are not permitted"),
        ('{"field": "a", "in": [{}]}', "the filter is not valid: in.0"),
        ('{"not": {"fields": "a"}}', "the filter is not valid: not.fields"),
    ],
)
def test_json_that_is_not_a_filter_is_refused_in_one_line(text: str, problem: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse_filter([], text)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_range_takes_one_value_and_conditions_are_bounded() -> None:
    with pytest.raises(FilterError, match="takes one value"):
        parse_filter(["year>=2024,2025"], None)
    with pytest.raises(FilterError, match="the filter is not valid: all"):
        parse_filter(["year=2024"] * 51, None)


@given(st.text(max_size=30) | st.text(alphabet="ab=!<>^,~ 1.\"'\\é", max_size=12), st.none() | st.text(max_size=30))
def test_whatever_is_typed_is_a_filter_or_a_filter_error(where: str, filter_json: str | None) -> None:
    try:
        meant = meant_by(where, filter_json=filter_json)
        assert meant is not None
        translate_filter(meant)
    except FilterError:
        return


# Commands with filters


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Three documents about a lamp, ingested."""
    workspace = Workspace(tmp_path_factory.mktemp("lamps"))
    workspace.write("guides/lamp.md", GUIDE)
    workspace.write("notes/oil.md", NOTE)
    workspace.write("bare.md", BARE)
    assert workspace.run("ingest").status == 0
    return workspace


@pytest.fixture(scope="module")
def lamp_server(lamps: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server over the same documents."""
    with lamps.copy_to(tmp_path_factory.mktemp("served")).serving() as server:
        yield server


@pytest.fixture(scope="module", params=["alone", "through a server"])
def workspace(request: pytest.FixtureRequest, lamps: Workspace) -> Workspace:
    if request.param == "alone":
        return lamps
    server: Server = request.getfixturevalue("lamp_server")
    return server.workspace


@pytest.mark.parametrize(
    ("options", "sources"),
    [
        (("--where", "source^=guides/"), {"guides/lamp.md"}),
        (("--where", "tags=ops"), {"guides/lamp.md", "notes/oil.md"}),
        (("--where", "tags=ops", "--where", "year>=2024"), {"guides/lamp.md"}),
        (("--where", "year=2023,2024"), {"guides/lamp.md", "notes/oil.md"}),
        (("--where", "year!=2024"), {"notes/oil.md", "bare.md"}),
        (("--where", "draft=yes", "--where", "date<=2024-12-31"), {"guides/lamp.md"}),
        (("--filter", '{"not": {"field": "tags", "in": ["ops"]}}'), {"bare.md"}),
    ],
)
def test_search_finds_only_where_it_may(workspace: Workspace, options: tuple[str, ...], sources: set[str]) -> None:
    outcome = workspace.run("search", "lamp", "--json", *options)
    assert outcome.status == 0, outcome
    assert {hit["source"] for hit in outcome.json["hits"]} == sources


def test_an_answer_uses_only_passages_that_the_filter_allows(workspace: Workspace) -> None:
    outcome = workspace.run("ask", "Where is the oil of the lamp kept?", "--json", "--where", "source^=guides/,notes/")
    assert outcome.status == 0, outcome
    assert {citation["source"] for citation in outcome.json["citations"]} == {"notes/oil.md"}


@pytest.mark.parametrize("option", [("--where", "a b=1"), ("--where", "year"), ("--filter", "{")])
def test_an_invalid_filter_is_one_line_and_status_2(workspace: Workspace, option: tuple[str, str]) -> None:
    outcome = workspace.run("ask", "Where is the oil kept?", *option)
    assert_one_line(outcome, 2, option[1].split("=")[0] if option[1] != "{" else "--filter is not JSON")


def test_a_filter_in_json_is_the_same_as_for_the_api(workspace: Workspace) -> None:
    condition = {"all": [{"field": "source", "prefix": "notes/"}, {"field": "year", "equals": "2023"}]}
    outcome = workspace.run("search", "lamp", "--json", "--filter", json.dumps(condition))
    assert {hit["source"] for hit in outcome.json["hits"]} == {"notes/oil.md"}
