"""Texts that are embedded by the processes of a cluster, and one that they die of."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import cast

import numpy as np
import pytest

from bench.ray_nodes import RayNodes
from ingest.cluster.embedder import spread_documents
from ingest.cluster.ray_cluster import Need, RayCluster, connect
from rag.errors import TextsRefused
from rag.models.embedders.protocol import Matrix, ignore_embedded
from tests.kit import deadly_texts

pytestmark = [
    pytest.mark.timeout(1800),  # the machine may be busy
    pytest.mark.filterwarnings("ignore"),  # of Ray, in this process
]


def test_a_deadly_text_is_refused_and_every_other_one_is_embedded_once(
    ray_nodes: RayNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ray_nodes.environment.items():
        monkeypatch.setenv(name, value)
    texts = [*("x" * length for length in range(1, 21)), "deadly nightshade"]
    arrived: dict[int, float] = {}

    def take(positions: Sequence[int], vectors: Matrix) -> None:
        assert not arrived.keys() & set(positions)
        arrived.update(zip(positions, vectors[:, 0].tolist(), strict=True))

    with connect(ray_nodes.address) as cluster:
        embed_documents = spread_documents(cluster, deadly_texts.embed, Need(cpus=1), batch_size=4, dimension=1)
        with pytest.raises(TextsRefused) as raised:
            embed_documents(texts, take)
        assert raised.value.reasons == {20: "each of three processes that embedded it has died"}
        assert arrived == {position: float(len(text)) for position, text in enumerate(texts[:20])}
        assert embed_documents(texts[:20], ignore_embedded).tolist() == [[float(len(text))] for text in texts[:20]]


def test_each_processor_has_three_calls_waiting_while_it_computes_one() -> None:
    cluster = SlowCluster(processors=2, begins_to_answer_at=8)

    def take(positions: Sequence[int], vectors: Matrix) -> None:
        assert positions, f"nothing was embedded for a while, with {len(cluster.open)} calls"

    embed = spread_documents(cast(RayCluster, cluster), deadly_texts.embed, Need(cpus=1), batch_size=2, dimension=1)
    assert embed(["x"] * 40, take).tolist() == [[1.0]] * 40
    assert cluster.most == 8


class SlowCluster:
    """Begins to answer when it has a number of calls; then it answers those that it has with each new one."""

    def __init__(self, *, processors: int, begins_to_answer_at: int) -> None:
        self._processors = processors
        self._calls_left = begins_to_answer_at
        self.open: list[tuple[Future[Matrix], Sequence[str]]] = []
        self.most = 0

    def places(self, need: Need) -> int:
        return self._processors

    def submit(self, function: object, texts: Sequence[str], *, attempts: int, need: Need) -> Future[Matrix]:
        future = Future[Matrix]()
        self.open.append((future, texts))
        self.most = max(self.most, len(self.open))
        self._calls_left -= 1
        if self._calls_left <= 0:
            for call, its_texts in self.open:
                call.set_result(np.ones((len(its_texts), 1), dtype=np.float32))
            self.open.clear()
        return future
