"""Keep what people think of an answer, and list it."""

import datetime

from api.schemas.feedback import FeedbackOut, FeedbackRequest, FeedbackResponse
from api.service.operation import Operation
from rag.state.feedback import Feedback, FeedbackLog


def give_feedback(log: FeedbackLog, request: FeedbackRequest) -> FeedbackOut:
    """Keep a verdict on an answer, for the people who look after the documents. Raises FeedbackError."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    feedback = Feedback(at=now, **request.model_dump())
    log.append(feedback)
    return FeedbackOut.of(feedback)


def list_feedback(log: FeedbackLog) -> FeedbackResponse:
    """List the last verdict on each answer, oldest first. Raises FeedbackError."""
    return FeedbackResponse(feedback=[FeedbackOut.of(feedback) for feedback in log.read()])


FEEDBACK = Operation(
    name="give_feedback",
    description="Say whether an answer was good; the verdict is kept with question and answer.",
    method="POST",
    path="/feedback",
    request=FeedbackRequest,
    response=FeedbackOut,
    run=lambda services, request: give_feedback(services.feedback, request),
    scope="ask",
    tag="ask",
    status=201,
    in_document=False,
)
