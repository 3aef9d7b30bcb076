"""Save and list feedback on answers."""

import datetime
from dataclasses import asdict

from pydantic import BaseModel, Field

from api.current_caller import current_caller
from api.schemas.request_model import RequestModel
from api.service import example_values
from api.service.audit import note_earlier_answer
from api.service.kept_questions import keep_rated_question
from api.service.operation import Example, Operation
from api.service.permitted import may_see_answer
from rag.errors import FeedbackError, StateUnavailable, TraceNotFound
from rag.state.feedback import Feedback, FeedbackLog, Rating
from rag.wiring import Services

_MAX_CHARACTERS = 40_000


class FeedbackRequest(RequestModel):
    """A rating of an answer. It replaces an earlier rating of the same answer with the same key.

    The question, the answer, the model and the generation are those of the trace; what a client sends for them is
    ignored.
    """

    trace_id: str = Field(pattern=r"^[0-9a-f]{32}$", examples=["c6c391f8dcdd4c63b3a71916f8c2fd26"])
    rating: Rating
    comment: str = Field(default="", max_length=2000)
    question: str = Field(default="", max_length=4000)
    answer: str = Field(default="", max_length=_MAX_CHARACTERS)
    model: str = Field(default="", max_length=200)
    generation: int = Field(default=0, ge=0, lt=2**63)


class FeedbackOut(BaseModel):
    """A saved rating. `at` is a time in UTC, as ISO 8601, `given_by` the name of the API key."""

    at: str
    trace_id: str
    rating: Rating
    comment: str
    question: str
    answer: str
    model: str
    generation: int
    given_by: str = ""

    @classmethod
    def of(cls, feedback: Feedback) -> "FeedbackOut":
        """Convert a rating to JSON."""
        return cls.model_validate(asdict(feedback))


class FeedbackResponse(BaseModel):
    """The latest rating of each answer by each key, oldest first."""

    feedback: list[FeedbackOut]


def give_feedback(services: Services, request: FeedbackRequest) -> FeedbackOut:
    """Save a rating of an answer, with the current time in UTC and the name of the caller's key.

    The question of an answer that is thumbed down is a gap from then on, if such questions are kept.

    Raises FeedbackError, and TraceNotFound if the answer has no trace.
    """
    try:
        trace = services.traces.get(request.trace_id)
    except StateUnavailable as error:
        raise FeedbackError(f"the feedback is not kept: {error}") from error
    if trace:
        note_earlier_answer(trace)
    if trace is None or not may_see_answer(services, trace):
        raise TraceNotFound(f"no trace {request.trace_id}: only an answer with a trace can be rated (traces.enabled)")
    feedback = Feedback(
        at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        trace_id=request.trace_id,
        rating=request.rating,
        comment=request.comment,
        question=trace.question,
        answer=trace.answer.text[:_MAX_CHARACTERS],
        model=trace.answer.model,
        generation=trace.answer.generation,
        given_by=current_caller().name,
    )
    services.feedback.append(feedback)
    keep_rated_question(trace, request.rating, services.questions)
    return FeedbackOut.of(feedback)


def list_feedback(log: FeedbackLog) -> FeedbackResponse:
    """List the latest rating of each answer by each key, oldest first. Raises FeedbackError."""
    return FeedbackResponse(feedback=[FeedbackOut.of(feedback) for feedback in log.read()])


_GIVEN = {
    "trace_id": example_values.TRACE_ID,
    "rating": "up",
    "comment": "正是我要找的",
    "question": example_values.QUESTION,
    "answer": example_values.TEXT,
    "model": "qwen/qwen-plus",
    "generation": 1,
}

FEEDBACK = Operation(
    name="give_feedback",
    description="Rate an answer; the rating is saved with the question and the answer.",
    method="POST",
    path="/feedback",
    request=FeedbackRequest,
    response=FeedbackOut,
    run=give_feedback,
    scope="ask",
    tag="ask",
    status=201,
    example=Example(
        request=_GIVEN,
        response={"at": "2026-11-25T15:44:02+00:00", **_GIVEN},
        errors=("feedback",),
    ),
)
