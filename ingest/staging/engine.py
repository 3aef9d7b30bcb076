"""What cuts and embeds documents: this process, or other machines for it."""

from collections.abc import Callable
from dataclasses import dataclass

from ingest.staging.document_cutter import CheckRunning, CutDocument, FileToCut, UnreadableDocument
from rag.models.embedders.protocol import Embedder

Cut = CutDocument | UnreadableDocument

BeginCut = Callable[[FileToCut], Callable[[CheckRunning], Cut]]
"""Begins to cut a file. What it returns is called once, on another thread, and waits for the result."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What cuts and embeds documents.

    `begin_cut` is called for `files_ahead` files before the first is done, and `interrupt` ends all waiting for them.
    The texts that are embedded together are those of about `first_window` chunks at first, and of `largest_window` at
    most.
    """

    embedder: Embedder
    begin_cut: BeginCut
    interrupt: Callable[[], object]
    files_ahead: int
    first_window: int
    largest_window: int
