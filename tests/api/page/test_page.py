"""The page without a browser: its files, its stream, suggestions and feedback."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.error_codes import STATUS, error_code
from api.page.answer_html import _PARSER, AnswerRenderer, answer_html
from tests.kit.api_keys import key_of
from tests.kit.paths import ROOT
from tests.kit.processes import FirstAsk, Server, Workspace, assert_json_error, assert_one_line
from tests.kit.server_events import ServerEvent, streamed

QUESTION = "向量数据库有哪些知名组件？"
STATIC = ROOT / "api" / "page" / "static"
TRACE = "0123456789abcdef0123456789abcdef"
KEYS = {name: key_of(name) for name in ("one", "other")}


def asked_on_page(server: Server, question: str, **body: Any) -> list[ServerEvent]:
    with server.client.stream("POST", "/page/ask", json={"question": question, **body}) as response:
        assert response.status_code == 200, response.read()
        return list(streamed(response))


def shown(events: Sequence[ServerEvent]) -> list[str]:
    """The blocks of the page after the last `html` event."""
    blocks: list[str] = []
    for event in events:
        if event.name == "html":
            blocks[event.data["start"] :] = event.data["html"]
    return blocks


class Text(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


# Files


def test_the_first_load_is_under_100_kilobytes_and_comes_from_here_alone(server: Server) -> None:
    waiting, seen, size = ["/"], set[str](), 0
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        response = server.client.get(path)
        assert response.status_code == 200, path
        size += len(response.content)
        named = re.findall(r'(?:src|href)="([^"]+)"|from "\./([^"]+)"|url\(([^)]+)\)', response.text)
        for one in (next(filter(None, groups)) for groups in named):
            assert not one.startswith(("http:", "https:", "//", "data:")), one
            if one.startswith("/static/"):
                waiting.append(one)
            elif one.endswith(".js"):
                waiting.append(f"/static/{one}")
    assert {"/static/ask.js", "/static/style.css", "/static/trace_dialog.js"} <= seen
    assert size < 100_000


def test_unchanged_files_are_not_sent_again(server: Server) -> None:
    first = server.client.get("/static/style.css")
    again = server.client.get("/static/style.css", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""


def test_the_page_says_everything_in_both_languages() -> None:
    texts = (STATIC / "i18n.js").read_text(encoding="utf-8")
    pairs = re.findall(r'^  (\w+): \["((?:[^"\\]|\\.)+)", "((?:[^"\\]|\\.)+)"(?:, "[^"]+")?\],$', texts, re.MULTILINE)
    known = {key for key, _, _ in pairs}
    assert len(pairs) == len(known) > 100
    for key, chinese, english in pairs:
        assert re.findall(r"\{\w+\}", chinese) == re.findall(r"\{\w+\}", english), key
        assert not re.search(r"[\u4e00-\u9fff]", english) or key in ("other_language", "switch_language"), key
    pages = "".join(path.read_text(encoding="utf-8") for path in (STATIC.parent / "templates").glob("*.html"))
    scripts = "".join(path.read_text(encoding="utf-8") for path in STATIC.glob("*.js"))
    used = set(re.findall(r'data-i18n(?:-label|-placeholder)?="(\w+)"', pages))
    used |= set(re.findall(r'\bt\("(\w+)"', scripts))
    assert used <= known, used - known
    for key in known:
        is_made_up = key.startswith(("stage_", "error_"))  # of the stage or the code that the server names
        assert re.search(rf'"{key}"', pages + scripts) or is_made_up, f"{key} is not used"


def test_every_error_text_of_the_page_is_of_an_error_that_there_is() -> None:
    texts = set(re.findall(r"^  error_(\w+):", (STATIC / "i18n.js").read_text(encoding="utf-8"), re.MULTILINE))
    families = dict(re.findall(r'\["(\w+)", "error_(\w+)"\]', (STATIC / "http.js").read_text(encoding="utf-8")))
    codes = {error_code(kind()) for kind in STATUS} | {"body_too_large", "internal"}
    for beginning, text in families.items():
        assert text in texts
        assert any(code.startswith(beginning) for code in codes), beginning
    assert texts - set(families.values()) <= codes


# The stream


def test_the_stream_carries_passages_then_html_then_the_answer(server: Server) -> None:
    events = asked_on_page(server, QUESTION)
    assert [event.name for event in events] == ["passages", *["html"] * (len(events) - 2), "answer"]
    first = events[0].data["passages"][0]
    assert first["url"] == "/docs/overview.md?lines=82-82#passage"
    assert server.client.get(first["url"]).status_code == 200
    last = events[-1].data
    assert list(last) == ["answer", "html", "nearest"]
    assert last["html"] == shown(events)
    assert '<button type="button" class="cite" data-cite="1">1</button>' in last["html"][0]
    plain = server.post("/ask", question=QUESTION).json()
    assert last["answer"]["answer"] == plain["answer"]


def test_a_refusal_links_to_the_nearest_sections(server: Server) -> None:
    last = asked_on_page(server, "红烧肉怎么做才不腻？")[-1].data
    assert last["answer"]["refused"] is True
    assert last["html"] == ["<p>知识库里没有这个问题的答案。</p>\n"]
    assert 1 <= len(last["nearest"]) <= 3
    for one in last["nearest"]:
        assert one["heading"]
        assert server.client.get(one["url"]).status_code == 200


def test_a_question_that_cannot_be_asked_is_an_ordinary_error(server: Server) -> None:
    assert_json_error(server.post("/page/ask", question="  "), 422, "question_error")
    assert_json_error(server.post("/page/ask", question="x" * 4001), 413, "question_too_long")


# Markup of answers


LONG = """\
**要点。** 有 Milvus [1][2] 和 [3]。

- a [1]
- b
  - c

1. x

   y

| a | b |
|---|---|
| 1 | 2 [2] |

> quoted [1]

```py
x = [1]
```

Title
---

last *line* <b>x</b> [x](https://a.example) ![i](https://b.example)"""


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13, 400])
def test_blocks_as_they_stream_end_as_those_of_the_whole_text(size: int) -> None:
    markup, blocks = AnswerRenderer([1, 2]), list[str]()
    for start in range(0, len(LONG), size):
        update = markup.feed(LONG[start : start + size])
        assert update.start <= len(blocks)
        blocks[update.start :] = update.html
    assert tuple(blocks) == answer_html(LONG, [1, 2])


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("官网: https://dify.ai/zh [1]", ["https://dify.ai/zh"]),
        ("见https://a.b/c?d=e#f，再看 http://x.y。", ["https://a.b/c?d=e#f", "http://x.y"]),
        ("(https://a.b/c). https://a.b.", ["https://a.b/c", "https://a.b"]),
        ("www.x.com a@b.c ftp://x.y mailto:a@b.c javascript:alert(1) //x.y", []),
        ("`https://a.b`", []),
    ],
)
def test_whole_addresses_are_links(text: str, addresses: list[str]) -> None:
    assert re.findall(r'<a href="([^"]*)"', "".join(answer_html(text, [1]))) == addresses


def test_only_numbers_offered_become_buttons_and_none_within_code_or_links() -> None:
    html = "".join(answer_html("a [1] b [7] `c [1]` [2](https://a.example) [12]", [1, 2, 12]))
    assert re.findall(r'data-cite="(\d+)"', html) == ["1", "12"]
    assert "[7]" in html
    assert "<code>c [1]</code>" in html


@pytest.mark.parametrize(
    ("text", "sentence", "expected"),
    [
        ("One. Two is wrong [1].", "Two is wrong [1].", "Two is wrong1."),
        ("**Bold.** More", "**Bold.**", "Bold."),
        ("- first [1]\n- second is wrong", "second is wrong", "second is wrong"),
        ("> quoted wrong", "> quoted wrong", "quoted wrong"),
        ("两行\n一句。对的 [1]。", "两行\n一句。", "两行\n一句。"),
        ("a *b c. d* e.", "d* e.", "d"),
        ("| h |\n|---|\n| wrong |\n| right |", "| wrong |", "wrong"),
        ("x\n\n```\nwrong\n```", "```\nwrong\n```", "wrong"),
        ("`code.` then", "`code.`", "code."),
    ],
)
def test_an_unverified_sentence_is_marked_wherever_it_stands(text: str, sentence: str, expected: str) -> None:
    html = "".join(answer_html(text, [1], [sentence]))
    marked = re.findall(r'<(span|tr|pre) class="unverified"[^>]*>(.*?)</\1>', html, re.DOTALL)
    assert marked, html
    assert Text(marked[0][1]).text.strip() == expected
    plain = "".join(answer_html(text, [1]))
    assert Text(html).text == Text(plain).text


@pytest.mark.parametrize("culprit", ["", "x | y\n--|--", "a](b", "`"])
def test_marking_unverified_sentences_parses_an_answer_a_bounded_number_of_times(
    monkeypatch: pytest.MonkeyPatch, culprit: str
) -> None:
    parsed: list[str] = []
    parse = _PARSER.parse
    monkeypatch.setattr(_PARSER, "parse", lambda text: parsed.append(text) or parse(text))

    def parses(sentences: int) -> int:
        parsed.clear()
        items = [f"第 {number} 项没有依据{culprit if number % 9 == 0 else ''}。" for number in range(sentences)]
        html = "".join(answer_html("".join(f"- {item}\n" for item in items), (), items))
        assert html.count('class="unverified"') >= sentences
        return len(parsed)

    assert parses(400) == parses(800) <= 40


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](data:text/html,x)",
    "![x](https://evil.example/a.png)",
    '<a href="javascript:alert(1)">x</a>',
    "<svg/onload=alert(1)>",
    "<style>*{background:url(https://evil.example)}</style>",
    '<button class="cite" data-cite="9" onclick="alert(1)">9</button>',
    "[x]: javascript:alert(1)\n\n[x]",
    '<https://ok.example/"onmouseover=alert(1)>',
    "[x](/\\evil.example) [y](//evil.example)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]
_PIECES = st.lists(
    st.one_of(
        st.sampled_from([*HOSTILE, "[1]", "**", "\n\n", "| a |\n|---|\n", "```", "> ", "- "]), st.text(max_size=8)
    )
)


@given(pieces=_PIECES)
@settings(max_examples=150, deadline=None)
def test_no_html_of_an_answer_can_run_or_fetch_anything_however_it_was_split(pieces: list[str]) -> None:
    markup = AnswerRenderer([1])
    updates = [block for piece in pieces for block in markup.feed(piece).html]
    for html in [*updates, *answer_html("".join(pieces), [1], pieces[:2])]:
        found = Text(html)
        assert not {"script", "img", "svg", "style", "iframe", "object", "link", "form", "input"} & set(found.tags)
        for tag, name, value in found.attributes:
            assert (tag, name) != ("button", "data-cite") or value == "1"
            assert name in ("href", "rel", "class", "type", "tabindex", "data-cite", "start"), (tag, name)
            assert name != "href" or value.startswith(("https://", "http://", "mailto:")), value


# Suggestions


@pytest.mark.parametrize(("language", "letters"), [("zh", r"[\u4e00-\u9fff]"), ("en", r"[A-Za-z]")])
def test_suggested_questions_are_in_the_language_and_are_answered(server: Server, language: str, letters: str) -> None:
    questions = server.client.get("/page/suggestions", params={"language": language}).json()["questions"]
    assert 1 <= len(questions) <= 4
    assert len(set(questions)) == len(questions)
    for question in questions:
        assert re.search(letters, question)
        assert server.post("/ask", question=question).json()["refused"] is False, question


# Feedback


def test_feedback_over_http_is_what_the_command_shows(server: Server) -> None:
    answer = server.post("/ask", question=QUESTION).json()
    given = {"trace_id": answer["trace_id"], "question": QUESTION, "answer": answer["answer"]}
    assert server.post("/feedback", rating="up", **given).status_code == 201
    response = server.post("/feedback", rating="down", comment="少了一家", **given)
    assert response.status_code == 201
    outcome = server.workspace.run("feedback", "--json")
    assert outcome.status == 0
    assert outcome.json == {"feedback": [response.json()]}
    assert outcome.json["feedback"][0]["comment"] == "少了一家"
    shown_to_people = server.workspace.run("feedback").out
    assert QUESTION in shown_to_people
    assert "少了一家" in shown_to_people


def test_the_text_of_feedback_is_that_of_the_trace_whatever_the_client_sends(server: Server) -> None:
    answer = server.post("/ask", question=QUESTION).json()
    invented = {"question": "x" * 4000, "answer": "y" * 40_000, "model": "z" * 200, "generation": 7}
    kept = server.post("/feedback", rating="up", trace_id=answer["trace_id"], **invented).json()
    assert (kept["question"], kept["answer"], kept["model"]) == (QUESTION, answer["answer"], answer["model"])
    assert kept["generation"] == answer["generation"]
    message = assert_json_error(server.post("/feedback", rating="up", trace_id="0" * 32), 404, "trace_not_found")
    assert "can be rated" in message


def test_feedback_has_the_name_of_the_key_and_another_key_does_not_replace_it(
    first_ask: FirstAsk, tmp_path: Path
) -> None:
    keys = ",".join(f"{name}:ask:{key}" for name, key in KEYS.items())
    with first_ask.workspace.copy_to(tmp_path).given(ZHIWEN_SERVE__KEYS=keys).serving() as locked:
        as_key = [{"Authorization": f"Bearer {key}"} for key in KEYS.values()]
        asked = locked.client.post("/ask", json={"question": QUESTION}, headers=as_key[0]).json()
        for rating, headers in zip(("down", "up"), as_key, strict=True):
            body = {"trace_id": asked["trace_id"], "rating": rating}
            assert locked.client.post("/feedback", json=body, headers=headers).status_code == 201
        kept = locked.workspace.run("feedback", "--json").json["feedback"]
    assert [(each["given_by"], each["rating"]) for each in kept] == [("one", "down"), ("other", "up")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"trace_id": "../../x"},
        {"rating": "sideways"},
        {"comment": "x" * 2001},
        {"generation": -1},
        {"unknown": 1},
    ],
)
def test_invalid_feedback_is_refused(server: Server, wrong: dict[str, Any]) -> None:
    body = {"trace_id": TRACE, "rating": "up", **wrong}
    assert_json_error(server.post("/feedback", **body), 422, "invalid_request")


def test_without_feedback_the_command_says_so(tmp_path: Path) -> None:
    outcome = Workspace(tmp_path).run("feedback")
    assert (outcome.status, outcome.out) == (0, "No feedback yet.\n")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "bad.jsonl").write_text("x\n")
    broken = Workspace(tmp_path).given(ZHIWEN_SERVE__FEEDBACK_PATH=str(tmp_path / "bad.jsonl")).run("feedback")
    assert_one_line(broken, 1, "bad.jsonl", "line 1")
