"""One ingest at a time in the background: what is refused, what is kept, and what can be seen meanwhile."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.background import IngestRunner, Run, RunState
from ingest.files.scan import File
from ingest.staging.plan import OnPlan, Plan
from ingest.staging.report import IngestReport, OnProgress, Progress
from rag.errors import IngestStopped, KnowledgeError, StoreLocked

PLAN = Plan((File("a.md", Path("/docs"), "a.md", 1, 1),), (), ("gone.md",), 1)
PROGRESS = Progress(1, 2, 3, 4)


class Ingest:
    """Takes the place of an ingest: reports what it is told, waits until it may end, and ends as it is told."""

    def __init__(
        self, *, generation: int = 1, error: BaseException | None = None, plan: bool = False, progress: int = 0
    ) -> None:
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.report = IngestReport(generation=generation)
        self._error = error
        self._plan = plan
        self._progress = progress

    def __call__(self, on_plan: OnPlan, on_progress: OnProgress) -> IngestReport:
        if self._plan:
            on_plan(PLAN)
        for _ in range(self._progress):
            on_progress(PROGRESS)
        self.begun.set()
        assert self.may_end.wait(20)
        if self._error:
            raise self._error
        return self.report

    def until_stopped(self, on_plan: OnPlan, on_progress: OnProgress) -> IngestReport:
        """An ingest of one batch after another, which never ends by itself."""
        self.begun.set()
        while True:
            on_progress(PROGRESS)


@pytest.fixture
def runner() -> Iterator[IngestRunner]:
    runner = IngestRunner()
    yield runner
    runner.wait()


def run_to_end(runner: IngestRunner, ingest: Ingest) -> RunState:
    ingest.may_end.set()
    runner.start(ingest)
    runner.wait()
    return runner.state


def start(runner: IngestRunner, ingest: Run, begun: threading.Event) -> RunState:
    state = runner.start(ingest)
    assert begun.wait(20)
    return state


def test_a_failure_that_goes_on_is_logged_once(runner: IngestRunner, caplog: pytest.LogCaptureFixture) -> None:
    """If the log is a file in the folder that is watched, each line starts the next ingest."""
    for problem in ("empty", "empty", "missing", "empty"):
        run_to_end(runner, Ingest(error=KnowledgeError(problem)))
    run_to_end(runner, Ingest())
    run_to_end(runner, Ingest(error=KnowledgeError("empty")))
    logged = [record.getMessage().removeprefix("ingest failed: ") for record in caplog.records]
    assert logged == ["empty", "missing", "empty", "empty"]


def test_deletions_that_are_held_back_are_logged_once(runner: IngestRunner, caplog: pytest.LogCaptureFixture) -> None:
    for message in ("10 are gone", "10 are gone", "", "12 are gone"):
        ingest = Ingest()
        ingest.report.message = message
        run_to_end(runner, ingest)
    assert [record.getMessage() for record in caplog.records] == ["ingest: 10 are gone", "ingest: 12 are gone"]


def test_before_the_first_ingest_nothing_runs_and_nothing_is_known(runner: IngestRunner) -> None:
    assert runner.state == RunState(running=False, run=0, plan=None, progress=None, report=None, error=None)
    runner.wait()


def test_starting_returns_the_state_of_a_running_ingest(runner: IngestRunner) -> None:
    ingest = Ingest()
    state = start(runner, ingest, ingest.begun)
    assert (state.running, state.run, state.report, state.error) == (True, 1, None, None)
    assert runner.state.running
    ingest.may_end.set()


def test_a_running_ingest_tells_its_plan_and_its_progress(runner: IngestRunner) -> None:
    ingest = Ingest(plan=True, progress=2)
    start(runner, ingest, ingest.begun)
    meanwhile = runner.state
    ingest.may_end.set()
    assert (meanwhile.plan, meanwhile.progress) == (PLAN, PROGRESS)


def test_an_ingest_that_ends_leaves_its_report(runner: IngestRunner) -> None:
    ingest = Ingest(generation=7, plan=True, progress=1)
    state = run_to_end(runner, ingest)
    assert (state.running, state.run, state.error) == (False, 1, None)
    assert state.report is ingest.report
    assert (state.plan, state.progress) == (PLAN, PROGRESS)


def test_a_second_start_while_one_runs_is_refused_and_does_not_disturb_it(runner: IngestRunner) -> None:
    first, second = Ingest(generation=1), Ingest(generation=2)
    start(runner, first, first.begun)
    for _ in range(3):
        with pytest.raises(StoreLocked, match="running already"):
            runner.start(second)
    assert not second.begun.is_set()
    assert (runner.state.running, runner.state.run) == (True, 1)
    first.may_end.set()
    runner.wait()
    assert runner.state.report is first.report


def test_of_many_starts_at_once_one_is_taken(runner: IngestRunner) -> None:
    ingests = [Ingest(generation=number) for number in range(16)]
    gate = threading.Barrier(len(ingests))
    refused: list[StoreLocked] = []

    def begin(ingest: Ingest) -> None:
        gate.wait()
        try:
            runner.start(ingest)
        except StoreLocked as error:
            refused.append(error)

    threads = [threading.Thread(target=begin, args=(ingest,)) for ingest in ingests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == len(ingests) - 1
    for ingest in ingests:
        ingest.may_end.set()
    runner.wait()
    assert sum(ingest.begun.is_set() for ingest in ingests) == 1


def test_after_one_has_ended_another_may_start_and_is_counted(runner: IngestRunner) -> None:
    for number in (1, 2, 3):
        state = run_to_end(runner, Ingest(generation=number))
        assert (state.run, state.running) == (number, False)
        assert state.report
        assert state.report.generation == number


def test_a_new_ingest_clears_the_plan_and_the_progress_of_the_last(runner: IngestRunner) -> None:
    run_to_end(runner, Ingest(plan=True, progress=1))
    second = Ingest()
    start(runner, second, second.begun)
    meanwhile = runner.state
    second.may_end.set()
    assert (meanwhile.plan, meanwhile.progress) == (None, None)


def test_an_error_is_kept_until_the_next_ingest_ends(runner: IngestRunner) -> None:
    error = KnowledgeError("the folder is gone")
    state = run_to_end(runner, Ingest(error=error))
    assert (state.running, state.error) == (False, error)
    assert runner.state.error is error
    state = run_to_end(runner, Ingest(generation=2))
    assert state.error is None
    assert state.report
    assert state.report.generation == 2


def test_the_report_of_an_earlier_ingest_is_not_taken_for_that_of_one_that_failed(runner: IngestRunner) -> None:
    run_to_end(runner, Ingest(generation=1))
    state = run_to_end(runner, Ingest(error=KnowledgeError("the folder is gone")))
    assert state.error is not None
    assert state.run == 2


def test_while_one_runs_the_error_of_the_last_that_ended_is_still_told(runner: IngestRunner) -> None:
    """Otherwise the caller that started that one, and asks again later, would take an older report for its own."""
    run_to_end(runner, Ingest(generation=1))
    error = KnowledgeError("the folder is gone")
    run_to_end(runner, Ingest(error=error))
    third = Ingest(generation=3)
    start(runner, third, third.begun)
    meanwhile = runner.state
    third.may_end.set()
    runner.wait()
    assert meanwhile.running
    assert meanwhile.error is error
    assert runner.state.error is None


def test_while_one_runs_the_report_of_the_last_that_ended_is_still_told(runner: IngestRunner) -> None:
    first = Ingest(generation=1)
    run_to_end(runner, first)
    second = Ingest(generation=2)
    start(runner, second, second.begun)
    meanwhile = runner.state
    second.may_end.set()
    assert meanwhile.report is first.report


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("error", [RuntimeError("a bug"), MemoryError(), AssertionError("x")], ids=repr)
def test_a_crash_is_told_without_its_details_and_the_next_ingest_may_start(
    runner: IngestRunner, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    state = run_to_end(runner, Ingest(error=error))
    assert not state.running
    assert "see the log" in str(state.error)
    assert "a bug" not in str(state.error)
    assert any(record.exc_info for record in caplog.records)
    assert run_to_end(runner, Ingest(generation=2)).error is None


def test_waiting_returns_when_the_ingest_has_ended(runner: IngestRunner) -> None:
    ingest = Ingest()
    start(runner, ingest, ingest.begun)
    is_running_after_the_wait: list[bool] = []

    def wait() -> None:
        runner.wait()
        is_running_after_the_wait.append(runner.state.running)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert runner.state.running
    assert not is_running_after_the_wait
    ingest.may_end.set()
    waiting.join(60)
    assert is_running_after_the_wait == [False]


def test_stopping_ends_a_running_ingest_at_its_next_batch(runner: IngestRunner) -> None:
    ingest = Ingest()
    start(runner, ingest.until_stopped, ingest.begun)
    runner.stop()
    assert not runner.state.running
    assert isinstance(runner.state.error, IngestStopped)
    assert "run it again" in str(runner.state.error)


def test_after_stopping_nothing_starts(runner: IngestRunner) -> None:
    runner.stop()
    ingest = Ingest()
    with pytest.raises(IngestStopped, match="shutting down"):
        runner.start(ingest)
    assert not ingest.begun.is_set()
    runner.stop()


def test_a_state_once_taken_does_not_change(runner: IngestRunner) -> None:
    ingest = Ingest()
    taken = start(runner, ingest, ingest.begun)
    ingest.may_end.set()
    runner.wait()
    assert taken.running
    assert taken.report is None


def test_ingests_of_two_knowledge_bases_take_turns(runner: IngestRunner) -> None:
    first, second = Ingest(generation=1), Ingest(generation=2)
    start(runner, first, first.begun)
    other = runner.of("handbook")
    assert other.start(second).running
    assert not second.begun.is_set()
    assert runner.of("handbook") is other
    assert runner.of("default") is runner
    second.may_end.set()
    first.may_end.set()
    other.wait()
    runner.wait()
    assert [each.state.report and each.state.report.generation for each in (runner, other)] == [1, 2]


def test_stopping_ends_one_that_waits_for_its_turn_too(runner: IngestRunner) -> None:
    first, second = Ingest(), Ingest()
    start(runner, first.until_stopped, first.begun)
    other = runner.of("handbook")
    other.start(second)
    runner.stop()
    for each in (runner, other):
        assert isinstance(each.state.error, IngestStopped)
    assert not second.begun.is_set()
    with pytest.raises(IngestStopped):
        other.start(second)


def test_an_observer_hears_of_the_ingests_of_all_knowledge_bases(runner: IngestRunner) -> None:
    heard: list[object] = []
    other = runner.of("handbook")
    runner.observe(heard.append)
    ingest = Ingest(generation=3)
    run_to_end(other, ingest)
    assert heard == [ingest.report]
