"""Independent commands that run side by side, for tests that look at how they ended."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.kit.processes import Outcome, Workspace


@dataclass(frozen=True, slots=True)
class Case:
    """One command and its folder: a copy of the ingested shipped knowledge, or empty; then changed by `arrange`."""

    arguments: tuple[str, ...]
    stdin: bytes = b""
    environment: tuple[tuple[str, str], ...] = ()
    arrange: Callable[[Workspace], object] = lambda workspace: None
    on_ingested: bool = True
    has_reader: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """How a case ended. `digest_before` is the digest of the database before the command."""

    outcome: Outcome
    workspace: Workspace
    digest_before: str


def run_cases(cases: Mapping[str, Case], ingested: Workspace, folder: Path) -> dict[str, Ended]:
    """Run the commands, two at a time, each in its own folder below `folder`."""

    def run(case: Case, own: Path) -> Ended:
        own.mkdir()
        workspace = (ingested.copy_to(own) if case.on_ingested else Workspace(own)).given(**dict(case.environment))
        case.arrange(workspace)
        digest = workspace.digest()
        if case.has_reader:
            outcome = workspace.run(*case.arguments, stdin=case.stdin)
        else:
            outcome = workspace.run_without_reader(*case.arguments)
        return Ended(outcome, workspace, digest)

    folders = [folder / str(number) for number in range(len(cases))]
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(cases, pool.map(run, cases.values(), folders), strict=True))
