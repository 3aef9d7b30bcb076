"""What is kept of answers besides their traces: questions without an answer, and the use of documents."""

from api.current_caller import current_caller
from rag.gaps.problem import kept_question, question_to_keep
from rag.state.document_uses import DocumentUses
from rag.state.feedback import Rating
from rag.state.questions import QuestionLog
from rag.state.traces import Trace, TraceStore


def observe_answers(traces: TraceStore, log: QuestionLog, uses: DocumentUses) -> None:
    """From now on, count the documents of each answer, and keep its question if it was refused or is unverified.

    The question is kept under the name of the caller.
    """

    def keep(trace: Trace) -> None:
        log.forget_if_disabled()
        if kept := question_to_keep(trace, current_caller().name):
            log.add(kept)
        uses.add(trace)

    traces.observe(keep)


def keep_rated_question(trace: Trace, rating: Rating, log: QuestionLog) -> None:
    """Keep the question of an answer that the caller thumbed down; a thumb up takes that back."""
    kept = kept_question(trace, "disliked", current_caller().name)
    if rating == "down":
        log.add(kept)
    else:
        log.remove(kept)
