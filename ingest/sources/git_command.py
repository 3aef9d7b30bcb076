"""Calls of git on a repository of ours, where nothing that others wrote can run anything or lead anywhere else."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ingest.sources.protocol import OnWait
from rag.child_environment import child_environment
from rag.errors import SourceError

_LOOK_SECONDS = 0.1
_MAX_OUTPUT_BYTES = 64 * 1024
_MAX_CHARACTERS = 500
_NOISE = ("warning:", "hint:", "Warning: Permanently added", "Please make sure you have", "and the repository exists")
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.logAllRefUpdates=false",
    "fetch.fsckObjects=true",
    "gc.autoDetach=false",
    "gc.pruneExpire=now",
    "http.lowSpeedLimit=100",
    "http.lowSpeedTime=30",
    "submodule.recurse=false",
)
_FROM_OURS = ("SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "CURL_CA_BUNDLE")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


class GitFailed(Exception):
    """git ended with an error; the message is what it wrote last."""


@dataclass(frozen=True, slots=True)
class Git:
    """Runs git in a folder, with `environment` besides what it needs to find its programs and proxies.

    Of the user's settings for git none holds. It speaks only `protocols`, with a colon between two. `on_wait` is called
    a few times a second, and may raise an error, which ends git. Its processes keep the descriptors `kept_open`.
    """

    folder: Path
    protocols: str
    environment: Mapping[str, str]
    timeout_seconds: float
    on_wait: OnWait
    kept_open: tuple[int, ...] = ()

    def run(self, *arguments: str) -> str:
        """Return the beginning of what git prints. Raises GitFailed, and SourceError if there is no git."""
        git = shutil.which("git")
        if git is None:
            raise SourceError("git is not installed; install it, for example with `apt-get install git`")
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as problems:
            process = subprocess.Popen(  # noqa: S603  (git from the path, with arguments of ours)
                [git, *settings, *arguments],
                cwd=self.folder,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=problems,
                pass_fds=self.kept_open,
                start_new_session=True,  # so that its helpers can be ended with it
            )
            try:
                self._wait(process)
            finally:
                _end(process)
            if process.returncode:
                raise GitFailed(_reason(_end_of(problems)) or f"git {arguments[0]} ended with {process.returncode}")
            out.seek(0)
            return out.read(_MAX_OUTPUT_BYTES).decode(errors="replace")

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + self.timeout_seconds
        while True:
            self.on_wait()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_SECONDS)
                return
            if time.monotonic() > deadline:
                raise GitFailed(f"it took longer than knowledge.fetch_timeout_seconds ({self.timeout_seconds:g})")

    def _environment(self) -> dict[str, str]:
        proxies = [name for each in _PROXIES for name in (each, each.upper())]
        kept = {name: os.environ[name] for name in (*_FROM_OURS, *proxies) if name in os.environ}
        own = {
            "GIT_ALLOW_PROTOCOL": self.protocols,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_DIR": ".git",  # or git would look above
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "LC_ALL": "C",
        }
        return child_environment(**kept, **own, **self.environment)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _end_of(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - _MAX_OUTPUT_BYTES))
    return file.read().decode(errors="replace")


def _reason(text: str) -> str:
    """Return what git, ssh and the server wrote, in one line, without what git adds to every error."""
    lines = (line.strip().rstrip(".").removeprefix("fatal: ").removeprefix("error: ") for line in text.splitlines())
    return "; ".join(dict.fromkeys(line for line in lines if line and not line.startswith(_NOISE)))[:_MAX_CHARACTERS]
