"""Chat models behind any OpenAI-compatible endpoint.

The client library takes a stream that breaks off, and a web page with status 200, for a complete answer, and waits ten
minutes by default; so completeness and deadlines are checked here, and it is retried only before the first token.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator

import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from rag.config import ChatSettings
from rag.errors import ChatBroken, ChatError, ChatTimeout, ChatUnavailable
from rag.prompt import Prompt

_NO_KEY = "none"  # the client insists on one; local servers ignore it
_RETRIED = (408, 409, 429)
_FIRST_DELAY_SECONDS = 0.5


class OpenAIChat:
    """Streams answers from `base_url`. The key is sent, and never shown."""

    is_extractive = False

    def __init__(self, settings: ChatSettings, *, name: str, base_url: str, model: str, api_key: str) -> None:
        self.name = name
        self._settings = settings
        self._base_url = base_url
        self._model = model
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or _NO_KEY,
            timeout=settings.total_timeout_seconds,
            max_retries=0,
        )

    async def stream(self, prompt: Prompt) -> AsyncIterator[str]:
        deadline = time.monotonic() + self._settings.total_timeout_seconds
        chunks, first = await self._open(prompt, deadline)
        finish_reason: str | None = None
        begun = False
        try:
            chunk: ChatCompletionChunk | None = first
            while chunk is not None:
                text, reason = self._read(chunk)
                finish_reason = reason or finish_reason
                if text:
                    begun = True
                    yield text
                chunk = await self._next(chunks, self._settings.idle_timeout_seconds, deadline)
        except ChatUnavailable as error:
            if begun:
                raise ChatBroken(f"{self.name}: the connection to {self._base_url} broke in mid-answer") from error
            raise
        finally:
            await chunks.close()
        if finish_reason == "content_filter":
            raise ChatBroken(f"{self.name}: the provider's content filter stopped the answer")
        if finish_reason is None:
            raise ChatBroken(f"{self.name}: the answer broke off, or {self._base_url} is not a chat endpoint")

    def _read(self, chunk: object) -> tuple[str, str | None]:
        """Text and finish reason. The client checks nothing: what it calls a chunk may be anything that is JSON."""
        if not isinstance(chunk, ChatCompletionChunk):
            raise ChatBroken(f"{self.name} at {self._base_url} sent something that is not a chat answer")
        choices = getattr(chunk, "choices", None)
        choice = choices[0] if isinstance(choices, list) and choices else None
        text = getattr(getattr(choice, "delta", None), "content", None)
        return text if isinstance(text, str) else "", getattr(choice, "finish_reason", None)

    async def close(self) -> None:
        await self._client.close()

    async def _open(
        self, prompt: Prompt, deadline: float
    ) -> tuple[openai.AsyncStream[ChatCompletionChunk], ChatCompletionChunk | None]:
        """The stream and its first chunk; tried again while nothing has been said yet."""
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": message.content}
            if message.role == "system"
            else {"role": "user", "content": message.content}
            for message in prompt.messages
        ]
        for attempt in range(1, self._settings.max_attempts + 1):
            try:
                return await self._try(messages, deadline)
            except ChatError as error:
                delay = _retry_delay(error, attempt)
                if delay is None or attempt == self._settings.max_attempts or time.monotonic() + delay >= deadline:
                    raise
                await asyncio.sleep(delay)
        raise AssertionError("unreachable")

    async def _try(
        self, messages: list[ChatCompletionMessageParam], deadline: float
    ) -> tuple[openai.AsyncStream[ChatCompletionChunk], ChatCompletionChunk | None]:
        wait = min(self._settings.first_token_timeout_seconds, deadline - time.monotonic())
        started = time.monotonic()
        try:
            chunks = await asyncio.wait_for(
                self._client.chat.completions.create(
                    model=self._model,
                    messages=messages,
                    temperature=self._settings.temperature,
                    max_tokens=self._settings.max_answer_tokens,
                    stream=True,
                ),
                wait,
            )
        except (TimeoutError, openai.OpenAIError, UnicodeEncodeError) as error:
            raise self._translated(error) from error
        try:
            first = await self._next(chunks, wait - (time.monotonic() - started), deadline)
        except ChatError:
            await chunks.close()
            raise
        return chunks, first

    async def _next(
        self, chunks: openai.AsyncStream[ChatCompletionChunk], wait_seconds: float, deadline: float
    ) -> ChatCompletionChunk | None:
        """The next chunk, None at the end."""
        wait = min(wait_seconds, deadline - time.monotonic())
        try:
            # Yields first: with no time left, even a chunk that is there already comes too late.
            async with asyncio.timeout(wait):
                await asyncio.sleep(0)
                return await anext(chunks, None)
        except (TimeoutError, openai.OpenAIError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise self._translated(error) from error

    def _translated(self, error: Exception) -> ChatError:
        where = f"{self.name} at {self._base_url}"
        if isinstance(error, TimeoutError | openai.APITimeoutError):
            return ChatTimeout(f"{where} did not answer in time (chat.*_timeout_seconds)")
        if isinstance(error, openai.APIConnectionError):
            return ChatUnavailable(f"{where} cannot be reached; check chat.base_url and the network")
        if isinstance(error, UnicodeEncodeError):
            return ChatUnavailable(
                f"{where}: the key holds a character that no header can carry; check ZHIWEN_CHAT__API_KEY"
            )
        detail = " ".join(str(getattr(error, "message", error)).split())
        if self._client.api_key != _NO_KEY:
            detail = detail.replace(self._client.api_key, "***")  # some servers repeat it
        detail = detail[:200]
        if isinstance(error, openai.APIStatusError):
            return _from_status(where, error, detail)
        return ChatBroken(f"{where} sent something that is not a chat answer: {detail}")


def _from_status(where: str, error: openai.APIStatusError, detail: str) -> ChatError:
    status = error.status_code
    if status in (401, 403):
        return ChatUnavailable(f"{where} refuses the key (status {status}); check ZHIWEN_CHAT__API_KEY")
    if status == 404:
        return ChatUnavailable(f"{where} does not know the model or the path (status 404); check chat.model")
    if status >= 500 or status in _RETRIED:
        return ChatUnavailable(f"{where} is not available now (status {status})")
    return ChatBroken(f"{where} refused the request (status {status}): {detail}")


def _retry_delay(error: ChatError, attempt: int) -> float | None:
    """Seconds to wait before trying again, or None if that would not help."""
    cause = error.__cause__
    backoff: float = _FIRST_DELAY_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311  (jitter)
    if isinstance(cause, openai.APIStatusError):
        if cause.status_code < 500 and cause.status_code not in _RETRIED:
            return None
        try:
            return max(backoff, float(cause.response.headers.get("retry-after", "")))
        except ValueError:
            return backoff
    return backoff if isinstance(cause, openai.APIConnectionError) else None
