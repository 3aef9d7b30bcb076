"""Answers as chat completions, whole or in the chunks of a stream."""

import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass

from fastapi.sse import format_sse_event
from pydantic import BaseModel

from api.error_formats import OPENAI
from api.openai.annotations import annotations, closing
from api.openai.schemas import (
    MODEL,
    Annotation,
    AssistantMessage,
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    ChunkChoice,
    CompletionUsage,
    Delta,
    FinishReason,
)
from rag.answering.answer import AnswerEvent
from rag.chat.protocol import ReasoningDelta, TextDelta
from rag.errors import ZhiwenError
from rag.text.language import detect_language
from rag.types import Answer

Events = AsyncGenerator[AnswerEvent, None]


@dataclass(frozen=True, slots=True)
class Style:
    """How answers to one question are given: `base` begins all links, `with_links` lists them under the text."""

    question: str
    base: str
    with_links: bool

    def closing(self, answer: Answer) -> str:
        return closing(answer, self.base, detect_language(self.question), with_links=self.with_links)

    def annotations(self, answer: Answer) -> list[Annotation]:
        return annotations(answer, self.base)


async def whole(events: Events, style: Style) -> ChatCompletion:
    """The completion once the answer is whole. Raises as `Answerer.answer`."""
    thoughts = ""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, ReasoningDelta):
                thoughts += event.text
            elif isinstance(event, Answer):
                message = AssistantMessage(
                    content=event.text + style.closing(event),
                    reasoning_content=thoughts or None,
                    annotations=style.annotations(event),
                )
                return _completion(message, _finish_reason(event), CompletionUsage.of(event.usage), event.trace_id)
    raise AssertionError("an answer always comes last")


def at_once(text: str) -> ChatCompletion:
    """A completion that took no model."""
    return _completion(AssistantMessage(content=text), "stop", CompletionUsage.of(None))


async def chunks(events: Events, style: Style, *, with_usage: bool) -> AsyncIterator[bytes]:
    """The frames of a stream. Each has a choice, also the one with the usage: clients take the first without looking.

    What fails after the beginning is the last frame, an error without choices; no `[DONE]` follows it, for it is not.
    """
    stream = _Stream()
    has_text = False
    try:
        async with aclosing(events):
            yield stream.chunk(Delta(role="assistant", content=""))
            async for event in events:
                match event:
                    case ReasoningDelta(text):
                        yield stream.chunk(Delta(reasoning_content=text))
                    case TextDelta(text):
                        has_text = True
                        yield stream.chunk(Delta(content=text))
                    case Answer():
                        for chunk in _ending(stream, event, style, has_text=has_text, with_usage=with_usage):
                            yield chunk
    except ZhiwenError as error:
        yield OPENAI.last_event(error)
        return
    yield _DONE


async def chunks_at_once(text: str, *, with_usage: bool) -> AsyncIterator[bytes]:
    stream = _Stream()
    yield stream.chunk(Delta(role="assistant", content=text))
    yield stream.last(None, "stop", CompletionUsage.of(None) if with_usage else None)
    yield _DONE


def _ending(stream: "_Stream", answer: Answer, style: Style, *, has_text: bool, with_usage: bool) -> Iterator[bytes]:
    """What follows the text of an answer as it was written."""
    if answer.refused:
        # Nothing of it was shown, or text that turned out not to hold: then the refusal takes it back.
        yield stream.chunk(Delta(content=f"\n\n{answer.text}" if has_text else answer.text))
    if closing := style.closing(answer):
        yield stream.chunk(Delta(content=closing))
    if annotations := style.annotations(answer):
        # All in one, and without content: some clients read the first chunk that has them, and then only these.
        yield stream.chunk(Delta(annotations=annotations))
    usage = CompletionUsage.of(answer.usage) if with_usage else None
    yield stream.last(answer.trace_id, _finish_reason(answer), usage)


class _Stream:
    """What all chunks of a stream have in common."""

    def __init__(self) -> None:
        self._id = _new_id()
        self._created = int(time.time())

    def chunk(self, delta: Delta) -> bytes:
        return _frame(self._chunk(delta, None))

    def last(self, trace_id: str | None, finish_reason: FinishReason, usage: CompletionUsage | None) -> bytes:
        chunk = self._chunk(Delta(), finish_reason)
        if trace_id:
            chunk.trace_id = trace_id
        if usage:
            chunk.usage = usage
        return _frame(chunk)

    def _chunk(self, delta: Delta, finish_reason: FinishReason | None) -> ChatCompletionChunk:
        return ChatCompletionChunk(
            id=self._id,
            object="chat.completion.chunk",
            created=self._created,
            model=MODEL,
            choices=[ChunkChoice(index=0, delta=delta, finish_reason=finish_reason)],
        )


_DONE = format_sse_event(data_str="[DONE]")


def _frame(data: BaseModel) -> bytes:
    # A delta says only what it brings.
    return format_sse_event(data_str=data.model_dump_json(exclude_unset=True))


def _completion(
    message: AssistantMessage, finish_reason: FinishReason, usage: CompletionUsage, trace_id: str | None = None
) -> ChatCompletion:
    choice = Choice(message=message, finish_reason=finish_reason)
    return ChatCompletion(id=_new_id(), created=int(time.time()), choices=[choice], usage=usage, trace_id=trace_id)


def _finish_reason(answer: Answer) -> FinishReason:
    return "length" if answer.truncated else "stop"


def _new_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"
