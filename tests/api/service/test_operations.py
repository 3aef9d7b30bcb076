"""An endpoint with a command stands in all the places that docs/extending/endpoint-with-command.md names."""

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import typer

from api.cli.main import app
from api.service.operation import Operation
from api.service.operations import OPERATIONS
from tests.kit.paths import ROOT

GUIDE = ROOT / "docs" / "extending" / "endpoint-with-command.md"
COPIED = ("api", "ingest", "rag", "knowledge")
WITHOUT_COMMAND = {
    "DOCUMENTS": "the page lists the documents; in a terminal, `ls` does",
    "GREP": "for agents; in a terminal, `grep` does",
    "LINES": "for agents; in a terminal, `sed` does",
    "FEEDBACK": "readers rate an answer on the page; `zhiwen feedback` lists the ratings",
    "KNOWLEDGE_BASES": "for clients that let people choose; in a terminal, `zhiwen status --kb all`",
    "TEXT": "for programs that have the id of a hit; MCP clients call it as the tool `fetch`",
}

Named = Mapping[str, Any]
"""Objects by `NAME of path/of/module.py`."""


def forgotten(
    operations: Named, listed: Collection[Any], called: Collection[Any], commands: Named, registered: Collection[Any]
) -> list[str]:
    """What is missing, a line for each, with the file to mend.

    `listed` are the operations in OPERATIONS, `called` those that commands use, `registered` the commands in COMMANDS.
    """
    lines = [
        f"api/service/operations.py: add {place} to OPERATIONS"
        for place, operation in operations.items()
        if operation not in listed
    ]
    lines += [
        f"api/cli/commands: add a module with a command that calls {place}, or say in WITHOUT_COMMAND why there is none"
        for place, operation in operations.items()
        if operation not in called and place.split()[0] not in WITHOUT_COMMAND
    ]
    lines += [
        f"api/cli/main.py: add {place} to COMMANDS" for place, command in commands.items() if command not in registered
    ]
    return sorted(lines)


def modules(folder: str) -> list[ModuleType]:
    paths = sorted((ROOT / folder).glob("[a-z]*.py"))
    return [importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in paths]


def named(folder: str, belongs: Callable[[object, ModuleType], bool]) -> dict[str, Any]:
    return {
        f"{name} of {folder}/{module.__name__.rpartition('.')[2]}.py": value
        for module in modules(folder)
        for name, value in vars(module).items()
        if belongs(value, module)
    }


def is_declared_in(value: object, module: ModuleType) -> bool:
    return isinstance(value, Operation) and value.run.__module__ == module.__name__


def is_command_of(value: object, module: ModuleType) -> bool:
    """Every command takes the context of typer first, and no other function does."""
    if not inspect.isfunction(value) or value.__module__ != module.__name__:
        return False
    parameters = list(inspect.signature(value).parameters.values())
    return bool(parameters) and parameters[0].annotation is typer.Context


def operations_called() -> list[Any]:
    used = [*modules("api/cli"), *modules("api/cli/commands")]
    return [value for module in used for value in vars(module).values() if isinstance(value, Operation)]


def commands_registered() -> list[Any]:
    groups = [group.typer_instance for group in app.registered_groups if group.typer_instance]
    return [command.callback for one in (app, *groups) for command in one.registered_commands]


def test_every_operation_is_listed_and_called_by_a_command_that_is_registered() -> None:
    operations, commands = named("api/service", is_declared_in), named("api/cli/commands", is_command_of)
    problems = forgotten(operations, OPERATIONS, operations_called(), commands, commands_registered())
    assert problems == [], f"see {GUIDE.relative_to(ROOT)}"
    assert len(operations) == len(OPERATIONS)
    assert len(commands) > 10


def test_a_forgotten_place_is_named() -> None:
    assert forgotten({"WORD of api/service/word.py": "word"}, [], [], {"word of api/cli/commands/word.py": 1}, []) == [
        "api/cli/commands: add a module with a command that calls WORD of api/service/word.py, or say in "
        "WITHOUT_COMMAND why there is none",
        "api/cli/main.py: add word of api/cli/commands/word.py to COMMANDS",
        "api/service/operations.py: add WORD of api/service/word.py to OPERATIONS",
    ]


def test_what_has_no_command_is_an_operation() -> None:
    names = {place.split()[0] for place in named("api/service", is_declared_in)}
    assert WITHOUT_COMMAND.keys() <= names


def test_the_example_of_the_guide_is_an_endpoint_and_a_command(tmp_path: Path) -> None:
    """The four steps are taken in a copy of the source."""
    use_case, command = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    for name in COPIED:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "api/service/word.py").write_text(use_case, "utf-8")
    insert("from api.service.word import WORD\n", "\nOPERATIONS", tmp_path / "api/service/operations.py")
    insert("    WORD,\n", "    FEEDBACK,\n", tmp_path / "api/service/operations.py")
    (tmp_path / "api/cli/commands/word.py").write_text(command, "utf-8")
    insert("from api.cli.commands.word import word\n", "\napp = ", tmp_path / "api/cli/main.py")
    insert('    "word": word,\n', '    "search": search,\n', tmp_path / "api/cli/main.py")
    zhiwen = "from api.cli.main import main; main()"
    run(tmp_path, zhiwen, "ingest")
    assert run(tmp_path, zhiwen, "word", "向量").startswith("向量: ")
    assert run(tmp_path, zhiwen, "word", "--json", "Zzyzx") == '{"word":"Zzyzx","passages":0}\n'
    assert run(tmp_path, _REQUEST, "/words/Zzyzx") == "200 {'word': 'Zzyzx', 'passages': 0}\n"
    run(tmp_path, "from api.http.write_openapi import main; main()")
    assert '"/words/{word}"' in (tmp_path / "api/http/openapi/openapi.json").read_text("utf-8")


_REQUEST = """
import sys
from starlette.testclient import TestClient
from api.http.app import create_app
from api.http.server_context import ServerContext
from ingest.background import IngestRunner
from rag.settings import Settings
from rag.wiring import Services

with Services(Settings()) as services:
    client = TestClient(create_app(services, IngestRunner(), ServerContext()), base_url="http://127.0.0.1")
    response = client.get(sys.argv[1])
    print(response.status_code, response.json())
"""


def insert(inserted: str, before: str, path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.count(before) == 1, f"{path.name} has changed: this test looks for {before!r}"
    path.write_text(text.replace(before, inserted + before), "utf-8")


def run(source: Path, program: str, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIWEN_")}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=source,
        env={**environment, "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
