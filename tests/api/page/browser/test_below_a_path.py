"""The page below a path of a reverse proxy."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.kit.browser import ANSWER, answered, chat_settings
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.path_proxy import path_proxy
from tests.kit.processes import Workspace


@pytest.mark.parametrize("strips", [True, False])
def test_a_page_below_a_path_never_leaves_it(
    browser: Browser, workspace: Workspace, chat_endpoint: OpenAIServer, strips: bool
) -> None:
    chat_endpoint.play(completion(ANSWER))
    given = {} if strips else {"ZHIWEN_SERVE__PUBLIC_URL": "https://example.com/team/kb"}
    with (
        workspace.given(**chat_settings(chat_endpoint), **given).serving() as server,
        path_proxy(server.url, "/team/kb", strips=strips) as address,
    ):
        use(browser, address)


def use(browser: Browser, address: str) -> None:
    """Ask, follow a citation, and go through the knowledge page to a document, all below the address."""
    requested: list[str] = []
    page = browser.new_page(locale="zh-CN", base_url=f"{address}/")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    page.on("response", lambda response: errors.append(response.url) if response.status >= 400 else None)
    page.goto(f"{address}/")
    expect(page.locator("#suggestions button").first).to_be_visible()
    answered(page).locator(".answer .cite").first.click()
    expect(page.locator("#panel .cited")).to_be_visible()
    expect(page.get_by_role("link", name="单独打开")).to_have_attribute("href", re.compile("^/team/kb/docs/"))
    page.get_by_role("link", name="知识库").click()
    expect(page.locator("#documents > li").first).to_contain_text("概述")
    page.locator("#documents summary").first.click()
    page.get_by_role("link", name="阅读全文").first.click()
    expect(page.locator("article.document .prose")).to_contain_text("向量数据库")
    assert page.url.startswith(f"{address}/docs/")
    page.close()
    assert [url for url in requested if not url.startswith((f"{address}/", "data:", "blob:"))] == []
    assert errors == []
