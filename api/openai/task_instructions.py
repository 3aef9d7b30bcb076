"""What a chat client wants of its own accord: a title, tags, follow-up suggestions, search queries or a summary.

An instruction is recognised by its shape, not by the wording of one client. It has three parts: it orders a text of
such a kind, refers to the conversation, and says how the answer must look. A question about titles that a person asks
has at most two of them.
"""

import re
from typing import Literal

_BEGINNING_CHARACTERS = 400

Task = Literal["title", "tags", "follow_ups", "queries", "summary"]

_VERB = (
    r"(?<!\bcan )(?<!\bmay )(?<!\bmust )\b(?:generat(?:e|es|ing)|creat(?:e|es|ing)|provid(?:e|ing)|writ(?:e|es|ing)"
    r"|summari[sz](?:e|es|ing)|extract"
    r"|suggest|return|reply with|produce|craft(?:ing)?|compose|give|output|predict(?:ing)?|rephrase|formulate)\b"
)
# Between the verb and its object stand only words that describe the object: "a concise, 3-5 word title".
_DESCRIBED = r"(?:[ \t]+(?!(?:with|under|about|without|each|every|answers?)\b)[\w~–'’,./*()-]+){0,14}?[ \t]+\**"
_REFERENCE = re.compile(
    r"\b(?:conversations?|chats?|dialogues?|discussion|threads?|quer(?:y|ies)|messages?|request|standalone)\b"
    r"|\bassistant's|对话|会话|聊天|这句话|上面|以上|上述|消息",
    re.IGNORECASE,
)
_FORM = re.compile(
    r"\b(?:only|nothing else|directly|no (?:quot|punctuation|explanation)|(?:do not|don't|avoid|without)\b|json"
    r"|(?:words?|characters) or (?:less|fewer)|at most|max(?:imum)?|under \d+|exceed|as little as"
    r"|(?:\d+|four|five|three)(?:\s*(?:-|–|to)\s*\w+)?[- ](?:words?|characters))"
    r"|不要|不需要|不超过|直接(?:返回|输出)|[只仅](?:返回|输出)|字(?:以)?内|个字",
    re.IGNORECASE,
)
_TITLE = re.compile(
    rf"{_VERB}{_DESCRIBED}(?:titles?|phrase\b|name\b|heading\b)(?!\s+(?:case|page|field))"
    r"|\bname (?:this|the) (?:conversation|chat)|(?:conversation|chat) a name"
    r"|\btitle[ -]generator|\bconversation titles"
    r"|\b(?:concise|short|brief|descriptive)(?:,? (?!with\b|and\b|answer)[\w-]+){0,3} titles?\b"
    r"|(?:总结|概括|生成|提炼|拟|取|起|写|返回|命名|输出)[^，。；,;\n]{0,30}?(?:标题|主题|题目|名称)",
    re.IGNORECASE,
)
_WHOLE_TITLE = re.compile(
    r"\btitles?\b[^.\n。]{0,60}\b(?:conversations?|chats?|messages?|request|thread)\b|title[ -]generator"
    r"|(?:对话|会话|聊天)[^，。；\n]{0,30}标题",
    re.IGNORECASE,
)
_TAGS = re.compile(rf"{_VERB}{_DESCRIBED}tags\b|(?:生成|提取|给出).{{0,20}}标签", re.IGNORECASE)
_FOLLOW_UPS = re.compile(
    rf"{_VERB}{_DESCRIBED}(?:follow[- ]?ups?|questions?|suggestions?|responses|replies|prompts)\b"
    r"|(?:生成|推荐|预测|给出|猜).{0,30}?(?:追问|问题|建议)",
    re.IGNORECASE,
)
_QUERIES = re.compile(
    rf"\bstandalone (?:question|quer(?:y|ies))|{_VERB}{_DESCRIBED}search quer(?:y|ies)"
    r"|独立的?(?:问题|查询)|改写.{0,20}问题"
    r"|(?:生成|提取).{0,20}(?:搜索词|检索词|搜索关键词)",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"(?:summari[sz]e|summary).{0,80}(?:future context|context prompt)|总结.{0,20}(?:对话|会话|聊天).{0,40}上下文",
    re.IGNORECASE | re.DOTALL,
)
_SHAPES: tuple[tuple[Task, re.Pattern[str]], ...] = (
    ("title", _TITLE),
    ("tags", _TAGS),
    ("follow_ups", _FOLLOW_UPS),
)
_QUESTION = re.compile(
    r"^\s*(?:how|what|why|which|who|whose|when|where)\b"
    r"|^\s*I\s+(?!will\b)"
    r"|^\s*(?:is|are|do|does|did|can|could|should|would|will)\b[^.\n]*\?"
    r"|怎么|怎样|如何|什么|为什么|哪|吗|几个|多少|[?？]\s*$",
    re.IGNORECASE | re.MULTILINE,
)


def task_of(instruction: str) -> Task | None:
    """Return what an instruction tells the model to write about a conversation; None if it is not one of a client.

    >>> task_of("Write a short title for the conversation. Only return the title.")
    'title'
    >>> task_of("Write a short title for the annual report.")
    """
    if _SUMMARY.search(instruction):
        return "summary"
    if not _REFERENCE.search(instruction):
        return None
    if _QUERIES.search(instruction):
        return "queries"
    found = (task for task, pattern in _SHAPES if pattern.search(instruction))
    return next(found, None) if _FORM.search(instruction) else None


def names_conversations(system: str) -> bool:
    """Return whether a system message makes the model a writer of titles, not an assistant that also writes some."""
    return task_of(system) == "title" and bool(_WHOLE_TITLE.search(system[:_BEGINNING_CHARACTERS]))


def is_question(instruction: str) -> bool:
    """Return whether the text is a question, as from a person, rather than an order to write something."""
    return bool(_QUESTION.search(instruction))
