"""What the command line says, in Chinese and English."""

import os
from collections.abc import Mapping

from rag.text.language import Language


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
    "mcp_waits": {
        "zh": "等待 MCP 客户端的消息：这条命令应由客户端启动。Ctrl+D 结束。",
        "en": "Waiting for the messages of an MCP client, which is meant to start this command. Ctrl+D ends it.",
    },
    "lines": {"zh": "第 {start}–{end} 行", "en": "lines {start}–{end}"},
    "line": {"zh": "第 {start} 行", "en": "line {start}"},
    "no_hits": {"zh": "没有找到相关内容。", "en": "Nothing found."},
    "terms": {"zh": "词项与 idf", "en": "Terms and idf"},
    "evidence": {
        "zh": "能回答的概率 {probability:.2f}；词面权重 {weight:g}",
        "en": "Probability of an answer {probability:.2f}; weight of the words {weight:g}",
    },
    "candidates": {
        "zh": " 得分   相似度    BM25   覆盖  向量/词面名次",
        "en": " score   cosine    BM25  cover  dense/lexical rank",
    },
    "ingesting": {"zh": "正在读入", "en": "Ingesting"},
    "exporting": {"zh": "正在导出", "en": "Exporting"},
    "exported": {
        "zh": "已导出第 {generation} 代：{documents} 篇文档，{chunks} 段，写入 {file}，用时 {seconds:.1f} 秒",
        "en": "Generation {generation} exported: {documents} documents, {chunks} chunks in {file}, {seconds:.1f} s",
    },
    "importing": {"zh": "正在导入", "en": "Importing"},
    "imported": {
        "zh": "已导入为第 {generation} 代：{documents} 篇文档，{chunks} 段，用时 {seconds:.1f} 秒；"
        "zhiwen rollback 可以撤销",
        "en": "Imported as generation {generation}: {documents} documents, {chunks} chunks, {seconds:.1f} s; "
        "`zhiwen rollback` takes it back",
    },
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
    "configuration": {"zh": "配置", "en": "Configuration"},
    "knowledge": {"zh": "知识目录", "en": "Knowledge"},
    "chat": {"zh": "大模型", "en": "Chat model"},
    "doctor_defaults": {"zh": "默认值和环境变量", "en": "defaults and environment"},
    "doctor_knowledge": {"zh": "{path}，{count} 篇文档", "en": "{path}, {count} documents"},
    "doctor_empty": {
        "zh": "{uri} 还没有内容；运行 zhiwen ingest 读入",
        "en": "{uri} is still empty; `zhiwen ingest` fills it",
    },
    "doctor_store": {
        "zh": "{uri}，第 {generation} 代，{documents} 篇文档",
        "en": "{uri}, generation {generation}, {documents} documents",
    },
    "doctor_served": {
        "zh": "由服务 {url}（进程 {pid}）打开，第 {generation} 代，{documents} 篇文档，用 {embedder} 和 {chat}",
        "en": "open in the server {url} (process {pid}), generation {generation}, {documents} documents, "
        "with {embedder} and {chat}",
    },
    "doctor_embedder": {
        "zh": "{name}，{dimension} 维，{seconds:.1f} 秒内就绪",
        "en": "{name}, {dimension} dimensions, ready in {seconds:.1f} s",
    },
    "doctor_extractive": {
        "zh": "未配置：回答摘自原文；设置 ZHIWEN_CHAT__PROVIDER 和密钥即可使用",
        "en": "none: answers are quoted from the documents; set ZHIWEN_CHAT__PROVIDER and a key to have one",
    },
    "doctor_chat": {"zh": "{name}，{seconds:.1f} 秒开始回答", "en": "{name}, answers after {seconds:.1f} s"},
    "doctor_skipped": {"zh": "配置有误，未检查", "en": "not looked at, for the configuration is wrong"},
    "key_added": {
        "zh": "密钥只显示这一次；它的哈希已写入 {path}；正在用这个文件的服务两秒内就会认它，不用重启。",
        "en": "The key is shown this once; its hash is in {path}. A server that uses this file takes it within two "
        "seconds.",
    },
    "key_line": {
        "zh": "密钥只显示这一次。把下面一行放进 serve.keys_file 所指的文件：\n{line}",
        "en": "The key is shown this once. Put this line into the file that serve.keys_file names:\n{line}",
    },
    "secret_set": {"zh": "******（已设置）", "en": "****** (set)"},
    "secret_unset": {"zh": "（未设置）", "en": "(not set)"},
    "chat_help": {
        "zh": "可以接着上文问。/new 换一个话题，/quit 或 Ctrl+D 离开。",
        "en": "Follow-up questions are understood. /new begins anew, /quit or Ctrl+D leaves.",
    },
    "chat_new": {"zh": "上文已清空。", "en": "What was said before is forgotten."},
    "chat_stopped": {"zh": "已停止。", "en": "Stopped."},
    "trace_hint": {"zh": "怎么得来的：zhiwen explain {trace_id}", "en": "How it came about: zhiwen explain {trace_id}"},
    "asked": {"zh": "问题", "en": "Question"},
    "rewritten_model": {"zh": "大模型改写为", "en": "Rewritten by the chat model"},
    "rewritten_rule": {"zh": "按规则补全为", "en": "Completed by rule"},
    "cached": {
        "zh": "取自缓存：这一代里已经回答过同一个问题",
        "en": "From the cache: this generation was asked the same before",
    },
    "passages": {"zh": "段落", "en": "Passages"},
    "not_shown": {"zh": "放不下，没有给模型看", "en": "did not fit, not shown to the model"},
    "prompt": {"zh": "提示词", "en": "Prompt"},
    "attempts": {"zh": "模型调用", "en": "Calls of the model"},
    "tokens": {"zh": "{prompt} + {completion} token", "en": "{prompt} + {completion} tokens"},
    "cost": {"zh": "费用 {cost:.6f}", "en": "cost {cost:.6f}"},
    "checked": {"zh": "核实", "en": "Checks"},
    "answer": {"zh": "回答", "en": "Answer"},
    "refused": {"zh": "拒答", "en": "Refused"},
    "broken_off": {"zh": "写到一半断了，不是回答", "en": "Broken off, and no answer"},
    "no_feedback": {"zh": "还没有人评价过回答。", "en": "Nobody has judged an answer yet."},
    "stop": {"zh": "按 Ctrl+C 停止", "en": "Press Ctrl+C to stop"},
}

REMEDIES: dict[str, dict[Language, str]] = {
    "config_error": {
        "zh": "改正上面的设置；config.yaml 里有每一项的说明",
        "en": "correct the setting; config.yaml explains each",
    },
    "knowledge_error": {
        "zh": "把文档放到那里，或把 ZHIWEN_KNOWLEDGE__PATH 设为另一个目录",
        "en": "put documents there, or name another folder",
    },
    "store_unavailable": {
        "zh": "检查 store.uri；是服务器的话，看它是否已启动",
        "en": "check store.uri and, if it is a server, whether that runs",
    },
    "store_timeout": {
        "zh": "看 Milvus 服务器是否过载，或调大 store.timeout_seconds",
        "en": "see whether the Milvus server is overloaded, or raise store.timeout_seconds",
    },
    "store_locked": {
        "zh": "结束占用它的进程，或等它完成",
        "en": "end the process that has it, or wait until it is done",
    },
    "store_error": {
        "zh": "换一个 store.uri 后重新 zhiwen ingest，或恢复备份",
        "en": "take another store.uri and run `zhiwen ingest`, or restore a backup",
    },
    "embedder_unavailable": {
        "zh": "检查 embedding.* 设置，或设 embedding.provider: builtin",
        "en": "check the embedding.* settings, or set embedding.provider: builtin",
    },
    "embedder_error": {
        "zh": "检查 embedding.* 设置，或设 embedding.provider: builtin",
        "en": "check the embedding.* settings, or set embedding.provider: builtin",
    },
    "embedder_mismatch": {
        "zh": "运行 zhiwen ingest 重建索引，或改回原来的设置",
        "en": "run `zhiwen ingest` to build the index anew, or go back to the old settings",
    },
    "chat_unavailable": {
        "zh": "检查网络和 chat.base_url；本地模型看是否已启动",
        "en": "start it if it is a local model; otherwise see the provider's status page",
    },
    "chat_busy": {
        "zh": "稍后再试，或提高服务商的限额，或加 chat.fallbacks",
        "en": "try again later, raise the provider's limit, or add chat.fallbacks",
    },
    "chat_denied": {
        "zh": "检查密钥、账户余额和 chat.model",
        "en": "check the key, the account and chat.model",
    },
    "chat_timeout": {
        "zh": "换一个更快的模型，或调大 chat.first_token_timeout_seconds",
        "en": "take a faster model, or raise chat.first_token_timeout_seconds",
    },
    "chat_broken": {
        "zh": "看服务商的状态页，或加 chat.fallbacks",
        "en": "see the provider's status page, or add chat.fallbacks",
    },
    "chat_garbled": {
        "zh": "检查 chat.base_url：那里的接口与 OpenAI 不兼容",
        "en": "check chat.base_url: what is there is not OpenAI-compatible",
    },
    "chat_filtered": {
        "zh": "服务商的内容过滤拦截了测试；换一个模型",
        "en": "the provider's content filter stopped a test; take another model",
    },
    "chat_rejected": {
        "zh": "检查 chat.model 和 chat.max_answer_tokens",
        "en": "check chat.model and chat.max_answer_tokens",
    },
    "not_a_chat_model": {
        "zh": "检查 chat.base_url，通常以 /v1 结尾",
        "en": "check chat.base_url, which usually ends in /v1",
    },
}
"""What mends a broken part, by the code of its error."""


def say(key: str, language: Language, **values: object) -> str:
    return MESSAGES[key][language].format(**values)
