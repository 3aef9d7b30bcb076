"""Kills of an ingest: readers keep a whole generation, and a rerun gives what a clean build gives."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import get_args

import pytest

from rag.models.embedders.scripted import ScriptedEmbedder
from rag.store.failpoints import FailPoint
from rag.wiring import open_store
from tests.kit.corpus import Folder, change_everything_a_little, document, settings_for, write_small_corpus
from tests.kit.ingest_process import Ended, ForkedProcess, IngestProcess, clean_build
from tests.kit.pictures import Seen, clean_picture, difference, look

pytestmark = pytest.mark.timeout(900)  # each test waits for its share of a pool, on a machine that may be busy

FIRST, AGAIN = "first ingest", "re-ingest"
SITUATIONS = (FIRST, AGAIN)
NTH_TIME = (
    "parsed:3",
    "embedded:2",
    "chunks_inserted:2",
    "tombstones_written:3",
    "chunks_tombstoned:2",
    "documents_put:2",
)
POINTS = (*get_args(FailPoint), *NTH_TIME)
NEVER_REACHED = {
    (FIRST, "fetched"),
    (AGAIN, "fetched"),
    (FIRST, "documents_moved"),
    (FIRST, "documents_removed"),
    (AGAIN, "namespace_created"),
    (FIRST, "resumed_discarded"),
    (AGAIN, "resumed_discarded"),
    # Only on a server: tests/rag/store/test_on_a_server.py.
    (FIRST, "import_started"),
    (AGAIN, "import_started"),
}
RESUMED_POINTS = ("recovered", "chunks_inserted:2", "resumed_discarded", "terms_written", "committed")
"""Where an ingest is killed that goes on after another that was killed."""

RANDOM_KILLS = 50
"""Kills in each of two series: of the ingest alone, and of the ingest with its Milvus and its parser."""
KILLS_OF_FIRST_INGEST = 6
WORKERS = 4


@dataclass(frozen=True, slots=True)
class Killed:
    """How an ingest with a failpoint ended, what was found after it, and how the same ingest ended the second time."""

    ended: Ended
    found: Seen
    again: Ended


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder of each situation, the database that an ingest starts from, and the dumps of clean builds."""

    folders: dict[str, Folder]
    databases: dict[str, Path | None]
    generations_before: dict[str, list[list[str]]]
    clean: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Tally:
    """How the ingests of a series ended."""

    before_commit: int = 0
    after_commit: int = 0
    ended_by_themselves: int = 0
    compared: int = 0
    seconds: float = 0.0


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Children mostly wait, so several run at the same time; each test waits for those that it is about."""
    executor = ThreadPoolExecutor(WORKERS)
    yield executor
    executor.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    base = tmp_path_factory.mktemp("stage")
    before = write_small_corpus(base / "before")
    after = Folder(base / "after")
    shutil.copytree(before.root, after.root)  # with the times of modification
    change_everything_a_little(after)
    clean_before = clean_build(before, base / "before.db")
    clean_after = clean_build(after, base / "after.db")
    return Stage(
        folders={FIRST: before, AGAIN: after},
        databases={FIRST: None, AGAIN: base / "before.db"},
        generations_before={FIRST: [], AGAIN: [clean_before]},
        clean={FIRST: clean_before, AGAIN: clean_after},
    )


@pytest.fixture(scope="module")
def series(pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[Tally]]:
    """Start the series before everything else, because they take longest."""
    base = tmp_path_factory.mktemp("series")
    return {
        "alone": pool.submit(random_kills, base / "alone", seed=1, with_milvus=False),
        "with Milvus": pool.submit(random_kills, base / "group", seed=2, with_milvus=True),
        "none": pool.submit(no_kills, base / "none", seed=3),
    }


@pytest.fixture(scope="module")
def killed(
    stage: Stage,
    series: dict[str, Future[Tally]],
    pool: ThreadPoolExecutor,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, str], Future[Killed]]:
    base = tmp_path_factory.mktemp("killed")
    return {
        (situation, point): pool.submit(kill_at, stage, situation, point, base / f"{number}{point}".replace(":", "_"))
        for number, situation in enumerate(SITUATIONS)
        for point in POINTS
    }


def test_the_clean_builds_are_what_the_documents_say(stage: Stage) -> None:
    for situation, folder in stage.folders.items():
        expected = expected_picture(folder)
        assert not difference(stage.clean[situation], expected), situation


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_after_a_kill_at_any_step_a_rerun_equals_a_clean_build(
    situation: str, point: str, stage: Stage, killed: dict[tuple[str, str], Future[Killed]]
) -> None:
    """In between, readers have the whole old generation, or after the commit the whole new one."""
    outcome = killed[situation, point].result()
    old, new = stage.generations_before[situation], stage.clean[situation]
    is_reached = (situation, point) not in NEVER_REACHED
    assert outcome.ended.exit_code == (-9 if is_reached else 0)
    is_committed = outcome.found.generations[-1:] == [new]
    if point != "garbage_collected":  # which may come before or after
        assert is_committed == (point == "committed" or not is_reached)
    assert_generations(outcome.found, [*old, new] if is_committed else old)
    assert outcome.again.exit_code == 0
    assert outcome.again.seen
    assert_generations(outcome.again.seen, [*old, new])
    assert outcome.again.seen.litter == []


@pytest.mark.parametrize("point", RESUMED_POINTS)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_an_ingest_that_goes_on_after_a_kill_can_be_killed_too(
    situation: str, point: str, stage: Stage, tmp_path: Path
) -> None:
    old, new = stage.generations_before[situation], stage.clean[situation]
    database, start = tmp_path / "m.db", stage.databases[situation]
    if start:
        shutil.copyfile(start, database)
    root = stage.folders[situation].root
    for failpoint in ("chunks_inserted:2", point, ""):
        process = IngestProcess(root, database, failpoint=failpoint)
        found = process.found()
        assert_generations(found, [*old, new] if point == "committed" and not failpoint else old)
        ended = process.ended()
        assert ended.exit_code == (-9 if failpoint else 0)
        process.assert_nothing_remains()
    assert ended.seen
    assert_generations(ended.seen, [*old, new])
    assert ended.seen.litter == []


@pytest.mark.parametrize("which", ["alone", "with Milvus"])
def test_after_random_kills_a_rerun_equals_a_clean_build(
    which: str, series: dict[str, Future[Tally]], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whenever the store is opened in between, it holds whole generations only."""
    tally = series[which].result()
    with capsys.disabled():
        print(
            f"\n{RANDOM_KILLS} kills of the ingest {which} (it takes {tally.seconds:.2f} s): "
            f"{tally.before_commit} before the commit, {tally.after_commit} after it; "
            f"{tally.ended_by_themselves} more ingests ended by themselves; {tally.compared} comparisons"
        )
    assert tally.before_commit + tally.after_commit == RANDOM_KILLS
    assert tally.before_commit >= RANDOM_KILLS // 5
    assert tally.compared >= RANDOM_KILLS // 10


def test_without_any_kill_the_same_series_equals_a_clean_build(series: dict[str, Future[Tally]]) -> None:
    tally = series["none"].result()
    assert (tally.before_commit, tally.after_commit) == (0, 0)
    assert tally.ended_by_themselves == 10


def test_a_committed_state_survives_the_death_of_milvus(tmp_path: Path) -> None:
    """Killed ten times between commits and in them: the state is the last one acknowledged, or the next."""
    database = tmp_path / "m.db"
    clean_build(write_small_corpus(tmp_path / "docs"), database)
    rng = random.Random(20261123)  # noqa: S311
    for _ in range(10):
        process = ForkedProcess(write_states, database)
        number = process.receive()
        time.sleep(rng.uniform(0, 0.15))
        process.kill(with_group=True)
        with suppress(EOFError, OSError):
            while True:
                number = process.receive()
        process.join()
        with open_store(settings_for(tmp_path, database)) as store:
            state = store.state()
        assert state is not None, f"after the acknowledged write of state {number} there is none"
        assert state.last_number in (number, number + 1)


def test_the_command_itself_can_be_killed_and_repeated(tmp_path: Path) -> None:
    folder = write_small_corpus(tmp_path / "docs")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIWEN_")} | {
        "ZHIWEN_KNOWLEDGE__PATH": str(folder.root),
        "ZHIWEN_STORE__URI": str(tmp_path / "m.db"),
    }
    command = [str(Path(sys.executable).with_name("zhiwen")), "ingest", "--json"]
    died = subprocess.run(
        command, env=environment | {"ZHIWEN_FAILPOINT": "documents_put"}, cwd=tmp_path, capture_output=True, check=False
    )
    assert died.returncode == -9, died.stderr
    assert died.stdout == b""
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    # The number of the generation that was begun is not given again: its chunks were in the store meanwhile.
    assert (report["generation"], report["documents"]["added"]) == (2, 8)
    assert report["embedded"] < report["chunks"]["added"]


def expected_picture(folder: Folder) -> list[str]:
    return clean_picture(folder.root, settings_for(folder.root, "unused.db"), ScriptedEmbedder())


def assert_generations(seen: Seen, expected: Sequence[Sequence[str]]) -> None:
    assert len(seen.generations) == len(expected)
    for found, wanted in zip(seen.generations, expected, strict=True):
        assert not difference(found, wanted)


def kill_at(stage: Stage, situation: str, point: str, base: Path) -> Killed:
    base.mkdir()
    database, start = base / "m.db", stage.databases[situation]
    if start:
        shutil.copyfile(start, database)
    root = stage.folders[situation].root
    victim = IngestProcess(root, database, failpoint=point)
    victim.found()
    ended = victim.ended()
    victim.assert_nothing_remains()
    again = IngestProcess(root, database)
    return Killed(ended, again.found(), again.ended())


def random_kills(base: Path, *, seed: int, with_milvus: bool) -> Tally:
    """Kill one ingest after another at random moments. The folder changes each time; now and then an ingest ends."""
    rng = random.Random(seed)  # noqa: S311
    series = Series(rng, with_milvus=with_milvus)
    first = write_small_corpus(base / "first")
    series.trial(first, base / "trial.db")
    for number in range(KILLS_OF_FIRST_INGEST):
        # Until a kill comes after the commit, each of them works on what the one before has left.
        if series.kept or not number:
            series.begin_with(base / f"first{number}.db")
        series.killed_ingest(first)
    series.finished_ingest(first)
    folder, edits = write_small_corpus(base / "docs"), Edits(rng)
    series.begin_with(base / "m.db")
    series.finished_ingest(folder)
    edits.change(folder)
    series.finished_ingest(folder)
    while series.kills < RANDOM_KILLS:
        edits.change(folder)
        if rng.random() < 0.1:
            series.finished_ingest(folder)
            continue
        series.killed_ingest(folder)
        if series.kills % 10 == 0:
            series.finished_ingest(folder)
            series.compare(folder, base)
    edits.change(folder)
    series.finished_ingest(folder)
    series.compare(folder, base)
    return Tally(series.before_commit, series.after_commit, series.finished, series.compared, series.duration)


def no_kills(base: Path, *, seed: int) -> Tally:
    rng = random.Random(seed)  # noqa: S311
    series = Series(rng, with_milvus=False)
    folder, edits = write_small_corpus(base / "docs"), Edits(rng)
    series.begin_with(base / "m.db")
    for _ in range(10):
        edits.change(folder)
        series.finished_ingest(folder)
    series.compare(folder, base)
    return Tally(series.before_commit, series.after_commit, series.finished, series.compared, series.duration)


class Series:
    """Ingests of a changing folder into one store, some of them killed.

    Every process begins by telling what it finds: it must be the whole generations that there were, with or without
    the one that the process before it was writing when it was killed.
    """

    def __init__(self, rng: random.Random, *, with_milvus: bool) -> None:
        self._rng = rng
        self._with_milvus = with_milvus
        self._database = Path()
        self._pending: list[str] | None = None
        self.kept: list[list[str]] = []
        self.before_commit = self.after_commit = self.finished = self.compared = 0
        self.duration = 0.0

    @property
    def kills(self) -> int:
        return self.before_commit + self.after_commit + (self._pending is not None)

    def begin_with(self, database: Path) -> None:
        if self._pending is not None:
            with open_store(settings_for(database.parent, self._database)) as store:
                self._account_for(look(store))
        self._database, self.kept = database, []

    def killed_ingest(self, folder: Folder) -> None:
        target = self._target(folder)
        process = IngestProcess(folder.root, self._database)
        self._account_for(process.found())
        time.sleep(self._rng.uniform(0, self.duration))
        process.kill(with_milvus=self._with_milvus)
        ended = process.ended()
        process.assert_nothing_remains()
        if ended.exit_code == 0:
            self._count_finished(ended, target)
        else:
            assert ended.exit_code == -9
            self._pending = target

    def finished_ingest(self, folder: Folder) -> None:
        target = self._target(folder)
        process = IngestProcess(folder.root, self._database)
        self._account_for(process.found())
        ended = process.ended()
        process.assert_nothing_remains()
        assert ended.exit_code == 0
        self._count_finished(ended, target)
        assert ended.seen
        assert ended.seen.litter == []

    def compare(self, folder: Folder, base: Path) -> None:
        """With a clean build of the folder in a store of its own."""
        assert not difference(self.kept[-1], clean_build(folder, base / f"clean{self.compared}.db"))
        self.compared += 1

    def trial(self, folder: Folder, database: Path) -> None:
        """Measure how long an ingest of the folder takes."""
        process = IngestProcess(folder.root, database)
        process.found()
        self.duration = process.ended().seconds or 0.0

    def _target(self, folder: Folder) -> list[str]:
        return expected_picture(folder)

    def _count_finished(self, ended: Ended, target: list[str]) -> None:
        assert ended.seen
        assert ended.seconds
        if self.kept[-1:] != [target]:
            self.kept = [*self.kept, target][-2:]
        assert_generations(ended.seen, self.kept)
        self.finished += 1
        self.duration = ended.seconds

    def _account_for(self, found: Seen) -> None:
        if self._pending is not None:
            # Changes may undo each other; then there is nothing to commit.
            if found.generations[-1:] == [self._pending] != self.kept[-1:]:
                self.kept = [*self.kept, self._pending][-2:]
                self.after_commit += 1
            else:
                self.before_commit += 1
            self._pending = None
        assert_generations(found, self.kept)


class Edits:
    """Random changes of a folder; the same ones for the same seed. What is new has words of its own."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._number = 0

    def change(self, folder: Folder) -> None:
        for _ in range(self._rng.randint(1, 3)):
            self._number += 1
            sources = folder.sources()
            source = self._rng.choice(sources)
            change = self._rng.choice(("add", "edit", "edit", "delete", "rename"))
            if change == "add" or len(sources) < 5:
                name = f"novelty{self._number}"
                folder.write(f"{name}.md", document(name, paragraphs=2, table=self._rng.random() < 0.5))
            elif change == "edit":
                folder.edit(source, "has", f"had{self._number} and has")
            elif change == "delete" and len(sources) > 6:
                folder.delete(source)
            else:
                folder.rename(source, f"moved/renamed{self._number}.md")


def write_states(database: Path, connection: Connection) -> None:
    """Publish one state after another and send the number of each that is acknowledged, until killed."""
    os.setsid()
    with open_store(settings_for(database.parent, database)) as store:
        state = store.state()
        assert state
        while True:
            connection.send(state.last_number)
            state = replace(state, version=state.version + 1, last_number=state.last_number + 1)
            store.publish(state)
