"""Two `zhiwen serve` on one Milvus server: what they see while it changes, hangs, dies and comes back."""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2
import pytest

from rag.errors import StoreError
from rag.settings import StoreSettings
from rag.store.store import Store
from tests.kit.processes import Server, Workspace, assert_json_error

if TYPE_CHECKING:
    from tests.kit.milvus_process import MilvusProcess

pytestmark = [
    pytest.mark.alone,
    pytest.mark.timeout(600),
    # The package's own code leaves its log files open.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TIMEOUT_SECONDS = 2.0
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
    """What a reader of one server saw: the releases in each response, and when each generation first came."""

    releases: list[set[str]] = field(default_factory=list)
    first: dict[int, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def cluster(milvus_server: "MilvusProcess", tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    workspace = Workspace(tmp_path_factory.mktemp("cluster")).given(
        ZHIWEN_STORE__URI=milvus_server.uri,
        ZHIWEN_STORE__COLLECTION="outages",
        ZHIWEN_STORE__TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
        ZHIWEN_RETRIEVAL__MODE="dense",
    )
    for name in NAMES:
        workspace.write(f"{name}.md", f"# {name}\n\nThe {name} of the port has release number 0.\n")
    with workspace.serving() as one, workspace.serving() as other:
        assert one.ingest()["error"] is None
        yield Cluster(milvus_server, workspace, (one, other))


def test_both_see_whole_generations_only_and_each_within_two_seconds(cluster: Cluster) -> None:
    ended = threading.Event()
    committed: dict[int, float] = {}

    def read(server: Server) -> Seen:
        seen = Seen()
        while not ended.is_set():
            response = cluster.search(server)
            if response.status_code != 200:
                seen.failures.append(response.text)
                continue
            found = response.json()
            seen.first.setdefault(found["generation"], time.monotonic())
            contents = " ".join(hit["content"] for hit in found["hits"])
            assert len(found["hits"]) == len(NAMES), contents
            seen.releases.append(set(re.findall(r"number (\d+)", contents)))
        return seen

    writer = cluster.servers[0]
    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read, server) for server in cluster.servers]
        try:
            for number in range(1, RELEASES + 1):
                cluster.write_release(number)
                state = writer.ingest()
                assert state["error"] is None, state
                committed[state["last"]["generation"]] = time.monotonic()
            time.sleep(1.0)
        finally:
            ended.set()
        seen = [reader.result() for reader in readers]
    for one in seen:
        assert not one.failures
        assert len(one.releases) > 20
        assert all(len(releases) == 1 for releases in one.releases), "a mixture of two generations"
        assert set().union(*one.releases) >= {str(number) for number in range(1, RELEASES + 1)}
        for generation, moment in committed.items():
            assert one.first[generation] - moment < 2.0


def test_a_server_that_hangs_is_a_timeout_within_the_deadline_and_forgotten_when_it_goes_on(cluster: Cluster) -> None:
    server = cluster.servers[0]
    assert cluster.search(server).status_code == 200
    cluster.milvus.pause()
    try:
        started = time.monotonic()
        message = assert_json_error(cluster.search(server), 504, "store_timeout")
        assert time.monotonic() - started < TIMEOUT_SECONDS + 1
    finally:
        cluster.milvus.resume()
    assert cluster.milvus.uri in message
    assert wait_until_found(cluster, server) < 10


def test_a_server_killed_in_mid_query_is_named_within_three_seconds_and_found_again_ten_after_it_is_back(
    cluster: Cluster,
) -> None:
    def ask_until_it_fails(server: Server) -> tuple[float, httpx2.Response]:
        while True:
            started = time.monotonic()
            response = cluster.search(server)
            if response.status_code != 200:
                return time.monotonic() - started, response

    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask_until_it_fails, server) for server in cluster.servers for _ in range(2)]
        time.sleep(1.0)
        assert not any(each.done() for each in asking)
        cluster.milvus.kill()
        for each in asking:
            seconds, response = each.result()
            assert cluster.milvus.uri in assert_json_error(response, 503, "store_unavailable")
            assert seconds < 3

    cluster.milvus.start()
    with ThreadPoolExecutor(3) as pool:
        itself = pool.submit(wait_until_milvus_has_its_rows, cluster)
        waits = list(pool.map(lambda server: wait_until_found(cluster, server), cluster.servers))
    assert max(waits) < 10
    # Nearly all of that is Milvus taking over its own collections.
    assert max(waits) - itself.result() < 5


def wait_until_milvus_has_its_rows(cluster: Cluster) -> float:
    """How long it takes until a client that has just connected can read all."""
    started = time.monotonic()
    settings = StoreSettings(uri=cluster.milvus.uri, collection="outages", timeout_seconds=TIMEOUT_SECONDS)
    while True:
        with suppress(StoreError):
            store = Store.open(settings)
            try:
                if len(list(store.snapshot().chunks())) == len(NAMES):
                    return time.monotonic() - started
            finally:
                store.close()
        assert time.monotonic() - started < 60
        time.sleep(0.2)


def wait_until_found(cluster: Cluster, server: Server, timeout: float = 60) -> float:
    """How long it takes until a search succeeds; what comes before may only be errors of the store."""
    started = time.monotonic()
    while time.monotonic() - started < timeout:
        response = cluster.search(server)
        if response.status_code == 200:
            assert len(response.json()["hits"]) == len(NAMES)
            return time.monotonic() - started
        assert response.json()["error"]["code"] in ("store_unavailable", "store_timeout"), response.text
        time.sleep(0.2)
    raise AssertionError(f"still {response.text}")
