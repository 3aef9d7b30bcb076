"""How models mark reasoning that stays in their text, by family. Sources: the models' chat templates."""

import re
from collections.abc import Collection, Iterable

PAIRS = {
    "<think>": "</think>",  # DeepSeek-R1, Qwen, GLM, MiniMax, Hunyuan
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",  # EXAONE, Gemini by way of its OpenAI-compatible endpoint
    "<thoughts>": "</thoughts>",
    "<reasoning>": "</reasoning>",
    "<reason>": "</reason>",
    "<reflection>": "</reflection>",
    "<scratchpad>": "</scratchpad>",
    "<analysis>": "</analysis>",
    "<antthinking>": "</antthinking>",
    "<seed:think>": "</seed:think>",  # Seed-OSS
    "<mm:think>": "</mm:think>",  # MiniMax
    "[think]": "[/think]",  # Magistral
    "◁think▷": "◁/think▷",  # Kimi-VL
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "<|start_thinking|>": "<|end_thinking|>",  # Command A
    "<|inner_prefix|>": "<|inner_suffix|>",  # Apertus
    "<unused94>thought": "<unused95>",  # MedGemma
    "<|channel>thought": "<channel|>",  # Gemma
}
"""Opening and closing tag, in lower case; models write them in any case."""

WRAPPERS = {
    "<answer>": "</answer>",
    "<response>": "</response>",
    "<|begin_of_solution|>": "<|end_of_solution|>",
    "<|start_response|>": "<|end_response|>",
    "<|begin_of_box|>": "<|end_of_box|>",  # GLM
}
"""Tags around the answer of a model that marks its reasoning, too."""

HEADER_TAGS = frozenset({"<|start|>", "<|channel|>", "<|constrain|>"})
"""Harmony (gpt-oss): what follows, up to `<|message|>`, names the channel."""
MESSAGE_TAG = "<|message|>"
END_TAGS = frozenset({"<|end|>", "<|return|>", "<|call|>"})

BARE_ANALYSIS = re.compile(r"analysis(?=[^\sa-z.,:;!?，。：；、])")
BARE_FINAL = "assistantfinal"
"""Harmony after a server has dropped the special tokens: `analysisWe need …assistantfinalThe answer`."""

OPENINGS = (
    *(
        "好的，用户",
        "好的，我",
        "好，用户",
        "好，我",
        "嗯，",
        "嗯…",
        "唔，",
        "首先，我",
        "首先，用户",
        "用户问",
        "用户的",
        "用户想",
    ),
    *("我现在需要", "我需要", "我们需要", "让我", "现在我需要", "现在，我", "那么，我", "思考过程", "思考："),
    *("okay, ", "ok, ", "okay. ", "alright, ", "hmm", "let me ", "let's ", "we need ", "we have to ", "we are asked"),
    *("we are given", "the user ", "user asks", "i need to ", "first, i ", "first, let", "so the user", "so, the user"),
    *("got it, ", "thinking process", "here's a thinking process", "here is my thought process"),
)
"""How reasoning begins whose opening tag stands in the prompt, so that the text has only the closing one."""

_ALWAYS_REASON = re.compile(r"(?:^|[-_/.: ])(?:r1|qwq|thinking|thinker|reasoner|reasoning|magistral)(?![a-z])", re.I)


def tag_pattern(tags: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for any of the tags, in any case; tags in angle brackets may have attributes."""
    return re.compile("|".join(map(_with_attributes, sorted(tags, key=len, reverse=True))), re.IGNORECASE)


def plain_tag(tag: str) -> str:
    """Return the tag as the tables have it: in lower case, without attributes.

    >>> plain_tag('<Think time="3">')
    '<think>'
    """
    name, blank, _ = tag.partition(" ")
    return f"{name}>".lower() if blank else tag.lower()


def length_of_partial_tag(text: str, tags: Collection[str]) -> int:
    """Return how many characters at the end of `text` may be the beginning of a tag."""
    tail = text[-_LONGEST_TAG:].lower()
    starts = {tag[0] for tag in tags}
    for at, character in enumerate(tail):
        if character in starts and any(_may_become(tail[at:], tag) for tag in tags):
            return len(tail) - at
    return 0


def always_reasons(model: str) -> bool:
    """Return whether the name of a model says that it reasons before each answer.

    >>> always_reasons("deepseek-r1:8b"), always_reasons("Qwen3-30B-A3B-Thinking-2507"), always_reasons("qwen-plus")
    (True, True, False)
    """
    return _ALWAYS_REASON.search(model) is not None


_LONGEST_TAG = 100
_NAMED = re.compile(r"<[a-z:]+>")


def _with_attributes(tag: str) -> str:
    return rf"{re.escape(tag[:-1])}(?: [^<>\n]{{0,80}})?>" if _NAMED.fullmatch(tag) else re.escape(tag)


def _may_become(start: str, tag: str) -> bool:
    if tag.startswith(start):
        return True
    attributes = start.removeprefix(tag[:-1] + " ")
    return bool(_NAMED.fullmatch(tag)) and attributes != start and not re.search(r"[<>\n]", attributes)
