"""The parser process ends with its parent, and a failed start is reported."""

import socket
import subprocess
import sys

import pytest

from ingest.parser_process import ParserProcess
from rag.errors import IngestStopped


@pytest.mark.parametrize("wanted", [b"", b"a request that breaks o"])
def test_without_its_parent_the_process_ends_without_output(wanted: bytes) -> None:
    """As if the ingest were killed before the process is ready, or while it reads."""
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(wanted)
        ended = subprocess.run(
            [sys.executable, "-c", f"from ingest.document_process import serve; serve({theirs.fileno()}, print)"],
            pass_fds=[theirs.fileno()],
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("program", "reason"), [("/nowhere/python", "No such file"), ("/bin/false", "it ended at once")]
)
def test_a_process_that_cannot_be_started_ends_the_ingest_without_blaming_a_document(
    program: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with (
        ParserProcess(timeout_seconds=5) as parser,
        pytest.raises(IngestStopped, match=f"cannot be started: .*{reason}"),
    ):
        parser.parse("good.md", b"# Good\n")


def test_after_a_failed_start_the_next_may_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    with ParserProcess(timeout_seconds=20) as parser:
        with monkeypatch.context() as broken:
            broken.setattr(sys, "executable", "/bin/false")
            with pytest.raises(IngestStopped):
                parser.parse("good.md", b"# Good\n")
        assert parser.parse("good.md", b"# Good\n\nfine\n").sections[0].heading_path == ("Good",)


def test_the_process_starts_without_the_libraries_of_searching() -> None:
    """Every ingest starts it."""
    heavy = "numpy", "opencc", "pymilvus"
    asked = f"import sys, ingest.parser_process; print([name for name in {heavy} if name in sys.modules])"
    begun = subprocess.run([sys.executable, "-P", "-c", asked], capture_output=True, text=True, check=True)
    assert begun.stdout == "[]\n"
