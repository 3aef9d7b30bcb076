"""What bots may show: all documents, or those that a key or group may see."""

import asyncio
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.bots.answering import BotAnswers
from api.bots.callback import BotQuestion
from api.bots.notices import NO_ANSWER
from api.bots.routes import Bots, add_bots, open_bots
from api.guard.key_file import line_of
from api.guard.key_reload import ReloadingKeys
from api.guard.keys import KeyRing, new_key
from api.service.key_entries import rights_by_name
from rag.bot_settings import BotSettings
from rag.errors import ConfigError
from rag.rights import UNLIMITED, Rights
from rag.serve_settings import ServeSettings
from rag.wiring import Services
from tests.kit import chat_platforms as platforms
from tests.kit.api_keys import key_of
from tests.kit.keyed_app import keyed_app
from tests.kit.services import UNOPENED, changed, with_settings

TEXTS = {
    "lamp.md": "---\ntags: public\n---\n\n# Lamp\n\nThe lamp of the harbour burns oil.\n",
    "pay.md": "---\ntags: hr\n---\n\n# Salary\n\nThe cormorant salary of the harbour pilot is 98765 crowns.\n",
}
QUESTION = "How many crowns is the cormorant salary of the harbour pilot?"


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
    question = BotQuestion("1", QUESTION, "om_1")
    asyncio.run(BotAnswers(services, chat, lambda: rights).answer(question, "https://kb.example.com"))
    [text] = chat.texts
    return text


def test_a_bot_shows_what_the_key_may_see_whose_rights_it_has(tmp_path: Path) -> None:
    keys = f"some:ask?tags=public:{key_of('some')},none:ask@other:{key_of('none')}"
    with keyed_app(tmp_path, {"default": TEXTS}, keys) as app:
        known = rights_by_name(app.services.settings.serve)
        assert "98765" in said(app.services, UNLIMITED)
        assert "98765" not in said(app.services, known["some"])
        assert said(app.services, known["none"]) == NO_ANSWER["en"]


def test_the_rights_of_nobody_are_an_error() -> None:
    services = changed(UNOPENED, settings=with_settings(UNOPENED, bots=BotSettings(rights_of="nobody")))
    with pytest.raises(ConfigError, match=r"bots\.rights_of is nobody, but there is no API key or group"):
        add_bots(FastAPI(), Bots(None, None), services, KeyRing())


def test_a_bot_follows_the_rights_of_its_key_while_the_server_runs(tmp_path: Path) -> None:
    file, now, key = tmp_path / "keys.txt", [0.0], new_key()
    file.write_text(line_of("desk", ["ask"], key))
    keys = ReloadingKeys(ServeSettings(keys_file=str(file)), owner_token="t" * 43, clock=lambda: now[0])

    def said_when(line: str, event_id: str) -> str:
        file.write_text(line)
        now[0] += 2
        body, headers = platforms.feishu_request(platforms.feishu_event(QUESTION, event_id=event_id))
        assert client.post("/hooks/feishu", content=body, headers=headers).status_code == 200
        return chats.messages_to(f"om_{event_id}")[0].text

    with platforms.chat_platforms() as chats, keyed_app(tmp_path, {"default": TEXTS}, keys) as shown:
        given = {name.removeprefix("ZHIWEN_BOTS__").lower(): value for name, value in chats.settings.items()}
        settings = BotSettings.model_validate({**given, "rights_of": "desk"})
        services = changed(shown.services, settings=with_settings(shown.services, bots=settings))
        app = FastAPI()
        add_bots(app, open_bots(settings), services, keys)
        with TestClient(app) as client:
            assert "98765" in said_when(line_of("desk", ["ask"], key), "all")
            assert "98765" not in said_when(line_of("desk", ["ask"], key, where=["tags=public"]), "some")
            assert said_when(line_of("other", ["ask"], key), "removed") == NO_ANSWER["en"]
