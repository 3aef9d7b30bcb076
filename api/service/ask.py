"""Ask: the events of an answer to a question."""

from collections.abc import AsyncGenerator

from api.schemas.ask import AskRequest
from rag.answering.answer import Answerer, AnswerEvent


def answer_events(answerer: Answerer, request: AskRequest) -> AsyncGenerator[AnswerEvent, None]:
    """Yield the passages, then the text while it is written, and last the answer.

    Raises as `Answerer.answer`.
    """
    search_filter = request.filter.to_filter() if request.filter else None
    history = [turn.to_turn() for turn in request.history]
    return answerer.answer(request.question, search_filter=search_filter, history=history)
