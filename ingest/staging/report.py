"""What an ingest did, and how far a running one is."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ingest.staging.plan import Plan


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that kept its old version, and why."""

    source: str
    error: str


@dataclass(slots=True)
class DocumentCounts:
    """Documents by what became of them."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: int = 0


@dataclass(slots=True)
class ChunkCounts:
    """Chunks by what became of them."""

    added: int = 0
    removed: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class IngestReport:
    """What an ingest did.

    `generation` is the live one afterwards; `embedded` counts the texts that went through the embedder.
    """

    generation: int = 0
    documents: DocumentCounts = field(default_factory=DocumentCounts)
    chunks: ChunkCounts = field(default_factory=ChunkCounts)
    embedded: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)

    @classmethod
    def of(cls, plan: Plan) -> "IngestReport":
        """Return the report of an ingest in which every document of the plan can be read."""
        documents = DocumentCounts(len(plan.added), len(plan.changed), len(plan.removed), len(plan.unchanged))
        return cls(documents=documents)

    @property
    def ok(self) -> bool:
        """Whether every document was taken in."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class Progress:
    """`documents` of `documents_total` are staged; `chunks` have been cut so far, `embedded` of them embedded.

    `chunks_per_second` is a recent mean. `seconds_left` is an estimate; None if there is nothing yet to judge by.
    """

    documents: int
    documents_total: int
    chunks: int
    embedded: int
    chunks_per_second: float = 0.0
    seconds_left: float | None = None


OnProgress = Callable[[Progress], object]
