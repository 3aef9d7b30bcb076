"""An example of what goes into and comes out of each operation of the HTTP API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TAGS: Mapping[str, str] = {
    "ask": "Questions and their answers, passages and texts.",
    "ingest": "Bringing the index in line with the folder of documents.",
    "service": "What is live, and how the service is.",
    "OpenAI-compatible": "For chat clients: a model whose answers come from the knowledge base.",
    "Dify": "For Dify's external knowledge base.",
}


@dataclass(frozen=True, slots=True)
class Example:
    """`response` is the JSON of success; `stream` and `text` are what comes instead where that is no JSON.

    `errors` are groups of api.http.openapi.errors.
    """

    request: Any = None
    response: Any = None
    stream: str | None = None
    text: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()


_QUESTION = "向量数据库有哪些知名组件？"
_ROW = "层级: 第一层 › 分类: 基础设施 › 内容: 向量数据库 › 知名组件/供应商: Milvus, PingCAP（基于 TiKV 的向量引擎）"
_TEXT = "知名的向量数据库有 Milvus 和 PingCAP [1]。"
_TRACE_ID = "c6c391f8dcdd4c63b3a71916f8c2fd26"
_URL = "/docs/overview.md?lines=82-82#passage"
_BASE = "http://127.0.0.1:8000"
_PLACE = {
    "source": "overview.md",
    "heading_path": ["概述", "AI 工程架构"],
    "anchor": "ai-工程架构",
    "start_line": 82,
    "end_line": 82,
}
_HIT = {
    "id": "baf63e0b3420afb249bd26171d1c8e27",  # pragma: allowlist secret  (of a chunk)
    "source": "overview.md",
    "title": "概述",
    "heading_path": ["概述", "AI 工程架构"],
    "anchor": "ai-工程架构",
    "start_line": 82,
    "end_line": 82,
    "content": _ROW,
    "score": 0.668502,
    "url": _URL,
}
_ANSWER = {
    "answer": _TEXT,
    "refused": False,
    "reason": None,
    "citations": [{"number": 1, **_PLACE, "quote": _ROW, "url": _URL}],
    "unverified": [],
    "model": "qwen/qwen-plus",
    "generation": 1,
    "trace_id": _TRACE_ID,
    "truncated": False,
    "usage": {"prompt_tokens": 1180, "completion_tokens": 26, "cost": 0.000996},
    "cached": False,
}
_TRACE = {
    "trace_id": _TRACE_ID,
    "asked_at": "2026-11-25T15:43:37.309179Z",
    "question": "它有哪些知名组件？",
    "standalone_question": _QUESTION,
    "rewritten_by": "model",
    "generation": 1,
    "cached": False,
    "retrieval": {
        "terms": [{"term": "向量", "idf": 2.166}],
        "lexical_weight": 2.5,
        "candidates": [
            {
                "id": "baf63e0b3420afb249bd26171d1c8e27",  # pragma: allowlist secret  (of a chunk)
                "source": "overview.md",
                "heading_path": ["概述", "AI 工程架构"],
                "kind": "row",
                "start_line": 82,
                "end_line": 82,
                "score": 0.668502,
                "cosine": 0.919201,
                "bm25": 30.495,
                "coverage": 1.0,
                "dense_rank": 1,
                "lexical_rank": 1,
                "dropped": None,
            }
        ],
        "evidence": 0.9871,
        "milliseconds": {"embed": 9.8, "dense": 3.1, "lexical": 2.4, "fuse": 1.2},
        "warnings": [],
    },
    "passages": [_HIT | {"number": 1}],
    "dropped_passages": [],
    "prompt": [{"role": "user", "content": f'<passage number="1">\n{_ROW}\n</passage>\n\n问题: {_QUESTION}'}],
    "attempts": [
        {
            "model": "qwen/qwen-plus",
            "outcome": "answered",
            "seconds": 1.24,
            "first_token_seconds": 0.41,
            "usage": {"prompt_tokens": 1180, "completion_tokens": 26, "cost": 0.000996},
            "problem": "",
        }
    ],
    "verification": [{"sentence": _TEXT, "numbers": [1], "supported": True, "fault": None, "problem": ""}],
    "answer": _ANSWER,
    "milliseconds": {"rewrite": 310.2, "retrieve": 16.5, "write": 1240.0, "verify": 4.1, "total": 1571.3},
}
_PLAN = {"added": ["guides/setup.md"], "changed": ["overview.md"], "removed": [], "unchanged": 40}
_REPORT = {
    "generation": 2,
    "documents": {"added": 1, "changed": 1, "removed": 0, "unchanged": 40, "failed": 1},
    "chunks": {"added": 12, "removed": 3, "unchanged": 480},
    "embedded": 12,
    "seconds": 1.9,
    "failures": [{"source": "old.md", "error": "old.md: line 3 is not UTF-8; save the file as UTF-8"}],
}
_ANNOTATION = {
    "type": "url_citation",
    "url_citation": {
        "start_index": 26,
        "end_index": 29,
        "url": f"{_BASE}{_URL}",
        "title": "overview.md › 概述 › AI 工程架构",
    },
}
_LINKS = f"\n\n**来源**\n\n- [1] [overview.md › 概述 › AI 工程架构]({_BASE}{_URL})"

_CHUNKS = (
    'data: {"id": "chatcmpl-c7", "object": "chat.completion.chunk", "created": 1795621420, "model": "zhiwen", '
    '"choices": [{"index": 0, "delta": {"content": "知名的"}, "finish_reason": null}]}\n\ndata: [DONE]\n\n'
)

EXAMPLES: Mapping[str, Example] = {
    "POST /ask": Example(
        request={"question": "它有哪些知名组件？", "history": [{"role": "user", "content": "什么是向量数据库？"}]},
        response=_ANSWER,
        stream='event: passages\ndata: {"passages": […]}\n\n'
        f'event: delta\ndata: {{"text": "{_TEXT}"}}\n\n'
        'event: answer\ndata: {"answer": …}\n\n',
        errors=("question", "filter", "live", "chat"),
    ),
    "POST /search": Example(
        request={"question": _QUESTION, "top_k": 3, "filter": {"field": "kind", "equals": "row"}},
        response={"question": _QUESTION, "generation": 1, "hits": [_HIT]},
        errors=("question", "filter", "live"),
    ),
    "GET /traces/{trace_id}": Example(parameters={"trace_id": _TRACE_ID}, response=_TRACE, errors=("trace",)),
    "GET /text": Example(
        parameters={"id": "overview.md"},
        response={
            "id": "overview.md",
            "source": "overview.md",
            "title": "概述",
            "heading_path": [],
            "start_line": 9,
            "end_line": 108,
            "text": "# 概述\n\n## 资源\n\n…",
            "whole": True,
            "url": "/docs/overview.md?lines=9-108#passage",
            "metadata": {"title": "概述", "tags": ["ai"]},
        },
        errors=("text", "live"),
    ),
    "POST /ingest": Example(
        request={"verify": True},
        response={"running": True, "run": 2, "plan": None, "progress": None, "last": None, "error": None},
        errors=("ingest", "store"),
    ),
    "GET /ingest": Example(
        response={
            "running": True,
            "run": 3,
            "plan": _PLAN,
            "progress": {"documents": 1, "documents_total": 2, "chunks": 8, "embedded": 8},
            "last": _REPORT,
            "error": None,
        },
    ),
    "POST /ingest/preview": Example(request={"verify": False}, response=_PLAN, errors=("ingest", "store")),
    "POST /rollback": Example(response={"left": 2, "live": 1}, errors=("rollback", "store")),
    "GET /status": Example(
        response={
            "generation": 1,
            "committed_at": "2026-11-25T15:43:29+00:00",
            "root": "/srv/handbook",
            "documents": 41,
            "chunks": 483,
            "embedder": "builtin/multilingual-e5-small",
            "store": ".zhiwen/milvus.db",
            "pending": _PLAN,
        },
        errors=("store",),
    ),
    "GET /health": Example(
        response={
            "status": "ok",
            "generation": 1,
            "root": "/srv/handbook",
            "documents": 41,
            "chunks": 483,
            "embedder": "builtin/multilingual-e5-small",
            "chat": "qwen/qwen-plus",
            "version": "0.1.0",
        },
        errors=("store",),
    ),
    "GET /v1/models": Example(
        response={
            "object": "list",
            "data": [{"id": "zhiwen", "object": "model", "created": 1795621413, "owned_by": "zhiwen"}],
        },
    ),
    "GET /v1/models/{name}": Example(
        parameters={"name": "zhiwen"},
        response={"id": "zhiwen", "object": "model", "created": 1795621413, "owned_by": "zhiwen"},
        errors=("name",),
    ),
    "POST /v1/chat/completions": Example(
        request={"model": "zhiwen", "messages": [{"role": "user", "content": _QUESTION}]},
        response={
            "id": "chatcmpl-c74685658bc14648b96f9b236400407a",
            "object": "chat.completion",
            "created": 1795621420,
            "model": "zhiwen",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": _TEXT + _LINKS, "annotations": [_ANNOTATION]},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 1180, "completion_tokens": 26, "total_tokens": 1206},
            "trace_id": _TRACE_ID,
        },
        stream=_CHUNKS,
        errors=("question", "live", "chat"),
    ),
    "POST /retrieval": Example(
        request={
            "knowledge_id": "zhiwen",
            "query": _QUESTION,
            "retrieval_setting": {"top_k": 3, "score_threshold": 0.2},
            "metadata_condition": {
                "logical_operator": "and",
                "conditions": [{"name": "tags", "comparison_operator": "contains", "value": "ai"}],
            },
        },
        response={
            "records": [
                {
                    "content": _ROW,
                    "score": 0.668502,
                    "title": "概述 › AI 工程架构",
                    "metadata": {"tags": ["ai"], **_PLACE, "kind": "row", "title": "概述", "url": f"{_BASE}{_URL}"},
                }
            ]
        },
        errors=("question", "filter", "live"),
    ),
    "GET /health/live": Example(response={"live": True}),
    "GET /health/ready": Example(
        response={
            "ready": True,
            "parts": [
                {"part": "store", "ok": True, "code": None},
                {"part": "embedder", "ok": True, "code": None},
                {"part": "generation", "ok": True, "code": None},
            ],
        },
    ),
    "GET /metrics": Example(text="# HELP zhiwen_requests_total Requests.\nzhiwen_requests_total 1.0\n"),
}
