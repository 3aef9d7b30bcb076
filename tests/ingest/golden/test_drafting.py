"""Drafts follow from the structure of the documents; a model may write better ones."""

import asyncio
import json

import pytest

from ingest.chunking.chunks import chunk_document
from ingest.golden.drafting import Draft, draft_questions
from ingest.golden.drafting_by_model import rewrite_drafts
from ingest.readers.parse import parse_document
from rag.chat.scripted import ScriptedChat
from rag.types import Chunk

ZH = """# 手册

## 端口

| 组 | 服务 | 端口 | 备注 |
|---|---|---|---|
| 前端 | 网关（公网） | 8080, 8443 | 有证书 |
| | 页面 | 8000 | |

## 名词

| 名词 | 描述 |
|---|---|
| Ollama | 在本地运行、部署模型的平台 |

## 支持的格式

- Markdown（推荐）
- Word
- PDF

## 缓存

缓存是存放热门答案的地方，重启就没了。

## 备份

每天凌晨两点做一次，存三份。
"""
EN = """# Guide

| Port | Protocol |
|---|---|
| 22 | SSH |
| 443 | HTTPS |

A relay is a server that forwards mail. It keeps nothing.
"""


def chunks(source: str, text: str) -> list[Chunk]:
    document = parse_document(source, text.encode())
    return chunk_document(document, count_tokens=len, max_tokens=400)


def drafted(*texts: tuple[str, str], count: int = 50) -> dict[str, dict[str, object]]:
    drafts = draft_questions([chunk for source, text in texts for chunk in chunks(source, text)], count)
    return {draft.entry.question: draft.entry.model_dump(mode="json", exclude={"question"}) for draft in drafts}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("网关的端口是什么？", ["8080", "8443"]),
        ("页面的端口是什么？", ["8000"]),
        ("Ollama 是什么？", ["在本地运行、部署模型的平台"]),
        ("支持的格式有哪些？", ["Markdown", "Word", "PDF"]),
        ("缓存是什么？", ["存放热门答案的地方"]),
    ],
)
def test_a_passage_asks_for_what_its_structure_names(question: str, answer: list[str]) -> None:
    entry = drafted(("zh.md", ZH))[question]
    assert (entry["answer"], entry["source"]) == (answer, "zh.md")


def test_other_passages_ask_what_their_heading_announces() -> None:
    assert drafted(("zh.md", ZH))["“备份”讲了什么？"]["heading"] == "备份"


def test_questions_are_in_the_language_of_the_passage() -> None:
    found = drafted(("en.md", EN))
    assert found["What is the Protocol of 22?"]["answer"] == ["SSH"]
    assert found["What is relay?"]["answer"] == ["a server that forwards mail"]


def test_drafts_come_from_all_documents_and_all_kinds_before_any_comes_again() -> None:
    found = drafted(("zh.md", ZH), ("en.md", EN), count=8)
    assert len(found) == 8
    sources = [entry["source"] for entry in found.values()]
    assert sources.count("en.md") == 3
    assert len([question for question in found if "端口" in question]) == 1


def rewritten(reply: str) -> list[dict[str, object]]:
    drafts: list[Draft] = draft_questions(chunks("en.md", EN), 1)
    entries = asyncio.run(rewrite_drafts(drafts, ScriptedChat([reply])))
    return [entry.model_dump(mode="json") for entry in entries]


def test_a_model_writes_question_and_facts() -> None:
    written = {"question": "What does a relay do?", "answer": ["forwards mail"]}
    assert rewritten(f"Sure:\n{json.dumps(written)}") == [{**written, "source": "en.md"}]


@pytest.mark.parametrize(
    "reply",
    [
        "I cannot.",
        "",
        "{broken",
        json.dumps({"question": "", "answer": ["mail"]}),
        json.dumps({"question": "What is it?", "answer": []}),
        json.dumps({"question": "What is it?", "answer": ["parcels"]}),
    ],
)
def test_what_a_model_writes_amiss_is_replaced_by_the_draft(reply: str) -> None:
    [entry] = rewritten(reply)
    assert entry == draft_questions(chunks("en.md", EN), 1)[0].entry.model_dump(mode="json")
