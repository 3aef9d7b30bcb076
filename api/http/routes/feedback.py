"""Thumbs up or down on an answer, over HTTP."""

import datetime

from fastapi import FastAPI

from api.schemas.errors import ERRORS
from api.schemas.feedback import FeedbackOut, FeedbackRequest
from rag.state.feedback import Feedback, FeedbackLog
from rag.wiring import Parts


def add_feedback(app: FastAPI, parts: Parts) -> None:
    log = FeedbackLog(parts.settings.serve.feedback_path)

    @app.post("/feedback", status_code=201, responses=ERRORS, include_in_schema=False)
    def give_feedback(request: FeedbackRequest) -> FeedbackOut:
        """Say whether an answer was good; it is kept, with both, for whoever looks after the documents."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        feedback = Feedback(at=now, **request.model_dump())
        log.append(feedback)
        return FeedbackOut.of(feedback)
