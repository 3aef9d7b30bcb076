"""A cluster made ready for an ingest, before its first document."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.ray_nodes import RayNodes
from ingest.cluster.engine import open_cluster_engine
from rag.models.embedders.factory import open_embedder
from rag.settings import IngestSettings
from tests.kit.corpus import settings_for
from tests.kit.waiting import eventually

pytestmark = [
    pytest.mark.timeout(1800),  # the machine may be busy
    pytest.mark.filterwarnings("ignore"),  # of Ray, in this process
]

LIBRARY_OF_THE_MODEL = b"openvino"


def test_all_machines_load_the_model_while_the_first_one_answers(
    ray_nodes: RayNodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ray_nodes.environment.items():
        monkeypatch.setenv(name, value)
    settings = settings_for(tmp_path, tmp_path / "milvus.db")
    settings = settings.model_copy(update={"ingest": IngestSettings(engine="ray", ray_address=ray_nodes.address)})
    embedder = open_embedder(settings.embedding)
    if LIBRARY_OF_THE_MODEL not in Path("/proc/self/maps").read_bytes():
        pytest.skip("the model does not run on OpenVINO here")
    with open_cluster_engine(settings, embedder):
        eventually(
            lambda: all(any(map(node.holds, processes_with_the_model())) for node in ray_nodes.nodes),
            within_seconds=400,
            message="a model on each node",
        )


def processes_with_the_model() -> Iterator[int]:
    """The processes of this machine that have loaded the model's library."""
    for folder in Path("/proc").iterdir():
        with suppress(OSError):  # a process that has ended
            if folder.name.isdigit() and LIBRARY_OF_THE_MODEL in (folder / "maps").read_bytes():
                yield int(folder.name)
