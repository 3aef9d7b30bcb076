"""Sentences of an answer that are no claims: politeness, offers of help, and that the passages do not say something."""

import re

from rag.text.small_talk import is_small_talk

_MAX_CHARACTERS = 160
_PASSAGES_ZH = (
    r"(?:(?:所|上述|以上|给出的|提供的|这些|现有|已有|当前|相关|您?提供)*的?"
    r"(?:段落|文档|资料|知识库|原文|文中|材料|内容|上下文|信息))"
)
_SAY_ZH = (
    r"(?:提到|提及|说明|说到|给出|涉及|包含|写明|写到|注明|规定|介绍|提供|找到|记载|回答|明确|直接|具体|详细|进一步|其他|更多"
    r"|相关)"
)
_HELP_ZH = (
    r"(?:更多|其他|其它|任何|进一步|问题|疑问|疑惑|帮助|信息|协助|细节|了解|知道|咨询|需要|需求|支持|说明|建议|内容|资料|方面"
    r"|地方|的|话|时)"
)
_PASSAGES_EN = (
    r"(?:(?:the|these|those|this|your|provided|given|available|above|retrieved) )*"
    r"(?:passages?|documents?|documentation|context|sources?|knowledge base|texts?|materials?|information|excerpts?)"
)
_SAY_EN = (
    r"(?:say|mention|state|specify|contain|provide|include|cover|give|indicate|describe|address|explain|tell|answer"
    r"|discuss|define|list|show|offer|have)"
)
_CLAIMS = (
    # Politeness and offers
    r"(?:希望|但愿)(?:以上|这些|上述|我的)?(?:信息|内容|回答|解答|说明)?(?:能够?|可以)?(?:对您?你?)?(?:有所)?(?:有)?(?:帮助|帮到您?你?)",
    r"(?:如果?|若|假如|要是)(?:您|你)?(?:还)?(?:有|需要?|想)(?:要|任何|其他|其它|更多|别的|进一步|具体|什么|相关)*的?"
    + _HELP_ZH
    + "*",
    r"(?:请|欢迎)?(?:随时|尽管|继续|再)*(?:联系我|告诉我|提问|问我|提出|咨询|追问|交流)(?:们)?(?:吧|哦|即可)?",
    r"不客气|不用谢|(?:i'?m )?(?:happy|glad) to help|you'?re welcome",
    r"(?:很高兴|乐意|愿意)(?:为您?你?|能)?(?:服务|帮助您?你?|帮到您?你?|解答)",
    r"(?:好的|当然|没问题|明白了?|是的|对的?|可以的?|不是|不可以|谢谢(?:您|你)?(?:的)?(?:提问|咨询|耐心)?|祝(?:您|你)?[^，。]{0,8})",
    r"(?:(?:根据|基于|按照|参考|结合)(?:您|你)?.{0,12}?(?:段落|文档|资料|知识库|原文|内容|信息|规定|手册))",
    r"(?:以下|下面|如下|现)(?:是|为|将)?[^，。]{0,14}(?:回答|总结|说明|介绍|解答|整理|列出|概括)(?:如下)?",
    r"(?:可以)?(?:总结|归纳|回答|概括|说明|整理)如下",
    r"(?:please )?(?:feel free to|don't hesitate to|do not hesitate to) "
    r"(?:ask|contact|reach out|let me know|reply|share)\b.{0,40}",
    r"(?:please )?(?:let|tell) me know .{0,60}|let me know|just ask",
    r"(?:i )?hope (?:that |this )+(?:helps?|information|answers?|was|is).{0,40}",
    r"(?:i'?m|i am|i would be|i'd be) (?:happy|glad) to "
    r"(?:help|assist|answer|explain|clarify|elaborate|provide)\b.{0,40}",
    r"if you (?:have|need|want|would like|'d like|require) (?:any |more |further |other |additional |specific )*"
    r"(?:questions?|help|information|details?|assistance|clarification|support|concerns?|doubts?"
    r"|anything else)\b.{0,25}",
    r"if you (?:want|need|would like|'d like) to know (?:more|anything)\b.{0,25}",
    r"(?:sure|of course|certainly|absolutely|great question|good question|thank you.{0,30}|yes|no|right|correct)",
    r"(?:based on|according to|from|as per) " + _PASSAGES_EN + r"(?: (?:provided|given|above|you provided))?",
    r"here (?:is|are|'s) .{0,50}(?:answer|summary|overview|information|details?|steps?|list)(?: .{0,30})?",
    # What the passages do not say
    _PASSAGES_ZH + r"(?:中|里|内|也|都|并|均)*(?:没有|没|未|未能|不)(?:有|曾|能)*" + _SAY_ZH + r"[^，。；]{0,40}",
    r"(?:没有|未能?)(?:在)?" + _PASSAGES_ZH + r"(?:中|里)?(?:找到|提到|提及|查到)[^，。；]{0,40}",
    _PASSAGES_EN
    + r" (?:also |still |however |only )*(?:do|does|did)(?: not|n['’]t) (?:explicitly |directly |specifically |"
    r"further |clearly |actually )*" + _SAY_EN + r"\b.{0,100}",
    r"(?:there is|there are|i (?:found|see|have)) no (?:further |other |more |additional |specific )*"
    r"(?:mention|information|"
    r"details?|data|reference) .{0,80}",
    r"(?:it|this|that|the price|the cost|the exact .{0,20}) is(?: not|n['’]t) "
    r"(?:mentioned|stated|specified)(?: (?:in|by) .{0,40})?",
    r"i (?:do not|don['’]t|cannot|can['’]t|could not) (?:know|find|answer|tell|say|determine)\b.{0,80}",
)
_REMARK = re.compile(rf"(?:{'|'.join(f'(?:{form})' for form in _CLAIMS)})[\s*_]*", re.IGNORECASE | re.DOTALL)
_BETWEEN = re.compile(
    r"[，,；;：:。.!！?？…]+(?=\s|[\u2e80-\uffef]|\Z)|\b(?:but|however|though|although|and)\b|但是?|不过|然而|另外|此外",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[?？]\s*[”\"'’）)*_]*\s*\Z")
_ENDS = " \t\n*_>-“”\"'‘’（）()~～😊🙂👍"
_DIGIT = re.compile(r"\d")


def is_remark(sentence: str) -> bool:
    """Return whether a sentence, without its markers, claims nothing about the subject of the question.

    >>> is_remark("Let me know if you need anything else!"), is_remark("The passages do not say what it costs.")
    (True, True)
    >>> is_remark("Let me know if 36 months are enough, it costs 5 dollars.")
    False
    """
    if len(sentence) > _MAX_CHARACTERS or _DIGIT.search(sentence):
        return False
    if is_small_talk(sentence) or _QUESTION.search(sentence):
        return True
    clauses = [clause.strip(_ENDS) for clause in _BETWEEN.split(sentence)]
    return all(_REMARK.fullmatch(clause) or is_small_talk(clause) for clause in clauses if clause)
