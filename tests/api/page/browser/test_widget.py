"""The widget in pages of other sites, which have a strict content security policy of their own."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.kit.api_keys import key_of
from tests.kit.browser import MARTIAN, QUESTION, assert_accessible, chat_settings, no_sideways_scroll
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import FirstAsk, Server
from tests.kit.threaded_server import http_served

ANSWER = (
    "知名的向量数据库组件有 **Milvus** [1]，以及 PingCAP（基于 TiKV 的向量引擎）[1]。\n\n"
    "- Milvus [1]\n- PingCAP（基于 TiKV 的向量引擎）[1]\n\n"
    "| 组件 | 供应商 |\n|---|---|\n| Milvus | PingCAP [1] |\n\n"
    "<img src=x onerror=alert(1)> [x](javascript:alert(1))\n\n```sh\nMilvus\n```\n\n" + MARTIAN
)
HOSTILE_STYLE = """
* { all: revert !important; color: red !important; font: 40px serif !important; letter-spacing: 9px; }
zhiwen-widget { display: none !important; position: static !important; font-size: 3px; }
button, textarea { transform: rotate(90deg) !important; }
"""
SITE_SCRIPT = """
window.ran = 0;
window.alert = () => { window.ran += 1; };
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
window.typed = "";
document.addEventListener("keydown", (event) => { window.typed += event.key; });
"""


@dataclass
class Site:
    """A site of somebody else. All of its pages have the widget; `?lang`, `?scheme` and `?css` change them."""

    origin: str
    knowledge_base: str = ""

    @property
    def policy(self) -> str:
        return (
            f"default-src 'none'; script-src 'self' {self.knowledge_base}/widget.js; style-src 'self'; "
            f"connect-src {self.knowledge_base}/widget/ask; require-trusted-types-for 'script'; trusted-types 'none'"
        )

    def file(self, address: str) -> tuple[str, str]:
        """The type and the content of a file of the site."""
        parts = urlsplit(address)
        if parts.path == "/site.js":
            return "text/javascript", SITE_SCRIPT
        if parts.path == "/site.css":
            return "text/css", HOSTILE_STYLE
        wanted = {name: values[0] for name, values in parse_qs(parts.query).items()}
        style = '<link rel="stylesheet" href="/site.css">' if "css" in wanted else ""
        return "text/html; charset=utf-8", (
            f'<!doctype html><html lang="{wanted.get("lang", "")}"><title>Docs</title>{style}'
            f'<meta name="color-scheme" content="{wanted.get("scheme", "normal")}">'
            '<meta name="viewport" content="width=device-width"><script src="/site.js"></script>'
            f'<script src="{self.knowledge_base}/widget.js" data-key="{key_of("docs")}" async></script>'
            f"<body><main><h1>Docs</h1>{'<p>A page of another site.</p>' * 30}</main></html>"
        )


@contextmanager
def site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            media_type, content = running.file(self.path)
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Security-Policy", running.policy)
            self.end_headers()
            self.wfile.write(content.encode())

    with http_served(Handler) as url:
        running = Site(url)
        yield running


@pytest.fixture(scope="module")
def sites(
    first_ask: FirstAsk, chat_endpoint: OpenAIServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, Site]]:
    """The site that the key is for, and another one that has copied its page. The first publishes the documents."""
    with ExitStack() as stack:
        own, other = (stack.enter_context(site()) for _ in range(2))
        workspace = first_ask.workspace.copy_to(tmp_path_factory.mktemp("widget")).given(
            **chat_settings(chat_endpoint),
            ZHIWEN_SERVE__KEYS=f"docs:ask:{key_of('docs')} origin={own.origin}",
            ZHIWEN_KNOWLEDGE__URL_TEMPLATE=f"{own.origin}/{{path}}#{{anchor}}",
        )
        server: Server = stack.enter_context(workspace.serving())
        own.knowledge_base = other.knowledge_base = server.url
        yield own, other


@contextmanager
def opened(browser: Browser, address: str, *, width: int = 1280, height: int = 800) -> Iterator[Page]:
    """A page of a site. At the end no script of an answer has run, and nothing was against the page's policy."""
    page = browser.new_page(viewport={"width": width, "height": height}, locale="en-GB")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    yield page
    assert page.evaluate("[window.ran, window.violations]") == [0, []]
    assert errors == []
    page.close()


def asked(page: Page, question: str = QUESTION) -> None:
    page.get_by_role("button", name="问文档").click()
    page.get_by_label("你的问题").fill(question)
    page.keyboard.press("Enter")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_visitor_of_another_site_asks_and_gets_an_answer_with_citations(
    browser: Browser, sites: tuple[Site, Site], chat_endpoint: OpenAIServer, screenshots: Path, width: int, scheme: str
) -> None:
    chat_endpoint.play(completion(ANSWER))
    own, _ = sites
    with opened(browser, f"{own.origin}/?lang=zh-CN&scheme={scheme}", width=width) as page:
        asked(page)
        panel = page.get_by_role("dialog", name="问文档")
        expect(panel.get_by_role("status")).to_have_text("已作答")
        expect(panel.locator("strong")).to_have_text("Milvus")
        expect(panel.get_by_role("table")).to_contain_text("PingCAP")
        expect(panel.locator(".unverified").first).to_contain_text("未核实")
        cited = panel.get_by_role("link", name="来源 1: 概述 › AI 工程架构")
        expect(cited.first).to_have_attribute("href", re.compile(f"^{own.origin}/overview#"))
        expect(panel.locator(".sources a")).to_have_attribute("href", re.compile(f"^{own.origin}/overview#"))
        assert panel.locator("img, script, [href^=javascript]").count() == 0
        assert no_sideways_scroll(page)
        assert_accessible(page)
        panel.get_by_role("log").evaluate("log => { log.scrollTop = 0; }")
        page.screenshot(path=screenshots / f"widget-{width}-{scheme}.png")


def test_another_site_that_copied_the_page_is_refused(
    browser: Browser, sites: tuple[Site, Site], chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play()
    _, other = sites
    page = browser.new_page(locale="en-GB")
    page.goto(f"{other.origin}/?lang=zh-CN")
    asked(page)
    expect(page.get_by_role("alert")).to_have_text("现在无法回答，请稍后再试。")
    assert page.evaluate(
        """async ([url, key]) => {
            const ask = (options) => fetch(url, options).then((response) => response.type, (error) => error.name);
            const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
            const body = JSON.stringify({ question: "?" });
            return [await ask({ method: "POST", headers, body }), await ask({ method: "POST", body, mode: "no-cors" })];
        }""",
        [f"{other.knowledge_base}/widget/ask", key_of("docs")],
    ) == ["TypeError", "TypeError"]
    page.close()


def test_it_is_used_by_keyboard_and_its_keys_are_no_shortcuts_of_the_page(
    browser: Browser, sites: tuple[Site, Site], chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("知名的向量数据库组件有 Milvus [1]。", hangs=True))
    own, _ = sites
    with opened(browser, f"{own.origin}/?lang=en-GB") as page:
        opener = page.get_by_role("button", name="Ask the docs")
        opener.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Your question")).to_be_focused()
        page.keyboard.type("s/? 向量数据库")
        page.keyboard.press("Enter")
        log = page.get_by_role("log", name="Conversation")
        expect(log).to_contain_text("知名的")
        expect(log).to_have_attribute("aria-busy", "true")
        page.get_by_role("button", name="Stop").press("Enter")
        expect(page.get_by_role("status")).to_have_text("Stopped")
        expect(log).to_have_attribute("aria-busy", "false")
        page.keyboard.press("Escape")
        expect(opener).to_be_focused()
        expect(page.get_by_role("dialog")).to_be_hidden()
        assert page.evaluate("window.typed") == ""
        page.keyboard.press("a")  # on the button
        page.get_by_role("heading", name="Docs").click()
        page.keyboard.press("b")
        assert page.evaluate("window.typed") == "b"


def test_styles_of_the_page_and_of_the_widget_stay_apart(browser: Browser, sites: tuple[Site, Site]) -> None:
    own, _ = sites
    looks = """() => {
        const widget = document.querySelector("zhiwen-widget");
        const button = widget.shadowRoot.querySelector(".open");
        const of = (element, ...names) => names.map((name) => getComputedStyle(element)[name]);
        return [of(widget, "position", "display"), of(button, "fontSize", "transform", "letterSpacing", "color")];
    }"""
    with opened(browser, f"{own.origin}/?lang=en") as page:
        expect(page.get_by_role("button", name="Ask the docs")).to_be_visible()
        plain = page.evaluate(looks)
    with opened(browser, f"{own.origin}/?lang=en&css=1") as page:
        expect(page.get_by_role("button", name="Ask the docs")).to_be_visible()
        assert page.evaluate(looks) == plain
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "40px"
