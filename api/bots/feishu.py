"""A bot of Feishu or Lark: encrypted events of version 2.0, and replies to messages."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from api.bots.callback import WRONG_KEY, BotQuestion, check_age, decrypt
from api.bots.platform import PlatformError, Reply
from api.bots.platform_api import AccessToken, PlatformAPI
from api.request_errors import HookUnreadable, HookUnsigned
from rag.bot_settings import BotSettings

_EXPIRED = frozenset({99991661, 99991663, 99991664, 99991668, 99991671})
_BLOCK_BYTES = 16


class _Body(BaseModel):
    encrypt: str


class _Header(BaseModel):
    event_id: str
    event_type: str
    app_id: str


class _Sender(BaseModel):
    sender_type: str = ""


class _Mention(BaseModel):
    key: str


class _Message(BaseModel):
    message_id: str
    message_type: str
    content: str
    mentions: list[_Mention] | None = None


class _Event(BaseModel):
    sender: _Sender = _Sender()
    message: _Message | None = None


class _Payload(BaseModel):
    type: str = ""
    challenge: str = ""
    header: _Header | None = None
    event: _Event = _Event()


class FeishuBot:
    """Reads the events of one app, and replies to its messages. A `Platform`."""

    name = "feishu"
    max_bytes = 20_000  # a post has at most 30 KB as JSON

    def __init__(self, settings: BotSettings) -> None:
        self._app_id = settings.feishu_app_id
        self._secret = settings.feishu_app_secret.get_secret_value()
        self._encrypt_key = settings.feishu_encrypt_key.get_secret_value()
        self._api = PlatformAPI(
            settings.feishu_url, error_field="code", expired=_EXPIRED, fetch_token=self._fetch_token
        )

    def read(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Return the reply to a callback. Raises HookUnsigned and HookUnreadable.

        Only the challenge, with which Feishu checks the address, comes without a signature.
        """
        is_signed = "x-lark-signature" in headers
        if is_signed:
            self._check_signature(headers, body)
        try:
            encrypted = _Body.model_validate_json(body).encrypt
        except ValidationError as error:
            raise HookUnsigned(WRONG_KEY) from error
        key = hashlib.sha256(self._encrypt_key.encode()).digest()
        plain = decrypt(encrypted, key=key, block_bytes=_BLOCK_BYTES)
        try:
            payload = _Payload.model_validate_json(plain)
        except ValidationError as error:
            raise (HookUnreadable("the event has an unknown form") if is_signed else HookUnsigned(WRONG_KEY)) from error
        if payload.type == "url_verification":
            return Reply(json.dumps({"challenge": payload.challenge}), "application/json")
        if not is_signed:
            raise HookUnsigned(WRONG_KEY)
        return Reply("{}", "application/json", self._question(payload))

    async def send(self, question: BotQuestion, text: str, *, number: int) -> None:
        """Reply to the message; `uuid` keeps Feishu from showing a reply twice. Raises PlatformError."""
        content = {"zh_cn": {"content": [[{"tag": "md", "text": text}]]}}
        body = {
            "msg_type": "post",
            "content": json.dumps(content, ensure_ascii=False),
            "uuid": hashlib.sha256(f"{question.event_id} {number}".encode()).hexdigest()[:50],
        }
        path = f"/open-apis/im/v1/messages/{question.answer_to}/reply"
        await self._api.post_with_token(path, body, in_query=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    def _check_signature(self, headers: Mapping[str, str], body: bytes) -> None:
        timestamp = headers.get("x-lark-request-timestamp", "")
        signed = (timestamp + headers.get("x-lark-request-nonce", "") + self._encrypt_key).encode() + body
        given = headers.get("x-lark-signature", "").encode()
        if not hmac.compare_digest(given, hashlib.sha256(signed).hexdigest().encode()):
            raise HookUnsigned(WRONG_KEY)
        check_age(timestamp)

    def _question(self, payload: _Payload) -> BotQuestion | None:
        header, message = payload.header, payload.event.message
        is_for_us = header and header.app_id == self._app_id and header.event_type == "im.message.receive_v1"
        if not header or not message or not is_for_us or payload.event.sender.sender_type != "user":
            return None
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", message.message_id):
            return None
        text = _text(message)
        return BotQuestion(header.event_id, text, message.message_id) if text is not None else None

    async def _fetch_token(self, api: PlatformAPI) -> AccessToken:
        path = "/open-apis/auth/v3/tenant_access_token/internal"
        reply = await api.call("POST", path, body={"app_id": self._app_id, "app_secret": self._secret})
        if reply["code"] != 0:
            raise PlatformError(f"Feishu refuses the app {self._app_id}: {reply['code']} {reply.get('msg')}")
        return AccessToken(str(reply.get("tenant_access_token")), float(reply.get("expire") or 0))


def _text(message: _Message) -> str | None:
    """Return the text without mentions, which have names such as `@_user_1`; None if the message is not a text."""
    if message.message_type != "text":
        return None
    try:
        content: Any = json.loads(message.content)
    except ValueError:
        return None
    text = content.get("text") if isinstance(content, dict) else None
    if not isinstance(text, str):
        return None
    # `@_user_1` also begins `@_user_10`.
    for key in sorted((mention.key for mention in message.mentions or ()), key=len, reverse=True):
        text = text.replace(key, "")
    return text.strip()
