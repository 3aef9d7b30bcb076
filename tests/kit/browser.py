"""Questions, answers and checks of a page for the browser tests."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect

from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server

OpenPage = Callable[..., Page]

QUESTION = "向量数据库有哪些知名组件？"
ANSWER = "知名的向量数据库组件有 **Milvus** [1]，以及 PingCAP（基于 TiKV 的向量引擎）[1]。"
MARTIAN = "PingCAP 成立于 1987 年，总部在火星 [1]。"
"""A sentence whose citation does not support it."""


@contextmanager
def opened_pages(browser: Browser, server: Server) -> Iterator[OpenPage]:
    """Open paths of a server, each in a new profile: `open_page("/", width=390, locale="en-US")`.

    At the end no script of others has run, nothing was asked of another host, and no error was reported.
    """
    contexts: list[tuple[BrowserContext, Page]] = []
    strangers: list[str] = []
    errors: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((server.url, "data:", "blob:")):
            strangers.append(request.url)

    def open_path(
        path: str = "/", *, width: int = 1280, height: int = 800, locale: str = "zh-CN", **options: Any
    ) -> Page:
        context = browser.new_context(
            base_url=server.url, viewport={"width": width, "height": height}, locale=locale, **options
        )
        context.set_default_timeout(15_000)
        context.on("request", note)
        context.add_init_script(_GUARD)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        contexts.append((context, page))
        page.goto(path)
        return page

    yield open_path
    for context, page in contexts:
        ran, violations = page.evaluate("[window.ran || 0, window.violations]")
        assert (ran, violations) == (0, [])
        context.close()
    assert strangers == []
    assert errors == []


_GUARD = """
window.alert = window.confirm = window.prompt = () => { window.ran = (window.ran || 0) + 1; };
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def chat_settings(endpoint: OpenAIServer) -> dict[str, str]:
    """The settings of a server that asks the endpoint once for each question and caches no answer."""
    return {
        "ZHIWEN_CHAT__PROVIDER": "custom",
        "ZHIWEN_CHAT__BASE_URL": endpoint.base_url,
        "ZHIWEN_CHAT__MODEL": "scripted",
        "ZHIWEN_CHAT__MAX_ATTEMPTS": "1",
        "ZHIWEN_CHAT__REST_AFTER_FAILURES": "100",
        "ZHIWEN_ANSWERING__CACHED_ANSWERS": "0",
    }


def ask(page: Page, question: str = QUESTION) -> Locator:
    """Ask, and return the turn of the question."""
    page.get_by_label("你的问题").fill(question)
    page.keyboard.press("Enter")
    return page.locator(".turn").last


def answered(page: Page, question: str = QUESTION) -> Locator:
    turn = ask(page, question)
    expect(turn.locator(".actions").first).to_be_visible()
    return turn


def assert_in_view(page: Page, selector: str) -> None:
    """Wait until the element is visible on the screen, and not only part of the layout."""
    page.wait_for_function(_IS_IN_VIEW, arg=selector, timeout=30_000)


_IS_IN_VIEW = """selector => {
    const element = document.querySelector(selector);
    if (!element) return false;
    const box = element.getBoundingClientRect();
    const at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    return element === at || element.contains(at);
}"""


def no_sideways_scroll(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def assert_accessible(page: Page) -> None:
    """Assert that axe finds nothing serious or critical."""
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert not serious, json.dumps(
        [(one["id"], [node["html"] for node in one["nodes"]]) for one in serious], ensure_ascii=False, indent=1
    )
