"""Two servers on one Milvus server, while its data changes, it hangs, dies and comes back."""

import re
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.kit.processes import Server, Workspace, assert_json_error
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.kit.milvus_process import MilvusProcess

pytestmark = [
    pytest.mark.timeout(600),
    # The package `milvus` does not close its log files.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PATIENT, IMPATIENT = "10", "2"
"""Seconds for a call of Milvus: enough for a busy machine; and less than Milvus may hang without ending itself."""
NAMES = ("harbour", "lantern", "orchard")
RELEASES = 3


@dataclass(frozen=True, slots=True)
class Cluster:
    """The Milvus server, the folder, and the servers over both."""

    milvus: "MilvusProcess"
    workspace: Workspace
    servers: tuple[Server, Server]

    def write_release(self, number: int) -> None:
        for name in NAMES:
            self.workspace.write(f"{name}.md", f"# {name}\n\nThe {name} of the port has release number {number}.\n")

    def search(self, server: Server) -> httpx2.Response:
        return server.post("/search", question="Which release number does the port have?", top_k=20)


@dataclass
class Seen:
    """The observations of a reader of one server: the releases in each response, the generations, the failures."""

    releases: list[set[str]] = field(default_factory=list)
    generations: set[int] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def cluster(milvus_server: "MilvusProcess", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    workspace = Workspace(tmp_path_factory.mktemp("cluster")).given(
        ZHIWEN_STORE__URI=milvus_server.uri,
        ZHIWEN_STORE__COLLECTION="outages",
        ZHIWEN_STORE__TIMEOUT_SECONDS=PATIENT,
        ZHIWEN_RETRIEVAL__MODE="dense",
    )
    for name in NAMES:
        workspace.write(f"{name}.md", f"# {name}\n\nThe {name} of the port has release number 0.\n")
    with workspace.serving() as one, workspace.serving() as other:
        assert one.ingest()["error"] is None
        yield Cluster(milvus_server, workspace, (one, other))


def test_both_see_whole_generations_only_and_each_sees_all_of_them(cluster: Cluster) -> None:
    ended = threading.Event()
    seen = [Seen() for _ in cluster.servers]

    def read(server: Server, seen: Seen) -> None:
        while not ended.is_set():
            response = cluster.search(server)
            if response.status_code != 200:
                seen.failures.append(response.text)
                continue
            found = response.json()
            seen.generations.add(found["generation"])
            contents = " ".join(hit["content"] for hit in found["hits"])
            if len(found["hits"]) != len(NAMES):
                seen.failures.append(contents)
            seen.releases.append(set(re.findall(r"number (\d+)", contents)))

    with ThreadPoolExecutor(2) as pool:
        for server, own in zip(cluster.servers, seen, strict=True):
            pool.submit(read, server, own)
        try:
            for number in range(1, RELEASES + 1):
                cluster.write_release(number)
                state = cluster.servers[0].ingest()
                assert state["error"] is None, state
                generation = state["last"]["generation"]
                eventually(lambda: all(generation in one.generations for one in seen))  # noqa: B023  (awaited here)
        finally:
            ended.set()
    for one in seen:
        assert not one.failures
        assert len(one.releases) > 20
        assert all(len(releases) == 1 for releases in one.releases), "a mixture of two generations"
        assert set().union(*one.releases) >= {str(number) for number in range(1, RELEASES + 1)}


def test_a_milvus_that_hangs_is_a_timeout_and_forgotten_when_it_goes_on(cluster: Cluster) -> None:
    with cluster.workspace.given(ZHIWEN_STORE__TIMEOUT_SECONDS=IMPATIENT).serving() as server:
        assert cluster.search(server).status_code == 200
        cluster.milvus.pause()
        try:
            message = assert_json_error(cluster.search(server), 504, "store_timeout")
        finally:
            cluster.milvus.resume()
        assert cluster.milvus.uri in message
        wait_until_found(cluster, server)


def test_a_milvus_killed_in_mid_query_is_named_and_found_again_when_it_is_back(cluster: Cluster) -> None:
    answered: Counter[int] = Counter()

    def ask_until_it_fails(number: int) -> httpx2.Response:
        while (response := cluster.search(cluster.servers[number % 2])).status_code == 200:
            answered[number] += 1
        return response

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask_until_it_fails, number) for number in range(4)]
        eventually(lambda: len(answered) == 4, message="all ask")
        assert not any(each.done() for each in asking)
        cluster.milvus.kill()
        for each in asking:
            assert cluster.milvus.uri in assert_json_error(each.result(), 503, "store_unavailable")

    cluster.milvus.start()
    for server in cluster.servers:
        wait_until_found(cluster, server)


def wait_until_found(cluster: Cluster, server: Server) -> None:
    """Wait until a search succeeds. Before that, only errors of the store may occur."""

    def is_found() -> bool:
        response = cluster.search(server)
        if response.status_code == 200:
            assert len(response.json()["hits"]) == len(NAMES)
            return True
        assert response.json()["error"]["code"] in ("store_unavailable", "store_timeout"), response.text
        return False

    eventually(is_found, within_seconds=240)
