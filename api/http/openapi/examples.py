"""An example call for each route of the OpenAPI document."""

from collections.abc import Mapping

from api.service import example_values
from api.service.operation import Example
from api.service.operations import OPERATIONS

TAGS: Mapping[str, str] = {
    "ask": "Ask questions, search, and read passages and documents.",
    "ingest": "Update the index from the folder of documents.",
    "service": "The state of the index and of the service.",
    "OpenAI-compatible": "A chat model for existing clients; its answers come from the knowledge base.",
    "Dify": "An external knowledge base for Dify.",
}


_LINK = f"{example_values.BASE}{example_values.URL}"
_ANNOTATION = {
    "type": "url_citation",
    "url_citation": {
        "start_index": 26,
        "end_index": 29,
        "url": _LINK,
        "title": "overview.md › 概述 › AI 工程架构",
    },
}
_LINKS = f"\n\n**来源**\n\n- [1] [overview.md › 概述 › AI 工程架构]({_LINK})"

_CHUNKS = (
    'data: {"id": "chatcmpl-c7", "object": "chat.completion.chunk", "created": 1795621420, "model": "zhiwen", '
    '"choices": [{"index": 0, "delta": {"content": "知名的"}, "finish_reason": null}]}\n\ndata: [DONE]\n\n'
)

_DOCUMENT = {"source": "overview.md", "lines": "82-84"}

EXAMPLES: Mapping[str, Example] = {
    **{f"{operation.method} {operation.path}": operation.example for operation in OPERATIONS if operation.in_document},
    "POST /ask": Example(
        request={"question": "它有哪些知名组件？", "history": [{"role": "user", "content": "什么是向量数据库？"}]},
        response=example_values.ANSWER,
        stream='event: passages\ndata: {"passages": […]}\n\n'
        f'event: delta\ndata: {{"text": "{example_values.TEXT}"}}\n\n'
        'event: answer\ndata: {"answer": …}\n\n',
        errors=("question", "filter", "knowledge_base", "live", "chat"),
    ),
    "POST /ingest": Example(
        request={"verify": True},
        response={"running": True, "run": 2, "plan": None, "progress": None, "last": None, "error": None},
        errors=("knowledge_base", "ingest", "store"),
    ),
    "GET /ingest": Example(
        response={
            "running": True,
            "run": 3,
            "plan": example_values.PLAN,
            "progress": {"documents": 1, "documents_total": 2, "chunks": 8, "embedded": 8},
            "last": example_values.REPORT,
            "error": None,
        },
    ),
    "POST /hooks/git/{name}": Example(
        parameters={"name": "handbook"}, response={"accepted": True, "reason": ""}, errors=("hook",)
    ),
    "GET /documents/{source}": Example(
        parameters=_DOCUMENT,
        response={
            "source": "overview.md",
            "title": "概述",
            "generation": 1,
            "chunks": 27,
            "rebuilt": False,
            "plain": False,
            "url": example_values.URL,
            "sections": [{"level": 2, "heading": "AI 工程架构", "anchor": "ai-工程架构"}],
            "html": '<h2 id="doc-ai-工程架构">AI 工程架构</h2>',
        },
        errors=("document", "knowledge_base", "live"),
    ),
    "GET /docs/{source}": Example(
        parameters=_DOCUMENT, html="<!doctype html>…", errors=("document", "knowledge_base", "live")
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
        request={"model": "zhiwen", "messages": [{"role": "user", "content": example_values.QUESTION}]},
        response={
            "id": "chatcmpl-c74685658bc14648b96f9b236400407a",
            "object": "chat.completion",
            "created": 1795621420,
            "model": "zhiwen",
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": example_values.TEXT + _LINKS,
                        "annotations": [_ANNOTATION],
                    },
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 1180, "completion_tokens": 26, "total_tokens": 1206},
            "trace_id": example_values.TRACE_ID,
        },
        stream=_CHUNKS,
        errors=("question", "knowledge_base", "live", "chat"),
    ),
    "POST /retrieval": Example(
        request={
            "knowledge_id": "zhiwen",
            "query": example_values.QUESTION,
            "retrieval_setting": {"top_k": 3, "score_threshold": 0.2},
            "metadata_condition": {
                "logical_operator": "and",
                "conditions": [{"name": "tags", "comparison_operator": "contains", "value": "ai"}],
            },
        },
        response={
            "records": [
                {
                    "content": example_values.ROW,
                    "score": 0.668502,
                    "title": "概述 › AI 工程架构",
                    "metadata": {
                        "tags": ["ai"],
                        **example_values.LOCATION,
                        "kind": "row",
                        "title": "概述",
                        "url": _LINK,
                    },
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
