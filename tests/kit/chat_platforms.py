"""Feishu and WeCom as a bot sees them: they sign and encrypt what they send, and take messages."""

import base64
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx2
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tests.kit.threaded_server import http_served
from tests.kit.waiting import eventually

APP_ID, APP_SECRET, ENCRYPT_KEY = "cli_a1b2c3", "feishu-app-secret", "feishu-encrypt-key"
CORP_ID, AGENT_ID, CORP_SECRET, TOKEN = "ww0a1b2c", 1000002, "wecom-app-secret", "wecomtoken"
AES_KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")


def _encrypted(plain: bytes, key: bytes, iv: bytes, block_bytes: int) -> bytes:
    padding = block_bytes - len(plain) % block_bytes
    encryptor = Cipher(AES256(key), CBC(iv)).encryptor()
    return encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()


def feishu_request(payload: object, *, key: str = ENCRYPT_KEY, age_seconds: float = 0) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a callback."""
    iv = os.urandom(16)
    plain = json.dumps(payload, ensure_ascii=False).encode()
    encrypted = iv + _encrypted(plain, hashlib.sha256(key.encode()).digest(), iv, 16)
    body = json.dumps({"encrypt": base64.b64encode(encrypted).decode()}).encode()
    timestamp, nonce = str(int(time.time() - age_seconds)), os.urandom(8).hex()
    signature = hashlib.sha256((timestamp + nonce + key).encode() + body).hexdigest()
    return body, {
        "Content-Type": "application/json; charset=utf-8",
        "X-Lark-Request-Timestamp": timestamp,
        "X-Lark-Request-Nonce": nonce,
        "X-Lark-Signature": signature,
    }


def feishu_event(text: str, *, event_id: str, **message: object) -> dict[str, Any]:
    """The event of a message in a group that mentions the bot."""
    return {
        "schema": "2.0",
        "header": {
            "event_id": event_id,
            "event_type": "im.message.receive_v1",
            "create_time": "1764400000000",
            "token": "verification-token",
            "app_id": APP_ID,
            "tenant_key": "2ed263bf",
        },
        "event": {
            "sender": {"sender_id": {"open_id": "ou_84aad35d"}, "sender_type": "user", "tenant_key": "2ed263bf"},
            "message": {
                "message_id": f"om_{event_id}",
                "chat_id": "oc_5ce6d572",
                "chat_type": "group",
                "message_type": "text",
                "content": json.dumps({"text": text}),
                "mentions": [{"key": "@_user_1", "id": {"open_id": "ou_bot"}, "name": "知问"}],
                **message,
            },
        },
    }


def wecom_encrypted(text: str, *, corp_id: str = CORP_ID, aes_key: str = AES_KEY) -> str:
    """A text as WeCom encrypts it."""
    key = base64.b64decode(f"{aes_key}=")
    content = text.encode()
    plain = os.urandom(16) + len(content).to_bytes(4, "big") + content + corp_id.encode()
    return base64.b64encode(_encrypted(plain, key, key[:16], 32)).decode()


def wecom_query(encrypted: str, *, token: str = TOKEN, age_seconds: float = 0) -> dict[str, str]:
    """The query of a callback with this encrypted text."""
    timestamp, nonce = str(int(time.time() - age_seconds)), str(int.from_bytes(os.urandom(4), "big"))
    signature = hashlib.sha1("".join(sorted((token, timestamp, nonce, encrypted))).encode()).hexdigest()  # noqa: S324
    return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}


def wecom_message(text: str, *, event_id: str, kind: str = "text", agent_id: int = AGENT_ID) -> str:
    """The XML of a message before it is encrypted."""
    return (
        f"<xml><ToUserName><![CDATA[{CORP_ID}]]></ToUserName><FromUserName><![CDATA[zhang.san]]></FromUserName>"
        f"<CreateTime>1764400000</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>"
        f"<Content><![CDATA[{text}]]></Content><MsgId>{event_id}</MsgId><AgentID>{agent_id}</AgentID></xml>"
    )


def wecom_body(encrypted: str) -> bytes:
    """The body of a callback."""
    return (
        f"<xml><ToUserName><![CDATA[{CORP_ID}]]></ToUserName><AgentID><![CDATA[{AGENT_ID}]]></AgentID>"
        f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    ).encode()


@dataclass
class SentMessage:
    """A message that a bot has sent: where to, its text, and the token that it was sent with."""

    to: str
    text: str
    token: str
    body: dict[str, Any]


@dataclass
class ChatPlatforms:
    """The API of both platforms. `token_number` counts the tokens; with `old_tokens`, the next calls are refused."""

    url: str
    sent: list[SentMessage] = field(default_factory=list)
    token_number: int = 0
    old_tokens: int = 0
    refuses: bool = False

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a server with both bots."""
        return {
            "ZHIWEN_BOTS__FEISHU_APP_ID": APP_ID,
            "ZHIWEN_BOTS__FEISHU_APP_SECRET": APP_SECRET,
            "ZHIWEN_BOTS__FEISHU_ENCRYPT_KEY": ENCRYPT_KEY,
            "ZHIWEN_BOTS__FEISHU_URL": self.url,
            "ZHIWEN_BOTS__WECOM_CORP_ID": CORP_ID,
            "ZHIWEN_BOTS__WECOM_AGENT_ID": str(AGENT_ID),
            "ZHIWEN_BOTS__WECOM_SECRET": CORP_SECRET,
            "ZHIWEN_BOTS__WECOM_TOKEN": TOKEN,
            "ZHIWEN_BOTS__WECOM_AES_KEY": AES_KEY,
            "ZHIWEN_BOTS__WECOM_URL": self.url,
        }

    def messages_to(self, to: str, count: int = 1) -> list[SentMessage]:
        """The messages to a message or person, as soon as there are `count` of them."""
        return eventually(
            lambda: [each for each in list(self.sent) if each.to == to],
            until=lambda found: len(found) >= count,
            within_seconds=60,
        )

    def reply(self, method: str, address: str, authorization: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the API replies."""
        url = httpx2.URL(address)
        if (method, url.path) == ("POST", "/open-apis/auth/v3/tenant_access_token/internal"):
            assert body == {"app_id": APP_ID, "app_secret": APP_SECRET}
            self.token_number += 1
            return {"code": 0, "msg": "ok", "tenant_access_token": f"t-{self.token_number}", "expire": 7200}
        if (method, url.path) == ("GET", "/cgi-bin/gettoken"):
            assert dict(url.params) == {"corpid": CORP_ID, "corpsecret": CORP_SECRET}
            self.token_number += 1
            return {"errcode": 0, "errmsg": "ok", "access_token": f"w-{self.token_number}", "expires_in": 7200}
        is_feishu = url.path.startswith("/open-apis/im/v1/messages/") and url.path.endswith("/reply")
        code = "code" if is_feishu else "errcode"
        if self.refuses:
            return {code: 230002}
        if self.old_tokens:
            self.old_tokens -= 1
            return {code: 99991663 if is_feishu else 42001}
        if is_feishu:
            [[part]] = json.loads(body["content"])["zh_cn"]["content"]
            assert (body["msg_type"], part["tag"]) == ("post", "md")
            token = authorization.removeprefix("Bearer ")
            self.sent.append(SentMessage(url.path.split("/")[-2], part["text"], token, body))
            return {"code": 0, "msg": "success", "data": {}}
        assert (method, url.path) == ("POST", "/cgi-bin/message/send")
        assert (body["msgtype"], body["agentid"]) == ("markdown", AGENT_ID)
        assert len(body["markdown"]["content"].encode()) <= 2048
        self.sent.append(SentMessage(body["touser"], body["markdown"]["content"], url.params["access_token"], body))
        return {"errcode": 0, "errmsg": "ok", "msgid": "1"}


@contextmanager
def chat_platforms() -> Iterator[ChatPlatforms]:
    """Play both platforms on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            reply = running.reply(self.command, self.path, self.headers.get("authorization", ""), body)
            content = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST

    with http_served(Handler) as url:
        running = ChatPlatforms(url)
        yield running
