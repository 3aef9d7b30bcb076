"""Sample values for the examples of the OpenAPI document, all for one question about the shipped documents."""

QUESTION = "向量数据库有哪些知名组件？"
ROW = "层级: 第一层 › 分类: 基础设施 › 内容: 向量数据库 › 知名组件/供应商: Milvus, PingCAP（基于 TiKV 的向量引擎）"
TEXT = "知名的向量数据库有 Milvus 和 PingCAP [1]。"
TRACE_ID = "c6c391f8dcdd4c63b3a71916f8c2fd26"
URL = "/docs/overview.md?lines=82-82#passage"
BASE = "http://127.0.0.1:8000"
LOCATION = {
    "source": "overview.md",
    "heading_path": ["概述", "AI 工程架构"],
    "anchor": "ai-工程架构",
    "start_line": 82,
    "end_line": 82,
}
HIT = {
    "id": "baf63e0b3420afb249bd26171d1c8e27",  # pragma: allowlist secret  (of a chunk)
    "source": "overview.md",
    "title": "概述",
    "heading_path": ["概述", "AI 工程架构"],
    "anchor": "ai-工程架构",
    "start_line": 82,
    "end_line": 82,
    "content": ROW,
    "score": 0.668502,
    "url": URL,
}
ANSWER = {
    "answer": TEXT,
    "refused": False,
    "reason": None,
    "citations": [{"number": 1, **LOCATION, "quote": ROW, "url": URL, "date": "2026-01-31"}],
    "unverified": [],
    "model": "qwen/qwen-plus",
    "generation": 1,
    "trace_id": TRACE_ID,
    "truncated": False,
    "usage": {"prompt_tokens": 1180, "completion_tokens": 26, "cost": 0.000996},
    "cached": False,
}
TRACE = {
    "trace_id": TRACE_ID,
    "asked_at": "2026-11-25T15:43:37.309179Z",
    "question": "它有哪些知名组件？",
    "standalone_question": QUESTION,
    "rewritten_by": "model",
    "generation": 1,
    "cached": False,
    "retrieval": {
        "terms": [{"term": "向量", "idf": 2.166}],
        "lexical_weight": 1.2,
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
        "milliseconds": {"embed": 9.8, "dense": 3.1, "lexical": 2.4, "read": 0.6, "fuse": 1.2},
        "warnings": [],
    },
    "passages": [HIT | {"number": 1}],
    "dropped_passages": [],
    "prompt": [{"role": "user", "content": f'<passage number="1">\n{ROW}\n</passage>\n\n问题: {QUESTION}'}],
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
    "verification": [{"sentence": TEXT, "numbers": [1], "supported": True, "fault": None, "problem": ""}],
    "answer": ANSWER,
    "milliseconds": {"rewrite": 310.2, "retrieve": 16.5, "write": 1240.0, "verify": 4.1, "total": 1571.3},
}
GAPS = {
    "kept": True,
    "found": 7,
    "asked": 31,
    "gaps": [
        {
            "question": "年假可以结转吗？",
            "questions": ["年假可以结转吗？", "没休完的年假怎么办？", "Can I carry over annual leave?"],
            "asked": 12,
            "refused": 11,
            "unverified": 1,
            "disliked": 1,
            "first_asked": "2026-11-02T08:11:40Z",
            "last_asked": "2026-11-25T15:43:37Z",
            "nearest": {
                "source": "hr/leave.md",
                "heading_path": ["休假", "年假"],
                "start_line": 12,
                "end_line": 15,
                "url": "/docs/hr/leave.md?lines=12-15#passage",
            },
            "answerable": False,
            "golden": {"question": "年假可以结转吗？", "source": "hr/leave.md"},
            "draft": "## 年假可以结转吗\n\n<!--\n…\n-->\n\n待写：在这里回答上面的问题。\n",
        }
    ],
}
PLAN = {
    "added": ["guides/setup.md"],
    "changed": ["overview.md"],
    "removed": [],
    "unchanged": 40,
    "deletions_held_back": 0,
    "estimated_seconds": 1.4,
}
REPORT = {
    "generation": 2,
    "documents": {"added": 1, "changed": 1, "removed": 0, "unchanged": 40, "failed": 1},
    "chunks": {"added": 12, "removed": 3, "unchanged": 480},
    "embedded": 12,
    "seconds": 1.9,
    "failures": [{"source": "old.md", "error": "old.md: line 3 is not UTF-8; save the file as UTF-8"}],
    "warnings": [],
    "without_passages": 1,
    "passed_over": {"other suffix": 3, "hidden": 1},
    "other_suffixes": {".png": 3},
    "deletions_held_back": 0,
    "message": "",
}
