"""What a chat platform is for the bot: it reads callbacks and sends messages."""

from dataclasses import dataclass
from typing import Protocol

from api.bots.callback import BotQuestion


class PlatformError(Exception):
    """The platform cannot be reached, or refuses a message. The text has no secret."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The immediate reply to a callback, and the question in the callback, None if there is no question."""

    content: str = ""
    media_type: str = "text/plain"
    question: BotQuestion | None = None


class Platform(Protocol):
    """One chat platform. `max_bytes` bounds a message in UTF-8."""

    name: str
    max_bytes: int

    async def send(self, question: BotQuestion, text: str, *, number: int) -> None:
        """Send message `number` of the answer, as Markdown. Raises PlatformError."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...
