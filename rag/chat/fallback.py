"""Chat models in order: each is asked when those before it have failed, and nothing has been said yet."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from rag.chat.circuit_breaker import CircuitBreaker
from rag.chat.protocol import ChatModel, ChatPiece, ChatStream, Finished, Message, TextDelta
from rag.chat.timeouts import Timeouts, enforce_timeouts
from rag.errors import (
    ChatAuthenticationError,
    ChatBroken,
    ChatBusy,
    ChatCircuitOpen,
    ChatError,
    ChatFiltered,
    ChatInvalidResponse,
    ChatRejected,
    ChatTimeout,
    ChatUnavailable,
    NotAChatModel,
)
from rag.settings import ChatSettings
from rag.types import Attempt, Outcome

_FIRST_DELAY_SECONDS = 0.5
_PATIENCE_SECONDS = 2.0
"""The longest wait for a model to recover while another one could be asked."""

log = logging.getLogger("zhiwen.chat")

OUTCOMES: dict[type[ChatError], Outcome] = {
    ChatUnavailable: "unavailable",
    ChatBusy: "busy",
    ChatAuthenticationError: "denied",
    ChatCircuitOpen: "resting",
    ChatTimeout: "timeout",
    ChatBroken: "broken",
    ChatInvalidResponse: "garbled",
    ChatFiltered: "filtered",
    ChatRejected: "rejected",
    NotAChatModel: "not_a_chat_model",
}
_ABOUT_THE_QUESTION = (ChatFiltered, ChatRejected)
"""Failures that say nothing about how well the model is."""


@dataclass(frozen=True, slots=True)
class _Link:
    model: ChatModel
    breaker: CircuitBreaker


class FallbackChat:
    """One chat model or several as one. All waiting and trying again happens here; the models just answer or fail."""

    def __init__(
        self, models: Sequence[ChatModel], settings: ChatSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._links = tuple(_Link(model, self._breaker()) for model in models)

    @property
    def name(self) -> str:
        return " → ".join(model.name for model in self.models)

    @property
    def models(self) -> tuple[ChatModel, ...]:
        """In the order in which they are asked."""
        return tuple(link.model for link in self._links)

    @property
    def context_tokens(self) -> int | None:
        return min((model.context_tokens for model in self.models if model.context_tokens), default=None)

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        deadline = self._clock() + self._settings.total_timeout_seconds
        errors: list[ChatError] = []
        for link in self._links:
            has_begun = False
            try:
                async with aclosing(self._ask(link, messages, deadline)) as pieces:
                    async for piece in pieces:
                        has_begun = has_begun or isinstance(piece, TextDelta)
                        yield piece
            except ChatError as error:
                if has_begun:
                    raise
                errors.append(error)
            else:
                return
            if self._clock() >= deadline:
                break
            if link is not self._links[-1]:
                log.warning("%s; asking the next model", errors[-1])
        raise errors[0] if len(errors) == 1 else _none_answered(errors)

    async def probe(self, messages: Sequence[Message]) -> list[Attempt]:
        """Whether each model answers, asked once and all at the same time, and left at its first token."""
        return list(await asyncio.gather(*(self._probe(link.model, messages) for link in self._links)))

    async def close(self) -> None:
        for model in self.models:
            await model.close()

    async def _ask(self, link: _Link, messages: Sequence[Message], deadline: float) -> ChatStream:
        """One model, again while it is worth it and nothing has come; an `Attempt` at the end of each call."""
        if link.breaker.seconds_left:
            resting = ChatCircuitOpen(
                f"{link.model.name} keeps failing and is left alone for {link.breaker.seconds_left:.0f} s more"
            )
            yield Attempt(link.model.name, "resting", 0.0, problem=str(resting))
            raise resting
        for number in range(1, self._settings.max_attempts + 1):
            call = _Call(link.model.name, self._clock)
            try:
                async with aclosing(self._timed(link.model, messages, deadline - self._clock())) as pieces:
                    async for piece in pieces:
                        call.heard(piece)
                        if isinstance(piece, Finished):
                            link.breaker.succeeded()
                            yield call.ended(piece)
                        yield piece
            except ChatError as error:
                failure = error
            else:
                return
            yield call.failed(failure)
            delay = None if call.has_begun else self._delay(failure, number, deadline, link)
            if delay is None:
                if not isinstance(failure, _ABOUT_THE_QUESTION):
                    link.breaker.failed()
                raise failure
            await asyncio.sleep(delay)

    async def _probe(self, model: ChatModel, messages: Sequence[Message]) -> Attempt:
        call = _Call(model.name, self._clock)
        try:
            async with aclosing(self._timed(model, messages, self._settings.total_timeout_seconds)) as pieces:
                call.heard(await anext(pieces))
        except ChatError as error:
            return call.failed(error)
        return call.ended(Finished(model.name))

    def _timed(self, model: ChatModel, messages: Sequence[Message], seconds_left: float) -> ChatStream:
        deadlines = Timeouts(self._settings.first_token_timeout_seconds, self._settings.idle_timeout_seconds)
        return enforce_timeouts(model.stream(messages), deadlines, name=model.name, seconds_left=seconds_left)

    def _delay(self, error: ChatError, number: int, deadline: float, link: _Link) -> float | None:
        """Seconds to wait before the model is tried again, or None if that would not help or take too long."""
        if not isinstance(error, ChatUnavailable) or isinstance(error, ChatAuthenticationError):
            return None
        if number == self._settings.max_attempts:
            return None
        backoff: float = _FIRST_DELAY_SECONDS * 2 ** (number - 1) * random.uniform(0.5, 1.5)  # noqa: S311  (jitter)
        delay = max(backoff, error.retry_after_seconds)
        left = deadline - self._clock()
        return delay if delay < (left if link is self._links[-1] else min(left, _PATIENCE_SECONDS)) else None

    def _breaker(self) -> CircuitBreaker:
        settings = self._settings
        return CircuitBreaker(
            max_failures=settings.rest_after_failures, rest_seconds=settings.rest_seconds, clock=self._clock
        )


class _Call:
    """Watches one call, to tell afterwards how it went."""

    def __init__(self, model: str, clock: Callable[[], float]) -> None:
        self._model = model
        self._clock = clock
        self._started = clock()
        self._first: float | None = None

    @property
    def has_begun(self) -> bool:
        return self._first is not None

    def heard(self, piece: ChatPiece) -> None:
        if self._first is None and not isinstance(piece, Finished):
            self._first = self._clock() - self._started

    def ended(self, end: Finished) -> Attempt:
        outcome: Outcome = "truncated" if end.truncated else "answered"
        return Attempt(end.model, outcome, self._clock() - self._started, self._first, end.usage)

    def failed(self, error: ChatError) -> Attempt:
        outcome = next(OUTCOMES[kind] for kind in type(error).__mro__ if kind in OUTCOMES)
        return Attempt(self._model, outcome, self._clock() - self._started, self._first, problem=str(error))


def _none_answered(errors: Sequence[ChatError]) -> ChatError:
    return ChatUnavailable("no chat model answered: " + "; ".join(str(error) for error in errors))
