"""What people think of answers, as JSON."""

from dataclasses import asdict

from pydantic import BaseModel, Field

from api.schemas.request_model import RequestModel
from rag.state.feedback import Feedback, Rating


class FeedbackRequest(RequestModel):
    """A verdict on an answer. A later one on the same answer replaces it."""

    trace_id: str = Field(pattern=r"^[0-9a-f]{32}$", examples=["c6c391f8dcdd4c63b3a71916f8c2fd26"])
    rating: Rating
    comment: str = Field(default="", max_length=2000)
    question: str = Field(default="", max_length=4000)
    answer: str = Field(default="", max_length=40_000)
    model: str = Field(default="", max_length=200)
    generation: int = Field(default=0, ge=0, lt=2**63)


class FeedbackOut(BaseModel):
    """A verdict as it was kept. `at` is UTC, ISO 8601."""

    at: str
    trace_id: str
    rating: Rating
    comment: str
    question: str
    answer: str
    model: str
    generation: int

    @classmethod
    def of(cls, feedback: Feedback) -> "FeedbackOut":
        """The verdict as JSON."""
        return cls.model_validate(asdict(feedback))


class FeedbackResponse(BaseModel):
    """The last verdict on each answer, oldest first."""

    feedback: list[FeedbackOut]
