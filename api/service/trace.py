"""Traces: how an answer came about."""

from api.schemas.trace import TraceRequest, TraceResponse
from api.service import samples
from api.service.operation import Example, Operation
from rag.errors import TraceNotFound
from rag.state.traces import TraceStore


def read_trace(traces: TraceStore, request: TraceRequest) -> TraceResponse:
    """Return the trace of an answer. Raises TraceNotFound if traces are off or do not go back so far."""
    found = traces.get(request.trace_id)
    if found is None:
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
    run=lambda services, request: read_trace(services.traces, request),
    scope="ask",
    tag="ask",
    example=Example(parameters={"trace_id": samples.TRACE_ID}, response=samples.TRACE, errors=("trace",)),
)
