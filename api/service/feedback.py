"""Save and list feedback on answers."""

import datetime

from api.schemas.feedback import FeedbackOut, FeedbackRequest, FeedbackResponse
from api.service.operation import Operation
from rag.state.feedback import Feedback, FeedbackLog


def give_feedback(log: FeedbackLog, request: FeedbackRequest) -> FeedbackOut:
    """Save a rating of an answer, with the current time in UTC. Raises FeedbackError."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    feedback = Feedback(at=now, **request.model_dump())
    log.append(feedback)
    return FeedbackOut.of(feedback)


def list_feedback(log: FeedbackLog) -> FeedbackResponse:
    """List the latest rating of each answer, oldest first. Raises FeedbackError."""
    return FeedbackResponse(feedback=[FeedbackOut.of(feedback) for feedback in log.read()])


FEEDBACK = Operation(
    name="give_feedback",
    description="Rate an answer; the rating is saved with the question and the answer.",
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
