"""Asking on the page, in a real browser."""

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.kit.browser import (
    ANSWER,
    MARTIAN,
    QUESTION,
    OpenPage,
    answered,
    ask,
    assert_accessible,
    assert_in_view,
    no_sideways_scroll,
)
from tests.kit.openai_scripts import completion
from tests.kit.openai_server import OpenAIServer
from tests.kit.processes import Server

STREAM = (ANSWER[:6], *ANSWER[6:].partition("，"), "\n\n", "- Milvus [1]\n", "- PingCAP [1]\n", "\n", MARTIAN)


# Streaming


def test_an_answer_is_shown_while_the_model_still_writes_and_nothing_jumps(
    open_page: OpenPage, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion(*STREAM, holds_after=3))
    page = open_page()
    expect(page.locator("#suggestions button").first).to_be_visible()
    page.evaluate("window.shifted = 0")
    turn = ask(page)
    expect(turn.locator(".answer")).to_contain_text("Milvus")
    assert turn.locator(".answer li").count() == 0
    expect(turn.locator(".state")).to_contain_text("正在作答")
    expect(page.get_by_role("button", name="停止")).to_be_visible()
    chat_endpoint.proceed.set()
    expect(turn.locator(".answer li")).to_have_count(2)
    expect(turn.locator(".state")).to_have_text("根据 1 处原文作答")
    expect(turn.locator(".answer strong")).to_have_text("Milvus")
    assert page.evaluate("window.shifted") < 0.01


def test_stop_ends_the_call_of_the_model_and_the_question_can_be_asked_again(
    open_page: OpenPage, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion("知名的向量数据库组件有 Milvus，", hangs=True))
    page = open_page()
    turn = ask(page)
    expect(turn.locator(".answer")).to_contain_text("知名的")
    page.get_by_role("button", name="停止").click()
    assert chat_endpoint.client_left.wait(15)
    expect(turn.locator(".state")).to_have_text("已停止")
    expect(turn.locator(".answer")).to_contain_text("知名的")
    chat_endpoint.play(completion(ANSWER))
    turn.get_by_role("button", name="重试").click()
    expect(page.locator(".turn")).to_have_count(1)
    expect(page.locator(".turn .answer")).to_contain_text("PingCAP")


def test_reasoning_can_be_opened_and_is_no_part_of_the_answer(open_page: OpenPage, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion(ANSWER, thoughts=("先看看", "表格")))
    turn = answered(open_page())
    expect(turn.locator(".answer")).not_to_contain_text("先看看")
    turn.get_by_text("思考过程").click()
    expect(turn.locator(".reasoning p")).to_have_text("先看看表格")


# What an answer rests on


def test_a_citation_opens_its_passage_beside_the_answer_marked_and_in_view(
    open_page: OpenPage, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion(ANSWER))
    page = open_page()
    chip = answered(page).locator(".answer .cite").first
    chip.click()
    panel = page.get_by_role("dialog", name="概述")
    expect(panel.locator(".cited")).to_contain_text("PingCAP（基于 TiKV 的向量引擎）")
    assert_in_view(page, "#doc-passage")
    expect(panel.locator("h2", has_text="AI 工程架构")).to_be_visible()
    expect(chip).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".turn .answer")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(chip).to_be_focused()
    page.locator(".source").click()
    expect(panel.locator(".cited")).to_be_visible()


def test_a_sentence_that_the_passages_do_not_support_is_marked(
    open_page: OpenPage, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion(f"{ANSWER}\n\n{MARTIAN}"))
    turn = answered(open_page())
    expect(turn.locator(".unverified")).to_have_count(1)
    expect(turn.locator(".unverified")).to_contain_text("总部在火星")
    expect(turn.locator(".unverified .doubt")).to_have_text("未核实")


def test_a_refusal_leads_to_the_nearest_sections(open_page: OpenPage) -> None:
    page = open_page()
    turn = answered(page, "红烧肉怎么做才不腻？")
    expect(turn.locator(".answer")).to_have_text("知识库里没有这个问题的答案。")
    nearest = turn.locator(".nearest a")
    assert nearest.count() >= 1
    nearest.first.click()
    expect(page.locator("#panel .cited").first).to_be_visible()


def test_why_shows_both_searches_what_was_dropped_and_the_checks(
    open_page: OpenPage, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion(f"{ANSWER}\n\n{MARTIAN}"))
    page = open_page()
    turn = answered(page)
    why = turn.get_by_role("button", name="为什么？")
    why.click()
    drawer = page.get_by_role("dialog", name="这个回答是怎么来的")
    expect(drawer.locator("svg.figure rect.used").first).to_be_visible()
    assert drawer.locator("svg.figure path").count() > 4
    assert drawer.locator("tbody tr").count() > 8
    expect(drawer.locator("tr", has_text="依据 [1]")).to_have_count(1)
    assert drawer.locator("tr.dropped", has_text="和另一段内容相同").count() >= 1
    expect(drawer.locator(".verdicts li", has_text="总部在火星")).to_contain_text("未核实")
    expect(drawer.get_by_text("custom/scripted")).to_be_visible()
    expect(drawer.locator(".stages")).to_contain_text("按意思找")
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(why).to_be_focused()


# Conversations


def test_enter_that_an_input_method_needs_sends_nothing(open_page: OpenPage, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion(ANSWER))
    page = open_page()
    page.get_by_label("你的问题").fill("xiang liang")
    page.evaluate(
        """document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }))"""
    )
    expect(page.get_by_label("你的问题")).to_have_value("xiang liang")
    assert page.locator(".turn").count() == 0


def test_a_follow_up_carries_the_conversation_before_it(open_page: OpenPage, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion(ANSWER))
    page = open_page()
    answered(page)
    with page.expect_request("**/page/ask") as sent:
        answered(page, "那它的官网呢？")
    assert sent.value.post_data_json == {
        "question": "那它的官网呢？",
        "history": [
            {"role": "user", "content": QUESTION},
            {"role": "assistant", "content": ANSWER.replace("）[1]", "） [1]")},
        ],
    }
    expect(page.locator(".turn")).to_have_count(2)


def test_conversations_outlive_a_reload_can_be_returned_to_and_cleared(
    open_page: OpenPage, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(completion(ANSWER))
    page = open_page()
    answered(page)
    page.reload()
    expect(page.locator(".turn h2")).to_have_text(QUESTION)
    page.locator(".answer .cite").first.click()
    expect(page.locator("#panel .cited")).to_be_visible()
    page.get_by_role("button", name="新对话").click()
    expect(page.locator(".turn")).to_have_count(0)
    expect(page.locator("#panel")).to_be_hidden()
    page.get_by_role("button", name="历史").click()
    page.get_by_role("button", name=QUESTION, exact=True).click()
    expect(page.locator(".turn h2")).to_have_text(QUESTION)
    page.get_by_role("button", name="历史").click()
    page.get_by_role("button", name="全部清除").click()
    expect(page.locator(".turn")).to_have_count(0)
    assert page.evaluate("localStorage.getItem('zhiwen.conversations')") is None


def test_a_suggested_question_is_one_click_and_gets_an_answer(open_page: OpenPage, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion("见 [1]。"))
    page = open_page()
    suggested = page.locator("#suggestions button").first
    question = suggested.inner_text()
    suggested.click()
    expect(page.locator(".turn h2")).to_have_text(question)


def test_an_answer_is_copied_as_markdown_with_its_sources(open_page: OpenPage, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion(ANSWER))
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    turn = answered(page)
    turn.get_by_role("button", name="复制").click()
    expect(turn.get_by_role("button", name="已复制")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"**{QUESTION}**\n\n知名的向量数据库组件有 **Milvus** [1]")
    assert re.search(
        r"\n1\. \[概述 › AI 工程架构\]\(http://127[^)]+/docs/overview\.md\?lines=82-82#passage\) overview\.md:82\n",
        copied,
    )


def test_a_verdict_and_its_comment_are_kept(
    open_page: OpenPage, chat_endpoint: OpenAIServer, talking_server: Server
) -> None:
    chat_endpoint.play(completion(ANSWER))
    page = open_page()
    turn = answered(page)
    turn.get_by_role("button", name="没帮助").click()
    assert_in_view(page, ".comment button")
    turn.get_by_label("想补充什么吗").fill("还有 Qdrant")
    turn.get_by_role("button", name="提交").click()
    expect(turn.get_by_text("谢谢，已经记下。")).to_be_visible()
    expect(turn.get_by_role("button", name="没帮助")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.get_by_role("button", name="没帮助")).to_have_attribute("aria-pressed", "true")
    last = talking_server.workspace.run("feedback", "--json").json["feedback"][-1]
    assert (last["rating"], last["comment"], last["question"]) == ("down", "还有 Qdrant", QUESTION)


# Languages, colours, sizes, keys


def test_the_language_is_the_browsers_and_can_be_switched(open_page: OpenPage) -> None:
    page = open_page(locale="en-GB")
    expect(page.get_by_role("heading", name="What would you like to know?")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "en"
    page.get_by_role("button", name="中文: switch to Chinese").click()
    expect(page.get_by_role("heading", name="想知道什么？")).to_be_visible()
    expect(page.get_by_label("你的问题")).to_have_attribute("placeholder", "问知识库一个问题…")
    expect(page.locator("#suggestions button").first).to_contain_text(re.compile("[\u4e00-\u9fff]"))
    page.reload()
    expect(page.get_by_role("heading", name="想知道什么？")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


def test_the_colours_are_the_systems_and_can_be_switched(open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.get_by_role("button", name="切换深色或浅色").click()
    light = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == light


def test_on_a_phone_nothing_is_cut_off_and_the_passage_is_a_sheet(
    open_page: OpenPage, chat_endpoint: OpenAIServer
) -> None:
    chat_endpoint.play(
        completion(f"{ANSWER}\n\n| a | b | c | d | e |\n|---|---|---|---|---|\n| Milvus [1] | x | x | x | x |")
    )
    assert no_sideways_scroll(open_page(width=390, height=844, locale="en-US"))
    page = open_page(width=390, height=844)
    assert no_sideways_scroll(page)
    turn = answered(page)
    assert no_sideways_scroll(page)
    turn.locator(".answer .cite").first.click()
    panel = page.locator("#panel")
    expect(panel.locator(".cited")).to_be_visible()
    assert page.evaluate("document.querySelector('#panel').matches(':modal')")
    box = panel.bounding_box()
    assert box
    assert (box["x"], box["width"]) == (0, 390)
    assert_in_view(page, "#doc-passage td:nth-child(3)")
    assert_accessible(page)
    # A phone on its side has room beside the answer.
    page.set_viewport_size({"width": 1200, "height": 700})
    expect(page.locator("#panel:modal")).to_have_count(0)
    assert_in_view(page, "#doc-passage td:nth-child(3)")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#panel:modal")).to_have_count(1)
    assert_in_view(page, "#doc-passage td:nth-child(3)")
    panel.get_by_role("button", name="关闭").click()
    expect(panel).to_be_hidden()
    turn.get_by_role("button", name="为什么？").click()
    expect(page.locator("#why svg.figure")).to_be_visible()
    assert no_sideways_scroll(page)


def test_everything_can_be_done_with_the_keyboard_alone(open_page: OpenPage, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion(ANSWER))
    page = open_page()
    expect(page.get_by_label("你的问题")).to_be_focused()
    page.keyboard.type("向量数据库")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("有哪些？")
    page.keyboard.press("Enter")
    turn = page.locator(".turn")
    expect(turn.locator("h2")).to_have_text("向量数据库\n有哪些？")
    expect(turn.locator(".actions")).to_be_visible()
    expect(page.get_by_label("你的问题")).to_be_focused()

    def press_until_focused(key: str, target: Locator) -> None:
        for _ in range(40):
            page.keyboard.press(key)
            if target.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"{key} does not lead to {target}")

    chip = turn.locator(".cite").first
    press_until_focused("Shift+Tab", chip)
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("#panel .cited")).to_be_visible()
    assert page.evaluate("document.querySelector('#panel').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(chip).to_be_focused()
    press_until_focused("Tab", turn.get_by_role("button", name="为什么？"))
    page.keyboard.press("Space")
    expect(page.locator("#why svg.figure")).to_be_visible()
    page.keyboard.press("Escape")
    skip = page.get_by_role("link", name="跳到正文")
    press_until_focused("Shift+Tab", skip)
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize(("locale", "scheme"), [("zh-CN", "light"), ("en-US", "dark")])
def test_axe_finds_nothing_serious(open_page: OpenPage, chat_endpoint: OpenAIServer, scheme: str, locale: str) -> None:
    chat_endpoint.play(completion(f"{ANSWER}\n\n{MARTIAN}"))
    page = open_page(color_scheme=scheme, locale=locale)
    expect(page.locator("#suggestions button").first).to_be_visible()
    assert_accessible(page)
    page.locator("#question").fill(QUESTION)
    page.keyboard.press("Enter")
    page.locator(".answer .cite").first.click()
    expect(page.locator("#panel .cited")).to_be_visible()
    expect(page.locator(".actions").first).to_be_visible()
    assert_accessible(page)
    page.goto("/docs/overview.md?lines=82#passage")
    assert_in_view(page, "#passage td:nth-child(3)")
    assert_accessible(page)


# Models that fail


def test_an_error_of_the_model_during_an_answer_is_shown(open_page: OpenPage, chat_endpoint: OpenAIServer) -> None:
    chat_endpoint.play(completion("知名的向量数据库组件有 Milvus，", "还有 PingCAP [1]。", breaks_off=True))
    turn = ask(open_page())
    expect(turn.locator(".failed")).to_contain_text("大模型出了问题，回答没有写完")
    expect(turn.locator(".state")).to_have_text("回答中断了")
    expect(turn.get_by_role("button", name="重试")).to_be_visible()
    turn.get_by_role("button", name="为什么？").click()
    expect(turn.page.locator("#why")).to_contain_text("broke off")
    expect(turn.page.locator("#why svg.figure")).to_be_visible()
