"""What was wrong with an answer, if anything: whether its question belongs into the list of gaps."""

from rag.knowledge_base_names import DEFAULT
from rag.state.questions import KeptQuestion, Problem
from rag.state.traces import Trace


def question_to_keep(trace: Trace, asked_by: str) -> KeptQuestion | None:
    """Return the question of an answer that was refused or is not fully supported; None for any other.

    Small talk and answers that broke off are no gaps. `asked_by` is the name of the API key.
    """
    problem = _problem_of(trace)
    return kept_question(trace, problem, asked_by) if problem else None


def kept_question(trace: Trace, problem: Problem, asked_by: str) -> KeptQuestion:
    """Return the question as it was searched for, so that a follow-up can be understood by itself."""
    question = trace.standalone_question or trace.question
    searched = tuple(sorted(trace.answer.generations)) or (DEFAULT,)
    return KeptQuestion(trace.trace_id, problem, trace.asked_at.timestamp(), asked_by, question, searched)


def _problem_of(trace: Trace) -> Problem | None:
    if trace.failure or trace.answer.reason == "small_talk":
        return None
    if trace.answer.refused:
        return "refused"
    return "unverified" if trace.answer.unverified else None
