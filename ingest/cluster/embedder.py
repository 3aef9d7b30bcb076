"""An embedder whose documents are embedded by the machines of a cluster."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

import numpy as np

from ingest.cluster import work
from ingest.cluster.ray_cluster import Need, RayCluster, WorkerDied
from rag.errors import TextsRefused
from rag.models.embedders.endpoint.failures import Failure, Kind
from rag.models.embedders.openai_compatible import OpenAIEmbedder
from rag.models.embedders.protocol import Embedder, Matrix, OnEmbedded, Vector, ignore_embedded
from rag.settings import EmbeddingSettings

EmbedDocuments = Callable[[Sequence[str], OnEmbedded], Matrix]
"""`Embedder.embed_documents`."""

_HEARTBEAT_SECONDS = 0.5
_DEATHS = 3
# On each processor: one is computed, and while this process is busy with its results, the others wait there.
_CALLS_AT_A_TIME = 4
_CALL_OF_AN_ENDPOINT = Need(cpus=0.25)  # which computes elsewhere
_DEADLY = "each of three processes that embedded it has died"


class ClusterEmbedder:
    """Embeds questions with `embedder`, and documents with `embed_documents`, whose vectors have `fingerprint`."""

    def __init__(self, embedder: Embedder, embed_documents: EmbedDocuments, *, fingerprint: str, engine: str) -> None:
        self._embedder = embedder
        self._embed_documents = embed_documents
        self.fingerprint = fingerprint
        self.engine = engine
        self.name = embedder.name
        self.equivalents = (embedder.equivalents | {embedder.fingerprint}) - {fingerprint}
        self.max_tokens = embedder.max_tokens
        self.count_tokens = embedder.count_tokens

    @property
    def dimension(self) -> int:
        """The length of the vectors."""
        return self._embedder.dimension

    def embed_query(self, text: str) -> Vector:
        """Return one question as a vector of length 1."""
        return self._embedder.embed_query(text)

    def embed_documents(self, texts: Sequence[str], on_embedded: OnEmbedded = ignore_embedded) -> Matrix:
        """Return passages as rows of a matrix, in the order given."""
        return self._embed_documents(texts, on_embedded)


def spread_documents(
    cluster: RayCluster, embed: Callable[[Sequence[str]], Matrix], need: Need, *, batch_size: int, dimension: int
) -> EmbedDocuments:
    """Return a function that has `embed` called with each batch of texts, wherever there is what it needs.

    A batch has `batch_size` texts, or fewer if some processors would have none. After a death its texts are tried
    alone, and one that three processes died of is refused.
    """

    def embed_documents(texts: Sequence[str], on_embedded: OnEmbedded) -> Matrix:
        places = cluster.places(need)
        matrix = np.empty((len(texts), dimension), dtype=np.float32)
        # Two for each processor at least, so that all end at about the same time.
        size = max(min(batch_size, len(texts) // (2 * places)), 1)
        waiting = deque(range(start, min(start + size, len(texts))) for start in range(0, len(texts), size))
        have_died: set[int] = set()
        running: dict[Future[Matrix], range] = {}
        refused: dict[int, str] = {}
        while waiting or running:
            while waiting and len(running) < _CALLS_AT_A_TIME * places:
                positions = waiting.popleft()
                attempts = 1 if len(positions) > 1 else _DEATHS - (positions[0] in have_died)
                batch = [texts[position] for position in positions]
                running[cluster.submit(embed, batch, attempts=attempts, need=need)] = positions
            done, _ = wait(running, timeout=_HEARTBEAT_SECONDS, return_when=FIRST_COMPLETED)
            if not done:
                on_embedded((), matrix[:0])
            for positions, vectors in ((running.pop(future), _vectors_of(future)) for future in done):
                if vectors is not None:
                    matrix[positions] = vectors
                    on_embedded(positions, vectors)
                elif len(positions) > 1:
                    have_died.update(positions)
                    waiting.extendleft(range(each, each + 1) for each in reversed(positions))
                else:
                    refused[positions[0]] = _DEADLY
        if refused:
            raise TextsRefused(f"{len(refused)} of {len(texts)} texts cannot be embedded: {_DEADLY}", refused)
        return matrix

    return embed_documents


def ask_from_cluster(cluster: RayCluster, settings: EmbeddingSettings, embedder: OpenAIEmbedder) -> EmbedDocuments:
    """Return a function that embeds texts at an endpoint: the machines make the calls that `embedder` decides on.

    So its limits hold for all of them together. A text that three processes died of is refused.
    """

    async def ask(texts: Sequence[str]) -> Matrix | Failure:
        try:
            return await asyncio.wrap_future(
                cluster.submit(work.ask_endpoint, settings, texts, need=_CALL_OF_AN_ENDPOINT)
            )
        except WorkerDied:
            return Failure(embedder.describe(), Kind.REFUSED, _DEADLY)

    return embedder.asking_through(ask).embed_documents


def _vectors_of(future: Future[Matrix]) -> Matrix | None:
    """Return the result; None if the process has died."""
    try:
        return future.result()
    except WorkerDied:
        return None
