"""Child processes get what they need to run and nothing else: no secret of the environment."""

import ast
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.parser_process import ParserProcess
from rag.child_environment import child_environment
from rag.store.milvus.lite_process import LiteProcess
from tests.kit.process_table import children
from tests.kit.source_code import source_files

STARTERS = {"Popen", "call", "check_call", "check_output", "run"}
SECRETS = {
    "DASHSCOPE_API_KEY": "one",
    "ZHIWEN_SERVE__KEYS": "two",
    "HTTPS_PROXY": "http://me:three@proxy",  # pragma: allowlist secret
    "AWS_SECRET_ACCESS_KEY": "four",
    "GITHUB_TOKEN": "five",
}


def test_only_what_a_program_needs_is_passed_on() -> None:
    needed = {"PATH": "/bin", "LANG": "C.UTF-8", "PYTHONPATH": "/code", "LD_LIBRARY_PATH": "/lib", "TMPDIR": "/t"}
    assert child_environment(needed | SECRETS) == needed


@pytest.mark.parametrize("name", ["milvus", "parser"])
def test_no_child_inherits_secrets(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    before = set(children(os.getpid()))
    stop = started(name, tmp_path)
    try:
        (child,) = set(children(os.getpid())) - before
        inherited = {entry.partition(b"=")[0].decode() for entry in environment_of(child)}
        assert "PATH" in inherited
        assert not inherited & set(SECRETS)
    finally:
        stop()


def started(name: str, folder: Path) -> Callable[[], None]:
    """Start the child; return what ends it."""
    if name == "milvus":
        return LiteProcess(folder / "m.db").stop
    parser = ParserProcess(timeout_seconds=60)
    parser.parse("a.md", b"# A\n")
    return lambda: parser.__exit__(None, None, None)


def environment_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")


def test_every_process_that_the_code_starts_is_given_its_environment() -> None:
    starts = [call for file in source_files("api", "ingest", "rag") for call in calls_of_subprocess(file.tree)]
    assert starts
    for call in starts:
        (given,) = [keyword.value for keyword in call.keywords if keyword.arg == "env"]
        assert "environment" in ast.unparse(given)


def calls_of_subprocess(tree: ast.Module) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STARTERS:
            yield from [node] if ast.unparse(node.func.value) == "subprocess" else []
