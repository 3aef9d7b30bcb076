"""The page of what nobody could answer: its list, what it offers for a gap, and its files."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.api_keys import key_of
from tests.kit.browser import assert_accessible, no_sideways_scroll
from tests.kit.processes import FirstAsk, Server
from tests.kit.waiting import eventually

ASKED = ("谁是法国总统？", "Who is the president of France?", "明天上海会下雨吗？")
KEY = key_of("reader")


@pytest.fixture(scope="module")
def keeping(first_ask: FirstAsk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a key that keeps questions, after three that it could not answer."""
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("keeping"))
    given = {"ZHIWEN_TRACES__KEEP_QUESTIONS": "true", "ZHIWEN_SERVE__KEYS": f"reader:ask:{KEY}"}
    with workspace.given(**given).serving() as running:
        running.client.headers["Authorization"] = f"Bearer {KEY}"
        for question in ASKED:
            assert running.post("/ask", question=question).json()["refused"]
        eventually(
            lambda: int(running.client.get("/gaps").json()["asked"]),
            until=lambda asked: asked == len(ASKED),
            within_seconds=30,
            message="the questions are kept",
        )
        yield running


def opened(browser: Browser, server: Server, **options: object) -> Page:
    context = browser.new_context(base_url=server.url, locale="zh-CN", **options)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto("/unanswered")
    page.get_by_label("API 密钥").fill(KEY)
    page.keyboard.press("Enter")
    return page


def test_gaps_are_listed_and_become_golden_questions_and_drafts(
    browser: Browser, keeping: Server, screenshots: Path
) -> None:
    page = opened(browser, keeping)
    expect(page.locator("#summary")).to_have_text("答不上来的事有 2 件，一共问了 3 次。")
    first = page.locator("#gaps > li").first
    expect(first).to_contain_text("2 次")
    first.locator("summary").click()
    page.get_by_role("button", name="写成黄金问题").first.click()
    expect(first.locator("pre")).to_contain_text('source: "overview.md"')
    page.get_by_role("button", name="起草缺的段落").first.click()
    expect(first.locator("pre")).to_contain_text("待写：在这里回答上面的问题。")
    expect(first.locator("pre")).to_have_count(1)
    assert_accessible(page)
    page.screenshot(path=screenshots / "gaps.png", full_page=True)
    page.set_viewport_size({"width": 360, "height": 800})
    assert no_sideways_scroll(page)
    page.get_by_role("button", name="EN：切换到英文").click()
    expect(page.locator("#summary")).to_have_text("2 things that nobody could answer, asked 3 times in all.")
    page.context.close()


def test_the_files_come_with_the_key(browser: Browser, keeping: Server) -> None:
    page = opened(browser, keeping)
    with page.expect_download() as csv:
        page.get_by_role("button", name="下载 CSV").click()
    assert csv.value.path().read_text("utf-8-sig").startswith("question,asked,")
    with page.expect_download() as found:
        page.get_by_role("button", name="下载 JSON").click()
    assert json.loads(found.value.path().read_text("utf-8"))["found"] == 2
    page.context.close()
