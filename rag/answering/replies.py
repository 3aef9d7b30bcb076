"""Repeat what a chat model wrote to the same messages, so that an answer survives edits that do not concern it.

Only the text of the model is kept. The search, the citations and all checks run again, on the live generation and with
what the caller may see; if they lead to the same rules, passages and question for the same model, its text is the same.
So no answer is stale: a model that would read anything else is called.
"""

import hashlib
import threading
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass

from cachetools import LRUCache

from rag.chat.protocol import ChatModel, ChatStream, Finished, Message, TextDelta, TextRetracted

_MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete text of `model`."""

    text: str
    model: str


class ReplyCache:
    """Keeps 16 MB of the replies that were used last, none unless it `is_on`. Safe to use from several threads.

    There are thousands of them: questions that the cache of answers takes do not count as a use.
    """

    def __init__(self, *, is_on: bool) -> None:
        self._lock = threading.Lock()
        self._is_on = is_on
        self._replies: LRUCache[bytes, Reply] = LRUCache(_MAX_BYTES, getsizeof=lambda reply: 4 * len(reply.text) + 1)

    def get(self, key: bytes) -> Reply | None:
        """Return the reply to the messages with this key, or None."""
        with self._lock:
            return self._replies.get(key)

    def put(self, key: bytes, reply: Reply) -> None:
        """Keep a reply, unless it is too large; drop those whose last use is longest ago for it."""
        with self._lock:
            if self._is_on and self._replies.getsizeof(reply) <= _MAX_BYTES:
                self._replies[key] = reply


class RepeatingChat:
    """A chat model for the answer to one question: it repeats a reply that is kept, and calls `chat` otherwise.

    `keep` keeps what `chat` wrote, once it is known to be good.
    """

    def __init__(self, chat: ChatModel, replies: ReplyCache) -> None:
        self._chat = chat
        self._replies = replies
        self._written: tuple[bytes, Reply] | None = None
        self.has_repeated = False

    @property
    def name(self) -> str:
        """The name of the chat model."""
        return self._chat.name

    @property
    def context_tokens(self) -> int | None:
        """The context of the chat model."""
        return self._chat.context_tokens

    async def stream(self, messages: Sequence[Message]) -> ChatStream:
        """Yield the reply that is kept in one piece, or the pieces of the chat model. Raises ChatError."""
        key = hashlib.sha256(repr((self.name, *messages)).encode("utf-8", "surrogatepass")).digest()
        if kept := self._replies.get(key):
            self.has_repeated = True
            yield TextDelta(kept.text)
            yield Finished(kept.model)
            return
        text = ""
        async with aclosing(self._chat.stream(messages)) as pieces:
            async for piece in pieces:
                match piece:
                    case TextDelta():
                        text += piece.text
                    case TextRetracted():
                        text = ""
                    case Finished(model, truncated=False):
                        self._written = key, Reply(text, model)
                yield piece

    def keep(self) -> None:
        """Keep the reply of the chat model, if it has written a complete one."""
        if self._written:
            self._replies.put(*self._written)

    async def close(self) -> None:
        """Do nothing: the chat model serves other questions."""
