"""What is asked of a thing: its price, its website, how to install it, who founded it.

A table of attributes: how Chinese and English questions ask for one, and what a text that tells it holds. A text that
names the thing and holds nothing of this kind does not answer.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday|spring|summer|autumn|winter"
_YEAR_OR_DATE = (
    rf"\d{{4}}|\d+\s*[年月日号]|\b(?:{_MONTHS}|{_DAYS})s?\b|(?:周|星期|礼拜)[一二三四五六日天末]|[春夏秋冬]季"
)
_TIME_OF_DAY = (
    r"\d+:\d\d|\d\s*[ap]\.?m\b|o['’]clock|\b(?:noon|midnight|morning|afternoon|evening|night|daily|today|tomorrow)\b"
    r"|[\d一二三四五六七八九十两]\s*[点时]|上午|中午|下午|傍晚|晚上|凌晨|每[天日周月年]|[月年]底|[月年]初"
)
_ASKS_WHEN = r"(?:\A\W*|[,;]\s*|\b(?:and|or|but) )when"
_DURATIONS = "(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)"
_TIME = (
    rf"{_YEAR_OR_DATE}|{_TIME_OF_DAY}|[\d一二三四五六七八九十半两]\s*个?(?:天|周|小时|分钟|月)"
    r"|\b(?:days?|weeks?|hours?)\b"
)
_COLOURS = (
    "black|white|gr[ae]y|silver|gold(?:en)?|red|crimson|scarlet|maroon|pink|magenta|orange|amber|yellow|beige|ivory|brown"
    "|green|olive|teal|turquoise|cyan|blue|navy|indigo|violet|purple"
)
_FOUNDED = r"(?:成立|创立|创办|创建)"
_ADDRESS = r"(?:web ?site|home ?page|official site|url|link)s?\b"
_ASKS_FOR_ADDRESS = (
    rf"\b(?:what|where)(?:['’]s| is| are)\b[^?,.;]{{0,40}}?\b{_ADDRESS}|\b(?:which|what) (?:\w+ ){{0,2}}{_ADDRESS}"
    rf"|\b(?:give|send|tell|show|share)\b[^?,.;]{{0,30}}\b{_ADDRESS}|\b{_ADDRESS} (?:of|for)\b"
    rf"|\A\W*(?:\S+\s+){{1,3}}{_ADDRESS}\W*\Z"
)
"""`redirect URL` or `for one site` in a question for something else is none."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute, by the questions that ask for it and the texts that tell it.

    If `is_closed`, no other words can tell it: a colour is a colour, but "after the storm" is a date, too.
    """

    asks: re.Pattern[str]
    tells: re.Pattern[str]
    is_closed: bool = False


def _attribute(asks: str, tells: str, *, is_closed: bool = False) -> Attribute:
    return Attribute(re.compile(asks, re.IGNORECASE), re.compile(tells, re.IGNORECASE), is_closed)


ATTRIBUTES = (
    _attribute(
        r"官网|网址|网站是|(?:链接|\burl)(?:地址)?\s*(?:是|在哪|有吗)|(?:给|发|求)[^，。？?]{0,12}链接"
        rf"|\A(?!.*(?:怎么|怎样|如何|为什么)).*链接\W*\Z|{_ASKS_FOR_ADDRESS}",
        r"https?://|\bwww\.|\b[\w-]+\.(?:com|cn|org|net|ai|io|dev|example)\b|链接|\b(?:url|link)s?\b|(?<![\w/])/\w+/\w",
    ),
    _attribute(
        r"多少钱|价格|售价|收费|\bhow much (?:does|do|is|are)\b.*\b(?:cost|pay)\b|\b(?:price|pricing)\b"
        r"|\bhow expensive\b",
        r"[¥￥$€£]\s*\d|\d\s*(?:元|美元|euros?|dollars?|usd|rmb|cny)|免费|\bfree\b|\bprice",
    ),
    _attribute(
        r"怎么(?:样)?(?:安装|装)|如何(?:安装|装)|安装(?:方法|步骤|教程)"
        r"|\bhow (?:do|can|to|should)\b.*\b(?:install|set ?up)\b",
        r"安装|\binstall|\bset(?:ting)?[ -]?up\b|\bpip3? |\bbrew |\bapt |\bdocker run\b",
    ),
    _attribute(r"下载|\bdownload", r"下载|\bdownload|https?://"),
    _attribute(
        r"创始人|谁(?:创立|创办|创建|发明|开发)|创立者|\b(?:founders?|who (?:founded|created|invented|made|owns))\b",
        r"创始|创立|创办|创建|成立于|发明|\bfound(?:er|ed)|\bcreat(?:or|ed)|\binvent(?:or|ed)|\bowned\b",
    ),
    _attribute(
        rf"{_FOUNDED}(?:于|的?(?:时间|日期|年份))|[年时候](?:成立|创立|创办)的?\W*\Z"
        r"|\bwhen (?:was|were) [^?]{1,60} (?:founded|established)\b",
        rf"{_FOUNDED}|创始|始建|建于|设立|组建|诞生|开业|开张|前身"
        r"|\b(?:founded|established|formed|launched|started|began|opened|incorporated|since|origins?)\b",
    ),
    _attribute(
        r"\b(?:ceo|cto|cfo|chief executive)\b|首席执行官|总裁|董事长|总经理",
        r"\b(?:ceo|cto|cfo|chief executive)\b|首席执行官|总裁|董事长|总经理",
    ),
    _attribute(
        r"电话|手机号|\b(?:tele)?phone (?:numbers?|of|for)\b"
        r"|\bwhat(?:['’]s| is)\b[^?,.;]{0,30}\b(?:tele)?phone\b(?! support)",
        r"\+?\d[\d -]{6,}\d|分机|电话|手机号|\bphone\b",
    ),
    _attribute(r"邮箱(?:地址)?是|电子邮件|\be-?mail address\b", r"@|\be-?mail\b|邮箱"),
    _attribute(
        rf"什么时候|何时|哪一?年|哪天|几月几号|(?:发布|成立|上线)(?:时间|日期)|{_ASKS_WHEN} (?:was|were|did|is)\b",
        _TIME,
    ),
    # What is still to come may depend on a condition.
    _attribute(rf"{_ASKS_WHEN} will\b", rf"{_TIME}|\b(?:when|once|until|as soon as|after|unless)\b"),
    _attribute(
        rf"\bhow many (?:\w+ )?{_DURATIONS}\b|(?:多少|几)个?(?:秒|分钟|小时|天|星期|月)",
        rf"\b{_DURATIONS}\b|[\d一二三四五六七八九十半两几]\s*个?(?:秒|分|小?时|天|日|周|星期|月|年)",
    ),
    _attribute(
        r"参数量|(?:多少|几)个?参数|\bparameters?\b|\bparameter count\b",
        r"\d\s*(?:亿|万|billion|million|[bm]\b)|参数量|\bparameters?\b",
    ),
    _attribute(
        r"颜色|\bcolou?rs?\b",
        rf"[红橙黄绿青蓝紫黑白灰金银粉棕褐深浅暗亮彩配题底]色|颜色|色彩|colou?r|\b(?:{_COLOURS})\b",
        is_closed=True,
    ),
    _attribute(
        r"最(?:喜欢|喜爱|爱)|\bfavou?rite\b|\b(?:likes?|loves?|enjoys?) (?:the )?(?:best|most)\b",
        r"喜欢|喜爱|偏爱|最爱|爱好|\bfavou?rit|\b(?:likes?|loves?|enjoys?|prefers?|preferred)\b",
        is_closed=True,
    ),
    _attribute(r"维度|多少维|\bdimensions?\b", r"维度|\d\s*维|\bdimension"),
    _attribute(r"天气|下雨|气温|\bweather\b", r"天气|降雨|气温|\bweather\b"),
    _attribute(r"星期几|几点了|今天几号|\bwhat (?:day|time) is it\b", r"今天是|\btoday is\b"),
    _attribute(
        r"(?:讲|说|来)个?(?:笑话|故事)|(?:写|作|来)(?:一?首|一?篇)(?:诗|歌|作文|文章)"
        r"|\b(?:tell|give) me a (?:joke|story|riddle)\b|\bwrite (?:me )?(?:a|an) (?:poem|song|story|essay|joke)\b",
        r"笑话|\bjokes?\b|\bpoems?\b",
    ),
)


def asked_attributes(question: str) -> list[Attribute]:
    """Return the attributes that a question asks for, by its words; none if it asks for something else."""
    return [attribute for attribute in ATTRIBUTES if attribute.asks.search(question)]


def asked_words(question: str) -> list[str]:
    """Return the words of a question that ask for its attributes."""
    return [match[0] for attribute in ATTRIBUTES if (match := attribute.asks.search(question))]


def tells_all(attributes: Iterable[Attribute], text: str) -> bool:
    """Return whether a text tells each of the attributes."""
    return all(attribute.tells.search(text) for attribute in attributes)
