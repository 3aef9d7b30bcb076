"""Gaps: what nobody could answer, grouped by what was asked for."""

import datetime
import time

from pydantic import BaseModel, Field

from api.current_caller import current_caller
from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service import example_values
from api.service.operation import Example, Operation
from ingest.golden.questions import GoldenQuestion
from rag.gaps.finder import LocatedGap
from rag.gaps.paragraph_draft import draft_paragraph
from rag.published_url import PassageUrls
from rag.types import Chunk
from rag.wiring import Services

MAX_GAPS = 100
_MAX_QUESTIONS = 50
_DAY_SECONDS = 86_400


class GapsRequest(KnowledgeBaseRequest):
    """Which gaps to list."""

    limit: int = Field(default=20, ge=1, le=MAX_GAPS, description="The number of gaps.", examples=[20])
    days: int | None = Field(default=None, ge=1, le=3650, description="Only questions of the last days.", examples=[30])


class NearestOut(BaseModel):
    """The passage of the live generation that is nearest to a gap: where the answer may belong."""

    source: str
    heading_path: list[str]
    start_line: int
    end_line: int
    url: str

    @classmethod
    def of(cls, chunk: Chunk, urls: PassageUrls) -> "NearestOut":
        """Convert a chunk to JSON."""
        return cls(
            source=chunk.source,
            heading_path=list(chunk.heading_path),
            start_line=chunk.start_line,
            end_line=chunk.end_line,
            url=urls.of(chunk),
        )


class GapOut(BaseModel):
    """Questions that ask for the same thing, and that no answer satisfied.

    `question` is the most typical of `questions`. `asked` counts the answers; `refused`, `unverified` and `disliked`
    count those with that problem, and one may have two. `nearest` is null before the first ingest. `answerable` is true
    if the live generation has enough evidence by now. `golden` is an entry for `golden.yaml`, and `draft` Markdown for
    the missing paragraph; both are for a person to complete.
    """

    question: str
    questions: list[str]
    asked: int
    refused: int
    unverified: int
    disliked: int
    first_asked: datetime.datetime
    last_asked: datetime.datetime
    nearest: NearestOut | None
    answerable: bool
    golden: GoldenQuestion
    draft: str

    @classmethod
    def of(cls, located: LocatedGap, urls: PassageUrls) -> "GapOut":
        """Convert a gap to JSON."""
        gap, nearest = located.gap, located.nearest
        return cls(
            question=gap.question,
            questions=list(gap.questions[:_MAX_QUESTIONS]),
            asked=gap.asked,
            refused=gap.problems.get("refused", 0),
            unverified=gap.problems.get("unverified", 0),
            disliked=gap.problems.get("disliked", 0),
            first_asked=_utc(gap.first_asked),
            last_asked=_utc(gap.last_asked),
            nearest=NearestOut.of(nearest, urls) if nearest else None,
            answerable=located.is_answerable,
            golden=_golden_question(gap.question, nearest),
            draft=draft_paragraph(located),
        )


class GapsResponse(BaseModel):
    """The gaps that were asked for most often. `found` counts all of them, and `asked` the answers behind them.

    `kept` is false if the service keeps no questions, because `traces.keep_questions` is off.
    """

    kept: bool
    found: int
    asked: int
    gaps: list[GapOut]


def list_gaps(services: Services, request: GapsRequest) -> GapsResponse:
    """Group the questions that nobody could answer; without the scope `admin`, only those of the caller's own key.

    Raises StateUnavailable, EmbedderError and StoreError.
    """
    if not services.questions.enabled:
        return GapsResponse(kept=False, found=0, asked=0, gaps=[])
    caller = current_caller()
    found = services.gaps.find(
        services.store,
        asked_by=None if caller.is_administrator else caller.name,
        since=time.time() - request.days * _DAY_SECONDS if request.days else 0.0,
        limit=request.limit,
    )
    gaps = [GapOut.of(located, services.urls) for located in found.gaps]
    return GapsResponse(kept=True, found=found.found, asked=found.asked, gaps=gaps)


def _golden_question(question: str, nearest: Chunk | None) -> GoldenQuestion:
    """Expect a passage of the nearest document; if there is none, a refusal."""
    if nearest is None:
        return GoldenQuestion(question=question, refused=True)
    return GoldenQuestion(question=question, source=nearest.source)


def _utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(round(seconds), datetime.UTC)


GAPS = Operation(
    name="gaps",
    description="List what nobody could answer: questions that were refused, answered without support or thumbed down, "
    "grouped by what they ask for. Without the scope `admin`, only those of the caller's own key.",
    method="GET",
    path="/gaps",
    request=GapsRequest,
    response=GapsResponse,
    run=list_gaps,
    scope="ask",
    tag="service",
    is_answer=True,
    example=Example(
        parameters={"limit": 20, "days": 30},
        response=example_values.GAPS,
        errors=("knowledge_base", "state", "embedder", "store"),
    ),
)
