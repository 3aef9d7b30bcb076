"""An answer as the page shows it: server-sent events that carry HTML, so that no browser has to parse Markdown."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from fastapi.sse import format_sse_event
from pydantic import BaseModel

from api.error_formats import OWN
from api.page.answer_html import AnswerRenderer, Blocks, answer_html
from api.page.batches import batch_ready_items
from api.schemas.questions import AskResponse
from rag.answering.answer import Delta, Event, PassagesFound
from rag.answering.notices import refusal_text
from rag.chat.protocol import ReasoningDelta
from rag.checks.citations import passage_url
from rag.errors import ZhiwenError
from rag.text.language import Language
from rag.types import Answer, Passage

_NEAREST = 3
_REST = 4
"""How many times as long as its rendering took a stream rests before it renders again."""
_MAX_REST_SECONDS = 0.25
_LONG_CHARACTERS = 1000
"""From here on a block takes long enough to render for others to notice."""


class PlaceOut(BaseModel):
    """A passage, and where it can be read. `number` is that of its marker in the answer."""

    number: int
    source: str
    title: str
    heading_path: list[str]
    start_line: int
    end_line: int
    url: str

    @classmethod
    def of(cls, passage: Passage) -> "PlaceOut":
        chunk = passage.chunk
        return cls(
            number=passage.number,
            source=chunk.source,
            title=chunk.title,
            heading_path=list(chunk.heading_path),
            start_line=chunk.start_line,
            end_line=chunk.end_line,
            url=passage_url(chunk),
        )


class PassagesEvent(BaseModel):
    passages: list[PlaceOut]


class ReasoningEvent(BaseModel):
    text: str


class BlocksEvent(BaseModel):
    """The blocks of the answer from number `start` on; what stood from there on is replaced."""

    start: int
    html: list[str]

    @classmethod
    def of(cls, blocks: Blocks) -> "BlocksEvent":
        return cls(start=blocks.start, html=list(blocks.html))


class NearestOut(BaseModel):
    heading: str
    url: str


class AnswerEvent(BaseModel):
    """The whole answer: all of its blocks, and for a refusal the sections that are nearest."""

    answer: AskResponse
    html: list[str]
    nearest: list[NearestOut]


async def page_events(first: Event, events: AsyncGenerator[Event, None], language: Language) -> AsyncIterator[bytes]:
    """`passages`, then `reasoning` and `html` as they come, and last `answer` or `error`.

    `language` is that of the question.
    """
    passages: Sequence[Passage] = first.passages if isinstance(first, PassagesFound) else ()
    markup = AnswerRenderer([passage.number for passage in passages])
    try:
        async with aclosing(batch_ready_items(events)) as batches:
            yield _frame("passages", PassagesEvent(passages=[PlaceOut.of(passage) for passage in passages]))
            async for batch in batches:
                if text := "".join(event.text for event in batch if isinstance(event, ReasoningDelta)):
                    yield _frame("reasoning", ReasoningEvent(text=text))
                started = time.perf_counter()
                if text := "".join(event.text for event in batch if isinstance(event, Delta)):
                    yield _frame("html", BlocksEvent.of(await _rendered(markup, text)))
                if isinstance(batch[-1], Answer):
                    whole = await asyncio.to_thread(_whole, batch[-1], passages, language)
                    yield _frame("answer", whole)
                else:
                    # Others want to be served as well; what comes meanwhile is rendered together.
                    await asyncio.sleep(min(_REST * (time.perf_counter() - started), _MAX_REST_SECONDS))
    except ZhiwenError as error:
        yield OWN.last_event(error)


async def _rendered(markup: AnswerRenderer, text: str) -> Blocks:
    if markup.unsettled_characters < _LONG_CHARACTERS:
        return markup.feed(text)
    return await asyncio.to_thread(markup.feed, text)


def _whole(answer: Answer, passages: Sequence[Passage], language: Language) -> AnswerEvent:
    # The text of a refusal lists the nearest sections; here they are links.
    text = refusal_text(language, ()) if answer.refused else answer.text
    numbers = [citation.number for citation in answer.citations]
    return AnswerEvent(
        answer=AskResponse.of(answer),
        html=list(answer_html(text, numbers, answer.unverified)),
        nearest=_nearest(passages) if answer.refused else [],
    )


def _nearest(passages: Sequence[Passage]) -> list[NearestOut]:
    """The sections of the best passages, each once."""
    found = {passage.chunk.context: passage.chunk for passage in reversed(passages) if passage.chunk.context}
    nearest = list(reversed(found.items()))[:_NEAREST]
    return [NearestOut(heading=heading, url=passage_url(chunk)) for heading, chunk in nearest]


def _frame(name: str, data: BaseModel) -> bytes:
    return format_sse_event(event=name, data_str=data.model_dump_json())
