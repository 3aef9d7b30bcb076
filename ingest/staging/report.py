"""What an ingest did, and how far a running one is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from ingest.files.scan import FolderScan
from ingest.staging.plan import Plan
from rag.store.records import Commit

_MOST_PAGES = 20
"""Pages that are named one by one; a robots.txt can close thousands."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that kept its old version, or a place in the folder that cannot be read, and why."""

    source: str
    error: str


@dataclass(frozen=True, slots=True)
class DocumentWarning:
    """Something that its author should know about a document that was taken in, or a place that was passed over."""

    source: str
    warning: str


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
    `without_passages` counts the documents that have none. `passed_over` counts the files and folders that were not
    looked at, by reason, and `other_suffixes` those of its reason "other suffix". `deletions_held_back` documents are
    gone from the folder and still live; `message` then says what to do.
    """

    generation: int = 0
    documents: DocumentCounts = field(default_factory=DocumentCounts)
    chunks: ChunkCounts = field(default_factory=ChunkCounts)
    embedded: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    warnings: list[DocumentWarning] = field(default_factory=list)
    without_passages: int = 0
    passed_over: dict[str, int] = field(default_factory=dict)
    other_suffixes: dict[str, int] = field(default_factory=dict)
    deletions_held_back: int = 0
    message: str = ""

    @classmethod
    def of(cls, plan: Plan, found: FolderScan, pages_passed_over: Mapping[str, str]) -> "IngestReport":
        """Return the report of an ingest in which every document of the plan can be read.

        `pages_passed_over` has the reasons why pages of a web site are no documents, by address.
        """
        report = cls(
            documents=DocumentCounts(
                len(plan.added), len(plan.changed), len(plan.removed), plan.unchanged, len(plan.hidden)
            ),
            failures=[Failure(place.source, place.problem) for place in found.unreadable],
            without_passages=plan.without_passages,
            passed_over=dict(found.passed_over),
            other_suffixes=dict(found.other_suffixes),
        )
        report.hold_back(len(plan.held_back))
        for place in found.repeated:
            report.warn(place.source, place.problem)
        for address, reason in islice(pages_passed_over.items(), _MOST_PAGES):
            report.warn(address, f"passed over: {reason}")
        if len(pages_passed_over) > _MOST_PAGES:
            report.warn("…", f"{len(pages_passed_over) - _MOST_PAGES} more pages are passed over")
        return report

    def describe(self, live: Commit | None, *, seconds: float) -> None:
        """Note the generation that is live in the end, and how long it took."""
        self.seconds = round(seconds, 3)
        if live:
            self.generation = live.generation
            self.chunks.unchanged = live.chunks - self.chunks.added

    def hold_back(self, deletions: int) -> None:
        """Note how many documents are gone and stay live."""
        self.deletions_held_back = deletions
        self.message = (
            f"{deletions} documents are gone from the folder, and stay live because they are so many; "
            "if that is meant, run again with --allow-mass-deletion"
            if deletions
            else ""
        )

    def warn(self, source: str, warning: str) -> None:
        """Add a warning; it makes no ingest fail."""
        self.warnings.append(DocumentWarning(source, warning))

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


BEFORE_THE_PLAN = Progress(documents=0, documents_total=0, chunks=0, embedded=0)
"""How far an ingest is while it fetches the documents."""

OnProgress = Callable[[Progress], object]
