"""What the processes of a cluster do for an ingest. Each keeps its model and its parser."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ingest.files.scan import File
from ingest.parser_process import ParserProcess
from ingest.staging.document_cutter import DocumentCutter, FileToCut
from ingest.staging.engine import Cut
from rag.errors import EmbedderMismatch
from rag.models.embedders.endpoint.failures import Failure
from rag.models.embedders.factory import open_embedder
from rag.models.embedders.openai_compatible import OpenAIEmbedder
from rag.models.embedders.protocol import Embedder, Matrix
from rag.settings import ChunkingSettings, EmbeddingSettings, KnowledgeSettings, Settings


@dataclass(frozen=True, slots=True)
class Work:
    """What cutting and embedding depend on, and the fingerprints of the embedder and of the whole pipeline."""

    knowledge: KnowledgeSettings
    chunking: ChunkingSettings
    embedding: EmbeddingSettings
    fingerprint: str
    pipeline: str = ""


def describe_embedder(settings: EmbeddingSettings) -> tuple[str, str]:
    """Return the fingerprint and the engine of the embedder of this process. Raises as `open_embedder`."""
    embedder = _embedder(settings)
    return embedder.fingerprint, embedder.engine


def cut(work: Work, to_cut: FileToCut) -> Cut | None:
    """Read a file and cut it, as `DocumentCutter` does; None if this machine does not have it as it is in the plan."""
    if to_cut.content is None and not _is_here(to_cut.file):
        return None
    return _cutter(work).cut(to_cut)


def embed(work: Work, texts: Sequence[str]) -> Matrix:
    """Return passages as rows of a matrix. Raises EmbedderMismatch if they would not be those of the other machines."""
    embedder = _embedder(work.embedding)
    if embedder.fingerprint != work.fingerprint:
        raise EmbedderMismatch(
            f"{embedder.name} on {socket.gethostname()} computes with {embedder.engine} and gives other vectors than "
            "on the first machine that was asked; give all machines of the cluster the same packages and processors"
        )
    return embedder.embed_documents(texts)


def ask_endpoint(settings: EmbeddingSettings, texts: Sequence[str]) -> Matrix | Failure:
    """Make one call of the embedding endpoint. Return as `OpenAIEmbedder.ask_for_documents`."""
    embedder = _embedder(settings)
    assert isinstance(embedder, OpenAIEmbedder)  # noqa: S101  (the driver asks only with this provider)
    return embedder.ask_for_documents(texts)


def _is_here(file: File) -> bool:
    try:
        status = (file.root / file.path).stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (file.size, file.modified_ns)


@lru_cache(1)
def _embedder(settings: EmbeddingSettings) -> Embedder:
    embedder = open_embedder(settings)
    embedder.count_tokens("")  # what the first use makes is not on the time of a document
    return embedder


@lru_cache(1)
def _cutter(work: Work) -> DocumentCutter:
    # The parser ends with this process.
    parser = ParserProcess(timeout_seconds=work.knowledge.max_seconds_per_document)
    settings = Settings(knowledge=work.knowledge, chunking=work.chunking)
    return DocumentCutter(parser, _embedder(work.embedding), settings, pipeline=work.pipeline)
