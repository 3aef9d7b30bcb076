"""Follow-ups and traces over the surfaces: the HTTP API, `zhiwen chat`, `zhiwen explain`."""

import json
import re

from tests.kit.processes import Server, Workspace, assert_json_error, assert_one_line

HISTORY = [{"role": "user", "content": "Dify 是什么？"}, {"role": "assistant", "content": "一个平台 [1]。"}]


def test_a_follow_up_is_understood_from_its_history(server: Server) -> None:
    answer = server.post("/ask", question="那它的官网呢？", history=HISTORY).json()
    assert "https://dify.ai/zh" in answer["answer"]
    trace = server.client.get(f"/traces/{answer['trace_id']}").json()
    assert trace["question"] == "那它的官网呢？"
    assert (trace["standalone_question"], trace["rewritten_by"]) == ("Dify 的官网呢？", "rule")
    assert {**trace["answer"]} == answer


def test_a_trace_tells_how_an_answer_came_about(server: Server) -> None:
    # With a filter, which holds for everything, both search in the same place: the store, and not memory.
    asked = {"question": "Dify 的官网是什么？", "filter": {"field": "start_line", "at_least": 0}}
    answer = server.post("/ask", **asked).json()
    found = server.post("/search", **asked, explain=True).json()["trace"]
    trace = server.client.get(f"/traces/{answer['trace_id']}").json()
    for key in ("terms", "lexical_weight", "candidates", "evidence", "warnings"):
        assert trace["retrieval"][key] == found[key]
    assert trace["generation"] == answer["generation"]
    assert [passage["number"] for passage in trace["passages"]] == list(range(1, len(trace["passages"]) + 1))
    assert (trace["prompt"], trace["attempts"], trace["verification"]) == ([], [], [])
    assert {"embed", "dense", "lexical", "fuse", "search", "write", "total"} <= trace["milliseconds"].keys()


def test_an_identical_question_comes_from_the_cache_and_its_trace_says_so(server: Server) -> None:
    question = "Trae 的官网是什么？"
    first, second = (server.post("/ask", question=question).json() for _ in range(2))
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["answer"] == second["answer"]
    assert server.client.get(f"/traces/{second['trace_id']}").json()["cached"] is True


def test_an_unknown_trace_is_not_found(server: Server) -> None:
    message = assert_json_error(server.client.get("/traces/" + "0" * 32), 404, "trace_not_found")
    assert "0" * 32 in message


def test_a_malformed_history_is_refused(server: Server) -> None:
    for history in ([{"role": "system", "content": "x"}], [{"role": "user"}], "x", [{"role": "user", "content": 1}]):
        assert_json_error(server.post("/ask", question="它呢？", history=history), 422, "invalid_request")


def test_a_long_history_is_cut_and_not_refused(server: Server) -> None:
    history = [{"role": "user", "content": f"第 {number} 个问题" * 20} for number in range(200)]
    assert server.post("/ask", question="Dify 的官网是什么？", history=history).status_code == 200


def test_chat_understands_follow_ups_until_the_subject_changes(workspace: Workspace) -> None:
    lines = "Dify 是什么？\n那它的官网呢？\n\n/new\n那它的官网呢？\n/quit\n不会问到\n"
    outcome = workspace.run("chat", stdin=lines.encode())
    assert outcome.status == 0, outcome
    assert outcome.out.count("https://dify.ai/zh [1]") == 2
    assert len(re.findall(r"zhiwen explain [0-9a-f]{32}", outcome.err)) == 3
    assert "不会问到" not in outcome.out


def test_an_error_ends_an_answer_and_not_the_conversation(workspace: Workspace) -> None:
    lines = "x" * 5000 + "\nDify 的官网是什么？\n"
    outcome = workspace.run("chat", stdin=lines.encode())
    assert outcome.status == 0, outcome
    assert "the limit is 4000" in outcome.err
    assert "https://dify.ai/zh" in outcome.out


def test_chat_in_a_terminal_prompts_and_leaves_at_the_end_of_the_input(workspace: Workspace) -> None:
    outcome = workspace.run_in_terminal("chat", typed="Dify 的官网是什么？\n/quit\n")
    assert outcome.status == 0, outcome
    assert "› " in outcome.out
    assert "https://dify.ai/zh" in outcome.out


def test_explain_shows_an_answer_of_an_earlier_command(workspace: Workspace) -> None:
    trace_id = workspace.run("ask", "Dify 的官网是什么？", "--json").json["trace_id"]
    shown = workspace.run("explain", trace_id)
    assert shown.status == 0, shown
    for words in ("Dify 的官网是什么？", trace_id, "overview.md:37", "dense", "https://dify.ai/zh"):
        assert words in shown.out
    assert workspace.run("explain", trace_id, "--json").json["trace_id"] == trace_id


def test_explain_of_an_unknown_answer_says_so_in_one_line(workspace: Workspace) -> None:
    assert_one_line(workspace.run("explain", "nope"), 1, "no trace nope")


def test_explain_asks_the_running_server(server: Server) -> None:
    trace_id = server.post("/ask", question="PyCharm 的官网是什么？").json()["trace_id"]
    shown = server.workspace.run("explain", trace_id, "--json")
    assert json.loads(shown.out)["trace_id"] == trace_id
