"""The command and the server as real processes, each in its own folder."""

import hashlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2
import yaml

from tests.kit.command_server import CommandServer, ForkedCommand
from tests.kit.paths import ROOT
from tests.kit.process_table import children, command_line
from tests.kit.waiting import eventually

ZHIWEN = Path(sys.executable).with_name("zhiwen")
PUBLIC_URL = "https://kb.example.com/zhiwen"
SHIPPED_KNOWLEDGE = ROOT / "knowledge"

_UNWANTED = ("ZHIWEN_", "LC_", "LANG", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TERM", "COLUMNS", "PYTHON")


def clean_environment() -> dict[str, str]:
    """The environment of this process without what would change the output of a command or where it connects to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_UNWANTED)}
    return {name: value for name, value in kept.items() if not name.lower().endswith("_proxy")}


_COMMANDS = CommandServer(ZHIWEN, clean_environment())


def _is_for_python(environment: Mapping[str, str]) -> bool:
    """Whether an environment says how Python itself starts, so that no fork will do."""
    return any(name.startswith("PYTHON") for name in environment)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1, self
        return json.loads(self.out)

    @property
    def error_lines(self) -> list[str]:
        return self.err.splitlines()


def run_command(
    *arguments: str, folder: Path, environment: Mapping[str, str], stdin: bytes = b"", timeout: float = 120
) -> Outcome:
    """Run `zhiwen` with these arguments in a folder. Raises subprocess.TimeoutExpired after `timeout` seconds."""
    if _is_for_python(environment):
        done = subprocess.run(
            [ZHIWEN, *arguments],
            input=stdin,
            capture_output=True,
            cwd=folder,
            env=environment,
            timeout=timeout,
            check=False,
        )
    else:
        done = _COMMANDS.run(arguments, stdin=stdin, folder=folder, environment=environment, timeout=timeout)
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with documents in `knowledge` and a database `m.db`; commands run in it."""

    folder: Path
    extra: tuple[tuple[str, str], ...] = ()

    @classmethod
    def with_shipped_knowledge(cls, folder: Path) -> Self:
        workspace = cls(folder)
        workspace.take_shipped_knowledge()
        return workspace

    def take_shipped_knowledge(self) -> None:
        """Copy the documents that ship, with one golden question: to ask all of them takes longer than an ingest."""
        shutil.copytree(SHIPPED_KNOWLEDGE, self.knowledge)
        self.keep_golden_questions("去哪里学提示词？")

    def take_golden_questions(self) -> None:
        """Copy all golden questions that ship."""
        shutil.copy2(SHIPPED_KNOWLEDGE / "golden.yaml", self.knowledge)

    def keep_golden_questions(self, *questions: str) -> None:
        """Copy these golden questions of those that ship."""
        golden = yaml.safe_load((SHIPPED_KNOWLEDGE / "golden.yaml").read_text("utf-8"))
        golden["questions"] = [each for each in golden["questions"] if each["question"] in questions]
        assert len(golden["questions"]) == len(questions)
        self.write("golden.yaml", yaml.safe_dump(golden, allow_unicode=True, sort_keys=False))

    @property
    def knowledge(self) -> Path:
        return self.folder / "knowledge"

    @property
    def database(self) -> Path:
        return self.folder / "m.db"

    @property
    def environment(self) -> dict[str, str]:
        own = {"ZHIWEN_STORE__URI": str(self.database), "ZHIWEN_KNOWLEDGE__PATH": str(self.knowledge)}
        return clean_environment() | own | dict(self.extra)

    def given(self, **variables: str) -> "Workspace":
        """The same folder with more environment variables."""
        return Workspace(self.folder, (*self.extra, *variables.items()))

    def copy_to(self, folder: Path) -> "Workspace":
        shutil.copytree(self.knowledge, folder / "knowledge")
        shutil.copy2(self.database, folder / "m.db")
        return Workspace(folder, self.extra)

    def write(self, source: str, text: str | bytes) -> Path:
        path = self.knowledge / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def digest(self) -> str:
        """The digest of the database file; empty if there is none. Equal digests mean equal indexes."""
        return hashlib.sha256(self.database.read_bytes()).hexdigest() if self.database.exists() else ""

    def run(self, *arguments: str, stdin: bytes = b"", timeout: float = 120) -> Outcome:
        """Run `zhiwen` with these arguments. Raises subprocess.TimeoutExpired after `timeout` seconds."""
        return run_command(*arguments, folder=self.folder, environment=self.environment, stdin=stdin, timeout=timeout)

    def run_in_terminal(self, *arguments: str, typed: str = "", timeout: float = 120) -> Outcome:
        """Like `run`, in a terminal; `out` has everything that it shows, and what is typed.

        `timeout` is for each piece of the output.
        """
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [ZHIWEN, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=self.folder,
            env=self.environment | {"TERM": "xterm-256color", "COLUMNS": "160"},
        )
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = bytearray()
        try:
            while select.select([ours], [], [], timeout)[0]:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # what Linux says when the other end is closed
                    break
                shown += piece
            status = process.wait(timeout)
        finally:
            process.kill()
            process.wait()
            os.close(ours)
        return Outcome(status, shown.decode(), "")

    def run_without_reader(self, *arguments: str) -> Outcome:
        """Like `run`, but the reader of standard output closes it before the first byte."""
        process = subprocess.Popen(
            [ZHIWEN, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment,
        )
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        with process.stderr:
            complaints = process.stderr.read().decode()
        return Outcome(process.wait(timeout=60), "", complaints)

    @contextmanager
    def serving(self, *options: str) -> Iterator["Server"]:
        """A server over this folder; SIGTERM must end it with status 0, and its Milvus with it."""
        server = Server.start(self, *options)
        try:
            yield server
        except BaseException:
            server.kill()
            raise
        assert server.stop() == 0, server.log
        assert not server.remains, server.remains


class Server:
    """A running `zhiwen serve`."""

    def __init__(
        self, workspace: Workspace, process: ForkedCommand | subprocess.Popen[bytes], url: str, log_path: Path
    ) -> None:
        self.workspace = workspace
        self.process = process
        self.url = url
        self.client = httpx2.Client(base_url=url, timeout=30, trust_env=False)
        self.children = children(process.pid)
        self._log_path = log_path

    @classmethod
    def start(cls, workspace: Workspace, *options: str, port: int = 0) -> Self:
        """Start `zhiwen serve` with these options and wait until it says where it listens."""
        log_path = workspace.folder / "server.log"
        process: ForkedCommand | subprocess.Popen[bytes]
        arguments, environment = ["serve", "--port", str(port), *options], workspace.environment
        with log_path.open("wb") as log:
            if _is_for_python(environment):
                process = subprocess.Popen(
                    [ZHIWEN, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=workspace.folder,
                    env=environment,
                )
            else:
                process = _COMMANDS.start(arguments, folder=workspace.folder, environment=environment, err=log)
        assert process.stdout
        ready, _, _ = select.select([process.stdout], [], [], 120)
        url = process.stdout.readline().decode().strip() if ready else ""
        if not url:
            process.kill()
            process.wait()
            process.stdout.close()
            raise AssertionError(f"no URL on standard output: {log_path.read_text()}")
        return cls(workspace, process, url, log_path)

    @property
    def log(self) -> str:
        """What it has written to standard error."""
        return self._log_path.read_text()

    @property
    def remains(self) -> list[str]:
        """The command lines of the server's processes that are still running."""
        commands = {pid: command_line(pid) for pid in (self.process.pid, *self.children)}
        return [f"{pid} {command}" for pid, command in commands.items() if command]

    def post(self, path: str, **body: object) -> httpx2.Response:
        """The response to a JSON body."""
        return self.client.post(path, json=body)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server, and not to its Milvus."""
        self.process.send_signal(number)

    def stop(self, timeout: float = 60) -> int:
        """The exit status after SIGTERM; raises if it takes longer than `timeout` seconds."""
        self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        finally:
            self.kill()

    def kill_store(self) -> None:
        """Kill the server's Milvus, as a crash would."""
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """Kill the server; its Milvus ends with it."""
        self.process.kill()
        self.process.wait()
        self.client.close()
        if self.process.stdout:
            self.process.stdout.close()

    def ingest_state(self, **which: str) -> dict[str, Any]:
        """The state of the running or last ingest; `knowledge_base` may say of which one."""
        state: dict[str, Any] = self.client.get("/ingest", params=which).json()
        return state

    def wait_for_ingest(
        self, condition: Callable[[dict[str, Any]], object] = lambda state: True, **which: str
    ) -> dict[str, Any]:
        """The state after an ingest has ended that fulfils the condition."""
        return eventually(
            lambda: self.ingest_state(**which),
            until=lambda state: not state["running"] and condition(state),
            within_seconds=240,
            message="the ingest has ended",
        )

    def ingest(self, **which: str) -> dict[str, Any]:
        """Start an ingest, wait for its end, and return the state then; `knowledge_base` may say of which one."""
        response = self.client.post("/ingest", json=which or None)
        assert response.status_code == 202, response.text
        return self.wait_for_ingest(**which)


@dataclass(frozen=True, slots=True)
class FirstAsk:
    """The outcome of the first question to an empty store, and the folder after it."""

    outcome: Outcome
    workspace: Workspace


def assert_one_line(outcome: Outcome, status: int, *words: str) -> None:
    """Assert that a command failed with this status and one line that has these words."""
    assert outcome.status == status, outcome
    assert len(outcome.error_lines) == 1, outcome.err
    assert "Traceback" not in outcome.err
    for word in words:
        assert word in outcome.err, outcome.err


def assert_json_error(response: httpx2.Response, status: int, code: str) -> str:
    """Assert that a response is an error in the one JSON shape, and return its message."""
    assert response.status_code == status, response.text
    body: Mapping[str, Any] = response.json()
    assert list(body) == ["error"]
    assert list(body["error"]) == ["code", "message"]
    assert body["error"]["code"] == code, body
    message = body["error"]["message"]
    assert message
    assert "Traceback" not in message
    return str(message)
