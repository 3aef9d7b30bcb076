"""Opens the engine that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from ingest.parser_process import ParserProcess
from ingest.staging.document_cutter import DocumentCutter, pipeline_fingerprint
from ingest.staging.engine import Engine
from rag.models.embedders.protocol import Embedder
from rag.settings import Settings

_LARGEST_WINDOW = 512  # chunks; a longer window makes the batches no more even
_FILES_AHEAD = 2


@contextmanager
def open_engine(settings: Settings, embedder: Embedder) -> Iterator[Engine]:
    """Open what cuts and embeds documents, and close it at the end: `embedder` and this process, or a Ray cluster.

    Raises ConfigError if Ray is not installed, and WorkersUnavailable or EmbedderError if its cluster cannot be used.
    """
    if settings.ingest.engine == "ray":
        # Imported here: Ray takes a second to load.
        from ingest.cluster.engine import open_cluster_engine  # noqa: PLC0415

        with open_cluster_engine(settings, embedder) as engine:
            yield engine
        return
    batch = settings.embedding.usual_batch_size
    with ParserProcess(timeout_seconds=settings.knowledge.max_seconds_per_document) as parser:
        cutter = DocumentCutter(parser, embedder, settings, pipeline=pipeline_fingerprint(settings, embedder))
        yield Engine(
            embedder,
            begin_cut=lambda file: partial(cutter.cut, file),
            interrupt=parser.interrupt,
            files_ahead=_FILES_AHEAD,
            first_window=batch,
            largest_window=max(_LARGEST_WINDOW, batch),
        )
