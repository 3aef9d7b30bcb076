"""`zhiwen chat`: a conversation in the terminal."""

import sys
from collections.abc import Iterator, Sequence

from api.cli import terminal
from api.cli.views.answer import ask_and_print
from api.error_codes import terminal_message
from api.service.ask import AskRequest, TurnIn
from api.service.protocol import Service
from api.translations import interface_language, say
from rag.errors import ZhiwenError
from rag.settings import Settings
from rag.text.language import detect_language
from rag.text.question_validation import validate_question

PROMPT = "› "
_NEW, _QUIT = "/new", ("/quit", "/exit")


class TerminalConversation:
    """A conversation with follow-up questions. An error ends the answer, but not the conversation."""

    def __init__(self, service: Service, settings: Settings, knowledge_bases: Sequence[str]) -> None:
        self._service = service
        self._knowledge_bases = list(knowledge_bases)
        self._answering = settings.answering
        self._language = interface_language()
        self._console = terminal.output()
        self._messages = terminal.messages()
        self._history: list[TurnIn] = []

    def run(self) -> None:
        """Answer question after question until the input ends or the user quits."""
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
            history = self._history[-self._answering.max_history_turns :]
            request = AskRequest(question=question, history=history, knowledge_base=self._knowledge_bases)
            answer = ask_and_print(self._service, request, self._console, detect_language(question))
        except ZhiwenError as error:
            terminal.print_error(terminal_message(error))
            return
        except KeyboardInterrupt:
            self._console.print()
            self._note("chat_stopped")
            return
        self._note("trace_hint", trace_id=answer.trace_id)
        self._history += [TurnIn(role="user", content=question), TurnIn(role="assistant", content=answer.answer)]

    def _lines(self) -> Iterator[str]:
        """Yield the lines that the user types, or the lines of standard input if it is not a terminal."""
        if sys.stdin.isatty():
            import readline  # noqa: F401, PLC0415  (it gives `input` line editing and history)
        while True:
            try:
                yield input(PROMPT if sys.stdin.isatty() else "").strip()
            except EOFError:
                return
            except KeyboardInterrupt:
                self._console.print()
                return

    def _note(self, key: str, **values: str) -> None:
        self._messages.print(say(key, self._language, **values), style="dim")
