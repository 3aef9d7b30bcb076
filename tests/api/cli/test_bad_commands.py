"""Commands that must fail: one clear line each, and the index as it was."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.kit.command_cases import Case, Ended, run_cases
from tests.kit.processes import FirstAsk, Workspace, assert_one_line

QUESTION = "向量数据库有哪些知名组件？"
MEGABYTE = "长" * 350_000


@dataclass(frozen=True, slots=True)
class BadCommand:
    """A command that must fail, its exit status, and the words of its one line."""

    case: Case
    status: int
    named: tuple[str, ...]


def _missing(workspace: Workspace) -> None:
    workspace.knowledge.rename(workspace.folder / "away")


def _empty(workspace: Workspace) -> None:
    _missing(workspace)
    workspace.knowledge.mkdir()


def _a_file(workspace: Workspace) -> None:
    _missing(workspace)
    workspace.knowledge.write_text("# Not a folder\n")


def _config(content: str) -> Callable[[Workspace], object]:
    return lambda workspace: (workspace.folder / "config.yaml").write_text(content)


def _other_database(workspace: Workspace) -> None:
    (workspace.folder / "notes.db").write_text(NOTES)


def _bad(
    *arguments: str,
    status: int,
    named: tuple[str, ...],
    stdin: bytes = b"",
    variable: tuple[str, str] | None = None,
    arrange: Callable[[Workspace], object] = lambda workspace: None,
) -> BadCommand:
    return BadCommand(Case(arguments, stdin, (variable,) if variable else (), arrange), status, named)


NOTES = "my notes, not a database\n" * 100
ASK = ("ask", QUESTION)
# Python's default for standard input in every UTF-8 locale except C.
STRICT = ("PYTHONIOENCODING", "utf-8:strict")

BAD_COMMANDS = {
    "empty question": _bad("ask", "", status=2, named=("question", "empty")),
    "white space": _bad("ask", " \t\u3000 ", "--json", status=2, named=("question", "empty")),
    "1 MB": _bad("ask", "-", status=2, named=("question", "4000"), stdin=MEGABYTE.encode()),
    "NUL": _bad("search", "-", status=2, named=("question", "U+0000"), stdin=b"what \0 is this"),
    "stdin not UTF-8": _bad("ask", "-", status=2, named=("standard input", "UTF-8"), stdin=b"caf\xe9", variable=STRICT),
    "unknown key": _bad(
        *ASK, status=2, named=("config.yaml", "topk", "top_k"), arrange=_config("retrieval:\n  topk: 3")
    ),
    "wrong type": _bad(
        *ASK, status=2, named=("retrieval.top_k", "'many'"), arrange=_config("retrieval: {top_k: many}")
    ),
    "not YAML": _bad(*ASK, status=2, named=("config.yaml", "line 2"), arrange=_config("retrieval: [3\n")),
    "incomplete": _bad(*ASK, status=2, named=("chat.base_url",), arrange=_config("chat: {provider: custom}")),
    "no such file": _bad("--config", "absent.yaml", *ASK, status=2, named=("absent.yaml",)),
    "unknown variable": _bad(*ASK, status=2, named=("top_k",), variable=("ZHIWEN_RETRIEVAL__TOPK", "3")),
    "odd database": _bad(*ASK, status=2, named=("store.uri",), variable=("ZHIWEN_STORE__URI", "一个.db")),
    "folder missing": _bad("ingest", status=2, named=("knowledge",), arrange=_missing),
    "folder empty": _bad("ingest", "--json", status=2, named=("knowledge",), arrange=_empty),
    "folder a file": _bad("ingest", status=2, named=("knowledge",), arrange=_a_file),
    "fresh, folder empty": _bad(*ASK, "--fresh", status=2, named=("knowledge",), arrange=_empty),
    "no database": _bad(
        "status", status=1, named=("notes.db",), variable=("ZHIWEN_STORE__URI", "notes.db"), arrange=_other_database
    ),
}


@pytest.fixture(scope="module")
def ended(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """How each bad command ended."""
    cases = {name: bad.case for name, bad in BAD_COMMANDS.items()}
    return run_cases(cases, first_ask.workspace, tmp_path_factory.mktemp("bad"))


@pytest.mark.parametrize("name", BAD_COMMANDS)
def test_a_bad_command_is_one_line_and_the_index_is_as_it_was(ended: dict[str, Ended], name: str) -> None:
    bad, outcome, workspace = BAD_COMMANDS[name], ended[name].outcome, ended[name].workspace
    assert_one_line(outcome, bad.status, *bad.named)
    assert len(outcome.err) < 400
    if "--json" in bad.case.arguments:
        error = outcome.json["error"]
        assert list(error) == ["code", "message"]
        assert outcome.err == f"zhiwen: {error['message']}\n"
    else:
        assert outcome.out == ""
    if workspace.digest() != ended[name].digest_before:
        # Opening a database may rewrite its file; only the content must stay.
        status = Workspace(workspace.folder).run("status", "--json")
        assert status.status == 0, status
        assert (status.json["generation"], status.json["documents"]) == (1, 1)


def test_a_file_that_is_no_database_stays_as_it_is(ended: dict[str, Ended]) -> None:
    assert (ended["no database"].workspace.folder / "notes.db").read_text() == NOTES


def test_a_first_question_without_a_knowledge_folder_is_one_line_and_creates_nothing(tmp_path: Path) -> None:
    outcome = Workspace(tmp_path).run("ask", QUESTION)
    assert outcome.out == ""
    assert_one_line(outcome, 2, str(tmp_path / "knowledge"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_utf8_leaves_the_index_as_it_was(workspace: Workspace) -> None:
    workspace.write("overview.md", b"caf\xe9\n")
    outcome = workspace.run("ingest")
    assert outcome.status == 3
    assert "overview.md: line 1 is not UTF-8" in outcome.out
    assert outcome.err == ""
    found = workspace.run("search", QUESTION, "--top-k", "1", "--json")
    assert found.json["generation"] == 1
    assert found.json["hits"][0]["start_line"] == 82


HOLD = """
import sys
from pathlib import Path
from rag.settings_loader import load_settings
from rag.wiring import open_store
with open_store(load_settings()) as store:
    print(store.state().live.generation, flush=True)
    sys.stdin.read()
    print(store.state().live.generation, flush=True)
"""


def test_a_database_that_another_process_has_open_is_one_line_every_time_and_the_other_goes_on(
    workspace: Workspace,
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=workspace.folder,
        env=workspace.environment,
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == "1\n"
        for arguments in (["status"], ["ask", QUESTION], ["ingest"]):
            outcome = workspace.run(*arguments)
            assert_one_line(outcome, 1, "m.db", "in use by")
            assert outcome.out == ""
        out, err = holder.communicate("", timeout=20)
        assert (out, err) == ("1\n", "")
    finally:
        holder.kill()
        holder.communicate()
    status = workspace.run("status", "--json")
    assert status.json["generation"] == 1


@contextmanager
def _closed_port() -> Iterator[int]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, and not listening: connections are refused
        yield unused.getsockname()[1]


@contextmanager
def _silent_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


@pytest.mark.parametrize("port", [_closed_port, _silent_port])
def test_a_milvus_that_cannot_be_reached_is_one_line(empty_workspace: Workspace, port: Callable[[], Any]) -> None:
    with port() as number:
        address = f"http://127.0.0.1:{number}"
        outcome = empty_workspace.given(ZHIWEN_STORE__URI=address).run("ask", QUESTION)
    assert_one_line(outcome, 1, address)
