"""Chat models behind any OpenAI-compatible endpoint.

The client library makes the calls. It takes only the streams that OpenAI sends, and hides how one ended, so this
module reads what comes back. One call of `stream` gives one answer or one error: timeouts and retries are in
`rag/chat/fallback.py`.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx2
import openai

from rag.chat.event_stream import EventStream, NotEvents
from rag.chat.presets import CUSTOM, Preset, context_tokens_of
from rag.chat.prices import Price
from rag.chat.protocol import ChatStream, Finished, Message
from rag.chat.provider_errors import ProviderErrors
from rag.chat.reasoning_tags import always_reasons
from rag.chat.request_options import RequestOptions
from rag.chat.stream_parser import StreamParser
from rag.errors import ChatBroken, ChatInvalidResponse, ChatTimeout, ChatUnavailable, ConfigError, NotAChatModel
from rag.models.http_route import find_route
from rag.models.provider_reason import mask_keys, read_reason
from rag.settings import ChatSettings
from rag.types import Usage

_NO_KEY = "none"  # without one, the client library would take that of the environment; it is not sent
_MAX_ERROR_BYTES = 64 * 1024
_MOST_REQUESTS = 8
"""Of one call: each repeats the request without an option that the server has refused."""
_SECONDS_AFTER_END = 1.0
"""How long to wait for the number of tokens once the answer is complete."""
_SECONDS_AFTER_TEXT_WITH_END = 10.0
"""How long to wait for more if the end came with a piece of text: some servers send one with every piece."""


class OpenAIChat:
    """A chat model behind the endpoint `base_url`, called `name` in answers and errors.

    The key is sent to the endpoint; no message and no log shows it. `key_variable` is the variable that holds it.
    `extra_body` holds parameters to send besides the usual ones. Without a `price`, usage has no cost.

    What the endpoint refuses, and whether the model closes reasoning that it never opens, is remembered as long as the
    instance lives. The constructor does no I/O; it raises ConfigError if the key or the proxy cannot be used.
    """

    def __init__(  # noqa: PLR0913 (what the settings say about one model)
        self,
        settings: ChatSettings,
        *,
        name: str,
        base_url: str,
        model: str,
        api_key: str,
        preset: Preset = CUSTOM,
        price: Price | None = None,
        key_variable: str = "ZHIWEN_CHAT__API_KEY",
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        if not (api_key.isascii() and api_key.isprintable()):
            raise ConfigError(f"{name}: the key has a character that HTTP headers do not allow; check {key_variable}")
        self.name = name
        self.context_tokens = settings.context_tokens or context_tokens_of(preset, model)
        self._base_url = base_url
        self._endpoint = f"{name} at {base_url}"
        self._model = model
        self._api_key = api_key
        self._price = price
        self._thinks = settings.thinking
        self._options = RequestOptions.of(settings, preset, extra_body or {})
        self._holds = always_reasons(model)
        self._errors = ProviderErrors(name, self._endpoint, model, key_variable)
        self._route = find_route(base_url)
        http_client = httpx2.AsyncClient(**self._route.client_options, limits=httpx2.Limits(), follow_redirects=True)
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=api_key or _NO_KEY,
            timeout=settings.total_timeout_seconds,
            max_retries=0,
            http_client=http_client,
        )

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        """Call the model once and yield its reasoning and text; `Finished` comes last. Raises ChatError."""
        parser = StreamParser(self.name, self._endpoint, thinks=self._thinks, holds=self._holds)
        try:
            async with self._open(messages) as response, aclosing(self._events(response, parser)) as events:
                async for event in events:
                    for piece in parser.feed(event):
                        yield piece
        except httpx2.StreamError as error:
            raise self._broken(error, parser) from error
        for piece in parser.finish():
            yield piece
        self._holds = self._holds or parser.closes_unopened_reasoning
        parser.check()
        yield Finished(self.name, parser.is_truncated, self._usage(parser))

    async def close(self) -> None:
        """Close the connections. The model cannot be used afterwards."""
        await self._client.close()

    @asynccontextmanager
    async def _open(self, messages: Sequence[Message]) -> AsyncIterator[httpx2.Response]:
        """Open the stream. What the server refuses is left out and, if it takes the rest, of all later requests too."""
        options = self._options
        for number in range(1, _MOST_REQUESTS + 1):
            try:
                async with self._send(options.body(self._model, messages)) as response:
                    self._options = options
                    yield response.http_response
                    return
            except openai.APIStatusError as error:
                reason = read_reason(error.response.content[:_MAX_ERROR_BYTES], self._api_key)
                fewer = options.without_refused(error.status_code, reason.complaint)
                if fewer is None or number == _MOST_REQUESTS:
                    raise self._errors.of_status(error.status_code, reason, error.response.headers) from error
                options = fewer
            except openai.APITimeoutError as error:
                if isinstance(error.__cause__, httpx2.ConnectTimeout):
                    raise self._unreachable() from error
                raise ChatTimeout(f"{self._endpoint} did not answer in time (chat.total_timeout_seconds)") from error
            except (openai.APIConnectionError, httpx2.InvalidURL) as error:
                raise self._unreachable() from error

    def _send(self, body: Mapping[str, object]) -> Any:
        """Return the context manager of a response whose body has not been read."""
        sendable = json.loads(json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))
        return self._client.chat.completions.with_streaming_response.create(
            model=sendable.pop("model"),
            messages=sendable.pop("messages"),
            stream=sendable.pop("stream", openai.omit),
            extra_headers={
                "Accept": "text/event-stream, application/json",
                "Authorization": f"Bearer {self._api_key}" if self._api_key else openai.omit,
            },
            extra_body=sendable,
        )

    async def _events(self, response: httpx2.Response, parser: StreamParser) -> AsyncGenerator[object, None]:
        """Yield the events of the answer; raise the error that one of them is."""
        if "text/html" in response.headers.get("content-type", ""):
            raise NotAChatModel(f"{self._base_url} is a web page, not a chat model; check chat.base_url")
        decoder = EventStream()
        try:
            async with aclosing(response.aiter_bytes()) as parts:
                while not parser.is_done and (part := await self._next_part(parts, parser)) is not None:
                    for event in decoder.feed(part):
                        if parser.is_done or (parser.is_complete and _is_error(event)):
                            return
                        yield self._checked(event)
            for event in () if parser.is_done else decoder.finish():
                yield self._checked(event)
        except NotEvents as error:
            raise NotAChatModel(
                f"{self._endpoint} is not a chat model: it answered {mask_keys(str(error), self._api_key)[:100]!r}; "
                "check chat.base_url"
            ) from error
        except ValueError as error:
            if parser.is_complete:
                return
            raise ChatInvalidResponse(f"{self._endpoint} sent something that is not a chat answer") from error
        if decoder.is_empty and "event-stream" not in response.headers.get("content-type", ""):
            raise NotAChatModel(f"{self._endpoint} is not a chat model: it answered nothing; check chat.base_url")

    async def _next_part(self, parts: AsyncIterator[bytes], parser: StreamParser) -> bytes | None:
        """Return the next part of the body, or None at its end. Some servers do not end it after a complete answer."""
        seconds = None
        if parser.may_be_complete:
            seconds = _SECONDS_AFTER_END if parser.is_complete else _SECONDS_AFTER_TEXT_WITH_END
        try:
            async with asyncio.timeout(seconds):
                return await anext(parts, None)
        except TimeoutError:
            return None
        except httpx2.RequestError as error:
            if parser.may_be_complete:
                return None
            raise self._broken(error, parser) from error

    def _checked(self, event: object) -> object:
        if _is_error(event):
            raise self._errors.in_stream(read_reason(event, self._api_key))
        return event

    def _broken(self, error: Exception, parser: StreamParser) -> Exception:
        if isinstance(error, httpx2.TimeoutException):
            return ChatTimeout(f"{self._endpoint} did not answer in time (chat.total_timeout_seconds)")
        if parser.has_begun:
            return ChatBroken(f"{self.name}: the connection to {self._base_url} broke in the middle of the answer")
        return self._unreachable()

    def _unreachable(self) -> ChatUnavailable:
        way_out = (
            "check the proxy, or put the host into NO_PROXY"
            if self._route.proxy
            else ("check chat.base_url and the network")
        )
        return ChatUnavailable(f"{self._endpoint} cannot be reached{self._route.hint}; {way_out}")

    def _usage(self, parser: StreamParser) -> Usage | None:
        if parser.tokens is None:
            return None
        return Usage(*parser.tokens, cost=self._price.cost(*parser.tokens) if self._price else None)


def _is_error(event: object) -> bool:
    if not isinstance(event, dict):
        return False
    if event.get("error") or "error" in (event.get("object"), event.get("type")):
        return True
    return not event.get("choices") and any(event.get(name) for name in ("message", "detail", "msg"))
