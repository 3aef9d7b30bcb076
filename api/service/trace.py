"""Traces: how an answer came about."""

from dataclasses import asdict
from datetime import datetime

from pydantic import BaseModel, Field

from api.schemas.error_bodies import ErrorBody
from api.schemas.request_model import RequestModel
from api.service import example_values
from api.service.ask import AskResponse, PassageOut, UsageOut
from api.service.audit import note_earlier_answer
from api.service.operation import Example, Operation
from api.service.permitted import may_see_answer
from rag.checks.verification import Fault
from rag.errors import TraceNotFound
from rag.retrieval.explanation import Explanation
from rag.state.traces import Trace
from rag.types import Outcome, RewrittenBy
from rag.wiring import Services


class TraceRequest(RequestModel):
    """The answer to explain."""

    trace_id: str


class MessageOut(BaseModel):
    """A message of the prompt."""

    role: str
    content: str


class AttemptOut(BaseModel):
    """A call of a chat model.

    `first_token_seconds` is null if no token arrived; `problem` is empty if the call succeeded.
    """

    model: str
    outcome: Outcome
    seconds: float
    first_token_seconds: float | None
    usage: UsageOut | None
    problem: str


class CheckedOut(BaseModel):
    """A sentence of the answer, checked against the passages that it cites.

    `fault` is null if they support it; `problem` is what they do not contain. `attributed` is true if the numbers are
    not the model's: it gave none, or ones that do not support the sentence.
    """

    sentence: str
    numbers: list[int]
    supported: bool
    fault: Fault | None
    problem: str
    attributed: bool = False


class TraceResponse(BaseModel):
    """How an answer came about.

    `standalone_question` is null unless the question was rewritten with the help of its history. `dropped_passages` are
    the numbers of the passages that did not fit into the prompt. `milliseconds` has the time of each stage.

    `failure` is null unless the answer broke off; if so, `answer` has the text up to that point.
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
    prompt: list[MessageOut] = Field(description="Empty if no chat model was called.")
    attempts: list[AttemptOut]
    verification: list[CheckedOut]
    answer: AskResponse
    milliseconds: dict[str, float]
    failure: ErrorBody | None = None

    @classmethod
    def of(cls, trace: Trace) -> "TraceResponse":
        """Convert a trace to JSON."""
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
                    sentence=check.statement,
                    numbers=list(check.numbers),
                    supported=check.verdict.supported,
                    fault=check.verdict.fault,
                    problem=check.verdict.detail,
                    attributed=check.attributed,
                )
                for check in trace.verification
            ],
            answer=AskResponse.of(answer),
            milliseconds=dict(trace.milliseconds),
            failure=ErrorBody.model_validate(asdict(trace.failure)) if trace.failure else None,
        )


def read_trace(services: Services, request: TraceRequest) -> TraceResponse:
    """Return the trace of an answer.

    Raises TraceNotFound if traces are off or do not go back so far, or the caller may not see what the answer rests on,
    and StateUnavailable.
    """
    traces = services.traces
    found = traces.get(request.trace_id)
    if found:
        note_earlier_answer(found)
    if found is None or not may_see_answer(services, found):
        why = "it is unknown or too old" if traces.enabled else "traces.enabled is false"
        raise TraceNotFound(f"no trace {request.trace_id[:64]}: {why}")
    return TraceResponse.of(found)


TRACE = Operation(
    name="trace",
    description="Explain how an answer came about: query terms, candidates, dropped passages, prompt, model calls, "
    "verification.",
    method="GET",
    path="/traces/{trace_id}",
    request=TraceRequest,
    response=TraceResponse,
    run=read_trace,
    scope="ask",
    tag="ask",
    example=Example(parameters={"trace_id": example_values.TRACE_ID}, response=example_values.TRACE, errors=("trace",)),
)
