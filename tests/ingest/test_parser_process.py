"""The process that parses: what it does when its parent has gone, and what is said when it cannot be started."""

import socket
import subprocess
import sys

import pytest

from ingest.parser_process import ParserProcess
from rag.errors import IngestStopped


@pytest.mark.parametrize("wanted", [b"", b"a request that breaks o"])
def test_without_its_parent_the_process_ends_without_a_word(wanted: bytes) -> None:
    """As when the ingest is killed before the process is ready, or while it reads."""
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(wanted)
        ended = subprocess.run(
            [sys.executable, "-c", f"from ingest.parser_process import serve; serve({theirs.fileno()})"],
            pass_fds=[theirs.fileno()],
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("program", "reason"), [("/nowhere/python", "No such file"), ("/bin/false", "it ended at once")]
)
def test_a_process_that_cannot_be_started_ends_the_ingest_and_is_no_fault_of_a_document(
    program: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with (
        ParserProcess(timeout_seconds=5) as parser,
        pytest.raises(IngestStopped, match=f"cannot be started: .*{reason}"),
    ):
        parser.parse("good.md", b"# Good\n")


def test_after_a_start_that_failed_the_next_may_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    with ParserProcess(timeout_seconds=20) as parser:
        with monkeypatch.context() as broken:
            broken.setattr(sys, "executable", "/bin/false")
            with pytest.raises(IngestStopped):
                parser.parse("good.md", b"# Good\n")
        assert parser.parse("good.md", b"# Good\n\nfine\n").sections[0].heading_path == ("Good",)


def test_the_process_begins_without_what_only_searching_needs() -> None:
    """It is started by every ingest."""
    heavy = "numpy", "opencc", "pymilvus"
    asked = f"import sys, ingest.parser_process; print([name for name in {heavy} if name in sys.modules])"
    begun = subprocess.run([sys.executable, "-P", "-c", asked], capture_output=True, text=True, check=True)
    assert begun.stdout == "[]\n"
