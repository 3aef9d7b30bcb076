"""An ingest on a Ray cluster: the same rows and the same report as here, whoever dies."""

import json
import os
import shutil
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.ray_nodes import RayNodes
from rag.wiring import open_store
from tests.kit.corpus import Folder, change_everything_a_little, settings_for, write_small_corpus
from tests.kit.openai_scripts import embed_texts
from tests.kit.openai_server import Call, OpenAIServer
from tests.kit.pictures import difference, dump
from tests.kit.process_table import process_behind
from tests.kit.processes import ZHIWEN, Workspace
from tests.kit.waiting import eventually

pytestmark = pytest.mark.timeout(1800)  # the machine may be busy

CALLS_AT_ONCE = 4
SECONDS = 400  # for a busy machine


@pytest.fixture
def local(tmp_path: Path) -> Workspace:
    """The small corpus, with the built-in embedder."""
    workspace = Workspace(tmp_path)
    write_small_corpus(workspace.knowledge)
    return workspace.given(ZHIWEN_KNOWLEDGE__MAX_SECONDS_PER_DOCUMENT="600")  # the machine may be busy


@pytest.fixture
def with_endpoint(local: Workspace, endpoint: OpenAIServer) -> Workspace:
    """The small corpus, with an embedding endpoint."""
    return local.given(
        ZHIWEN_EMBEDDING__PROVIDER="openai",
        ZHIWEN_EMBEDDING__MODEL="m",
        ZHIWEN_EMBEDDING__BASE_URL=endpoint.base_url,
        ZHIWEN_EMBEDDING__BATCH_SIZE="2",
        ZHIWEN_EMBEDDING__CONCURRENCY=str(CALLS_AT_ONCE),
    )


def test_the_rows_and_the_report_are_those_of_a_local_ingest(local: Workspace, ray_nodes: RayNodes) -> None:
    on_ray = on_cluster(local, ray_nodes)
    for change in (lambda folder: None, change_everything_a_little):
        change(Folder(local.knowledge))
        here = ingested(local)
        assert ingested(on_ray) == here
        assert not difference(picture(on_ray), picture(local))
    again = ingested(on_ray)
    assert (again["generation"], again["embedded"]) == (here["generation"], 0)


def test_a_node_that_dies_is_done_without_and_the_limit_of_the_endpoint_holds_for_all(
    with_endpoint: Workspace, ray_nodes: RayNodes, endpoint: OpenAIServer
) -> None:
    doomed = ray_nodes.add()
    calls = Calls()
    endpoint.play(calls.hold)
    with running(on_cluster(with_endpoint, ray_nodes)) as process:
        eventually(lambda: any(map(doomed.holds, calls.held)), within_seconds=SECONDS, message="a call from the node")
        eventually(lambda: calls.at_once == CALLS_AT_ONCE, within_seconds=SECONDS, message="all calls that may be")
        doomed.kill()
        calls.go_on.set()
        out, _ = process.communicate(timeout=SECONDS)
    assert (process.returncode, json.loads(out)["failures"]) == (0, [])
    endpoint.play(embed_texts)
    ingested(with_endpoint)
    assert not difference(picture(on_cluster(with_endpoint, ray_nodes)), picture(with_endpoint))


def test_a_driver_that_is_killed_leaves_what_a_crash_leaves(
    with_endpoint: Workspace, ray_nodes: RayNodes, endpoint: OpenAIServer
) -> None:
    on_ray = on_cluster(with_endpoint, ray_nodes)
    endpoint.play(embed_texts, embed_texts, Call.hang)
    with running(on_ray):
        eventually(lambda: len(endpoint.calls) > 2, within_seconds=SECONDS, message="the third call")
    eventually(endpoint.client_left.is_set, message="the end of the calls")
    with open_store(settings_for(on_ray.knowledge, on_ray.database)) as store:
        assert store.state() is None
    endpoint.play(embed_texts)
    ingested(on_ray)
    ingested(with_endpoint)
    assert not difference(picture(on_ray), picture(with_endpoint))


def test_a_document_that_three_processes_die_of_is_named_and_passed_over(
    with_endpoint: Workspace, ray_nodes: RayNodes, endpoint: OpenAIServer
) -> None:
    deaths = Counter[str]()

    def kill_for_poison(call: Call) -> None:
        if any("nightshade" in text for text in call.body["input"]):
            deaths.update(call.body["input"])
            os.kill(process_behind(call.connection), signal.SIGKILL)
        else:
            embed_texts(call)

    endpoint.play(kill_for_poison)
    with_endpoint.write("poison.md", "# Poison\n\nnightshade\n")
    on_ray = on_cluster(with_endpoint.given(ZHIWEN_EMBEDDING__BATCH_SIZE="1"), ray_nodes)
    report = ingested(on_ray, status=3)
    assert [failure["source"] for failure in report["failures"]] == ["poison.md"]
    assert "three processes that embedded it has died" in report["failures"][0]["error"]
    assert list(deaths.values()) == [3]
    assert report["documents"] == {"added": 8, "changed": 0, "removed": 0, "unchanged": 0, "failed": 1}


@pytest.mark.usefixtures("ray_is_installed")
def test_a_document_that_cannot_be_cut_without_a_death_is_named_too_on_a_cluster_started_for_it(
    with_endpoint: Workspace, endpoint: OpenAIServer
) -> None:
    endpoint.play(embed_texts)
    shutil.rmtree(with_endpoint.knowledge)
    with_endpoint.write("harbour.md", "# Harbour\n\nThe tide turns.\n")
    here = with_endpoint.given(ZHIWEN_INGEST__ENGINE="ray", ZHIWEN_FAILPOINT="parsed")
    report = ingested(here, status=3)
    assert [failure["source"] for failure in report["failures"]] == ["harbour.md"]
    assert "three processes that cut it into chunks has died" in report["failures"][0]["error"]


class Calls:
    """Holds the calls of an endpoint until they may go on. It sees no end of a call whose process dies."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.held: list[int] = []
        self.at_once = 0
        self._lock = threading.Lock()

    def hold(self, call: Call) -> None:
        """A script: embed the texts when calls may go on."""
        with self._lock:
            self.at_once += 1
            self.held.append(process_behind(call.connection))
        try:
            self.go_on.wait()
            embed_texts(call)
        finally:
            with self._lock:
                self.at_once -= 1


def on_cluster(workspace: Workspace, nodes: RayNodes) -> Workspace:
    """The same folder and another database, with the cluster."""
    return workspace.given(
        ZHIWEN_INGEST__ENGINE="ray",
        ZHIWEN_INGEST__RAY_ADDRESS=nodes.address,
        ZHIWEN_STORE__URI=str(workspace.folder / "ray.db"),
        **nodes.environment,
    )


@contextmanager
def running(workspace: Workspace) -> Iterator["subprocess.Popen[bytes]"]:
    """An ingest that runs, and is killed at the end."""
    command, pipe = [ZHIWEN, "ingest", "--json"], subprocess.PIPE
    with subprocess.Popen(command, cwd=workspace.folder, env=workspace.environment, stdout=pipe) as process:
        try:
            yield process
        finally:
            process.kill()


def ingested(workspace: Workspace, *, status: int = 0) -> dict[str, Any]:
    """The report of an ingest, without the time that it took."""
    outcome = workspace.run("ingest", "--json", timeout=SECONDS)
    assert outcome.status == status, f"{outcome.out}\n{outcome.err}"
    assert not outcome.err
    report: dict[str, Any] = outcome.json
    return {name: value for name, value in report.items() if name != "seconds"}


def picture(workspace: Workspace) -> list[str]:
    """What the live generation shows."""
    uri = workspace.environment["ZHIWEN_STORE__URI"]
    with open_store(settings_for(workspace.knowledge, uri)) as store:
        return dump(store)
