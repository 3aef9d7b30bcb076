"""The HTTP API of a running server."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import httpx2
import pytest

from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import FirstAsk, Server, Workspace, assert_json_error
from tests.kit.server_events import streamed, streamed_answer

QUESTION = "向量数据库有哪些知名组件？"
LIGHTHOUSE = "What is known about the lighthouse?"
ANSWER_KEYS = [
    *("answer", "refused", "reason", "citations", "unverified", "model", "generation", "trace_id"),
    *("truncated", "usage", "cached"),
]
CITATION_KEYS = ["number", "source", "heading_path", "anchor", "start_line", "end_line", "quote", "url"]
HIT_KEYS = ["id", "source", "title", "heading_path", "anchor", "start_line", "end_line", "content", "score", "url"]
INGEST_KEYS = ["generation", "documents", "chunks", "embedded", "seconds", "failures"]


def found(server: Server, condition: dict[str, Any], question: str = LIGHTHOUSE) -> set[str]:
    """The sources of the hits under a condition."""
    response = server.post("/search", question=question, top_k=50, filter=condition)
    assert response.status_code == 200, response.text
    return {hit["source"] for hit in response.json()["hits"]}


# Health and questions


def test_health_tells_what_is_live(server: Server) -> None:
    response = server.client.get("/health")
    assert response.status_code == 200
    health = response.json()
    assert health["status"] == "ok"
    assert health["generation"] == 2
    assert health["documents"] == 4
    assert health["chunks"] > 40
    assert health["chat"] == "extractive"


def test_ask_answers_with_exactly_the_agreed_keys(server: Server) -> None:
    response = server.post("/ask", question=QUESTION)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answer = response.json()
    assert list(answer) == ANSWER_KEYS
    assert "Milvus" in answer["answer"]
    assert "PingCAP" in answer["answer"]
    assert answer["refused"] is False
    assert answer["reason"] is None
    assert all(list(citation) == CITATION_KEYS for citation in answer["citations"])
    assert answer["citations"][0]["source"] == "overview.md"
    assert answer["citations"][0]["start_line"] == 82


def test_every_answer_has_a_trace_id_of_its_own(server: Server) -> None:
    answers = [server.post("/ask", question=QUESTION).json() for _ in range(2)]
    assert answers[0]["trace_id"] != answers[1]["trace_id"]


def test_a_streamed_answer_is_passages_then_deltas_that_join_to_the_answer(server: Server) -> None:
    events = streamed_answer(server, QUESTION)
    names = [event.name for event in events]
    assert names == ["passages", *["delta"] * (len(events) - 2), "answer"]
    assert names.count("delta") >= 1
    answer = events[-1].data
    assert list(answer) == ANSWER_KEYS
    assert "".join(event.data["text"] for event in events[1:-1]) == answer["answer"]
    passages = {passage["number"]: passage for passage in events[0].data["passages"]}
    for citation in answer["citations"]:
        assert citation["quote"] in passages[citation["number"]]["content"]


def test_a_streamed_answer_is_the_plain_answer(server: Server) -> None:
    plain = server.post("/ask", question=QUESTION).json()
    answer = streamed_answer(server, QUESTION)[-1].data
    assert {**answer, "trace_id": "", "cached": True} == {**plain, "trace_id": "", "cached": True}


def test_a_refusal_is_an_answer_with_status_200_plain_and_streamed(server: Server) -> None:
    question = "红烧肉怎么做才不腻？"
    response = server.post("/ask", question=question)
    assert response.status_code == 200
    answer = response.json()
    assert answer["refused"] is True
    assert answer["reason"] == "no_evidence"
    assert answer["citations"] == []
    events = streamed_answer(server, question)
    assert [event.name for event in events] == ["passages", "answer"]
    assert events[-1].data["refused"] is True


def test_a_filter_narrows_what_an_answer_may_rest_on(server: Server) -> None:
    response = server.post(
        "/ask", question="How often is the lighthouse lens polished?", filter={"field": "source", "prefix": "guides/"}
    )
    answer = response.json()
    assert "forty days" in answer["answer"]
    assert {citation["source"] for citation in answer["citations"]} == {"guides/upkeep.md"}


# Searching


@pytest.mark.parametrize("top_k", [1, 5, 20])
def test_search_returns_no_more_than_top_k_hits_best_first(server: Server, top_k: int) -> None:
    response = server.post("/search", question=QUESTION, top_k=top_k)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["question", "generation", "hits"]
    assert body["question"] == QUESTION
    hits = body["hits"]
    assert len(hits) == top_k
    assert all(list(hit) == HIT_KEYS for hit in hits)
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert hits[0]["start_line"] == 82


def test_search_without_top_k_returns_as_many_as_configured(server: Server) -> None:
    assert len(server.post("/search", question=QUESTION).json()["hits"]) == 8


SETUP, UPKEEP, SURE = "guides/setup.md", "guides/upkeep.md", "guides/100%_sure.md"


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
def test_a_number_that_is_none_is_the_callers_error(server: Server, number: str) -> None:
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


# Ingesting


@pytest.fixture(scope="module")
def ingesting(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Workspace]]:
    """A server whose folder the tests may change."""
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("ingesting"))
    with workspace.serving() as running:
        yield running, workspace


def test_a_second_ingest_is_refused_while_one_runs_and_searches_go_on(ingesting: tuple[Server, Workspace]) -> None:
    server, workspace = ingesting
    idle = server.client.get("/ingest").json()
    assert (idle["running"], idle["progress"], idle["last"], idle["error"]) == (False, None, None, None)
    for number in range(40):
        workspace.write(f"many/{number:02}.md", f"# Beacon {number}\n\nBeacon {number} blinks every {number + 7} s.\n")
    workspace.write("many/broken.md", b"caf\xe9\n")

    started = server.client.post("/ingest")
    assert started.status_code == 202
    assert started.json()["running"] is True
    assert_json_error(server.client.post("/ingest"), 409, "store_locked")

    progress: list[dict[str, int]] = []
    state = server.client.get("/ingest").json()
    while state["running"]:
        if state["progress"]:
            progress.append(state["progress"])
        found = server.post("/search", question="How often does beacon 12 blink?", top_k=3)
        assert found.status_code == 200, found.text
        assert found.json()["hits"]
        if found.json()["generation"] == 1:
            assert {hit["source"] for hit in found.json()["hits"]} == {"overview.md"}
        state = server.client.get("/ingest").json()

    assert progress, "the ingest was over before it could be watched"
    assert all(step["documents_total"] == 41 for step in progress)
    assert [step["chunks"] for step in progress] == sorted(step["chunks"] for step in progress)
    assert state["error"] is None
    report = state["last"]
    assert list(report) == INGEST_KEYS
    assert report["generation"] == 2
    assert report["documents"] == {"added": 40, "changed": 0, "removed": 0, "unchanged": 1, "failed": 1}
    assert report["chunks"]["added"] == report["embedded"] == 40
    [failure] = report["failures"]
    assert failure["source"] == "many/broken.md"
    assert "UTF-8" in failure["error"]
    hits = server.post("/search", question="How often does beacon 12 blink?").json()["hits"]
    assert hits[0]["source"] == "many/12.md"


def test_an_edited_document_is_served_in_its_new_version_at_once(ingesting: tuple[Server, Workspace]) -> None:
    server, workspace = ingesting
    workspace.write("buoy.md", "# Buoy\n\nThe old buoy of Andøya is painted crimson.\n")
    server.ingest()
    question = "What colour is the old buoy of Andøya painted?"
    assert "crimson" in server.post("/ask", question=question).json()["answer"]
    workspace.write("buoy.md", "# Buoy\n\nThe old buoy of Andøya is painted turquoise.\n")
    state = server.ingest()
    assert state["last"]["documents"]["changed"] == 1
    assert state["last"]["embedded"] == 1
    answer = server.post("/ask", question=question).json()
    assert answer["generation"] == state["last"]["generation"]
    assert "turquoise" in answer["answer"]
    assert "crimson" not in str(server.post("/search", question=question, top_k=50).json())


def test_readers_during_re_ingests_always_see_exactly_one_whole_generation(
    ingesting: tuple[Server, Workspace],
) -> None:
    server, workspace = ingesting

    def write(version: int) -> None:
        sections = [f"## Bell {number}\n\nBell {number} rings {version} times at noon." for number in range(12)]
        workspace.write("bells.md", "# Bells\n\n" + "\n\n".join(sections) + "\n")

    write(100)
    versions = {server.ingest()["last"]["generation"]: 100}
    request = {"question": "How often?", "top_k": 50, "filter": {"field": "source", "equals": "bells.md"}}
    whole = len(server.post("/search", **request).json()["hits"])
    assert whole >= 12
    stop = threading.Event()
    answers: list[httpx2.Response] = []

    def read() -> None:
        with httpx2.Client(base_url=server.url, timeout=30, trust_env=False) as client:
            while not stop.is_set():
                answers.append(client.post("/search", json=request))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for version in range(101, 107):
            write(version)
            state = server.ingest()
            assert state["error"] is None, state
            versions[state["last"]["generation"]] = version
    finally:
        stop.set()
        for reader in readers:
            reader.join()

    failed = [answer.text for answer in answers if answer.status_code != 200]
    assert not failed, f"{len(failed)} of {len(answers)} searches failed: {failed[0]}"
    seen = [(answer.json()["generation"], answer.json()["hits"]) for answer in answers]
    partial = [(generation, len(hits)) for generation, hits in seen if len(hits) != whole]
    assert not partial, f"{len(partial)} of {len(answers)} searches saw part of a document: {partial[:5]}"
    for generation, hits in seen:
        told = {number for hit in hits for number in re.findall(r"rings (\d+) times", hit["content"])}
        assert told == {str(versions[generation])}
    assert len({generation for generation, _ in seen}) > 3


def test_an_ingest_that_fails_says_why_and_changes_nothing(ingesting: tuple[Server, Workspace]) -> None:
    server, workspace = ingesting
    before = server.client.get("/health").json()
    last = server.client.get("/ingest").json()["last"]
    away = workspace.knowledge.rename(workspace.folder / "away")
    try:
        state = server.ingest()
    finally:
        away.rename(workspace.knowledge)
    assert state["error"]["code"] == "knowledge_error"
    assert "does not exist" in state["error"]["message"]
    assert state["last"] == last
    assert server.client.get("/health").json() == before


def test_most_documents_are_only_removed_when_that_is_asked_for(ingesting: tuple[Server, Workspace]) -> None:
    server, workspace = ingesting
    server.ingest()
    before = server.client.get("/health").json()
    for path in workspace.knowledge.glob("many/*"):
        path.unlink()
    state = server.ingest()
    assert state["error"]["code"] == "knowledge_error"
    assert server.client.get("/health").json() == before
    response = server.post("/ingest", allow_mass_deletion=True)
    assert response.status_code == 202
    state = server.wait_for_ingest()
    assert state["error"] is None
    assert server.client.get("/health").json()["documents"] == len(list(workspace.knowledge.glob("**/*.md")))
    sources = {hit["source"] for hit in server.post("/search", question="beacon 12", top_k=50).json()["hits"]}
    assert not any(source.startswith("many/") for source in sources)


# The description of the API


def test_every_operation_of_the_document_is_described_and_every_reference_resolves(server: Server) -> None:
    response = server.client.get("/openapi.json")
    assert response.status_code == 200
    api = response.json()
    assert api["openapi"].startswith("3.")
    assert api["info"]["title"]
    assert api["info"]["version"]
    identifiers = [operation["operationId"] for item in api["paths"].values() for operation in item.values()]
    assert len(set(identifiers)) == len(identifiers)
    for item in api["paths"].values():
        for operation in item.values():
            assert operation["description"]
            assert {"4XX", "5XX"} < set(operation["responses"])
    for reference in re.findall(r'"\$ref":\s*"([^"]+)"', response.text):
        assert reference.startswith("#/")
        node = api
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


class _Addresses(HTMLParser):
    """Everything that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href", "action") and value]


def test_the_api_page_loads_nothing_from_elsewhere(server: Server) -> None:
    page = server.client.get("/api-docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    addresses = _Addresses()
    addresses.feed(page.text)
    assert len(addresses.found) >= 3
    assert not re.findall(r"(?:https?:)?//[a-z]", re.sub(r"^\s*//.*|<!--.*?-->", "", page.text, flags=re.MULTILINE))
    for address in addresses.found:
        assert address.startswith("/")
        asset = server.client.get(address)
        assert asset.status_code == 200
        assert asset.content
        if address.endswith(".css"):
            assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", asset.text)


# Starting and ending


@pytest.mark.alone
def test_a_server_on_an_empty_store_starts_quickly_without_torch_and_says_that_it_is_empty(
    empty_workspace: Workspace,
) -> None:
    started = time.monotonic()
    with empty_workspace.given(PYTHONPROFILEIMPORTTIME="1").serving() as server:
        health = server.client.get("/health")
        seconds = time.monotonic() - started
        assert health.status_code == 200
        assert health.json()["status"] == "empty"
        assert health.json()["generation"] == 0
        for path in ("/ask", "/search"):
            message = assert_json_error(server.post(path, question=QUESTION), 503, "store_empty")
            assert "zhiwen ingest" in message
        imported = {line.rpartition("|")[2].strip() for line in server.log.splitlines()}
        assert "uvicorn" in imported
        assert not {"torch", "sentence_transformers", "transformers"} & imported
    print(f"server start to first /health: {seconds:.2f} s")
    assert seconds < 6  # 3 on a quiet machine


def test_sigterm_ends_a_server_with_an_answer_still_streaming(
    workspace: Workspace, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("Milvus [1] is", " one", hangs=True))
    chatting = workspace.given(ZHIWEN_CHAT__BASE_URL=chat_endpoint.base_url, ZHIWEN_CHAT__MODEL="slow")
    server = Server.start(chatting)
    try:
        with server.client.stream("POST", "/ask", json={"question": QUESTION, "stream": True}) as response:
            events = streamed(response)
            assert next(events).name == "passages"
            assert next(events).name == "delta"
            started = time.monotonic()
            assert server.stop(timeout=12) == 0
            assert time.monotonic() - started < 10
    finally:
        server.kill()
    assert not server.remains
    assert workspace.run("status", "--json").json["generation"] == 1


def test_sigterm_ends_a_server_in_the_middle_of_an_ingest_and_the_index_is_whole(workspace: Workspace) -> None:
    for number in range(80):
        lines = "\n".join(f"Lamp {number}-{line} burns {line + 3} hours on one litre of oil." for line in range(12))
        workspace.write(f"lamps/{number:03}.md", f"# Lamps {number}\n\n{lines}\n")
    started = time.monotonic()
    server = Server.start(workspace)
    try:
        assert server.client.post("/ingest").status_code == 202
        while not (server.client.get("/ingest").json()["progress"] or {}).get("embedded"):
            assert time.monotonic() - started < 60
            time.sleep(0.1)
        started = time.monotonic()
        assert server.stop(timeout=20) == 0
        assert time.monotonic() - started < 10
    finally:
        server.kill()
    status = workspace.run("status", "--json").json
    assert status["generation"] in (1, 2)
    assert status["documents"] == (1 if status["generation"] == 1 else 81)


def test_ctrl_c_ends_a_server_without_a_traceback(workspace: Workspace) -> None:
    server = Server.start(workspace)
    try:
        server.signal(signal.SIGINT)
        assert server.process.wait(timeout=10) in (0, 130)
    finally:
        server.kill()
    assert "Traceback" not in server.log
    assert not server.remains


def test_a_store_that_died_is_an_error_and_never_an_empty_result(workspace: Workspace) -> None:
    server = Server.start(workspace)
    try:
        assert server.post("/search", question=QUESTION).json()["hits"]
        server.kill_store()
        for response in (
            server.client.get("/health"),
            server.post("/search", question=QUESTION),
            server.post("/ask", question=QUESTION),
            server.post("/ask", question=QUESTION, stream=True),
        ):
            assert_json_error(response, 503, "store_unavailable")
    finally:
        server.kill()


def test_many_questions_at_once_all_get_their_own_answer(server: Server) -> None:
    questions = ["Dify 的官网是什么？", QUESTION, "How often is the lighthouse lens polished?"] * 4
    answers: dict[int, httpx2.Response] = {}

    def ask(position: int) -> None:
        answers[position] = server.post("/search", question=questions[position], top_k=1)

    threads = [threading.Thread(target=ask, args=(position,)) for position in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = ["dify.ai", "Milvus", "forty days"] * 4
    for position, words in enumerate(expected):
        assert words in answers[position].json()["hits"][0]["content"]
