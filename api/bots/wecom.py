"""A bot of WeCom: the callbacks of an app of the company, and messages of that app."""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from xml.etree import ElementTree

from api.bots.callback import WRONG_KEY, BotQuestion, check_age, decrypt
from api.bots.platform import PlatformError, Reply
from api.bots.platform_api import AccessToken, PlatformAPI
from api.request_errors import HookUnreadable, HookUnsigned
from rag.bot_settings import BotSettings
from rag.errors import ConfigError

_EXPIRED = frozenset({40001, 40014, 42001})
_BLOCK_BYTES = 32
_RANDOM_BYTES, _LENGTH_BYTES = 16, 4
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}")


class WecomBot:
    """Reads the messages to one app, and sends messages to the people who wrote them. A `Platform`.

    Raises ConfigError if the AES key is malformed.
    """

    name = "wecom"
    max_bytes = 2048

    def __init__(self, settings: BotSettings) -> None:
        self._corp_id = settings.wecom_corp_id
        self._agent_id = settings.wecom_agent_id
        self._secret = settings.wecom_secret.get_secret_value()
        self._token = settings.wecom_token.get_secret_value()
        self._aes_key = _aes_key(settings.wecom_aes_key.get_secret_value())
        self._api = PlatformAPI(
            settings.wecom_url, error_field="errcode", expired=_EXPIRED, fetch_token=self._fetch_token
        )

    def echo(self, query: Mapping[str, str]) -> Reply:
        """Return the reply to the request with which WeCom checks the address. Raises HookUnsigned."""
        return Reply(self._decrypted(query, query.get("echostr", "")))

    def read(self, query: Mapping[str, str], body: bytes) -> Reply:
        """Return the empty reply to a message; its answer is sent later. Raises HookUnsigned, HookUnreadable."""
        message = _fields(self._decrypted(query, _fields(_utf8(body)).get("Encrypt", "")))
        sender, text, event_id = (message.get(name, "") for name in ("FromUserName", "Content", "MsgId"))
        is_text = message.get("MsgType") == "text" and event_id
        if not is_text or message.get("AgentID") != str(self._agent_id) or not _USER.fullmatch(sender):
            return Reply()
        return Reply(question=BotQuestion(event_id, text.strip(), sender))

    async def send(self, question: BotQuestion, text: str, *, number: int) -> None:
        """Send a message to the person who asked. Raises PlatformError."""
        body = {
            "touser": question.answer_to,
            "msgtype": "markdown",
            "agentid": self._agent_id,
            "markdown": {"content": text},
        }
        await self._api.post_with_token("/cgi-bin/message/send", body, in_query=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    def _decrypted(self, query: Mapping[str, str], encrypted: str) -> str:
        """Return an encrypted text: 16 random bytes, its length, the text, and the id of its receiver."""
        timestamp = query.get("timestamp", "")
        signed = "".join(sorted((self._token, timestamp, query.get("nonce", ""), encrypted)))
        expected = hashlib.sha1(signed.encode(), usedforsecurity=False).hexdigest()  # WeCom knows no other
        if not hmac.compare_digest(query.get("msg_signature", "").encode(), expected.encode()):
            raise HookUnsigned(WRONG_KEY)
        check_age(timestamp)
        iv = self._aes_key[:16]
        content = decrypt(encrypted, key=self._aes_key, iv=iv, block_bytes=_BLOCK_BYTES)[_RANDOM_BYTES:]
        end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "big")
        if content[end:] != self._corp_id.encode():
            raise HookUnsigned(f"the request is for another company than bots.wecom_corp_id {self._corp_id}")
        return _utf8(content[_LENGTH_BYTES:end])

    async def _fetch_token(self, api: PlatformAPI) -> AccessToken:
        query = {"corpid": self._corp_id, "corpsecret": self._secret}
        reply = await api.call("GET", "/cgi-bin/gettoken", query=query)
        if reply["errcode"] != 0:
            raise PlatformError(f"WeCom refuses the company {self._corp_id}: {reply['errcode']} {reply.get('errmsg')}")
        return AccessToken(str(reply.get("access_token")), float(reply.get("expires_in") or 0))


def _aes_key(encoded: str) -> bytes:
    try:
        key = base64.b64decode(f"{encoded}=", validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ConfigError("ZHIWEN_BOTS__WECOM_AES_KEY must be the EncodingAESKey of the app, which has 43 characters")
    return key


def _fields(xml: str) -> dict[str, str]:
    """Return the texts below the root. Raises HookUnreadable, also for entities, which could expand without end."""
    if "<!DOCTYPE" in xml:
        raise HookUnreadable("the request has a document type, which WeCom does not send")
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314  (without a document type there are no entities to expand)
    except (ElementTree.ParseError, ValueError) as error:
        raise HookUnreadable("the request is not XML") from error
    return {element.tag: element.text or "" for element in root}


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise HookUnreadable("the request is not UTF-8") from error
