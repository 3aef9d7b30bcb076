"""What the command line says, in Chinese and English."""

import os
from collections.abc import Mapping

from rag.question import Language


def interface_language(environment: Mapping[str, str] = os.environ) -> Language:
    """The language of the user's locale: Chinese for `zh…`, English otherwise."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(variable):
            return "zh" if environment[variable].lower().startswith("zh") else "en"
    return "en"


MESSAGES: dict[str, dict[Language, str]] = {
    "sources": {"zh": "来源", "en": "Sources"},
    "unverified": {
        "zh": "未核实（所引段落里没有依据）",
        "en": "Unverified (not supported by the passages cited)",
    },
    "lines": {"zh": "第 {start}–{end} 行", "en": "lines {start}–{end}"},
    "line": {"zh": "第 {start} 行", "en": "line {start}"},
    "no_hits": {"zh": "没有找到相关内容。", "en": "Nothing found."},
    "ingesting": {"zh": "正在读入", "en": "Ingesting"},
    "progress": {
        "zh": "{documents}/{documents_total} 篇 · {chunks} 段",
        "en": "{documents}/{documents_total} documents · {chunks} chunks",
    },
    "rate": {"zh": "{rate:.0f} 段/秒", "en": "{rate:.0f} chunks/s"},
    "plan": {
        "zh": "文档：新增 {added}，改动 {changed}，移除 {removed}，未变 {unchanged}",
        "en": "Documents: {added} added, {changed} changed, {removed} removed, {unchanged} unchanged",
    },
    "report": {
        "zh": "第 {generation} 代：新增 {chunks_added} 段，移除 {chunks_removed} 段，{chunks_unchanged} 段未变；"
        "嵌入 {embedded} 段，用时 {seconds:.1f} 秒",
        "en": "Generation {generation}: {chunks_added} chunks added, {chunks_removed} removed, "
        "{chunks_unchanged} unchanged; {embedded} embedded, {seconds:.1f} s",
    },
    "failed": {
        "zh": "{count} 篇文档没有读入；有旧版本的，旧版本仍然有效：",
        "en": "Not ingested: {count}; where there is an earlier version, it stays live:",
    },
    "first_ingest": {
        "zh": "知识库还没有读入，先读入 {path}。",
        "en": "Nothing has been ingested yet; ingesting {path} first.",
    },
    "status_empty": {
        "zh": "还没有读入任何文档。运行 zhiwen ingest 读入 {path}。",
        "en": "Nothing has been ingested yet. Run `zhiwen ingest` to ingest {path}.",
    },
    "generation": {"zh": "当前代", "en": "Generation"},
    "committed": {"zh": "提交时间", "en": "Committed"},
    "root": {"zh": "知识目录", "en": "Knowledge"},
    "documents": {"zh": "文档", "en": "Documents"},
    "chunks": {"zh": "段落", "en": "Chunks"},
    "embedder": {"zh": "嵌入模型", "en": "Embedder"},
    "store": {"zh": "存储", "en": "Store"},
    "pending": {"zh": "待读入", "en": "Pending"},
    "pending_none": {"zh": "无，已是最新", "en": "nothing, up to date"},
    "pending_unknown": {"zh": "未知：找不到知识目录", "en": "unknown: the folder is not there"},
    "pending_some": {
        "zh": "新增 {added}，改动 {changed}，移除 {removed}",
        "en": "{added} added, {changed} changed, {removed} removed",
    },
    "rolled_back": {
        "zh": "已从第 {left} 代回到第 {live} 代。文件没有变动：下次 ingest 会重新读入其间的改动。",
        "en": "Back from generation {left} to {live}. The files are as they were: the next ingest takes the changes "
        "in again.",
    },
    "stop": {"zh": "按 Ctrl+C 停止", "en": "Press Ctrl+C to stop"},
}


def say(key: str, language: Language, **values: object) -> str:
    return MESSAGES[key][language].format(**values)
