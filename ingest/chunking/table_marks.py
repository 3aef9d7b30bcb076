"""Columns of a table whose values say something of a single row: ticks, flags, states, remarks, amounts.

Where such a column is blank, nothing is said. Its header asks a question (是否必填, Nullable) or calls for a remark
(备注, Status), or its values tell it: signs and numbers name nothing, and neither does what repeats the header.
"""

import re
from collections.abc import Sequence

_NO_NAME = re.compile(
    r"[\W_]*\Z"  # ticks, dashes, images without a description
    r"|[√✓✔✅☑✗✘❌❎×]"
    r"|(?:yes|no|y|n|x|true|false|是|否|有|无|[非不]?必[须填传选需]|可选|(?:暂?不|部分|完全|已)?支持|optional|required|mandatory)"
    r"\s*(?:\Z|[（(\[,，;；、/／:：])"
    r"|[\d\s.,:/年月日时分秒%￥$€£+\-–—~～元万亿]+\Z"  # dates, times and amounts
    r"|\d{1,4}[-/.年]\d{1,2}"
    r"|(?:since|as of|until|before|自从?|从)\s*v?\d"
    r"|.*[。！]\Z",
    re.IGNORECASE | re.DOTALL,
)
_CODE = re.compile(r":[a-z0-9+-][\w+-]*:")
_CHECK_CODE = re.compile(r":[a-z_]*(?:check|tick|cross|[xov])(?:_?mark)?(?:_button)?:")
_BRACKETS = re.compile(r"[（(\[【][^（()）\[\]【】]*[）)\]】]")
_QUESTION = re.compile(r"(?:是不是|是否|有无|可否|能否|(?:is|has|can)\s)\s*", re.IGNORECASE)
_FLAG = re.compile(
    r"(?:[非不]?必[须填传选需要带输备]|[须需](?:[要填传])?|仅?[可不只][空选读写见用填传]|(?:可以?|允许|不)?为空|[非可]空|不可空"
    r"|(?:主|外|唯一|联合主|候选)键|主外键|自增|唯一"
    r"|(?:暂?不|部分|完全|已)?支持|(?:强烈|不)?推荐|建议|默认|缺省|首选|[启禁停]用|开启|关闭|内置|实验性?|预览"
    r"|(?:已|即将|将)?(?:弃用|废弃|过时|淘汰|下线|失效|作废|停产)"
    r"|新|新品|热|热[门销卖]|爆款|特[价惠]|折扣|优惠|促销|限时|打折|满减|清仓|售罄|缺货|有货|置顶|精选|加[急密]"
    r"|pk|fk|uk|pri|uni|mul|primary key|foreign key|unique|not null|null|m/o|r/w|rw|ro|wo"
    r"|req|opt|mandatory|optional|default|new|hot|sale|beta|alpha|experimental|preview|read-?\s?only|write-?\s?only"
    r"|(?:null|edit|sort|filter|search|writ|read|updat|configur|avail|click)able"
    r"|(?:not )?[a-z]{3,}[^\We\d]ed)"  # required, deprecated; but not speed
    r"(?:项|性|值|与否|情况|程度|标[记识志])?",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"备\s?注|附\s?注|注释?|批注|标注|说明|描述|状态|进[度展]|标[签记识志]|徽标|角标|活动|起始版本|引入版本"
    r"|status|tags?|labels?|flags?|marks?|remarks?|notes?|comments?|since|supports?|discounts?|done|todo|default value",
    re.IGNORECASE,
)
_STATE = re.compile(r"(?:[已待仅须]|未(?!来)|需(?!求)|无需)(?![\W\d])\w{1,4}")
_FEWEST_STATES = 3


def is_of_marks(header: str, names: Sequence[str]) -> bool:
    """Return whether the values of a column, without its blank cells, are marks or remarks instead of names."""
    asked = _bare(_QUESTION.sub("", header))
    if asked != _bare(header) or header.rstrip().endswith(("?", "？")):
        return True
    if (header and not asked and header != "#") or _FLAG.fullmatch(asked) or _REMARK.fullmatch(asked):
        return True
    if any(_is_sign(name) for name in names):
        return True
    bare = list(dict.fromkeys(map(_bare, names)))
    return (
        any(name.casefold() == asked.casefold() for name in bare)
        or (len(bare) == 1 and _repeats(asked.casefold(), bare[0].casefold()))
        or all(_FLAG.fullmatch(name) for name in bare)
        # A list of states has more of them than two.
        or (len(bare) < _FEWEST_STATES and all(_STATE.fullmatch(name) for name in bare))
    )


def _is_sign(name: str) -> bool:
    return bool(_CHECK_CODE.match(name) or _NO_NAME.match(_CODE.sub("", name).strip()))


def _repeats(header: str, name: str) -> bool:
    """Return whether the one value of a column is the word of its header: 默认 below 默认值, 推荐使用 below 推荐."""
    return len(header) > 1 and len(name) > 1 and (name.startswith(header) or header.startswith(name))


def _bare(text: str) -> str:
    """Return a text without what stands in brackets and without signs around it."""
    return _BRACKETS.sub("", _CODE.sub("", text)).strip(" \t*＊!！?？。.:：、,，_-—–★☆●○◎⭐🔥🆕✨")
