"""Which questions are kept for the list of gaps, and under whose name."""

from api.current_caller import current_caller
from rag.gaps.problem import kept_question, question_to_keep
from rag.state.feedback import Rating
from rag.state.questions import QuestionLog
from rag.state.traces import Trace, TraceStore


def keep_unanswered_questions(traces: TraceStore, log: QuestionLog) -> None:
    """Keep the question of each answer from now on that was refused or is unverified, with the name of the caller."""

    def keep(trace: Trace) -> None:
        log.forget_if_disabled()
        if kept := question_to_keep(trace, current_caller().name):
            log.add(kept)

    traces.observe(keep)


def keep_rated_question(trace: Trace, rating: Rating, log: QuestionLog) -> None:
    """Keep the question of an answer that the caller thumbed down; a thumb up takes that back."""
    kept = kept_question(trace, "disliked", current_caller().name)
    if rating == "down":
        log.add(kept)
    else:
        log.remove(kept)
