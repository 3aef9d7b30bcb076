"""Measure how soon a push to a git repository is live, with the embedding model that ships.

    python -m bench.git_push [--files 300 10000] [--pushes 5] [--work DIR] [--results FILE]

For each number of files, a repository of short documents is served by `git http-backend` on loopback, and `zhiwen
serve` follows it. Then one file is changed at a time: the seconds count from the webhook, which is sent as soon as the
commit is there, to the first response of `/status` that names the commit as live.
"""

import argparse
import hashlib
import hmac
import json
import shutil
import time
from pathlib import Path
from typing import Any

import httpx2

from bench.growth import Words
from bench.results import add_result
from bench.server_process import ZHIWEN, server_process
from tests.kit.git_server import Repository, git_server

_SECRET = "secret-of-the-bench"  # noqa: S105  (of a server on loopback)  # pragma: allowlist secret
_PUSH = json.dumps({"ref": "refs/heads/main"}).encode()
_POLL_SECONDS = 0.02


def main() -> None:
    """Measure each number of files, print the figures, and write them if `--results` is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="+", default=[300, 10_000])
    parser.add_argument("--pushes", type=int, default=5)
    parser.add_argument("--work", type=Path, default=Path(".zhiwen/bench-git-push"), help="folder for all files")
    parser.add_argument("--results", type=Path, help="write the figures into this JSON file")
    arguments = parser.parse_args()
    for files in arguments.files:
        figures = measure(arguments.work.resolve(), files, arguments.pushes)
        print(f"{files} files: {figures}", flush=True)
        if arguments.results:
            add_result(arguments.results, str(files), figures)


def measure(work: Path, files: int, pushes: int) -> dict[str, Any]:
    """Return the seconds from the start of a server to its first generation, and from a webhook to the next one."""
    shutil.rmtree(work, ignore_errors=True)
    words = Words()
    texts = {f"{number // 100:03}/{number:05}.md": _document(words, number) for number in range(files)}
    repository = Repository.create(work / "forge" / "handbook", texts)
    with git_server(repository.folder.root.parent) as forge:
        config = _write_config(work, f"{forge.url}/handbook")
        secret = {"ZHIWEN_KNOWLEDGE__GIT_WEBHOOK_SECRET": _SECRET}
        started = time.perf_counter()
        with (
            server_process([ZHIWEN, "--config", str(config), "serve", "--port", "0"], secret) as (url, _),
            httpx2.Client(base_url=url, timeout=60, trust_env=False) as client,
        ):
            _wait_until_live(client, repository.head)
            first = time.perf_counter() - started
            seconds = []
            for source in list(texts)[:: max(files // pushes, 1)][:pushes]:
                commit = repository.commit({source: _document(words, files)})
                pushed = time.perf_counter()
                _send_webhook(client)
                _wait_until_live(client, commit)
                seconds.append(round(time.perf_counter() - pushed, 2))
    return {"first_generation_seconds": round(first, 1), "push_to_live_seconds": seconds}


def _document(words: Words, number: int) -> str:
    return f"# 文档 {number}\n\n{words.question()}\n"


def _write_config(work: Path, url: str) -> Path:
    settings = {
        "knowledge": {"git_url": url, "git_branch": "main", "fetch_every_seconds": 0},
        "store": {"uri": str(work / "milvus.db")},
        "traces": {"enabled": False},
        "serve": {"requests_per_minute": 0},
    }
    config = work / "config.yaml"
    config.write_text(json.dumps(settings), encoding="utf-8")
    return config


def _send_webhook(client: httpx2.Client) -> None:
    signature = hmac.new(_SECRET.encode(), _PUSH, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": "application/json"}
    client.post("/hooks/git/default", content=_PUSH, headers=headers).raise_for_status()


def _wait_until_live(client: httpx2.Client, commit: str) -> None:
    while client.get("/status").json().get("label") != commit:
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main()
