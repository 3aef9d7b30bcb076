"""Ask chat models in order: the next one is asked if a model fails before the first piece of its text."""

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
_MAX_DELAY_SECONDS = 2.0
"""The longest delay before a model is tried again while another model could be asked instead."""

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
"""The outcome of an attempt that ended with this error."""

_CAUSED_BY_REQUEST = (ChatFiltered, ChatRejected)
"""Errors that do not count as failures of the model."""


@dataclass(frozen=True, slots=True)
class _GuardedModel:
    model: ChatModel
    breaker: CircuitBreaker


class FallbackChat:
    """One or several chat models that act as one: the first is asked first, the others if those before them fail.

    All deadlines, retries and circuit breakers are here; the models themselves answer or fail. `clock` returns seconds.
    """

    def __init__(
        self, models: Sequence[ChatModel], settings: ChatSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._chain = tuple(_GuardedModel(model, self._new_breaker()) for model in models)

    @property
    def name(self) -> str:
        """The names of all models, in order, such as `qwen/qwen-plus → ollama/qwen3:8b`."""
        return " → ".join(model.name for model in self.models)

    @property
    def models(self) -> tuple[ChatModel, ...]:
        """The models, in the order in which they are asked."""
        return tuple(guarded.model for guarded in self._chain)

    @property
    def context_tokens(self) -> int | None:
        """The smallest context of the models, in tokens of prompt and answer; None if none is known."""
        return min((model.context_tokens for model in self.models if model.context_tokens), default=None)

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        """Yield the pieces of the first model that answers, and an `Attempt` at the end of each call.

        Raises the error of the model if it fails after its first text or is the only one asked; ChatUnavailable with
        the messages of all if several were asked and none answered.
        """
        deadline = self._clock() + self._settings.total_timeout_seconds
        errors: list[ChatError] = []
        for guarded in self._chain:
            has_text = False
            try:
                async with aclosing(self._try_model(guarded, messages, deadline)) as pieces:
                    async for piece in pieces:
                        has_text = has_text or isinstance(piece, TextDelta)
                        yield piece
            except ChatError as error:
                if has_text:
                    raise
                errors.append(error)
            else:
                return
            if self._clock() >= deadline:
                break
            if guarded is not self._chain[-1]:
                log.warning("%s; asking the next model", errors[-1])
        raise errors[0] if len(errors) == 1 else _none_answered(errors)

    async def probe(self, messages: Sequence[Message]) -> list[Attempt]:
        """Call each model once, all at the same time, and stop at the first token. Return an attempt for each."""
        return list(await asyncio.gather(*(self._probe(model, messages) for model in self.models)))

    async def close(self) -> None:
        """Close the connections of all models."""
        for model in self.models:
            await model.close()

    async def _try_model(self, guarded: _GuardedModel, messages: Sequence[Message], deadline: float) -> ChatStream:
        """Call one model, and again while a retry may help and nothing has come yet."""
        model, breaker = guarded.model, guarded.breaker
        if breaker.seconds_left:
            circuit_open = ChatCircuitOpen(
                f"{model.name} keeps failing and is left alone for another {breaker.seconds_left:.0f} s"
            )
            yield Attempt(model.name, "resting", 0.0, problem=str(circuit_open))
            raise circuit_open
        for number in range(1, self._settings.max_attempts + 1):
            call = _Call(model.name, self._clock)
            try:
                async with aclosing(self._stream_in_time(model, messages, deadline - self._clock())) as pieces:
                    async for piece in pieces:
                        call.record(piece)
                        if isinstance(piece, Finished):
                            breaker.record_success()
                            yield call.succeeded(piece)
                        yield piece
            except ChatError as error:
                failure = error
            else:
                return
            yield call.failed(failure)
            delay = None if call.has_begun else self._retry_delay(failure, number, deadline, guarded)
            if delay is None:
                if not isinstance(failure, _CAUSED_BY_REQUEST):
                    breaker.record_failure()
                raise failure
            await asyncio.sleep(delay)

    async def _probe(self, model: ChatModel, messages: Sequence[Message]) -> Attempt:
        call = _Call(model.name, self._clock)
        try:
            async with aclosing(self._stream_in_time(model, messages, self._settings.total_timeout_seconds)) as pieces:
                call.record(await anext(pieces))
        except ChatError as error:
            return call.failed(error)
        return call.succeeded(Finished(model.name))

    def _stream_in_time(self, model: ChatModel, messages: Sequence[Message], seconds_left: float) -> ChatStream:
        timeouts = Timeouts(self._settings.first_token_timeout_seconds, self._settings.idle_timeout_seconds)
        return enforce_timeouts(model.stream(messages), timeouts, name=model.name, seconds_left=seconds_left)

    def _retry_delay(self, error: ChatError, number: int, deadline: float, guarded: _GuardedModel) -> float | None:
        """Return the seconds to wait before the next attempt, or None if another attempt cannot help or be in time."""
        if not isinstance(error, ChatUnavailable) or isinstance(error, ChatAuthenticationError):
            return None
        if number == self._settings.max_attempts:
            return None
        backoff: float = _FIRST_DELAY_SECONDS * 2 ** (number - 1) * random.uniform(0.5, 1.5)  # noqa: S311  (jitter)
        delay = max(backoff, error.retry_after_seconds)
        limit = deadline - self._clock()
        if guarded is not self._chain[-1]:
            limit = min(limit, _MAX_DELAY_SECONDS)
        return delay if delay < limit else None

    def _new_breaker(self) -> CircuitBreaker:
        return CircuitBreaker(
            max_failures=self._settings.rest_after_failures,
            cooldown_seconds=self._settings.rest_seconds,
            clock=self._clock,
        )


class _Call:
    """One call of a model: times it, and makes an `Attempt` of it at its end."""

    def __init__(self, model: str, clock: Callable[[], float]) -> None:
        self._model = model
        self._clock = clock
        self._started = clock()
        self._first_token_seconds: float | None = None

    @property
    def has_begun(self) -> bool:
        return self._first_token_seconds is not None

    def record(self, piece: ChatPiece) -> None:
        if self._first_token_seconds is None and not isinstance(piece, Finished):
            self._first_token_seconds = self._clock() - self._started

    def succeeded(self, end: Finished) -> Attempt:
        outcome: Outcome = "truncated" if end.truncated else "answered"
        return Attempt(end.model, outcome, self._clock() - self._started, self._first_token_seconds, end.usage)

    def failed(self, error: ChatError) -> Attempt:
        outcome = next(OUTCOMES[kind] for kind in type(error).__mro__ if kind in OUTCOMES)
        seconds = self._clock() - self._started
        return Attempt(self._model, outcome, seconds, self._first_token_seconds, problem=str(error))


def _none_answered(errors: Sequence[ChatError]) -> ChatError:
    return ChatUnavailable("no chat model answered: " + "; ".join(str(error) for error in errors))
