"""A Ray cluster as the engine of an ingest: this process plans, compares and commits, the machines cut and embed."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, as_completed, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from ingest.cluster import work
from ingest.cluster.embedder import ClusterEmbedder, ask_from_cluster, spread_documents
from ingest.cluster.ray_cluster import Need, RayCluster, WorkerDied, connect
from ingest.cluster.work import Work
from ingest.staging.document_cutter import CheckRunning, FileToCut, UnreadableDocument, pipeline_fingerprint
from ingest.staging.engine import Cut, Engine
from rag.errors import DocumentError, EmbedderMismatch, WorkersUnavailable
from rag.models.embedders.factory import open_embedder
from rag.models.embedders.openai_compatible import OpenAIEmbedder
from rag.models.embedders.protocol import Embedder, can_search
from rag.settings import Settings

T = TypeVar("T")

_FILES_AHEAD = 4  # for each CPU
_WINDOW_CHUNKS = 512  # for each CPU or GPU
_FIRST_ANSWER_SECONDS = 180.0  # the machines may have to load a model
_CHECK_SECONDS = 0.2
_DEADLY = "each of three processes that cut it into chunks has died; leave it out with knowledge.exclude"


@contextmanager
def open_cluster_engine(settings: Settings, embedder: Embedder) -> Iterator[Engine]:
    """Connect to the cluster of `ingest.ray_address`, and leave it at the end, which ends all work there.

    Documents are embedded by the model that the machines have, on their GPUs if there are any; `embedder` embeds
    questions. Raises ConfigError, WorkersUnavailable, EmbedderError or IngestStopped.
    """
    with connect(settings.ingest.ray_address) as cluster:
        uses_gpus = settings.embedding.provider == "sentence-transformers" and cluster.gpus > 0
        need = Need(gpus=1) if uses_gpus else Need(cpus=1)
        places, batch_size = cluster.places(need), settings.embedding.usual_batch_size
        fingerprint, computed_with = _describe_embedder(cluster, settings, embedder, need)
        to_do = Work(settings.knowledge, settings.chunking, settings.embedding, fingerprint)
        if settings.embedding.provider == "openai":
            endpoint = open_embedder(settings.embedding)
            assert isinstance(endpoint, OpenAIEmbedder)  # noqa: S101  (that provider)
            embed_documents = ask_from_cluster(cluster, settings.embedding, endpoint)
        else:
            embed, dimension = partial(work.embed, to_do), embedder.dimension
            embed_documents = spread_documents(cluster, embed, need, batch_size=batch_size, dimension=dimension)
        remote = ClusterEmbedder(embedder, embed_documents, fingerprint=fingerprint, engine=computed_with)
        to_do = replace(to_do, pipeline=pipeline_fingerprint(settings, remote))
        yield Engine(
            remote,
            begin_cut=lambda file: _begin_cut(cluster, to_do, file),
            interrupt=lambda: None,  # what waits looks often enough if it should go on
            files_ahead=_FILES_AHEAD * cluster.cpus,
            first_window=places * batch_size,
            largest_window=places * _WINDOW_CHUNKS,
        )


def _describe_embedder(cluster: RayCluster, settings: Settings, embedder: Embedder, need: Need) -> tuple[str, str]:
    """Return the fingerprint and the engine of the machines' embedder, which must find what `embedder` asks for.

    Every place is asked, so that all processes start and load their model at the same time; the first answer counts.
    """
    described = [
        cluster.submit(work.describe_embedder, settings.embedding, need=need) for _ in range(cluster.places(need))
    ]
    try:
        fingerprint, engine = next(as_completed(described, _FIRST_ANSWER_SECONDS)).result()
    except WorkerDied as error:
        raise WorkersUnavailable(
            f"each of three processes that loaded the embedding model has died ({error}); nothing was changed. "
            "Do the machines have memory enough for a model in each process?"
        ) from error
    except TimeoutError as error:
        raise WorkersUnavailable(
            f"no machine of the Ray cluster began to work within {_FIRST_ANSWER_SECONDS:.0f} s; nothing was changed. "
            "Look at `ray status`: are there machines, and are they busy?"
        ) from error
    if not can_search(embedder, fingerprint):
        raise EmbedderMismatch(
            f"the machines of the Ray cluster embed with {engine} and give other vectors than {embedder.name} here "
            f"({embedder.engine}); give all of them the same packages and settings"
        )
    return fingerprint, engine


def _begin_cut(cluster: RayCluster, to_do: Work, to_cut: FileToCut) -> Callable[[CheckRunning], Cut]:
    future = cluster.submit(work.cut, to_do, to_cut)
    file = to_cut.file

    def finish(check_running: CheckRunning) -> Cut:
        try:
            document = _wait(future, check_running)
            if document is None:  # that machine does not have the file
                sent = replace(to_cut, content=file.read(to_do.knowledge.max_file_bytes))
                document = _wait(cluster.submit(work.cut, to_do, sent), check_running)
        except DocumentError as error:
            return UnreadableDocument.of(file, error)
        except WorkerDied:
            document = None
        return document or UnreadableDocument(file.source, file.size, _DEADLY)

    return finish


def _wait(future: Future[T], check_running: CheckRunning) -> T:
    while not future.done():
        check_running()
        wait([future], timeout=_CHECK_SECONDS)
    return future.result()
