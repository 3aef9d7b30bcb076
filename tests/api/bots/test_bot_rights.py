"""What bots may show: all documents, or those that a key or group may see."""

import asyncio
from pathlib import Path

import pytest
from fastapi import FastAPI

from api.bots.answering import BotAnswers
from api.bots.callback import BotQuestion
from api.bots.routes import Bots, add_bots
from api.service.key_entries import rights_by_name
from rag.bot_settings import BotSettings
from rag.errors import ConfigError
from rag.rights import UNLIMITED, Rights
from rag.wiring import Services
from tests.kit.api_keys import key_of
from tests.kit.keyed_app import keyed_app
from tests.kit.services import UNOPENED, with_settings

TEXTS = {
    "lamp.md": "---\ntags: public\n---\n\n# Lamp\n\nThe lamp of the harbour burns oil.\n",
    "pay.md": "---\ntags: hr\n---\n\n# Salary\n\nThe cormorant salary of the harbour pilot is 98765 crowns.\n",
}


class Chat:
    """A platform on which everybody reads along."""

    name = "feishu"
    max_bytes = 2000

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def send(self, question: BotQuestion, text: str, *, number: int) -> None:
        self.texts.append(text)

    async def close(self) -> None:
        pass


def said(services: Services, rights: Rights) -> str:
    chat = Chat()
    question = BotQuestion("1", "How many crowns is the cormorant salary of the harbour pilot?", "om_1")
    asyncio.run(BotAnswers(services, chat, rights).answer(question, "https://kb.example.com"))
    [text] = chat.texts
    return text


def test_a_bot_shows_what_the_key_may_see_whose_rights_it_has(tmp_path: Path) -> None:
    keys = f"some:ask?tags=public:{key_of('some')},none:ask@other:{key_of('none')}"
    with keyed_app(tmp_path, {"default": TEXTS}, keys) as app:
        rights = rights_by_name(app.services.settings.serve)
        assert "98765" in said(app.services, UNLIMITED)
        assert "98765" not in said(app.services, rights["some"])
        assert said(app.services, rights["none"]) == "There is no answer at the moment. Ask again shortly."


def test_the_rights_of_nobody_are_an_error() -> None:
    settings = with_settings(UNOPENED, bots=BotSettings(rights_of="nobody"))
    services = Services(settings, store=UNOPENED.store, embedder=UNOPENED.embedder)
    with pytest.raises(ConfigError, match=r"bots\.rights_of is nobody, but there is no API key or group"):
        add_bots(FastAPI(), Bots(None, None), services)
