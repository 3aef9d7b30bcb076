"""A server follows where documents come from: it ingests what is new, and tries again what may succeed later."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.http.pushes import Pushes
from api.http.source_following import follow_source
from ingest.background import IngestRunner
from ingest.sources.copies import current_copy, last_update, remote_version
from ingest.staging.plan import OnPlan
from ingest.staging.report import IngestReport, OnProgress
from rag.errors import EmbedderUnavailable, GoldenQuestionsLost, SourceError, ZhiwenError
from rag.settings import KnowledgeSettings
from tests.kit.git_server import Repository
from tests.kit.waiting import eventually


class Follower:
    """Follows a repository with ingests that fetch, and then fail with `error` if there is one."""

    def __init__(self, repository: Repository, place: Path, *, every_seconds: float) -> None:
        self.settings = KnowledgeSettings(
            git_url=repository.url, path=place / "sources" / "default-1", fetch_every_seconds=every_seconds
        )
        self.pushes = Pushes()
        self.error: ZhiwenError | None = None
        self.ingested: list[str] = []
        self.runner = IngestRunner()

    def _ingest(self) -> None:
        self.runner.start(self._run)
        self.runner.wait()

    def _run(self, on_plan: OnPlan, on_progress: OnProgress) -> IngestReport:
        with current_copy(self.settings, "default") as version:
            self.ingested.append(version)
            if self.error:
                raise self.error
            return IngestReport()

    @contextmanager
    def following(self) -> Iterator[None]:
        stop = threading.Event()
        arguments = (self.settings, "default", self.runner, self._ingest, self.pushes, stop)
        thread = threading.Thread(target=follow_source, args=arguments)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            self.pushes.note("default")
            thread.join(60)
            assert not thread.is_alive()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repository", {"a.md": "# A\n"})


def test_a_commit_is_found_on_the_interval_and_ingested_once(repository: Repository, tmp_path: Path) -> None:
    follower = Follower(repository, tmp_path, every_seconds=0.01)
    first = repository.head
    with follower.following():
        eventually(lambda: follower.ingested == [first])
        second = repository.commit({"a.md": "# B\n"})
        eventually(lambda: len(follower.ingested) > 1)
        third = repository.commit({"a.md": "# C\n"})
        eventually(lambda: len(follower.ingested) > 2)
    assert follower.ingested == [first, second, third]


def test_without_an_interval_only_a_push_leads_to_a_look(repository: Repository, tmp_path: Path) -> None:
    follower = Follower(repository, tmp_path, every_seconds=0)
    with follower.following():
        eventually(lambda: follower.ingested)
        second = repository.commit({"a.md": "# B\n"})
        follower.pushes.note("default")
        eventually(lambda: follower.ingested[1:] == [second])


def test_what_may_succeed_later_is_tried_again(repository: Repository, tmp_path: Path) -> None:
    follower = Follower(repository, tmp_path, every_seconds=0.01)
    follower.error = EmbedderUnavailable("not now")
    with follower.following():
        eventually(lambda: len(follower.ingested) > 2)
    assert set(follower.ingested) == {repository.head}


def test_what_was_ingested_is_not_ingested_again_after_a_failed_look(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks only after pushes, so that no look fails while the repository comes back."""
    monkeypatch.setattr("api.http.source_following._RETRY_SECONDS", (300, 300))  # the time limit of a test
    follower = Follower(repository, tmp_path, every_seconds=0)
    first, away = repository.head, tmp_path / "away"
    with follower.following():
        eventually(lambda: follower.ingested)
        repository.folder.root.rename(away)
        follower.pushes.note("default")
        eventually(lambda: last_update(follower.settings).error)
        away.rename(repository.folder.root)
        follower.pushes.note("default")
        eventually(lambda: not last_update(follower.settings).error and not follower.runner.state.error)
        assert follower.ingested == [first], "a rollback lasts until there is something new"
        second = repository.commit({"a.md": "# B\n"})
        follower.pushes.note("default")
        eventually(lambda: follower.ingested == [first, second])


def test_a_look_that_fails_just_before_the_source_is_back_leads_to_no_ingest(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = Follower(repository, tmp_path, every_seconds=0)
    first, away, looks = repository.head, tmp_path / "away", list[str]()

    def look(*arguments: Any) -> str:
        try:
            looks.append(remote_version(*arguments))
        except SourceError:
            away.rename(repository.folder.root)
            raise
        return looks[-1]

    monkeypatch.setattr("api.http.source_following.remote_version", look)
    with follower.following():
        eventually(lambda: follower.ingested)
        repository.folder.root.rename(away)
        follower.pushes.note("default")
        eventually(repository.folder.root.exists)
        follower.pushes.note("default")
        eventually(lambda: looks)
        assert follower.ingested == [first]
        assert not last_update(follower.settings).error


def test_a_commit_that_is_refused_waits_for_the_next_one(repository: Repository, tmp_path: Path) -> None:
    follower = Follower(repository, tmp_path, every_seconds=0.01)
    follower.error = GoldenQuestionsLost("lost")
    first = repository.head
    with follower.following():
        eventually(lambda: follower.ingested)
        second = repository.commit({"a.md": "# B\n"})
        eventually(lambda: len(follower.ingested) > 1)
    assert follower.ingested == [first, second]
