"""Watching a folder: one run for everything that changes together, and none for hidden files."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ingest.watch import Poll, watch_folder
from tests.kit.permissions import forbidden
from tests.kit.waiting import eventually

SETTLED = 2
"""After this many looks without a change, no run is due any more."""


@dataclass
class Runs:
    """Takes the place of an ingest: notes what is in the folder at each run."""

    root: Path
    seen: list[dict[str, str]] = field(default_factory=list)
    during: Callable[[int], object] = lambda number: None
    """Called at the end of each run, as if something happened while it was busy; runs count from 1."""
    quiet_looks: int = 0

    def __call__(self) -> None:
        found = {}
        for path in sorted(self.root.rglob("*.md")) if self.root.exists() else []:
            try:
                found[path.relative_to(self.root).as_posix()] = path.read_text(encoding="utf-8")
            except FileNotFoundError:
                continue
        self.seen.append(found)
        self.during(len(self.seen))

    @property
    def count(self) -> int:
        return len(self.seen)

    def note_quiet(self) -> None:
        self.quiet_looks += 1

    def wait_for(self, count: int) -> None:
        eventually(lambda: self.count >= count, message=f"{count} runs")

    def wait_until_last_is(self, content: dict[str, str]) -> None:
        eventually(lambda: self.seen[-1:] == [content], message=f"a run with {content}")

    def wait_until_settled(self) -> None:
        wanted = self.quiet_looks + SETTLED
        eventually(lambda: self.quiet_looks >= wanted, message="the watcher to have nothing to do")

    def assert_settled_at(self, count: int) -> None:
        self.wait_for(count)
        self.wait_until_settled()
        assert self.count == count


Scenario = Callable[[Path], None]
SCENARIOS: dict[str, Scenario] = {}


def scenario(function: Scenario) -> Scenario:
    """What happens to a folder with one document, `a.md`. Its name is a claim; `test_watching` runs it."""
    SCENARIOS[function.__name__.replace("_", " ")] = function
    return function


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[None]]:
    """All scenarios at the same time, because they mostly wait; each has a folder of its own."""

    def run(function: Scenario, root: Path) -> None:
        root.mkdir()
        (root / "a.md").write_text("one", encoding="utf-8")
        function(root)

    with ThreadPoolExecutor(len(SCENARIOS)) as pool:
        return {
            name: pool.submit(run, function, tmp_path_factory.mktemp("watched") / "docs")
            for name, function in SCENARIOS.items()
        }


@contextmanager
def watching(root: Path, runs: Runs, *, until_settled: bool = True, poll: Poll = "auto") -> Iterator[threading.Thread]:
    """Watch the folder on a thread; at the end the thread is told to stop, and must end."""
    stop = threading.Event()
    options = {"on_quiet": runs.note_quiet, "poll": poll}
    thread = threading.Thread(target=watch_folder, args=(root, runs, stop), kwargs=options, name="watched")
    thread.start()
    try:
        if until_settled:
            runs.wait_for(1)
            runs.wait_until_settled()
        yield thread
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


@scenario
def the_folder_is_ingested_once_when_watching_begins(root: Path) -> None:
    runs = Runs(root)
    with watching(root, runs):
        runs.assert_settled_at(1)
    assert runs.seen == [{"a.md": "one"}]


@scenario
def one_edit_is_one_run_with_the_new_text(root: Path) -> None:
    runs = Runs(root)
    with watching(root, runs):
        (root / "a.md").write_text("two", encoding="utf-8")
        runs.assert_settled_at(2)
        (root / "a.md").write_text("three", encoding="utf-8")
        runs.assert_settled_at(3)
    assert [found["a.md"] for found in runs.seen] == ["one", "two", "three"]


def is_one_run(root: Path, change: Callable[[], object]) -> None:
    runs = Runs(root)
    with watching(root, runs):
        change()
        runs.assert_settled_at(2)
    assert runs.seen[1] != runs.seen[0]


@scenario
def a_new_file_is_one_run(root: Path) -> None:
    is_one_run(root, lambda: (root / "new.md").write_text("new", encoding="utf-8"))


@scenario
def a_deleted_file_is_one_run(root: Path) -> None:
    is_one_run(root, (root / "a.md").unlink)


@scenario
def a_renamed_file_is_one_run(root: Path) -> None:
    is_one_run(root, lambda: (root / "a.md").rename(root / "new.md"))


@scenario
def a_folder_moved_in_is_one_run(root: Path) -> None:
    moved = root.with_name("moved")
    moved.mkdir()
    (moved / "b.md").write_text("b", encoding="utf-8")
    is_one_run(root, lambda: moved.rename(root / "moved"))


@scenario
def a_deleted_folder_is_one_run(root: Path) -> None:
    (root / "old").mkdir()
    (root / "old" / "b.md").write_text("b", encoding="utf-8")
    is_one_run(root, lambda: shutil.rmtree(root / "old"))


@scenario
def a_change_in_a_folder_that_is_new_is_noticed(root: Path) -> None:
    runs = Runs(root)
    with watching(root, runs):
        (root / "new").mkdir()
        runs.assert_settled_at(2)
        (root / "new" / "b.md").write_text("b", encoding="utf-8")
        runs.assert_settled_at(3)


@scenario
def two_hundred_files_at_once_are_one_run(root: Path) -> None:
    runs = Runs(root)
    with watching(root, runs):
        for number in range(200):
            (root / f"{number}.md").write_text(str(number), encoding="utf-8")
        runs.assert_settled_at(2)
    assert len(runs.seen[1]) == 201


def git(root: Path, *arguments: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **{
            f"GIT_{role}_{what}": "somebody@example.com"
            for role in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    subprocess.run(["git", "-C", str(root), *arguments], env=environment, check=True, capture_output=True)


@scenario
def a_git_checkout_is_one_run_and_what_git_writes_for_itself_causes_none(root: Path) -> None:
    git(root, "init", "--quiet", "--initial-branch", "main")
    for number in range(200):
        (root / f"{number}.md").write_text(f"main {number}", encoding="utf-8")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "main")
    git(root, "checkout", "--quiet", "-b", "other")
    for number in range(0, 200, 2):
        (root / f"{number}.md").write_text(f"other {number}", encoding="utf-8")
    git(root, "commit", "--quiet", "-a", "-m", "other")
    runs = Runs(root)
    with watching(root, runs):
        git(root, "checkout", "--quiet", "main")
        runs.assert_settled_at(2)
        git(root, "commit", "--quiet", "--allow-empty", "-m", "nothing")
        git(root, "gc", "--quiet")
        runs.assert_settled_at(2)
    assert (runs.seen[0]["2.md"], runs.seen[1]["2.md"]) == ("other 2", "main 2")


def saved_by_renaming(root: Path, temporary: str) -> None:
    """As editors do: a new file under another name, then over the old one."""
    runs = Runs(root)
    with watching(root, runs):
        (root / temporary).write_text("two", encoding="utf-8")
        (root / temporary).rename(root / "a.md")
        runs.assert_settled_at(2)
    assert runs.seen[1] == {"a.md": "two"}


@scenario
def a_save_by_way_of_a_hidden_file_is_one_run_with_the_new_text(root: Path) -> None:
    saved_by_renaming(root, ".a.md.swp")


@scenario
def a_save_by_way_of_a_visible_file_is_one_run_with_the_new_text(root: Path) -> None:
    saved_by_renaming(root, "4913")


@scenario
def a_save_by_way_of_another_document_is_one_run_with_the_new_text(root: Path) -> None:
    saved_by_renaming(root, "a.tmp.md")


@scenario
def an_editor_that_moves_the_old_file_away_first_is_one_run_with_the_new_text(root: Path) -> None:
    runs = Runs(root)
    with watching(root, runs):
        (root / "a.md").rename(root / "a.md~")
        (root / "a.md").write_text("two", encoding="utf-8")
        (root / "a.md~").unlink()
        runs.assert_settled_at(2)
    assert runs.seen[1] == {"a.md": "two"}


HIDDEN = [".obsidian/workspace.json", ".git/index.lock", "sub/.cache/deep/x.md", ".a.md.swp"]


def write_hidden(root: Path) -> None:
    for name in HIDDEN:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
        path.write_text("y", encoding="utf-8")


@scenario
def hidden_files_and_folders_cause_no_run(root: Path) -> None:
    write_hidden(root)  # so that the visible folder above them is not new
    runs = Runs(root)
    with watching(root, runs):
        write_hidden(root)
        runs.assert_settled_at(1)


def test_hidden_files_cause_no_run_if_the_root_is_a_relative_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is by default: `knowledge`."""
    root = tmp_path / "docs"
    root.mkdir()
    write_hidden(root)  # so that the visible folder above them is not new
    monkeypatch.chdir(root.parent)
    relative = Path(root.name)
    runs = Runs(relative)
    with watching(relative, runs):
        write_hidden(relative)
        runs.assert_settled_at(1)
        (relative / "a.md").write_text("two", encoding="utf-8")
        runs.wait_for(2)


@scenario
def hidden_files_cause_no_run_if_the_root_is_a_link(root: Path) -> None:
    write_hidden(root)  # so that the visible folder above them is not new
    (root.parent / "link").symlink_to(root)
    runs = Runs(root.parent / "link")
    with watching(root.parent / "link", runs):
        write_hidden(root)
        runs.assert_settled_at(1)
        (root / "a.md").write_text("two", encoding="utf-8")
        runs.assert_settled_at(2)


@scenario
def a_root_inside_a_hidden_folder_is_watched(root: Path) -> None:
    inner = root / ".notes" / "docs"
    inner.mkdir(parents=True)
    runs = Runs(inner)
    with watching(inner, runs):
        (inner / "a.md").write_text("one", encoding="utf-8")
        runs.assert_settled_at(2)


@scenario
def a_change_during_a_run_is_another_run_after_it(root: Path) -> None:
    runs = Runs(root)
    runs.during = lambda number: (root / "a.md").write_text("three", encoding="utf-8") if number == 2 else None
    with watching(root, runs):
        (root / "a.md").write_text("two", encoding="utf-8")
        runs.assert_settled_at(3)
    assert [found["a.md"] for found in runs.seen] == ["one", "two", "three"]


@scenario
def a_change_during_the_first_run_is_another_run_after_it(root: Path) -> None:
    """The first ingest of a large folder takes minutes, while people go on writing."""
    runs = Runs(root)
    runs.during = lambda number: (root / "a.md").write_text("two", encoding="utf-8") if number == 1 else None
    with watching(root, runs, until_settled=False):
        runs.wait_for(2)
    assert [found["a.md"] for found in runs.seen] == ["one", "two"]


@scenario
def a_long_run_is_not_followed_by_one_for_each_change_during_it(root: Path) -> None:
    runs = Runs(root)

    def write_ten_files(number: int) -> None:
        for step in range(10 if number == 2 else 0):
            (root / f"{step}.md").write_text(str(step), encoding="utf-8")

    runs.during = write_ten_files
    with watching(root, runs):
        (root / "a.md").write_text("two", encoding="utf-8")
        runs.assert_settled_at(3)
    assert len(runs.seen[2]) == 11


@scenario
def changes_that_never_stop_are_taken_in_nevertheless(root: Path) -> None:
    runs = Runs(root)

    def write_and_look() -> bool:
        (root / f"{time.monotonic_ns()}.md").write_text("x", encoding="utf-8")
        return runs.count >= 2

    with watching(root, runs):
        eventually(write_and_look, message="a run while files are written")


# A root that comes and goes


@scenario
def a_root_that_is_removed_and_made_again_is_watched_again(root: Path) -> None:
    runs = Runs(root)
    with watching(root, runs):
        shutil.rmtree(root)
        runs.wait_until_last_is({})
        root.mkdir()
        (root / "b.md").write_text("back", encoding="utf-8")
        runs.wait_until_last_is({"b.md": "back"})
        runs.wait_until_settled()
        count = runs.count
        (root / "b.md").write_text("changed", encoding="utf-8")
        runs.wait_for(count + 1)
        assert runs.seen[-1] == {"b.md": "changed"}


@scenario
def a_root_that_is_swapped_for_another_folder_is_watched_again(root: Path) -> None:
    """As deployments do it: the new folder is made beside the old one and renamed."""
    new = root.parent / "new"
    new.mkdir()
    (new / "b.md").write_text("new", encoding="utf-8")
    runs = Runs(root)
    with watching(root, runs):
        root.rename(root.parent / "old")
        new.rename(root)
        runs.wait_until_last_is({"b.md": "new"})
        runs.wait_until_settled()
        count = runs.count
        (root / "b.md").write_text("newer", encoding="utf-8")
        runs.wait_for(count + 1)
        assert runs.seen[-1] == {"b.md": "newer"}


@scenario
def a_root_that_is_missing_at_first_is_waited_for(root: Path) -> None:
    shutil.rmtree(root)
    runs = Runs(root)
    with watching(root, runs, until_settled=False):
        runs.wait_for(1)
        root.mkdir()
        (root / "a.md").write_text("one", encoding="utf-8")
        runs.wait_until_last_is({"a.md": "one"})


# Looking instead of waiting for events


@scenario
def polling_notices_each_change_once(root: Path) -> None:
    write_hidden(root)
    runs = Runs(root)
    with watching(root, runs, poll="always"):
        (root / "a.md").write_text("two", encoding="utf-8")
        runs.assert_settled_at(2)
        (root / "new").mkdir()
        for number in range(200):
            (root / "new" / f"{number}.md").write_text(str(number), encoding="utf-8")
        runs.assert_settled_at(3)
        (root / "a.md").rename(root / "b.md")
        runs.assert_settled_at(4)
        shutil.rmtree(root / "new")
        runs.assert_settled_at(5)
        write_hidden(root)
        runs.assert_settled_at(5)
    assert runs.seen[-1]["b.md"] == "two"


@scenario
def polling_notices_a_change_during_a_run(root: Path) -> None:
    runs = Runs(root)
    runs.during = lambda number: (root / "a.md").write_text(f"run {number}", encoding="utf-8") if number < 3 else None
    with watching(root, runs, poll="always", until_settled=False):
        runs.assert_settled_at(3)
    assert [found["a.md"] for found in runs.seen] == ["one", "run 1", "run 2"]


@scenario
def polling_takes_in_changes_that_never_stop(root: Path) -> None:
    runs = Runs(root)

    def write_and_look() -> bool:
        (root / f"{time.monotonic_ns()}.md").write_text("x", encoding="utf-8")
        return runs.count >= 2

    with watching(root, runs, poll="always"):
        eventually(write_and_look, message="a run while files are written")


@scenario
def polling_notices_another_folder_in_place_of_the_root(root: Path) -> None:
    runs = Runs(root)
    with watching(root, runs, poll="always"):
        root.rename(root.parent / "old")
        runs.wait_until_last_is({})
        root.mkdir()
        (root / "b.md").write_text("new", encoding="utf-8")
        runs.wait_until_last_is({"b.md": "new"})


@scenario
def a_subfolder_that_cannot_be_read_stops_no_watching(root: Path) -> None:
    """The system refuses to watch such a folder, and with it all others."""
    (root / "lost+found").mkdir()
    (root / "team").mkdir()
    runs = Runs(root)
    with forbidden(root / "lost+found"), watching(root, runs):
        (root / "team" / "b.md").write_text("new", encoding="utf-8")
        runs.assert_settled_at(2)


# The end


@scenario
def stop_ends_an_idle_thread(root: Path) -> None:
    with watching(root, Runs(root)):
        pass


@scenario
def stop_ends_a_thread_that_has_just_begun(root: Path) -> None:
    with watching(root, Runs(root), until_settled=False):
        pass


@scenario
def stop_ends_a_thread_in_a_burst_of_changes(root: Path) -> None:
    with watching(root, Runs(root)):
        for number in range(50):
            (root / f"{number}.md").write_text("x", encoding="utf-8")


@scenario
def stop_ends_a_thread_whose_root_is_gone(root: Path) -> None:
    runs = Runs(root)
    with watching(root, runs):
        shutil.rmtree(root)
        runs.wait_until_last_is({})


@pytest.mark.parametrize("claim", SCENARIOS)
def test_watching(ended: dict[str, Future[None]], claim: str) -> None:
    ended[claim].result()
