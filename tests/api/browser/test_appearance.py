"""Pictures of the pages in both languages, colours and sizes: that they are taken is tested, looking at them is ours."""

from pathlib import Path

import pytest
from browser_kit import ANSWER, MARTIAN, OpenPage
from chat_endpoint import ChatEndpoint
from playwright.sync_api import expect

ASKED = {"zh-CN": "向量数据库有哪些知名组件？", "en-US": "Which vector databases are well known?"}


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_pictures(
    open_page: OpenPage, chat_endpoint: ChatEndpoint, screenshots: Path, locale: str, scheme: str, width: int
) -> None:
    chat_endpoint.plays(f"{ANSWER}\n\n| 内容 | 组件 |\n|---|---|\n| 向量数据库 | Milvus [1] |\n\n{MARTIAN}")
    page = open_page(locale=locale, color_scheme=scheme, width=width, height=844 if width == 390 else 900)

    def shoot(name: str) -> None:
        picture = screenshots / f"{name}-{locale[:2]}-{scheme}-{width}.png"
        page.screenshot(path=picture)
        assert picture.stat().st_size > 10_000

    expect(page.locator("#suggestions button").first).to_be_visible()
    shoot("1-welcome")
    page.locator("#question").fill(ASKED[locale])
    page.keyboard.press("Enter")
    expect(page.locator(".actions")).to_be_visible()
    shoot("2-answer")
    page.locator(".answer .cite").first.click()
    expect(page.locator("#panel .cited").first).to_be_visible()
    shoot("3-passage")
    page.keyboard.press("Escape")
    page.locator(".actions [aria-haspopup]").click()
    expect(page.locator("#why svg.figure")).to_be_visible()
    shoot("4-why")
    page.goto("/knowledge")
    expect(page.locator("#documents summary").first).to_be_visible()
    shoot("5-knowledge")
