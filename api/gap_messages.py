"""What people read about gaps: questions that nobody could answer."""

from collections.abc import Mapping

from rag.text.language import Language

GAP_MESSAGES: Mapping[str, dict[Language, str]] = {
    "gaps_off": {
        "zh": "没有留下问题。把 traces.keep_questions 设成 true，之后答不上来的问题才会留下来。",
        "en": "No questions are kept. Set traces.keep_questions to true: from then on, those without an answer are.",
    },
    "gaps_none": {"zh": "没有答不上来的问题。", "en": "There is no question without an answer."},
    "gaps_found": {
        "zh": "答不上来的事有 {found} 件，一共问了 {asked} 次。",
        "en": "Things nobody could answer: {found}, asked {asked} times in all.",
    },
    "gaps_more": {
        "zh": "只列出前 {shown} 件，--limit 可以多列。",
        "en": "These are the first {shown}; --limit lists more.",
    },
    "gap_asked": {"zh": "{count} 次", "en": "asked {count}×"},
    "gap_refused": {"zh": "拒答 {count}", "en": "refused {count}"},
    "gap_unverified": {"zh": "未核实 {count}", "en": "unverified {count}"},
    "gap_disliked": {"zh": "踩 {count}", "en": "thumbs down {count}"},
    "gap_between": {"zh": "{first} 到 {last}", "en": "{first} to {last}"},
    "gap_nearest": {"zh": "最接近：{place}", "en": "nearest: {place}"},
    "gap_answerable": {"zh": "现在的文档也许已经能答", "en": "the documents may answer this by now"},
    "stale_none": {
        "zh": "最近 {days:g} 天的回答没有用到旧文档。",
        "en": "No answer of the last {days:g} days rests on an old document.",
    },
    "stale_found": {
        "zh": "最近 {days:g} 天的回答用到的旧文档有 {found} 篇：",
        "en": "Old documents that answers of the last {days:g} days rest on: {found}",
    },
    "stale_answers": {"zh": "{answers} 次回答", "en": "answers: {answers}"},
    "front matter": {"zh": "文档自己写的", "en": "by its front matter"},
    "git": {"zh": "git 提交", "en": "by git"},
    "file": {"zh": "文件时间", "en": "by its file"},
    "gap_unknown": {
        "zh": "没有第 {number} 件，一共列出了 {shown} 件。",
        "en": "there is no gap {number}; {shown} are listed",
    },
}
