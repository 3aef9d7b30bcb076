"""How an answer came about, as JSON."""

from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel, Field

from api.schemas.ask import AskResponse, PassageOut, UsageOut
from api.schemas.errors import ErrorBody
from api.schemas.request_model import RequestModel
from rag.checks.verification import Fault
from rag.retrieval.explanation import Explanation
from rag.state.traces import Trace
from rag.types import Outcome, RewrittenBy


class TraceRequest(RequestModel):
    """The answer in question."""

    trace_id: str


class MessageOut(BaseModel):
    """A message of the prompt."""

    role: str
    content: str


class AttemptOut(BaseModel):
    """A call of a chat model. `first_token_seconds` is null if nothing came, `problem` empty if nothing went wrong."""

    model: str
    outcome: Outcome
    seconds: float
    first_token_seconds: float | None
    usage: UsageOut | None
    problem: str


class CheckedOut(BaseModel):
    """A statement of the answer and the passages it cites.

    `fault` is null if they support it; `problem` is the part of it that they do not contain.
    """

    sentence: str
    numbers: list[int]
    supported: bool
    fault: Fault | None
    problem: str


class TraceResponse(BaseModel):
    """`standalone_question` is null unless the question was rewritten with its history. `passages` are those found,
    `dropped_passages` the numbers of those that did not fit into the prompt. `milliseconds` are by stage.

    `failure` is null unless the answer broke off; then `answer` holds the text so far, which is not an answer.
    """

    trace_id: str
    asked_at: datetime
    question: str
    standalone_question: str | None
    rewritten_by: RewrittenBy | None
    generation: int
    cached: bool
    retrieval: Explanation
    passages: list[PassageOut]
    dropped_passages: list[int]
    prompt: list[MessageOut] = Field(description="Empty if no chat model was asked.")
    attempts: list[AttemptOut]
    verification: list[CheckedOut]
    answer: AskResponse
    milliseconds: dict[str, float]
    failure: ErrorBody | None = None

    @classmethod
    def of(cls, trace: Trace) -> "TraceResponse":
        """The trace as JSON."""
        answer = trace.answer
        return cls(
            trace_id=trace.trace_id,
            asked_at=trace.asked_at,
            question=trace.question,
            standalone_question=trace.standalone_question,
            rewritten_by=trace.rewritten_by,
            generation=answer.generation,
            cached=answer.cached,
            retrieval=trace.retrieval,
            passages=[PassageOut.of_passage(passage) for passage in trace.passages],
            dropped_passages=list(trace.dropped_passages),
            prompt=[MessageOut.model_validate(asdict(message)) for message in trace.prompt],
            attempts=[AttemptOut.model_validate(asdict(attempt)) for attempt in answer.attempts],
            verification=[
                CheckedOut(
                    sentence=one.statement,
                    numbers=list(one.numbers),
                    supported=one.verdict.supported,
                    fault=one.verdict.fault,
                    problem=one.verdict.detail,
                )
                for one in trace.verification
            ],
            answer=AskResponse.of(answer),
            milliseconds=dict(trace.milliseconds),
            failure=ErrorBody.model_validate(asdict(trace.failure)) if trace.failure else None,
        )
