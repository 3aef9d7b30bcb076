"""Questions and answers in a terminal, one or a conversation."""

import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from api.cli import terminal
from api.error_codes import terminal_message
from api.messages import interface_language, say
from api.schemas.ask import AskRequest, AskResponse, TurnIn
from api.service.protocol import Service
from rag.errors import ZhiwenError
from rag.settings import Settings
from rag.text.language import Language, detect_language
from rag.text.questions import validate_question

PROMPT = "› "
_NEW, _QUIT = "/new", ("/quit", "/exit")


def answer_in_terminal(service: Service, request: AskRequest, console: Console, language: Language) -> AskResponse:
    """Ask, and show the answer as it is written, then what in it is unverified, then its sources."""
    written = False

    def show(piece: str) -> None:
        nonlocal written
        written = True
        console.print(terminal.printable(piece), end="")

    answer = service.ask(request, on_text=show)
    if written:
        console.print()
    if answer.refused:
        console.print(terminal.printable(answer.answer))
    terminal.print_unverified(console, answer, language)
    terminal.print_sources(console, answer, Path(service.root()), language)
    return answer


class TerminalConversation:
    """A conversation; an error ends an answer, not the conversation."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self._service = service
        self._answering = settings.answering
        self._language = interface_language()
        self._console = terminal.output()
        self._notes = terminal.messages()
        self._history: list[TurnIn] = []

    def run(self) -> None:
        """Until the input ends or the reader leaves."""
        self._note("chat_help")
        for line in self._lines():
            if line in _QUIT:
                return
            if line == _NEW:
                self._history.clear()
                self._note("chat_new")
            elif line:
                self._answer(line)

    def _answer(self, line: str) -> None:
        try:
            question = validate_question(line, max_characters=self._answering.max_question_characters)
            request = AskRequest(question=question, history=self._history[-self._answering.max_history_turns :])
            answer = answer_in_terminal(self._service, request, self._console, detect_language(question))
        except ZhiwenError as error:
            self._notes.print(terminal.printable(f"zhiwen: {terminal_message(error)}"), style="red")
            return
        except KeyboardInterrupt:
            self._console.print()
            self._note("chat_stopped")
            return
        self._note("trace_hint", trace_id=answer.trace_id)
        self._history += [TurnIn(role="user", content=question), TurnIn(role="assistant", content=answer.answer)]

    def _lines(self) -> Iterator[str]:
        """What the reader types; without a terminal, the lines of standard input."""
        if sys.stdin.isatty():
            import readline  # noqa: F401, PLC0415  (it gives `input` its line editing and history)
        while True:
            try:
                yield input(PROMPT if sys.stdin.isatty() else "").strip()
            except EOFError:
                return
            except KeyboardInterrupt:
                self._console.print()
                return

    def _note(self, key: str, **values: str) -> None:
        self._notes.print(say(key, self._language, **values), style="dim")
