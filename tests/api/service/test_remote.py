"""Commands have the same output through the server that owns the database as without a server."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.kit.lighthouse_guides import QUESTION
from tests.kit.processes import Outcome, Workspace


@dataclass(frozen=True, slots=True)
class Step:
    """A command, after a change to the folder."""

    arguments: Sequence[str]
    change: Callable[[Workspace], object] = lambda workspace: None


def break_a_file(workspace: Workspace) -> None:
    workspace.write("horn.md", b"# Horn\n\n\xff\xfe is no text\n")
    workspace.write("bell.md", "# Bell\n\nThe bell weighs 60 kilos.\n")


def write_many_guides(workspace: Workspace) -> None:
    for number in range(12):
        workspace.write(f"many/{number}.md", f"# Buoy {number}\n\nBuoy {number} is red.\n")


def remove_many_guides(workspace: Workspace) -> None:
    for number in range(12):
        (workspace.knowledge / f"many/{number}.md").unlink()


STEPS: dict[str, Step] = {
    "status": Step(["status"]),
    "status as JSON": Step(["status", "--json"]),
    "an answer": Step(["ask", QUESTION]),
    "an answer as JSON": Step(["ask", "灯塔多久闪一次光？", "--json"]),
    "hits": Step(["search", QUESTION, "--top-k", "2"]),
    "a dry run": Step(["ingest", "--dry-run"], break_a_file),
    "an ingest with a broken file": Step(["ingest"]),
    "the same as JSON": Step(["ingest", "--json"]),
    "an ingest of a folder": Step(["ingest", "--json"], write_many_guides),
    "a mass deletion": Step(["ingest", "--json"], remove_many_guides),
    "a rollback": Step(["rollback"]),
}


def play(workspace: Workspace) -> list[Outcome]:
    outcomes = []
    for step in STEPS.values():
        step.change(workspace)
        outcomes.append(workspace.run(*step.arguments))
    return outcomes


@dataclass(frozen=True, slots=True)
class Both:
    """The outcome of each step, without a server and through one."""

    alone: dict[str, Outcome]
    through_server: dict[str, Outcome]
    log: str


@pytest.fixture(scope="module")
def both(ingested: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """The outcomes of the same steps in two equal folders."""
    alone = ingested.copy_to(tmp_path_factory.mktemp("alone"))
    served = ingested.copy_to(tmp_path_factory.mktemp("served"))
    with served.serving() as server, ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(play, alone), pool.submit(play, served)
        return Both(
            alone=dict(zip(STEPS, first.result(), strict=True)),
            through_server=dict(zip(STEPS, second.result(), strict=True)),
            log=server.log,
        )


def told(outcome: Outcome) -> tuple[int, str, str]:
    """The status and the output of a command without the parts that differ between runs."""

    def plain(text: str) -> str:
        text = re.sub(r"/[^\s\"]*/(alone|served)\d+", "PLACE", text)
        text = re.sub(r'"trace_id":"[^"]*"', '"trace_id":""', text)
        text = re.sub(r'"seconds":[\d.]+', '"seconds":0', text)
        text = re.sub(r"\d+\.\d s\b", "0.0 s", text)
        # The server computes the question with another engine, so scores differ in the third digit, and the third best
        # of seven passages, which answer nothing, may be another.
        text = re.sub(r"^( \d\.) 0\.\d+", r"\1 SCORE", text, flags=re.MULTILINE)
        text = re.sub(r"about \d+ s\b", "about 0 s", text)
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:]+\+00:00", "TIME", text)

    return outcome.status, plain(outcome.out), plain(outcome.err)


@pytest.mark.parametrize("step", STEPS)
def test_a_command_tells_the_same_through_a_server_as_without_one(both: Both, step: str) -> None:
    assert told(both.through_server[step]) == told(both.alone[step])


def test_each_compared_step_does_what_its_name_says(both: Both) -> None:
    """Without this, equal outputs would prove little."""
    outcomes = both.through_server
    assert "Generation: 1\n" in outcomes["status"].out
    assert outcomes["status as JSON"].json["generation"] == 1
    assert "417 mirrors" in outcomes["an answer"].out
    assert "二十秒" in outcomes["an answer as JSON"].json["answer"]
    assert len(outcomes["hits"].out.splitlines()) == 4
    assert "lamp.md:3" in outcomes["hits"].out
    assert re.fullmatch(r"Ingesting will take about \d+ s", outcomes["a dry run"].out.splitlines()[1])
    assert outcomes["a dry run"].out.splitlines()[2:] == ["  + bell.md", "  ~ horn.md"]
    broken = outcomes["an ingest with a broken file"]
    assert broken.status == 3
    assert re.match(
        r"Documents: 1 added, 1 changed, 0 removed, 5 unchanged\nGeneration 2: 1 chunks added, ", broken.out
    )
    assert re.search(r"^  horn\.md: line 3 is not UTF-8", broken.out, re.MULTILINE)
    assert outcomes["the same as JSON"].status == 3
    assert outcomes["the same as JSON"].json["failures"][0]["source"] == "horn.md"
    assert outcomes["a mass deletion"].status == 1
    assert outcomes["a mass deletion"].json["deletions_held_back"] == 12
    assert "Rolled back from generation 3 to 2" in outcomes["a rollback"].out


def test_a_server_that_served_all_commands_logs_no_traceback(both: Both) -> None:
    assert "Traceback" not in both.log
