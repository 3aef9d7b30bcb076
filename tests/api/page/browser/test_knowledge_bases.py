"""The chooser of the page, where a server has several knowledge bases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.browser import OpenPage, opened_pages
from tests.kit.knowledge_bases import ingested_workspace
from tests.kit.processes import Server, Workspace

FALCON = "How many ports has the Falcon router?"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with ingested_workspace(tmp_path_factory, tmp_path_factory.mktemp("browsed")).serving() as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, several: Server) -> Iterator[OpenPage]:
    """Opens pages of this server."""
    with opened_pages(browser, several) as open_path:
        yield open_path


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator(".turn").last.locator(".actions")).to_be_visible()


def test_a_question_goes_to_the_chosen_one_and_its_sources_open(open_page: OpenPage, screenshots: Path) -> None:
    page = open_page("/", locale="en-US")
    chooser = page.get_by_label("Knowledge base", exact=True)
    expect(chooser.locator("option")).to_have_text(["Default", "员工手册", "products", "All knowledge bases"])
    chooser.select_option("handbook")
    expect(page.locator("#knowledge-base-about")).to_have_text("The rules for employees")
    expect(page.locator("#suggestions button").first).to_contain_text("Leave")
    page.screenshot(path=screenshots / "knowledge-bases.png")
    chooser.select_option("products")
    ask(page, FALCON)
    turn = page.locator(".turn").last
    expect(turn.locator(".answer")).to_contain_text("four ports")
    turn.locator(".source").first.click()
    expect(page.locator("#panel .prose")).to_contain_text("Its warranty lasts 36 months")


def test_the_choice_stays_and_a_question_to_all_says_where_its_sources_are(
    open_page: OpenPage, screenshots: Path
) -> None:
    page = open_page("/", locale="en-US")
    chooser = page.get_by_label("Knowledge base", exact=True)
    chooser.select_option("all")
    page.reload()
    expect(chooser).to_have_value("all")
    ask(page, FALCON)
    expect(page.locator(".turn .source .where").first).to_contain_text("products: README.md:3 · 2")
    page.screenshot(path=screenshots / "knowledge-bases-all.png")


def test_the_knowledge_page_shows_and_ingests_the_chosen_one(
    open_page: OpenPage, several: Server, screenshots: Path
) -> None:
    page = open_page("/knowledge", locale="en-US")
    chooser = page.get_by_label("Knowledge base", exact=True)
    expect(chooser.locator("option")).to_have_text(["Default", "员工手册", "products"])
    expect(page.locator("#root")).to_contain_text("/knowledge")
    chooser.select_option("handbook")
    expect(page.locator("#root")).to_contain_text("/handbook")
    expect(page.locator("#documents b")).to_have_text(["Leave", "Travel"])
    (several.workspace.folder / "handbook" / "new.md").write_text("# Bicycles\n\nA rule.\n", encoding="utf-8")
    page.get_by_role("button", name="Ingest").click()
    expect(page.locator("#documents b")).to_have_text(["Leave", "Bicycles", "Travel"])
    page.screenshot(path=screenshots / "knowledge-bases-knowledge.png")
    listed = several.client.get("/knowledge-bases").json()["knowledge_bases"]
    assert [each["generation"] for each in listed] == [1, 2, 1]


def test_the_page_of_gaps_is_about_the_chosen_one(open_page: OpenPage) -> None:
    page = open_page("/unanswered", locale="en-US")
    chooser = page.get_by_label("Knowledge base", exact=True)
    expect(chooser.locator("option")).to_have_text(["Default", "员工手册", "products"])
    with page.expect_response(lambda response: "/gaps?limit=50&knowledge_base=handbook" in response.url):
        chooser.select_option("handbook")
    expect(page.locator("#summary")).not_to_be_empty()


def test_a_choice_that_is_gone_becomes_the_default_one(open_page: OpenPage) -> None:
    page = open_page("/", locale="en-US")
    page.evaluate("localStorage.setItem('zhiwen.knowledge_base', 'gone')")
    page.reload()
    expect(page.get_by_label("Knowledge base", exact=True)).to_have_value("default")
    ask(page, "Where does the harbour pilot board?")
    expect(page.locator(".turn .answer").last).to_contain_text("buoy seven")


def test_with_one_knowledge_base_there_is_no_chooser(browser: Browser, tmp_path: Path) -> None:
    workspace = Workspace.with_shipped_knowledge(tmp_path)
    with workspace.serving() as server, opened_pages(browser, server) as open_page:
        page = open_page("/")
        expect(page.locator("#suggestions")).to_be_attached()
        expect(page.locator("#knowledge-bases")).to_have_count(0)
