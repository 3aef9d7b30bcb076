"""Texts that people read, in Chinese and English."""

import os
from collections.abc import Mapping

from api.gap_messages import GAP_MESSAGES
from api.source_messages import SOURCE_MESSAGES
from rag.text.language import Language


def interface_language(environment: Mapping[str, str] = os.environ) -> Language:
    """Return the language of the user's locale: Chinese for `zh…`, English otherwise."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(variable):
            return "zh" if environment[variable].lower().startswith("zh") else "en"
    return "en"


def say(key: str, language: Language, **values: object) -> str:
    """Return the message `key` with the values put in."""
    return MESSAGES[key][language].format(**values)


MESSAGES: dict[str, dict[Language, str]] = {
    # Answers
    "answer": {"zh": "回答", "en": "Answer"},
    "sources": {"zh": "来源", "en": "Sources"},
    "unverified": {
        "zh": "未核实（文档里没有依据，或者没有核对到）",
        "en": "Unverified (the passages do not support this, or it was not checked)",
    },
    # Search
    "no_hits": {"zh": "没有找到相关内容。", "en": "Nothing found."},
    "terms": {"zh": "问题里的词（idf）", "en": "Terms of the question (idf)"},
    "evidence": {
        "zh": "能答上来的概率 {probability:.2f}；按字词检索的权重 {weight:g}",
        "en": "Probability that the passages answer it: {probability:.2f}; weight of the lexical scores: {weight:g}",
    },
    "candidates": {
        "zh": " 得分   相似度    BM25   覆盖  向量/字词名次",
        "en": " score   cosine    BM25  cover  dense/lexical rank",
    },
    "dropped_rank": {"zh": "名次靠后，没有采用", "en": "ranked too low"},
    "dropped_same": {"zh": "和 {location} 内容相同", "en": "same text as {location}"},
    # Ingest, export and import
    "ingesting": {"zh": "正在读入", "en": "Ingesting"},
    "exporting": {"zh": "正在导出", "en": "Exporting"},
    "importing": {"zh": "正在导入", "en": "Importing"},
    "progress": {
        "zh": "{documents}/{documents_total} 篇 · {chunks} 段",
        "en": "{documents}/{documents_total} documents · {chunks} chunks",
    },
    "rate": {"zh": "{rate} 段/秒", "en": "{rate} chunks/s"},
    "plan": {
        "zh": "文档：新增 {added}，改动 {changed}，移除 {removed}，未变 {unchanged}",
        "en": "Documents: {added} added, {changed} changed, {removed} removed, {unchanged} unchanged",
    },
    "estimate": {"zh": "读入大约要 {duration}", "en": "Ingesting will take about {duration}"},
    "time_left": {"zh": "还要约 {duration}", "en": "about {duration} left"},
    "seconds": {"zh": "{seconds} 秒", "en": "{seconds} s"},
    "minutes": {"zh": "{minutes} 分钟", "en": "{minutes} min"},
    "hours": {"zh": "{hours} 小时 {minutes} 分钟", "en": "{hours} h {minutes} min"},
    "report": {
        "zh": "第 {generation} 版：新增 {chunks_added} 段，移除 {chunks_removed} 段，{chunks_unchanged} 段未变；"
        "嵌入 {embedded} 段，用时 {seconds:.1f} 秒",
        "en": "Generation {generation}: {chunks_added} chunks added, {chunks_removed} removed, "
        "{chunks_unchanged} unchanged; {embedded} embedded, {seconds:.1f} s",
    },
    "failed": {
        "zh": "{count} 处没能读入；以前读入过的，旧内容继续有效：",
        "en": "Could not be ingested: {count}. Content ingested before stays live.",
    },
    "warnings": {"zh": "{count} 处要留意：", "en": "Worth a look: {count}."},
    "without_passages": {
        "zh": "{count} 篇文档里没有可查的文字。",
        "en": "Documents without any text to find: {count}.",
    },
    "held_back": {
        "zh": "{count} 篇文档从文件夹里消失了，一下子太多，先留着；确实要删，再运行一次并加上 --allow-mass-deletion。",
        "en": "Documents gone from the folder: {count}. They stay live because they are so many; if that is meant, run "
        "again with --allow-mass-deletion.",
    },
    "passed_over": {"zh": "没有读的：{counts}", "en": "Passed over: {counts}"},
    "list_separator": {"zh": "，", "en": ", "},
    "other suffix": {"zh": "别的后缀", "en": "other suffix"},
    "not included": {"zh": "不在 include 里", "en": "not included"},
    "excluded": {"zh": "exclude 排除", "en": "excluded"},
    "hidden": {"zh": "隐藏", "en": "hidden"},
    "ignored": {"zh": ".gitignore 排除", "en": "ignored by .gitignore"},
    "link out of the folder": {"zh": "指向外面的链接", "en": "link out of the folder"},
    "broken link": {"zh": "断掉的链接", "en": "broken link"},
    "folder read already": {"zh": "指向已读文件夹的链接", "en": "link to a folder that is read already"},
    "not a regular file": {"zh": "不是普通文件", "en": "not a regular file"},
    "first_ingest": {
        "zh": "还没有读入过文档，先读入 {path} 里的 {count} 篇。",
        "en": "Nothing has been ingested yet; ingesting {path} first (documents: {count}).",
    },
    "exported": {
        "zh": "已导出第 {generation} 版：{documents} 篇文档，{chunks} 段，写入 {file}，用时 {seconds:.1f} 秒",
        "en": "Exported generation {generation}: {documents} documents, {chunks} chunks to {file}, {seconds:.1f} s",
    },
    "imported": {
        "zh": "已导入为第 {generation} 版：{documents} 篇文档，{chunks} 段，用时 {seconds:.1f} 秒；"
        "zhiwen rollback{option} 可以撤销",
        "en": "Imported as generation {generation}: {documents} documents, {chunks} chunks, {seconds:.1f} s; "
        "`zhiwen rollback{option}` undoes the import",
    },
    "rolled_back": {
        "zh": "已从第 {left} 版退回第 {live} 版。文件没有动，下次读入会重新读进那些改动。",
        "en": "Rolled back from generation {left} to {live}. The files are unchanged, so the next ingest "
        "brings the changes back.",
    },
    # Status
    "status_empty": {
        "zh": "还没有读入任何文档。运行 zhiwen ingest{option} 读入 {path}。",
        "en": "Nothing has been ingested yet. Run `zhiwen ingest{option}` to ingest {path}.",
    },
    "generation": {"zh": "版本", "en": "Generation"},
    "committed": {"zh": "更新时间", "en": "Committed"},
    "root": {"zh": "文件夹", "en": "Folder"},
    "documents": {"zh": "文档", "en": "Documents"},
    "chunks": {"zh": "段落", "en": "Chunks"},
    "embedder": {"zh": "嵌入模型", "en": "Embedder"},
    "store": {"zh": "存储", "en": "Store"},
    "state": {"zh": "记录和评价", "en": "Traces"},
    "pending": {"zh": "待读入", "en": "Pending"},
    "pending_none": {"zh": "无，已是最新", "en": "nothing, up to date"},
    "pending_unknown": {"zh": "未知：找不到文件夹", "en": "unknown: the folder is missing"},
    "pending_some": {
        "zh": "新增 {added}，改动 {changed}，移除 {removed}",
        "en": "{added} added, {changed} changed, {removed} removed",
    },
    # Doctor
    "configuration": {"zh": "配置", "en": "Configuration"},
    "knowledge": {"zh": "文件夹", "en": "Folder"},
    "chat": {"zh": "大模型", "en": "Chat model"},
    "doctor_defaults": {"zh": "只有默认值和环境变量", "en": "only defaults and environment variables"},
    "doctor_knowledge": {"zh": "{path}，{count} 篇文档", "en": "{path} (documents: {count})"},
    "doctor_empty": {
        "zh": "{uri} 还是空的；运行 zhiwen ingest{option} 读入文档",
        "en": "{uri} is empty; run `zhiwen ingest{option}` to fill it",
    },
    "doctor_store": {
        "zh": "{uri}，第 {generation} 版，{documents} 篇文档",
        "en": "{uri}, generation {generation} (documents: {documents})",
    },
    "doctor_served": {
        "zh": "由服务 {url}（进程 {pid}）打开，第 {generation} 版，{documents} 篇文档，用 {embedder} 和 {chat}",
        "en": "open in the server {url} (process {pid}), generation {generation} (documents: {documents}), "
        "with {embedder} and {chat}",
    },
    "doctor_embedder": {
        "zh": "{name}，{dimension} 维，由 {engine} 计算，{seconds:.1f} 秒内就绪",
        "en": "{name}, {dimension} dimensions, computed by {engine}, ready in {seconds:.1f} s",
    },
    "reranker": {"zh": "重排模型", "en": "Reranker"},
    "doctor_reranker": {
        "zh": "{name}，{seconds:.1f} 秒内排好两段",
        "en": "{name}, ranked two passages in {seconds:.1f} s",
    },
    "doctor_extractive": {
        "zh": "未配置，回答摘自原文；要用大模型，请设置 ZHIWEN_CHAT__PROVIDER 和密钥",
        "en": "not configured: answers are quoted from the documents; to use a model, set ZHIWEN_CHAT__PROVIDER and "
        "a key",
    },
    "doctor_chat": {"zh": "{name}，{seconds:.1f} 秒后开始回答", "en": "{name}, answers after {seconds:.1f} s"},
    "doctor_skipped": {"zh": "配置有误，没有检查", "en": "not checked, because the configuration is invalid"},
    # Settings and keys
    "config_written": {
        "zh": "已写好 {path}，每项设置都有默认值和说明，留下要改的就行。\n"
        '接下来：zhiwen config 看当前设置，zhiwen doctor 检查一遍，zhiwen ask "…" 提问。',
        "en": "Wrote {path}: every setting with its default and a comment. Keep what you change.\n"
        'Next: `zhiwen config` shows what is in force, `zhiwen doctor` checks it, `zhiwen ask "…"` asks.',
    },
    "secret_set": {"zh": "******（已设置）", "en": "****** (set)"},
    "secret_unset": {"zh": "（未设置）", "en": "(not set)"},
    "key_added": {
        "zh": "密钥只显示这一次，哈希已写入 {path}。用这个文件的服务两秒内就会认它，不用重启。",
        "en": "The key is shown only once; its hash is in {path}. A server that uses this file accepts the key within "
        "two seconds.",
    },
    "key_line": {
        "zh": "密钥只显示这一次。把下面这行加到 serve.keys_file 指定的文件里：\n{line}",
        "en": "The key is shown only once. Add this line to the file that serve.keys_file names:\n{line}",
    },
    # Conversations
    "chat_help": {
        "zh": "可以接着上文问。/new 换个话题，/quit 或 Ctrl+D 退出。",
        "en": "You can ask follow-up questions. /new starts a new conversation, /quit or Ctrl+D quits.",
    },
    "chat_new": {"zh": "上文已清空。", "en": "Conversation cleared."},
    "chat_stopped": {"zh": "已停止。", "en": "Stopped."},
    "trace_hint": {
        "zh": "这个回答是怎么来的：zhiwen explain {trace_id}",
        "en": "How this answer came about: zhiwen explain {trace_id}",
    },
    # Traces
    "asked": {"zh": "问题", "en": "Question"},
    "rewritten_model": {"zh": "大模型改写为", "en": "Rewritten by the chat model"},
    "rewritten_rule": {"zh": "按上文补全为", "en": "Completed from the conversation"},
    "cached": {
        "zh": "取自缓存：同样的问题、同样的原文以前答过",
        "en": "From the cache: the same question was answered from the same passages before",
    },
    "passages": {"zh": "段落", "en": "Passages"},
    "not_shown": {"zh": "提示词放不下，没给大模型看", "en": "left out, because the prompt was full"},
    "prompt": {"zh": "提示词", "en": "Prompt"},
    "attempts": {"zh": "大模型调用", "en": "Chat model calls"},
    "tokens": {"zh": "{prompt} + {completion} 个 token", "en": "{prompt} + {completion} tokens"},
    "cost": {"zh": "费用 {cost:.6f}", "en": "cost {cost:.6f}"},
    "checked": {"zh": "核实", "en": "Verification"},
    "refused": {"zh": "拒答", "en": "Refused"},
    "broken_off": {"zh": "写到一半断了，不算回答", "en": "Broken off; this is not an answer"},
    # Feedback
    "no_feedback": {"zh": "还没有评价。", "en": "No feedback yet."},
    # Evaluations
    "asking": {"zh": "正在提问", "en": "Asking"},
    "not_as_expected": {"zh": "哪里不对", "en": "Not as expected"},
    "evaluated": {
        "zh": "{total} 个问题，过了 {passed} 个；第 {generation} 版，由 {models} 回答",
        "en": "{passed} of {total} questions passed; generation {generation}, answered by {models}",
    },
    "compared_with": {
        "zh": "对比的是{name}（{at} UTC，第 {generation} 版，由 {models} 回答）",
        "en": "Compared with {name} ({at} UTC, generation {generation}, answered by {models})",
    },
    "last_run": {"zh": "上次没有问题的那一回", "en": "the last good run"},
    "previous_generation": {"zh": "上一个版本", "en": "the generation before"},
    "flipped": {"zh": "{count} 个原来能过，现在过不了：", "en": "Passed before and fail now: {count}"},
    "new_failures": {"zh": "{count} 个是新加的，没有过：", "en": "New and fail: {count}"},
    "mended": {"zh": "{count} 个原来过不了，现在过了：", "en": "Failed before and pass now: {count}"},
    "no_answer": {"zh": "（没有回答）", "en": "(no answer)"},
    "eval_passage": {"zh": "没有找到段落：{detail}", "en": "passage not found: {detail}"},
    "eval_refused": {"zh": "拒答了（{detail}）", "en": "refused ({detail})"},
    "eval_answered": {"zh": "应该拒答，却答了", "en": "answered, should be refused"},
    "eval_answer": {"zh": "没有说：{detail}", "en": "does not say: {detail}"},
    "eval_forbidden": {"zh": "不该说：{detail}", "en": "must not say: {detail}"},
    "eval_citation": {"zh": "没有引用：{detail}", "en": "does not cite: {detail}"},
    "eval_reference": {"zh": "和参考答案不符：{detail}", "en": "differs from the reference: {detail}"},
    "eval_error": {"zh": "出错：{detail}", "en": "error: {detail}"},
    # Servers
    "stop": {"zh": "按 Ctrl+C 停止", "en": "Press Ctrl+C to stop"},
    "mcp_waits": {
        "zh": "等待 MCP 客户端的消息。这条命令一般由客户端启动；按 Ctrl+D 结束。",
        "en": "Waiting for an MCP client. Clients usually start this command themselves; press Ctrl+D to quit.",
    },
    **GAP_MESSAGES,
    **SOURCE_MESSAGES,
}
