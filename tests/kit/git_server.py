"""Git repositories, and a git server on loopback that holds them: `git http-backend` behind a server of Python."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from tests.kit.corpus import Folder
from tests.kit.threaded_server import http_served

TOKEN = "token-0123456789"  # noqa: S105
_ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "2026-03-01T12:00:00Z",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_DATE": "2026-03-01T12:00:00Z",
}


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository in which somebody works, on the branch `main`."""

    folder: Folder

    @classmethod
    def create(cls, root: Path, texts: Mapping[str, str]) -> "Repository":
        """Make a repository with one commit of these documents."""
        root.mkdir(parents=True)
        repository = cls(Folder(root))
        repository.git("init", "--quiet", "--initial-branch=main")
        repository.commit(texts)
        return repository

    @property
    def url(self) -> str:
        return self.folder.root.as_uri()

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder.root,
            env=os.environ | _ENVIRONMENT,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, texts: Mapping[str, str] = {}, *, amend: bool = False) -> str:
        """Write documents and commit everything that has changed; with `amend`, instead of the last commit."""
        for source, text in texts.items():
            self.folder.write(source, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=Change", *(["--amend"] if amend else []))
        return self.head


@dataclass
class GitServer:
    """Serves the repositories below `root`. With `token`, it asks for that as the password."""

    root: Path
    token: str = ""
    url: str = ""
    hangs: threading.Event = field(default_factory=threading.Event)
    """While it is set, a fetch gets the first bytes of its answer and no more."""
    has_hung: threading.Event = field(default_factory=threading.Event)
    """Set when a fetch has got those bytes."""
    calls: list[str] = field(default_factory=list)
    """The paths of all requests that were let in."""


@contextmanager
def git_server(root: Path, *, token: str = "") -> Iterator[GitServer]:
    """Serve the repositories below `root` over HTTP: the address of one is the URL with the name of its folder."""
    served_here = GitServer(root, token)
    with http_served(_Handler, git=served_here) as served_here.url:
        try:
            yield served_here
        finally:
            served_here.hangs.clear()


class _Handler(BaseHTTPRequestHandler):
    git: GitServer
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _answer(self, body: bytes) -> None:
        server = self.git
        password = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        if server.token and not password.endswith(f":{server.token}"):
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic realm=git")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        server.calls.append(path)
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, env=self._variables(path, query), check=False
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if server.hangs.is_set() and b"PACK" in content:
            self.wfile.write(content[: content.index(b"PACK") + 20])
            self.wfile.flush()
            server.has_hung.set()
            while server.hangs.is_set():
                threading.Event().wait(0.02)
            return
        self.wfile.write(content)

    def _variables(self, path: str, query: str) -> dict[str, str]:
        return os.environ | {
            "GIT_PROJECT_ROOT": str(self.git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
        }

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name in the standard library)
        pass
