"""Bots of Feishu and WeCom on a running server, with a local server that plays the platforms."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.kit import chat_platforms as platforms
from tests.kit.chat_platforms import ChatPlatforms, chat_platforms
from tests.kit.processes import PUBLIC_URL, FirstAsk, Server, assert_json_error
from tests.kit.waiting import eventually

QUESTION = "向量数据库有哪些知名组件？"
OFF_TOPIC = "红烧肉怎么做才不腻？"


@pytest.fixture(scope="module")
def chats() -> Iterator[ChatPlatforms]:
    with chat_platforms() as running:
        yield running


@pytest.fixture(scope="module")
def bots(first_ask: FirstAsk, chats: ChatPlatforms, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with API keys, which the platforms do not have."""
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("bots")).given(
        **chats.settings,
        ZHIWEN_SERVE__KEYS=f"desk:ask:{'k' * 32}",
        ZHIWEN_SERVE__PUBLIC_URL=PUBLIC_URL,
        ZHIWEN_SERVE__AUDIT_FILE="audit.jsonl",
    )
    with workspace.serving() as server:
        yield server


def send_feishu(server: Server, payload: object, *, is_signed: bool = True, **how: float) -> httpx2.Response:
    body, headers = platforms.feishu_request(payload, **how)
    kept = headers if is_signed else {"Content-Type": headers["Content-Type"]}
    return server.client.post("/hooks/feishu", content=body, headers=kept)


def send_wecom(server: Server, xml: str, **how: float) -> httpx2.Response:
    encrypted = platforms.wecom_encrypted(xml)
    query = platforms.wecom_query(encrypted, **how)
    return server.client.post("/hooks/wecom", content=platforms.wecom_body(encrypted), params=query)


def test_a_message_in_feishu_gets_one_reply_with_citations_however_often_it_is_delivered(
    bots: Server, chats: ChatPlatforms
) -> None:
    event = platforms.feishu_event(f"@_user_1 {QUESTION}", event_id="e1")
    for _ in range(3):
        response = send_feishu(bots, event)
        assert (response.status_code, response.json()) == (200, {})
    [message] = chats.messages_to("om_e1")
    assert "Milvus" in message.text
    assert f"\n来源:\n[1] [概述 › AI 工程架构]({PUBLIC_URL}/docs/overview.md?lines=82-82#passage)" in message.text
    send_feishu(bots, platforms.feishu_event(f"@_user_1 {OFF_TOPIC}", event_id="e2"))
    [refusal] = chats.messages_to("om_e2")
    assert "没有这个问题的答案" in refusal.text
    assert len(chats.messages_to("om_e1")) == 1
    assert refusal.token == message.token, "a token is used until it ends"
    assert refusal.body["uuid"] != message.body["uuid"]
    noted = [json.loads(line) for line in Path(bots.workspace.folder, "audit.jsonl").read_text().splitlines()]
    assert {(line["action"], line["key"], line["route"]) for line in noted} == {
        ("asked", "feishu", "POST /hooks/feishu")
    }


def test_feishu_checks_the_address_with_a_challenge_that_it_does_not_sign(bots: Server) -> None:
    challenge = {"challenge": "ajls384k", "token": "verification-token", "type": "url_verification"}
    response = send_feishu(bots, challenge, is_signed=False)
    assert (response.status_code, response.json()) == (200, {"challenge": "ajls384k"})
    assert send_feishu(bots, challenge).json() == {"challenge": "ajls384k"}


def test_a_message_in_wecom_gets_one_answer_with_citations(bots: Server, chats: ChatPlatforms) -> None:
    for _ in range(2):
        response = send_wecom(bots, platforms.wecom_message(QUESTION, event_id="71"))
        assert (response.status_code, response.text) == (200, "")
    [message] = chats.messages_to("zhang.san")
    assert "Milvus" in message.text
    assert f"({PUBLIC_URL}/docs/overview.md?lines=82-82#passage)" in message.text
    chats.old_tokens = 1
    send_wecom(bots, platforms.wecom_message(OFF_TOPIC, event_id="72"))
    first, second = chats.messages_to("zhang.san", 2)
    assert first.token != second.token, "a token that has ended is replaced"


def test_wecom_checks_the_address_with_an_echo(bots: Server) -> None:
    encrypted = platforms.wecom_encrypted("1616140317555161061")
    query = platforms.wecom_query(encrypted)
    response = bots.client.get("/hooks/wecom", params={**query, "echostr": encrypted})
    assert (response.status_code, response.text) == (200, "1616140317555161061")
    query["nonce"] += "0"
    assert_json_error(bots.client.get("/hooks/wecom", params={**query, "echostr": encrypted}), 401, "hook_unsigned")


def test_what_is_not_signed_or_too_old_is_refused(bots: Server) -> None:
    event = platforms.feishu_event(QUESTION, event_id="refused")
    assert_json_error(send_feishu(bots, event, is_signed=False), 401, "hook_unsigned")
    assert "five minutes" in assert_json_error(send_feishu(bots, event, age_seconds=310), 401, "hook_unsigned")
    assert_json_error(send_feishu(bots, event, age_seconds=-310), 401, "hook_unsigned")
    body, headers = platforms.feishu_request(event, key="another-key")
    assert_json_error(bots.client.post("/hooks/feishu", content=body, headers=headers), 401, "hook_unsigned")
    for content in (b"", b"{}", b'{"encrypt": "AAAA"}', b'{"encrypt": 1}', b"\xff"):
        assert_json_error(bots.client.post("/hooks/feishu", content=content), 401, "hook_unsigned")
    message = platforms.wecom_message(QUESTION, event_id="refused")
    assert_json_error(send_wecom(bots, message, age_seconds=310), 401, "hook_unsigned")
    assert_json_error(bots.client.post("/hooks/wecom", content=platforms.wecom_body("AAAA")), 401, "hook_unsigned")
    for encrypted in (
        platforms.wecom_encrypted(message, corp_id="ww_other"),
        platforms.wecom_encrypted(message, aes_key=platforms.AES_KEY[::-1][:42] + "A"),
        "AAAA",
    ):
        query = platforms.wecom_query(encrypted)
        refused = bots.client.post("/hooks/wecom", content=platforms.wecom_body(encrypted), params=query)
        assert_json_error(refused, 401, "hook_unsigned")
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa">]><xml><Encrypt>&a;</Encrypt></xml>'
    assert_json_error(bots.client.post("/hooks/wecom", content=entities), 400, "hook_unreadable")
    assert_json_error(send_wecom(bots, "no xml"), 400, "hook_unreadable")
    assert_json_error(bots.client.post("/ask", json={"question": QUESTION}), 401, "key_missing")


def test_what_is_no_question_is_taken_and_not_answered(bots: Server, chats: ChatPlatforms) -> None:
    before = len(chats.sent)
    others = [
        platforms.feishu_event(QUESTION, event_id="o1", message_type="image", content='{"image_key": "img_1"}'),
        platforms.feishu_event(QUESTION, event_id="o2", content="[]"),
        platforms.feishu_event(QUESTION, event_id="o3", message_id="../../x"),
    ]
    from_a_bot = platforms.feishu_event(QUESTION, event_id="o4")
    from_a_bot["event"]["sender"]["sender_type"] = "app"
    of_another_app = platforms.feishu_event(QUESTION, event_id="o5")
    of_another_app["header"]["app_id"] = "cli_other"
    joined = {"schema": "2.0", "header": {**of_another_app["header"], "event_type": "im.chat.member.bot.added_v1"}}
    for payload in (*others, from_a_bot, of_another_app, joined):
        assert send_feishu(bots, payload).status_code == 200
    assert send_wecom(bots, platforms.wecom_message("", event_id="o6", kind="event")).status_code == 200
    assert send_wecom(bots, platforms.wecom_message(QUESTION, event_id="o7", agent_id=7)).status_code == 200
    send_feishu(bots, platforms.feishu_event("@_user_1", event_id="o8"))
    assert chats.messages_to("om_o8")[0].text == "Ask a question in words that is not too long."
    send_feishu(bots, platforms.feishu_event(QUESTION, event_id="o9"))
    assert chats.messages_to("om_o9"), "an answer to one of those above would have come before it"
    assert len(chats.sent) == before + 2


def test_a_platform_that_refuses_a_message_is_logged_without_secrets(bots: Server, chats: ChatPlatforms) -> None:
    chats.refuses = True
    send_feishu(bots, platforms.feishu_event(QUESTION, event_id="r1"))
    eventually(lambda: bots.log, until=lambda log: "an answer could not be sent" in log, within_seconds=60)
    chats.refuses = False
    send_feishu(bots, platforms.feishu_event(QUESTION, event_id="r2"))
    assert chats.messages_to("om_r2")
    for secret in (platforms.APP_SECRET, platforms.CORP_SECRET, platforms.ENCRYPT_KEY, "t-1", "w-1"):
        assert secret not in bots.log
