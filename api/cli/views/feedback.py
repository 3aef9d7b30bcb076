"""Feedback on answers in the terminal."""

from rich.console import Console
from rich.text import Text

from api.cli.terminal import snippet
from api.service.feedback import FeedbackResponse
from api.translations import say
from rag.text.language import Language


def print_feedback(console: Console, found: FeedbackResponse, language: Language) -> None:
    """Print one line for each rating: up or down, the time, the question, the comment."""
    if not found.feedback:
        console.print(say("no_feedback", language))
    for feedback in found.feedback:
        line = Text("👍 " if feedback.rating == "up" else "👎 ")
        line.append(f"{feedback.at}  ", style="dim")
        line.append(snippet(feedback.question) or feedback.trace_id, style="default")
        line.append(f"  {snippet(feedback.comment)}" if feedback.comment else "", style="yellow")
        console.print(line)
