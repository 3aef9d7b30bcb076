"""Chat models behind any OpenAI-compatible endpoint.

The client library takes a stream that breaks off, and a web page with status 200, for a complete answer. So this module
checks what the server sends. One call of `stream` gives one answer or one error: timeouts and retries are in
`rag/chat/fallback.py`.
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

_NO_KEY = "none"  # the client library requires a key; local servers ignore it
_FILTER_CODES = frozenset({"content_filter", "data_inspection_failed", "DataInspectionFailed"})
_TRANSIENT_STATUSES = frozenset({408, 409})
_USAGE_TIMEOUT_SECONDS = 1.0
"""How long to wait for the number of tokens once the answer is complete."""


class OpenAIChat:
    """A chat model behind the endpoint `base_url`, called `name` in answers and errors.

    The key is sent to the endpoint; no message and no log shows it. Without a `price`, usage has no cost.
    """

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
        self._endpoint = f"{name} at {base_url}"
        self._model = model
        self._price = price
        self._options = _options(settings, preset)
        self._client = openai.AsyncOpenAI(
            base_url=base_url, api_key=api_key or _NO_KEY, timeout=settings.total_timeout_seconds, max_retries=0
        )

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        """Call the model once and yield its reasoning and text; `Finished` comes last. Raises ChatError."""
        chunks = await self._open(messages)
        parser = StreamParser(self.name, self._endpoint)
        try:
            while (chunk := await self._next_chunk(chunks, parser)) is not None:
                for piece in parser.feed(chunk):
                    yield piece
            for piece in parser.finish():
                yield piece
        finally:
            await chunks.close()
        parser.check(is_event_stream="event-stream" in _content_type(chunks))
        yield Finished(self.name, parser.is_truncated, self._usage(parser))

    async def close(self) -> None:
        """Close the connections. The model cannot be used afterwards."""
        await self._client.close()

    async def _open(self, messages: Sequence[Message]) -> openai.AsyncStream[ChatCompletionChunk]:
        """Open the stream. An option that the server refuses is left out of this request and of all later ones."""
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
                fewer = _without_refused(options, _server_message(error))
                if fewer is None:
                    raise self._translate_error(error) from error
                self._options = fewer
            except (openai.OpenAIError, UnicodeEncodeError) as error:
                raise self._translate_error(error) from error
        if "text/html" in _content_type(chunks):
            await chunks.close()
            raise NotAChatModel(f"{self._base_url} is a web page, not a chat model; check chat.base_url")
        return chunks

    async def _next_chunk(self, chunks: openai.AsyncStream[ChatCompletionChunk], parser: StreamParser) -> object | None:
        """Return the next chunk, or None at the end of the stream."""
        try:
            # Some servers do not end the stream after a complete answer.
            async with asyncio.timeout(_USAGE_TIMEOUT_SECONDS if parser.is_complete else None):
                return await anext(chunks, None)
        except (TimeoutError, openai.OpenAIError, json.JSONDecodeError, UnicodeDecodeError) as error:
            if parser.is_complete:
                return None
            if parser.has_begun and isinstance(error, openai.APIConnectionError):
                raise ChatBroken(
                    f"{self.name}: the connection to {self._base_url} broke in the middle of the answer"
                ) from error
            raise self._translate_error(error) from error

    def _usage(self, parser: StreamParser) -> Usage | None:
        if parser.tokens is None:
            return None
        return Usage(*parser.tokens, cost=self._price.cost(*parser.tokens) if self._price else None)

    def _translate_error(self, error: Exception) -> ChatError:
        detail = " ".join(_server_message(error).split())
        if self._client.api_key != _NO_KEY:
            detail = detail.replace(self._client.api_key, "***")  # some servers repeat the key
        detail = detail[:200]
        if isinstance(error, openai.APIError) and error.code in _FILTER_CODES:
            return ChatFiltered(f"{self.name}: the provider's content filter stopped the answer: {detail}")
        if isinstance(error, openai.APIStatusError):
            return _status_error(self._endpoint, error, detail)
        return _connection_error(self._endpoint, error, detail)


def _options(settings: ChatSettings, preset: Preset) -> dict[str, object]:
    return {
        "temperature": settings.temperature,
        preset.limit_parameter: settings.max_answer_tokens,
        "stream_options": {"include_usage": True},
        **(preset.thinking_on if settings.thinking else preset.thinking_off),
    }


def _without_refused(options: Mapping[str, object], message: str) -> dict[str, object] | None:
    """Return the options without the one that the server's message names, or None if it names none of them.

    The limit of the answer's length is never left out, only renamed to what the server asks for.
    """
    if "max_tokens" in options and "max_completion_tokens" in message and "support" in message.lower():
        renamed = {"max_tokens": "max_completion_tokens"}
        return {renamed.get(name, name): value for name, value in options.items()}
    refused = next((name for name in options if name in message and not name.startswith("max_")), None)
    return {name: value for name, value in options.items() if name != refused} if refused else None


def _server_message(error: Exception) -> str:
    """Return the server's message. The client library knows one format; FastAPI, for example, sends `{"detail": …}`."""
    body = getattr(error, "body", None)
    if body and not (isinstance(body, Mapping) and body.get("message")):
        return str(body)
    return str(getattr(error, "message", error))


def _connection_error(endpoint: str, error: Exception, detail: str) -> ChatError:
    if isinstance(error, openai.APITimeoutError):
        return ChatTimeout(f"{endpoint} did not answer in time (chat.total_timeout_seconds)")
    if isinstance(error, openai.APIConnectionError):
        return ChatUnavailable(f"{endpoint} cannot be reached; check chat.base_url and the network")
    if isinstance(error, UnicodeEncodeError):
        return ChatAuthenticationError(
            f"{endpoint}: the key has a character that HTTP headers do not allow; check ZHIWEN_CHAT__API_KEY"
        )
    if isinstance(error, openai.APIError) and not isinstance(error, openai.APIResponseValidationError):
        return ChatBroken(f"{endpoint} stopped with an error: {detail}")
    return ChatInvalidResponse(f"{endpoint} sent something that is not a chat answer: {detail}")


def _status_error(endpoint: str, error: openai.APIStatusError, detail: str) -> ChatError:
    status = error.status_code
    if status in (401, 403):
        return ChatAuthenticationError(f"{endpoint} refuses the key (status {status}); check ZHIWEN_CHAT__API_KEY")
    if status == 402 or error.code == "insufficient_quota":
        return ChatAuthenticationError(f"{endpoint}: the account has no credit left (status {status})")
    if status == 404:
        return ChatAuthenticationError(f"{endpoint} does not know the model or the path (status 404); check chat.model")
    wait = _retry_after(error)
    if status == 429:
        return ChatBusy(f"{endpoint} refuses more requests for now (status 429)", retry_after_seconds=wait)
    if status >= 500 or status in _TRANSIENT_STATUSES:
        return ChatUnavailable(f"{endpoint} is not available (status {status})", retry_after_seconds=wait)
    return ChatRejected(f"{endpoint} refused the request (status {status}): {detail}")


def _retry_after(error: openai.APIStatusError) -> float:
    """Seconds to wait before the next attempt, 0 if the server does not say."""
    return parse_retry_after(error.response.headers.get("retry-after", "")) or 0.0


def _content_type(chunks: openai.AsyncStream[ChatCompletionChunk]) -> str:
    return str(chunks.response.headers.get("content-type", ""))
