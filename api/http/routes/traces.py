"""The traces of answers, over HTTP."""

from fastapi import FastAPI

from api.schemas.errors import ERRORS
from api.schemas.trace import TraceResponse, run_trace
from rag.wiring import Parts


def add_traces(app: FastAPI, parts: Parts) -> None:
    @app.get("/traces/{trace_id}", responses=ERRORS, tags=["ask"])
    def trace(trace_id: str) -> TraceResponse:
        """How an answer came about: terms, candidates, what was dropped, the prompt, the calls of the model, checks."""
        return run_trace(parts.traces, trace_id)
