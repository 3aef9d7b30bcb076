"""A real browser, and a server whose chat model plays a script."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.kit.browser import OpenPage, chat_settings, opened_pages
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
    """Opens pages of the server, as `opened_pages` does."""
    with opened_pages(browser, talking_server) as open_path:
        yield open_path


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """A folder for pictures that people look at; git ignores it."""
    folder = Path(__file__).parent / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder
