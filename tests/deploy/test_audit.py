"""The audit of dependencies, against a local copy of the OSV interface and against an address with no server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.kit.paths import ROOT
from tests.kit.threaded_server import http_served


class Database(BaseHTTPRequestHandler):
    """Answers like OSV: the package `vulnerable` has a finding, the others have none. `requested` lists the names."""

    vulnerable: ClassVar[str] = ""
    requested: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = query.get("package", {}).get("name", "")
        self.requested.append(name)
        finding = {
            "id": "PYSEC-0000-1",
            "summary": "a vulnerability",
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
    """Serve the database until the block ends; yield its URL."""
    Database.vulnerable = vulnerable
    Database.requested = []
    with http_served(Database) as url:
        yield f"{url}/v1/query"


def audit(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / ".ci" / "vulnerabilities.py"), url]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_it_looks_up_every_locked_dependency_and_fails_on_a_finding() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    locked = [Requirement(line) for line in lines if not line.startswith("#")]
    with database() as url:
        clean = audit(url)
        assert clean.returncode == 0, clean.stderr
        assert {canonicalize_name(name) for name in Database.requested if name} == {
            canonicalize_name(pin.name) for pin in locked if pin.marker is None or pin.marker.evaluate()
        }
    with database("uvicorn") as url:
        found = audit(url)
    assert found.returncode == 1
    assert "PYSEC-0000-1" in found.stdout


def test_if_the_database_cannot_be_reached_one_line_says_so() -> None:
    skipped = audit("http://127.0.0.1:9/v1/query")
    assert skipped.returncode == 0
    assert skipped.stdout.startswith("vulnerabilities: skipped, http://127.0.0.1:9/v1/query cannot be reached")
    assert skipped.stdout.count("\n") == 1
