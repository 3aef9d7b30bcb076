"""The answers of a bot: each question once, and in the background, because platforms wait only a few seconds."""

import logging
from collections.abc import Callable

from cachetools import TTLCache

from api.bots.callback import BotQuestion
from api.bots.message_text import message_text, split_message
from api.bots.notices import NO_ANSWER, NO_QUESTION
from api.bots.platform import Platform, PlatformError
from api.current_caller import Caller, calling
from api.public_urls import below
from api.service.ask import AskResponse
from api.service.permitted import permitted_several
from rag.answering.answer import final_answer
from rag.errors import QuestionError, ZhiwenError
from rag.knowledge_base_names import ALL
from rag.rights import Rights
from rag.text.language import detect_language
from rag.wiring import Services

_REMEMBERED_EVENTS = 10_000
_REMEMBERED_SECONDS = 8 * 3600
"""Feishu delivers an event for the last time about seven hours after the first time."""

log = logging.getLogger("zhiwen.bots")


class BotAnswers:
    """Answers the questions of one platform, from all that `rights` allow at the time of the question."""

    def __init__(self, services: Services, platform: Platform, rights: Callable[[], Rights]) -> None:
        self._services = services
        self._platform = platform
        self._rights = rights
        self._seen: TTLCache[str, bool] = TTLCache(_REMEMBERED_EVENTS, _REMEMBERED_SECONDS)

    @property
    def name(self) -> str:
        """The name of the platform."""
        return self._platform.name

    def is_new(self, question: BotQuestion) -> bool:
        """Return whether this event has not come before; from now on it has."""
        is_new = question.event_id not in self._seen
        self._seen[question.event_id] = True
        return is_new

    async def answer(self, question: BotQuestion, base: str) -> None:
        """Answer a question, or say that it cannot be answered now. `base` begins the addresses of documents.

        Expected errors are not raised: if the platform refuses a message, that is logged.
        """
        with calling(Caller(self.name, is_administrator=False, rights=self._rights())):
            text = await self._text(question, base)
        try:
            for number, piece in enumerate(split_message(text, self._platform.max_bytes)):
                await self._platform.send(question, piece, number=number)
        except PlatformError as error:
            log.warning("%s: an answer could not be sent: %s", self.name, error)

    async def _text(self, question: BotQuestion, base: str) -> str:
        language = detect_language(question.text)
        try:
            answerer = permitted_several(self._services, [ALL]).answerer
            answer = AskResponse.of(await final_answer(answerer.answer(question.text)))
        except QuestionError:
            return NO_QUESTION[language]
        except ZhiwenError as error:
            log.warning("%s: a question could not be answered: %s", self.name, error)
            return NO_ANSWER[language]
        return message_text(question.text, below(answer, base))
