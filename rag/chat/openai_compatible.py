"""Chat models behind any OpenAI-compatible endpoint.

The client library takes a stream that breaks off, and a web page with status 200, for a complete answer; so what came
is checked here. One call of `stream` is one answer or one failure: deadlines and further attempts are the chain's.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import cast

import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from rag.chat.presets import CUSTOM, Preset
from rag.chat.prices import Price
from rag.chat.protocol import ChatStream, Finished, Message
from rag.chat.stream_parser import StreamParser
from rag.errors import (
    ChatAuthenticationError,
    ChatBroken,
    ChatBusy,
    ChatError,
    ChatFiltered,
    ChatInvalidResponse,
    ChatRejected,
    ChatTimeout,
    ChatUnavailable,
    NotAChatModel,
)
from rag.models.retry_after import parse_retry_after
from rag.settings import ChatSettings
from rag.types import Usage

_NO_KEY = "none"  # the client insists on one; local servers ignore it
_FILTER_CODES = frozenset({"content_filter", "data_inspection_failed", "DataInspectionFailed"})
_PASSING = frozenset({408, 409})
_USAGE_SECONDS = 1.0
"""How long the count of the tokens is waited for, once the answer is complete."""


class OpenAIChat:
    """Streams answers from `base_url`. The key is sent, and never shown."""

    def __init__(
        self,
        settings: ChatSettings,
        *,
        name: str,
        base_url: str,
        model: str,
        api_key: str,
        preset: Preset = CUSTOM,
        price: Price | None = None,
    ) -> None:
        self.name = name
        self.context_tokens = settings.context_tokens or (preset.context_tokens if model == preset.model else None)
        self._base_url = base_url
        self._where = f"{name} at {base_url}"
        self._model = model
        self._price = price
        self._options = _options(settings, preset)
        self._client = openai.AsyncOpenAI(
            base_url=base_url, api_key=api_key or _NO_KEY, timeout=settings.total_timeout_seconds, max_retries=0
        )

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        chunks = await self._open(messages)
        reading = StreamParser(self.name, self._where)
        try:
            while (chunk := await self._next(chunks, reading)) is not None:
                for piece in reading.take(chunk):
                    yield piece
            for piece in reading.rest():
                yield piece
        finally:
            await chunks.close()
        reading.check(is_event_stream="event-stream" in _content_type(chunks))
        yield Finished(self.name, reading.is_truncated, self._usage(reading))

    async def close(self) -> None:
        await self._client.close()

    async def _open(self, messages: Sequence[Message]) -> openai.AsyncStream[ChatCompletionChunk]:
        """The stream. What the server refuses of our wishes is left out, now and from now on."""
        body = [{"role": message.role, "content": message.content} for message in messages]
        chunks: openai.AsyncStream[ChatCompletionChunk] | None = None
        while chunks is None:
            options = self._options
            try:
                chunks = await self._client.chat.completions.create(
                    model=self._model,
                    messages=cast(list[ChatCompletionMessageParam], body),
                    stream=True,
                    extra_body=options,
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                fewer = _without_refused(options, _complaint(error))
                if fewer is None:
                    raise self._translated(error) from error
                self._options = fewer
            except (openai.OpenAIError, UnicodeEncodeError) as error:
                raise self._translated(error) from error
        if "text/html" in _content_type(chunks):
            await chunks.close()
            raise NotAChatModel(f"a web page answers at {self._base_url}, and no chat model; check chat.base_url")
        return chunks

    async def _next(self, chunks: openai.AsyncStream[ChatCompletionChunk], reading: StreamParser) -> object | None:
        """The next chunk, None at the end."""
        try:
            # A server that forgets to end the stream does not spoil an answer that is complete.
            async with asyncio.timeout(_USAGE_SECONDS if reading.is_complete else None):
                return await anext(chunks, None)
        except (TimeoutError, openai.OpenAIError, json.JSONDecodeError, UnicodeDecodeError) as error:
            if reading.is_complete:
                return None
            if reading.has_begun and isinstance(error, openai.APIConnectionError):
                raise ChatBroken(f"{self.name}: the connection to {self._base_url} broke in mid-answer") from error
            raise self._translated(error) from error

    def _usage(self, reading: StreamParser) -> Usage | None:
        if reading.tokens is None:
            return None
        return Usage(*reading.tokens, cost=self._price.of(*reading.tokens) if self._price else None)

    def _translated(self, error: Exception) -> ChatError:
        detail = " ".join(_complaint(error).split())
        if self._client.api_key != _NO_KEY:
            detail = detail.replace(self._client.api_key, "***")  # some servers repeat it
        detail = detail[:200]
        if isinstance(error, openai.APIError) and error.code in _FILTER_CODES:
            return ChatFiltered(f"{self.name}: the provider's content filter stopped the answer: {detail}")
        if isinstance(error, openai.APIStatusError):
            return _from_status(self._where, error, detail)
        return _from_connection(self._where, error, detail)


def _options(settings: ChatSettings, preset: Preset) -> dict[str, object]:
    return {
        "temperature": settings.temperature,
        preset.limit: settings.max_answer_tokens,
        "stream_options": {"include_usage": True},
        **(preset.thinks if settings.thinking else preset.does_not_think),
    }


def _without_refused(options: Mapping[str, object], complaint: str) -> dict[str, object] | None:
    """The options without the one that a refusal names, or None if it is about something else.

    The limit is never left out; it only takes the name that the server asks for.
    """
    if "max_tokens" in options and "max_completion_tokens" in complaint and "support" in complaint.lower():
        renamed = {"max_tokens": "max_completion_tokens"}
        return {renamed.get(name, name): value for name, value in options.items()}
    refused = next((name for name in options if name in complaint and not name.startswith("max_")), None)
    return {name: value for name, value in options.items() if name != refused} if refused else None


def _complaint(error: Exception) -> str:
    """What the server said. The client knows one form of it, and servers many: `{"detail": …}` is FastAPI's."""
    body = getattr(error, "body", None)
    if body and not (isinstance(body, Mapping) and body.get("message")):
        return str(body)
    return str(getattr(error, "message", error))


def _from_connection(where: str, error: Exception, detail: str) -> ChatError:
    if isinstance(error, openai.APITimeoutError):
        return ChatTimeout(f"{where} did not answer in time (chat.total_timeout_seconds)")
    if isinstance(error, openai.APIConnectionError):
        return ChatUnavailable(f"{where} cannot be reached; check chat.base_url and the network")
    if isinstance(error, UnicodeEncodeError):
        return ChatAuthenticationError(
            f"{where}: the key holds a character that no header can carry; check ZHIWEN_CHAT__API_KEY"
        )
    if isinstance(error, openai.APIError) and not isinstance(error, openai.APIResponseValidationError):
        return ChatBroken(f"{where} stopped with an error: {detail}")
    return ChatInvalidResponse(f"{where} sent something that is not a chat answer: {detail}")


def _from_status(where: str, error: openai.APIStatusError, detail: str) -> ChatError:
    status = error.status_code
    if status in (401, 403):
        return ChatAuthenticationError(f"{where} refuses the key (status {status}); check ZHIWEN_CHAT__API_KEY")
    if status == 402 or error.code == "insufficient_quota":
        return ChatAuthenticationError(f"{where}: the account has no credit left (status {status})")
    if status == 404:
        return ChatAuthenticationError(f"{where} does not know the model or the path (status 404); check chat.model")
    wait = _retry_after(error)
    if status == 429:
        return ChatBusy(f"{where} is asked too often (status 429)", retry_after_seconds=wait)
    if status >= 500 or status in _PASSING:
        return ChatUnavailable(f"{where} is not available now (status {status})", retry_after_seconds=wait)
    return ChatRejected(f"{where} refused the request (status {status}): {detail}")


def _retry_after(error: openai.APIStatusError) -> float:
    """Seconds to wait before the next attempt, 0 if the server does not say."""
    return parse_retry_after(error.response.headers.get("retry-after", "")) or 0.0


def _content_type(chunks: openai.AsyncStream[ChatCompletionChunk]) -> str:
    return str(chunks.response.headers.get("content-type", ""))
