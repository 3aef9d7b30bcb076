"""What nobody could answer, over HTTP and in the terminal, and who sees it."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import yaml

from ingest.golden.questions import read_golden
from tests.kit.api_keys import key_of
from tests.kit.mcp_requests import MCP_HEADERS, mcp_tool
from tests.kit.processes import Server, Workspace, assert_json_error
from tests.kit.waiting import eventually

UNKNOWN = "Who is the president of France?"
KNOWN = "How often should the lens be polished?"
KEYS = {name: key_of(name) for name in ("one", "other", "third", "boss")}


@pytest.fixture(scope="module")
def keyed(ingested: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    scopes = {"one": "ask", "other": "ask", "third": "ask", "boss": "admin"}
    given = ",".join(f"{name}:{scopes[name]}:{key}" for name, key in KEYS.items())
    workspace = ingested.copy_to(tmp_path_factory.mktemp("keyed"))
    with workspace.given(ZHIWEN_SERVE__KEYS=given, ZHIWEN_TRACES__KEEP_QUESTIONS="true").serving() as running:
        yield running


def call(server: Server, name: str, method: str, path: str, **body: object) -> Any:
    headers = {"Authorization": f"Bearer {KEYS[name]}"}
    response: httpx2.Response = server.client.request(method, path, json=body or None, headers=headers)
    assert response.is_success, response.text
    return response.json()


def gaps(server: Server, name: str, count: int) -> list[dict[str, Any]]:
    """The gaps that a key sees, once there are as many: questions are written in the background."""
    return eventually(
        lambda: list(call(server, name, "GET", "/gaps")["gaps"]),
        until=lambda found: len(found) == count,
        within_seconds=30,
        message=f"{name} sees {count} gaps",
    )


def test_a_key_sees_its_own_questions_and_an_administrator_all(keyed: Server) -> None:
    call(keyed, "one", "POST", "/ask", question=UNKNOWN)
    call(keyed, "one", "POST", "/ask", question="谁是法国总统？")
    call(keyed, "other", "POST", "/ask", question="明天上海会下雨吗？")
    liked = call(keyed, "other", "POST", "/ask", question=KNOWN)
    assert not liked["refused"]

    [weather] = gaps(keyed, "other", 1)
    [president] = gaps(keyed, "one", 1)
    assert weather["questions"] == ["明天上海会下雨吗？"]
    assert set(president["questions"]) == {UNKNOWN, "谁是法国总统？"}
    assert {key: president[key] for key in ("asked", "refused", "unverified", "disliked")} == {
        "asked": 2,
        "refused": 2,
        "unverified": 0,
        "disliked": 0,
    }
    assert president["first_asked"] <= president["last_asked"]
    assert president["nearest"]["url"].startswith("/docs/")
    assert not president["answerable"]
    assert [gap["asked"] for gap in gaps(keyed, "boss", 2)] == [2, 1]

    call(keyed, "other", "POST", "/feedback", trace_id=liked["trace_id"], rating="down")
    disliked = next(gap for gap in gaps(keyed, "other", 2) if gap["question"] == KNOWN)
    assert (disliked["disliked"], disliked["refused"], disliked["answerable"]) == (1, 0, True)
    assert len(gaps(keyed, "one", 1)) == 1
    call(keyed, "other", "POST", "/feedback", trace_id=liked["trace_id"], rating="up")
    gaps(keyed, "other", 1)


STREAMED = {"model": "zhiwen", "stream": True, "messages": [{"role": "user", "content": "Which bus goes to Lisbon?"}]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", STREAMED),
        ("/mcp", mcp_tool("ask", question="Which bus goes to Lisbon now?")),
        ("/page/ask", {"question": "Which bus goes to Lisbon today?"}),
    ],
)
def test_a_question_belongs_to_the_key_that_asked_it_in_every_protocol(
    keyed: Server, path: str, body: dict[str, Any]
) -> None:
    headers = {"Authorization": f"Bearer {KEYS['third']}", **MCP_HEADERS}
    before = len(all_questions(keyed, "third"))
    assert keyed.client.post(path, json=body, headers=headers).status_code == 200
    eventually(
        lambda: all_questions(keyed, "third"),
        until=lambda found: len(found) == before + 1,
        within_seconds=30,
        message="the question is kept under its key",
    )
    assert not any("Lisbon" in question for question in all_questions(keyed, "one"))


def all_questions(server: Server, name: str) -> list[str]:
    return [question for gap in call(server, name, "GET", "/gaps")["gaps"] for question in gap["questions"]]


def test_the_file_for_spreadsheets_has_a_row_for_each_gap_and_no_formula(keyed: Server) -> None:
    call(keyed, "boss", "POST", "/ask", question='=HYPERLINK("https://a.example")')
    found = eventually(
        lambda: call(keyed, "boss", "GET", "/gaps")["gaps"],
        until=lambda found: any(gap["question"].startswith("=") for gap in found),
        within_seconds=30,
        message="the formula is kept",
    )
    response = keyed.client.get("/page/gaps.csv", headers={"Authorization": f"Bearer {KEYS['boss']}"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.text.removeprefix("\ufeff"))))
    assert len(rows) == len(found)
    assert '\'=HYPERLINK("https://a.example")' in [row["question"] for row in rows]
    assert_json_error(keyed.client.get("/page/gaps.csv"), 401, "key_missing")


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "days=0", "limit=x"])
def test_a_bad_number_is_named(keyed: Server, query: str) -> None:
    response = keyed.client.get(f"/gaps?{query}", headers={"Authorization": f"Bearer {KEYS['one']}"})
    assert query.partition("=")[0] in assert_json_error(response, 422, "invalid_request")


def test_the_command_lists_drafts_and_exports_without_a_server(workspace: Workspace) -> None:
    keeping = workspace.given(ZHIWEN_TRACES__KEEP_QUESTIONS="true", LANG="en_US.UTF-8")
    assert keeping.run("gaps").out == "There is no question without an answer.\n"
    assert keeping.run("ask", UNKNOWN).status == 0
    shown = keeping.run("gaps").out
    assert "1. Who is the president of France?" in shown
    assert "asked 1× · refused 1" in shown
    draft = keeping.run("gaps", "--draft", "1").out
    assert draft.startswith("## Who is the president of France\n")
    golden = keeping.run("gaps", "--golden").out
    [entry] = yaml.safe_load(golden)["questions"]
    assert entry["question"] == UNKNOWN
    path = workspace.folder / "golden.yaml"
    path.write_text(golden, "utf-8")
    assert [question.question for question in read_golden(path)] == [UNKNOWN]
    assert keeping.run("gaps", "--json").json["gaps"][0]["question"] == UNKNOWN
    assert next(csv.reader(io.StringIO(keeping.run("gaps", "--csv").out)))[0] == "question"
    wrong = keeping.run("gaps", "--draft", "7")
    assert (wrong.status, "there is no gap 7" in wrong.err) == (2, True)
    assert keeping.run("gaps", "--csv", "--json").status == 2


def test_without_the_setting_nothing_is_kept_and_the_command_says_what_to_set(workspace: Workspace) -> None:
    workspace = workspace.given(LANG="en_US.UTF-8")
    assert workspace.run("ask", UNKNOWN).status == 0
    assert "traces.keep_questions" in workspace.run("gaps").out
    assert workspace.run("gaps", "--json").json == {"kept": False, "found": 0, "asked": 0, "gaps": []}
    assert workspace.given(ZHIWEN_TRACES__KEEP_QUESTIONS="true").run("gaps", "--json").json["found"] == 0


def test_old_documents_are_ranked_by_the_answers_that_rest_on_them(keyed: Server) -> None:
    old = "---\nupdated: 2019-05-06\n---\n\n# Foghorn\n\nThe foghorn sounds every ninety seconds in thick fog.\n"
    keyed.workspace.write("foghorn.md", old)
    headers = {"Authorization": f"Bearer {KEYS['boss']}"}
    keyed.client.headers.update(headers)
    assert keyed.ingest()["error"] is None
    del keyed.client.headers["Authorization"]
    answer = call(keyed, "one", "POST", "/ask", question="How often does the foghorn sound in thick fog?")
    assert [citation["date"] for citation in answer["citations"]] == ["2019-05-06"]
    found = eventually(
        lambda: call(keyed, "boss", "GET", "/gaps/stale"),
        until=lambda found: found["found"] == 1,
        within_seconds=30,
        message="the answer is counted",
    )
    [document] = found["documents"]
    assert {key: document[key] for key in ("source", "date", "dated_by", "answers")} == {
        "source": "foghorn.md",
        "date": "2019-05-06",
        "dated_by": "front matter",
        "answers": 1,
    }
    assert call(keyed, "boss", "GET", "/gaps/stale?older_than_days=36500")["documents"] == []
    refused = keyed.client.get("/gaps/stale", headers={"Authorization": f"Bearer {KEYS['one']}"})
    assert_json_error(refused, 403, "scope_missing")
    shown = keyed.workspace.given(LANG="en_US.UTF-8").run("gaps", "--stale")
    assert "2019-05-06  answers: 1  foghorn.md" in shown.out, shown
