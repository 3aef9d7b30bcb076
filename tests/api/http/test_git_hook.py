"""A push reaches the readers by a webhook; whatever goes wrong, the live generation stays, and the error is shown."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from tests.kit.api_keys import key_of
from tests.kit.git_server import TOKEN, GitServer, Repository, git_server
from tests.kit.processes import Server, Workspace, assert_json_error
from tests.kit.waiting import eventually

HOOK = "/hooks/git/handbook"
SECRET = "hook-secret-0123"  # noqa: S105
READER = key_of("reader")
CONFIG = """\
knowledge_bases:
  handbook:
    git_url: {url}/handbook
    git_branch: main
    git_folder: docs
    fetch_every_seconds: 0
    git_forge: gitea
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    root = tmp_path_factory.mktemp("repositories") / "handbook"
    return Repository.create(root, {"docs/buoy.md": "# Buoy\n\nThe buoy of Andøya is crimson.\n"})


@pytest.fixture(scope="module")
def forge(repository: Repository) -> Iterator[GitServer]:
    with git_server(repository.folder.root.parent, token=TOKEN) as running:
        yield running


@pytest.fixture(scope="module")
def server(forge: GitServer, repository: Repository, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place = tmp_path_factory.mktemp("git")
    (place / "config.yaml").write_text(CONFIG.format(url=forge.url), encoding="utf-8")
    workspace = Workspace(place)
    workspace.write("README.md", "# Harbour\n\nThe harbour pilot boards at buoy seven.\n")
    given = workspace.given(
        ZHIWEN_SERVE__KEYS=f"reader:admin:{READER}",
        ZHIWEN_KNOWLEDGE_BASES__HANDBOOK__GIT_TOKEN=TOKEN,
        ZHIWEN_KNOWLEDGE_BASES__HANDBOOK__GIT_WEBHOOK_SECRET=SECRET,
    )
    with given.serving() as running:
        running.client.headers["Authorization"] = f"Bearer {READER}"
        until_label(running, repository.head)
        yield running


def status(server: Server) -> dict[str, Any]:
    found: dict[str, Any] = server.client.get("/status", params={"knowledge_base": "handbook"}).json()
    return found


def until_label(server: Server, label: str) -> dict[str, Any]:
    return eventually(lambda: status(server), until=lambda now: now.get("label") == label, message=f"{label} live")


def push(
    server: Server, payload: object, *, secret: str = SECRET, path: str = HOOK, as_form: bool = False
) -> httpx2.Response:
    """Send what GitHub sends, without an API key."""
    text = json.dumps(payload)
    body = (urlencode({"payload": text}) if as_form else text).encode()
    content_type = "application/x-www-form-urlencoded" if as_form else "application/json"
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signature}", "Content-Type": content_type, "Authorization": ""}
    return server.client.post(path, content=body, headers=headers)


MAIN = {"ref": "refs/heads/main", "repository": {"default_branch": "trunk"}}


def test_a_server_fetches_at_its_start_and_cites_the_commit(
    server: Server, repository: Repository, forge: GitServer
) -> None:
    body = {"question": "What colour is the buoy of Andøya?", "knowledge_base": "handbook"}
    (citation, *_) = server.post("/ask", **body).json()["citations"]
    page = f"{forge.url}/handbook/src/commit/{repository.head}/docs/buoy.md"
    assert citation["url"] == f"{page}?display=source#L3-L3"
    assert status(server)["source"]["version"] == repository.head


def test_a_push_is_live_after_its_webhook(server: Server, repository: Repository) -> None:
    commit = repository.commit({"docs/buoy.md": "# Buoy\n\nThe buoy of Andøya is turquoise.\n"})
    response = push(server, MAIN)
    assert (response.status_code, response.json()) == (202, {"accepted": True, "reason": ""})
    until_label(server, commit)
    found = server.post("/search", question="buoy of Andøya", knowledge_base="handbook").json()["hits"]
    assert "turquoise" in found[0]["content"]


def test_a_forced_push_is_live_after_its_webhook(server: Server, repository: Repository) -> None:
    commit = repository.commit({"docs/buoy.md": "# Buoy\n\nThe buoy of Andøya is amber.\n"}, amend=True)
    assert push(server, MAIN, as_form=True).status_code == 202  # as GitHub does by default
    until_label(server, commit)


def test_a_deleted_branch_is_shown_and_the_live_generation_stays(server: Server, repository: Repository) -> None:
    live = status(server)
    repository.git("branch", "--move", "main", "trunk")
    assert push(server, MAIN | {"deleted": True}).status_code == 202
    failed = eventually(lambda: status(server), until=lambda now: now["source"]["error"])
    assert "there is no branch main" in failed["source"]["error"]
    assert failed["label"] == live["label"]
    state = eventually(
        lambda: server.client.get("/ingest", params={"knowledge_base": "handbook"}).json(),
        until=lambda now: now["error"],
    )
    assert state["error"]["code"] == "source_error"
    assert "there is no branch main" in server.log
    assert "there is no branch main" in server.workspace.run("status", "--kb", "handbook").out
    repository.git("branch", "--move", "trunk", "main")
    # It is tried again without a push.
    eventually(lambda: status(server), until=lambda now: not now["source"]["error"], within_seconds=120)


@pytest.mark.parametrize(
    "payload",
    [
        {"zen": "Design for failure.", "hook_id": 1},
        {"ref": "refs/heads/other"},
        {"ref": "refs/tags/main"},
        {"ref": None},
        [],
    ],
    ids=str,
)
def test_what_is_no_push_to_the_branch_leads_to_nothing(server: Server, forge: GitServer, payload: object) -> None:
    calls = len(forge.calls)
    response = push(server, payload)
    assert response.status_code == 200
    assert response.json()["accepted"] is False
    assert response.json()["reason"]
    assert len(forge.calls) == calls


def test_what_is_not_signed_is_refused_alike_whatever_the_name(server: Server) -> None:
    wrong = [
        push(server, MAIN, secret="other"),  # noqa: S106
        push(server, MAIN, secret="", path="/hooks/git/default"),  # it has no repository
        push(server, MAIN, path="/hooks/git/nothing"),
        server.client.post(HOOK, content=b"{}"),
    ]
    messages = {assert_json_error(response, 401, "hook_unsigned") for response in wrong}
    assert len(messages) == 1


def test_a_signed_body_that_is_not_json_is_refused(server: Server) -> None:
    headers = {"X-Gitlab-Token": SECRET}
    assert_json_error(server.client.post(HOOK, content=b"<xml>", headers=headers), 400, "hook_unreadable")
