"""The page of a server that requires a key, and of one that goes away."""

import secrets
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.browser import ANSWER, answered, ask, assert_in_view, chat_settings
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server, Workspace, assert_json_error

if TYPE_CHECKING:
    from tests.kit.milvus_process import MilvusProcess

READER, KEEPER = secrets.token_urlsafe(32), secrets.token_urlsafe(32)


@pytest.fixture
def talking(workspace: Workspace, chat_endpoint: OpenAIServer) -> Workspace:
    """A folder whose server asks `chat_endpoint`."""
    return workspace.given(**chat_settings(chat_endpoint))


def give_key(page: Page, key: str, reason: str) -> None:
    dialog = page.get_by_role("dialog", name="需要密钥")
    expect(dialog).to_contain_text(reason)
    dialog.get_by_label("API 密钥").fill(key)
    dialog.get_by_role("button", name="使用").click()


def test_a_server_with_keys_asks_for_one_and_shows_nothing_without_it(
    browser: Browser, talking: Workspace, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion(ANSWER))
    with talking.given(ZHIWEN_SERVE__KEYS=f"reader:ask:{READER},keeper:ingest:{KEEPER}").serving() as server:
        page = browser.new_page(locale="zh-CN", base_url=server.url)
        page.goto("/")
        give_key(page, "zw_wrong", "要求 API 密钥")
        give_key(page, READER, "无效")
        answered(page).locator(".answer .cite").first.click()
        expect(page.locator("#panel .cited")).to_be_visible()
        assert page.evaluate("key => Object.values(localStorage).join().includes(key)", READER) is False

        page.goto("/knowledge")
        expect(page.locator("#documents > li").first).to_contain_text("概述")
        page.get_by_role("button", name="读入").click()
        give_key(page, KEEPER, "没有这项权限")
        expect(page.locator("#outcome")).to_contain_text("读入完成")

        # A link on another site opens a tab without a key.
        for path in ("/docs/overview.md?lines=82", "/docs/nothing.md"):
            response = server.client.get(path, headers={"Accept": "text/html"})
            assert response.status_code == 200
            assert "向量数据库" not in response.text
        assert_json_error(server.client.get("/documents/overview.md"), 401, "key_missing")
        elsewhere = browser.new_page(locale="zh-CN", base_url=server.url)
        elsewhere.goto("/docs/overview.md?lines=82#passage")
        give_key(elsewhere, READER, "要求 API 密钥")
        expect(elsewhere.locator(".cited")).to_contain_text("PingCAP")
        assert_in_view(elsewhere, "#doc-passage td:nth-child(3)")
        for each in (page, elsewhere):
            each.close()


def test_a_server_killed_during_an_answer_is_reported_and_used_again_when_it_is_back(
    browser: Browser, talking: Workspace, chat_endpoint: OpenAIServer
) -> None:
    server = Server.start(talking)
    try:
        chat_endpoint.play(completion("知名的向量数据库组件有 Milvus，", hangs=True))
        page = browser.new_page(locale="zh-CN")
        page.goto(server.url)
        turn = ask(page)
        expect(turn.locator(".answer")).to_contain_text("知名的")
        server.kill()
        expect(turn.locator(".failed")).to_contain_text("连不上服务")
        expect(page.locator("#notice")).to_contain_text("连不上服务")
        turn.get_by_role("button", name="重试").click()
        turn = page.locator(".turn")
        expect(turn.locator(".failed")).to_contain_text("连不上服务")
        port = int(server.url.rpartition(":")[2])
        server = Server.start(server.workspace, port=port)
        expect(page.locator("#notice")).to_have_text("服务恢复了。", timeout=10_000)
        chat_endpoint.play(completion(ANSWER))
        turn.get_by_role("button", name="重试").click()
        expect(page.locator(".turn .answer")).to_contain_text("PingCAP")
        expect(page.locator("#notice")).to_be_hidden()
        page.close()
    finally:
        server.kill()


# The package `milvus` does not close its log files.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_page_whose_store_is_late_says_so_and_goes_on_when_it_is_there(
    browser: Browser, empty_workspace: Workspace, milvus_server: "MilvusProcess"
) -> None:
    waiting = empty_workspace.given(
        ZHIWEN_STORE__URI=milvus_server.uri, ZHIWEN_STORE__COLLECTION="late_page", ZHIWEN_RETRIEVAL__MODE="dense"
    )
    milvus_server.kill()
    try:
        with waiting.serving("--watch") as server:
            page = browser.new_page(locale="zh-CN", base_url=server.url)
            page.goto("/")
            expect(page.locator("#notice")).to_contain_text("知识库还没准备好")
            milvus_server.start()
            expect(page.locator("#notice")).to_have_text("服务恢复了。", timeout=60_000)
            server.wait_for_ingest(lambda state: state["last"])
            expect(ask(page).locator(".answer")).to_contain_text("PingCAP")
            page.close()
    finally:
        if not milvus_server.is_running:
            milvus_server.start()


def test_without_traces_an_answer_can_be_neither_rated_nor_explained(browser: Browser, workspace: Workspace) -> None:
    with workspace.given(ZHIWEN_TRACES__ENABLED="false").serving() as server:
        page = browser.new_page(locale="zh-CN", base_url=server.url)
        page.goto("/")
        turn = answered(page)
        expect(turn.get_by_role("button", name="复制")).to_be_visible()
        assert turn.locator("[data-rating]").count() == 0
        assert turn.get_by_role("button", name="为什么").count() == 0
