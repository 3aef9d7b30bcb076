"""Pictures of the pages in both languages, colours and sizes. The tests only take them; people look at them."""

from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.kit.browser import ANSWER, MARTIAN, OpenPage, no_sideways_scroll
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer

ASKED = {"zh-CN": "向量数据库有哪些知名组件？", "en-US": "Which vector databases are well known?"}
WIDTHS = {390: 844, 1440: 900}


def shoot(page: Page, folder: Path, name: str) -> None:
    """Take pictures of the page in both colours and at both sizes."""
    language = page.evaluate("document.documentElement.lang").partition("-")[0]
    for width, scheme in product(WIDTHS, ("light", "dark")):
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of the two
        assert no_sideways_scroll(page)
        picture = folder / f"{name}-{language}-{scheme}-{width}.png"
        page.screenshot(path=picture)
        assert picture.stat().st_size > 5_000


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_pictures(open_page: OpenPage, chat_endpoint: OpenAIServer, screenshots: Path, locale: str) -> None:
    chat_endpoint.play(completion(f"{ANSWER}\n\n| 内容 | 组件 |\n|---|---|\n| 向量数据库 | Milvus [1] |\n\n{MARTIAN}"))
    page = open_page(locale=locale)
    expect(page.locator("#suggestions button").first).to_be_visible()
    shoot(page, screenshots, "1-welcome")
    page.locator("#question").fill(ASKED[locale])
    page.keyboard.press("Enter")
    expect(page.locator(".actions")).to_be_visible()
    shoot(page, screenshots, "2-answer")
    page.locator(".answer .cite").first.click()
    expect(page.locator("#panel .cited").first).to_be_visible()
    shoot(page, screenshots, "3-passage")
    page.keyboard.press("Escape")
    page.locator(".actions [aria-haspopup]").click()
    expect(page.locator("#why svg.figure")).to_be_visible()
    shoot(page, screenshots, "4-why")
    page.keyboard.press("Escape")
    page.locator("#tools [aria-haspopup]").click()
    expect(page.locator(".history li")).to_have_count(1)
    shoot(page, screenshots, "5-history")
    page.goto("/knowledge")
    page.locator("#documents summary").first.click()
    expect(page.locator(".outline a").first).to_be_visible()
    shoot(page, screenshots, "6-knowledge")
    page.goto("/docs/overview.md?lines=58-61#passage")
    expect(page.locator(".cited").first).to_be_visible()
    shoot(page, screenshots, "7-document")
