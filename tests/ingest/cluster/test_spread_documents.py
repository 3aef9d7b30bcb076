"""Texts that are embedded by the processes of a cluster, and one that they die of."""

from collections.abc import Sequence

import pytest

from bench.ray_nodes import RayNodes
from ingest.cluster.embedder import spread_documents
from ingest.cluster.ray_cluster import Need, connect
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
