"""The page of the knowledge base: its documents, and ingests while they run."""

import re

import pytest
from playwright.sync_api import expect

from tests.kit.browser import OpenPage, assert_accessible, no_sideways_scroll
from tests.kit.processes import Server


@pytest.fixture
def more_documents(talking_server: Server) -> int:
    """Enough documents to watch their ingest, and one that cannot be read."""
    for number in range(24):
        text = f"# 手册 {number}\n\n" + "".join(f"第 {number} 篇的第 {part} 段讲灯塔的保养。\n\n" for part in range(4))
        talking_server.workspace.write(f"manuals/{number:02}.md", text)
    talking_server.workspace.write("broken.md", "# Broken\n\0")
    return 24


def test_an_ingest_is_started_watched_and_reported(
    open_page: OpenPage, talking_server: Server, more_documents: int
) -> None:
    before = talking_server.client.get("/health").json()["documents"]
    page = open_page("/knowledge")
    expect(page.locator(".facts")).to_contain_text("待读入")
    expect(page.locator(".facts > div", has_text="文档").locator("dd")).to_have_text(str(before))
    button = page.get_by_role("button", name="读入")
    button.click()
    expect(page.locator("#run")).to_be_visible()
    expect(page.locator("#run-detail")).to_have_text(re.compile(r"^[1-9]\d? / 25 篇 · \d+ 段 · 已嵌入 \d+ 段$"))
    expect(page.locator("#run-speed")).to_have_text(re.compile(r"^\d+(\.\d)? 段/秒 · 还要约 \d+ 秒$"))
    assert 0 < page.locator("#progress").evaluate("bar => bar.value") <= 25
    expect(page.get_by_role("button", name="正在读入…")).to_be_disabled()
    outcome = page.locator("#outcome")
    expect(outcome).to_contain_text("读入完成：新增 24 篇", timeout=60_000)
    expect(outcome).to_contain_text("1 篇没有读入")
    expect(outcome.locator("li")).to_contain_text("broken.md")
    expect(page.locator("#run")).to_be_hidden()
    expect(button).to_be_enabled()
    expect(page.locator(".facts > div", has_text="文档").locator("dd")).to_have_text(str(before + more_documents))
    expect(page.locator("#documents > li")).to_have_count(before + more_documents)
    assert_accessible(page)


def test_documents_are_filtered_opened_and_read(open_page: OpenPage) -> None:
    page = open_page("/knowledge", width=390, height=844)
    page.get_by_label("筛选文档").fill("overview")
    expect(page.locator("#documents > li")).to_have_count(1)
    assert no_sideways_scroll(page)
    page.locator("summary", has_text="概述").click()
    page.get_by_role("link", name="AI 工程架构").click()
    heading = page.get_by_role("heading", name="AI 工程架构")
    expect(heading).to_be_in_viewport()
    assert page.url.endswith("/docs/overview.md#ai-%E5%B7%A5%E7%A8%8B%E6%9E%B6%E6%9E%84")
    assert no_sideways_scroll(page)
    page.goto("/knowledge")
    page.get_by_label("筛选文档").fill("nothing is called so")
    expect(page.get_by_text("没有符合的文档。")).to_be_visible()


def test_an_ingest_that_somebody_else_started_is_shown_too(open_page: OpenPage, talking_server: Server) -> None:
    page = open_page("/knowledge")
    expect(page.locator("#documents > li").first).to_be_visible()
    talking_server.workspace.write("later.md", "# Later\n\n" + "Another sentence about the lighthouse.\n\n" * 3)
    assert talking_server.client.post("/ingest").status_code == 202
    expect(page.locator("#outcome")).to_contain_text("读入完成：新增 1 篇", timeout=20_000)


def test_the_reason_why_an_ingest_failed_is_shown(open_page: OpenPage, talking_server: Server) -> None:
    page = open_page("/knowledge")
    golden = talking_server.workspace.knowledge / "golden.yaml"
    kept = golden.read_text()
    golden.write_text("questions: nonsense\n")
    try:
        page.get_by_role("button", name="读入").click()
        expect(page.locator("#outcome")).to_contain_text("读入失败")
        expect(page.locator("#outcome")).to_contain_text("golden.yaml")
    finally:
        golden.write_text(kept)


def test_a_document_that_is_not_there_is_a_page_that_says_so(open_page: OpenPage) -> None:
    page = open_page("/docs/gone.md", locale="en-US")
    expect(page.get_by_role("heading", name="There is no such document")).to_be_visible()
    expect(page.get_by_text("gone.md")).to_be_visible()
