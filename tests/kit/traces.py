"""Traces and ratings that are cheap to make, by name."""

import hashlib
from datetime import UTC, datetime

from rag.retrieval.explanation import Explanation
from rag.state.feedback import Feedback
from rag.state.traces import Trace
from rag.types import Answer


def trace_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def trace(name: str, *, asked_at: datetime | None = None, question: str = "问？") -> Trace:
    """A refusal that found nothing; its id follows from its name."""
    return Trace(
        trace_id=trace_id(name),
        asked_at=asked_at or datetime.now(UTC),
        question=question,
        standalone_question=None,
        rewritten_by=None,
        retrieval=Explanation((), 0.0, (), 0.0, {}, ()),
        passages=(),
        dropped_passages=(),
        prompt=(),
        verification=(),
        answer=Answer("没有。", (), "extractive", 1, trace_id(name), "no_evidence"),
    )


def rating(name: str, **values: object) -> Feedback:
    given = {"at": "2026-01-01T00:00:00+00:00", "rating": "up", "comment": "", "question": "问？", "answer": "答 [1]"}
    return Feedback(**{**given, "trace_id": trace_id(name), "model": "m", "generation": 1, **values})  # type: ignore[arg-type]
