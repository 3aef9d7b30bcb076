"""The look-up of known vulnerabilities, against a database that we serve, and where there is none."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

from tests.kit.compose import ROOT


class Database(BaseHTTPRequestHandler):
    """Answers as OSV does: one package has a finding, the others have none."""

    vulnerable: ClassVar[str] = ""
    asked: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = question.get("package", {}).get("name", "")
        self.asked.append(name)
        finding = {
            "id": "PYSEC-0000-1",
            "summary": "a hole",
            "affected": [
                {
                    "package": {"name": name, "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9999"}]}],
                }
            ],
        }
        body = json.dumps({"vulns": [finding]} if name and name == self.vulnerable else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def database(vulnerable: str = "") -> Iterator[str]:
    Database.vulnerable = vulnerable
    Database.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Database)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "vulnerabilities.py"), url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_each_locked_dependency_is_looked_up_and_a_finding_fails() -> None:
    locked = (ROOT / "constraints.txt").read_text("utf-8").split()
    with database() as url:
        clean = audit(url)
        assert clean.returncode == 0, clean.stderr
        assert {name.lower() for name in Database.asked if name} == {
            line.partition("==")[0].lower().replace("_", "-").replace(".", "-") for line in locked
        }
    with database("uvicorn") as url:
        found = audit(url)
    assert found.returncode == 1
    assert "PYSEC-0000-1" in found.stdout


def test_without_the_database_one_line_says_that_nothing_was_looked_up() -> None:
    skipped = audit("http://127.0.0.1:9/v1/query")
    assert skipped.returncode == 0
    assert skipped.stdout.startswith("vulnerabilities: skipped, http://127.0.0.1:9/v1/query cannot be reached")
    assert skipped.stdout.count("\n") == 1
