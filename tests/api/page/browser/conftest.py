"""A real browser, and a server whose chat model plays a script."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests.kit.browser import OpenPage, chat_settings
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import FirstAsk, Server

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
GUARD = """
window.alert = window.confirm = window.prompt = () => { window.ran = (window.ran || 0) + 1; };
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(scope="session")
def talking_server(
    first_ask: FirstAsk, chat_endpoint: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server over the shipped knowledge that asks `chat_endpoint` for every answer and caches none."""
    workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("talking"))
    # Small batches, so that the progress of an ingest can be watched.
    workspace = workspace.given(**chat_settings(chat_endpoint), ZHIWEN_EMBEDDING__BATCH_SIZE="8")
    with workspace.serving() as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for one module. It is closed at the end: its event loop would disturb other tests."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("there is no Chromium here and it could not be installed; see `make browser`")
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser, talking_server: Server) -> Iterator[OpenPage]:
    """Opens a path of the server in a new profile: `open_page("/", width=390, locale="en-US")`.

    At the end no script of others has run, nothing was asked of another host, and no error was reported.
    """
    contexts: list[tuple[BrowserContext, Page]] = []
    strangers: list[str] = []
    errors: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith((talking_server.url, "data:", "blob:")):
            strangers.append(request.url)

    def open_path(
        path: str = "/", *, width: int = 1280, height: int = 800, locale: str = "zh-CN", **options: Any
    ) -> Page:
        context = browser.new_context(
            base_url=talking_server.url, viewport={"width": width, "height": height}, locale=locale, **options
        )
        context.set_default_timeout(15_000)
        context.on("request", note)
        context.add_init_script(GUARD)
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


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """A folder for pictures that people look at; git ignores it."""
    folder = Path(__file__).parent / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder
