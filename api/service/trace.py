"""Explain how an answer came about."""

from api.schemas.trace import TraceRequest, TraceResponse
from api.service import samples
from api.service.operation import Example, Operation
from rag.errors import TraceNotFound
from rag.state.traces import TraceStore


def read_trace(traces: TraceStore, request: TraceRequest) -> TraceResponse:
    """Return the trace of an answer. Raises TraceNotFound."""
    found = traces.get(request.trace_id)
    if found is None:
        why = "it is unknown or too old" if traces.enabled else "traces.enabled is false"
        raise TraceNotFound(f"no trace {request.trace_id[:64]}: {why}")
    return TraceResponse.of(found)


TRACE = Operation(
    name="trace",
    description="How an answer came about: terms, candidates, what was dropped, the prompt, the calls of the model, "
    "checks.",
    method="GET",
    path="/traces/{trace_id}",
    request=TraceRequest,
    response=TraceResponse,
    run=lambda services, request: read_trace(services.traces, request),
    scope="ask",
    tag="ask",
    example=Example(parameters={"trace_id": samples.TRACE_ID}, response=samples.TRACE, errors=("trace",)),
)
