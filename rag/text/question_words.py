"""The words by which Chinese and English questions show what they ask for, as regular expressions, in one place."""

import re

ASKS_FOR_ALL = re.compile(
    r"哪些|哪几|有什么|有啥|有哪|都有|包括|包含|列出|列举|列一下|所有|全部|清单|分别|一共|几种|几个|几类|几层|几步|各(?:自|种|个|级|类|项)"
    r"|(?:还有|除了).{0,30}(?:谁|什么|哪)"
    r"|\b(?:list|all|every|(?:of|for) each|what are|are there|do you have|name the"
    r"|kinds? of|types? of|include[sd]?|contains?"
    r"|how many (?!days|hours|minutes|weeks|months|years|times|people|parameters|tokens|dimensions)"
    r"(?!.* (?:at (?:most|least)|by default|per)\b)"
    r"|(?:which|what) (?:\w+ ){0,2}(?!this|does|status)[a-z]{3,}s\b(?! (?:is|does|was|has)\b))\b",
    re.IGNORECASE,
)

WHICH_ONES = re.compile(
    r"哪些|哪几|\b(?:which|what) (?!(?:do|does|did|is|are|was|were|can|could|should|will|must|has|have)\b)(?:\w+ )?"
    r"[a-z]{3,}s\b",
    re.IGNORECASE,
)

WHY = re.compile(r"为什么|为何|为啥|(?:什么|啥)原因|\b(?:why|how come)\b|\breasons?\b", re.IGNORECASE)
REASON = re.compile(
    r"因为|由于|因此|所以|原因|否则|不然|以便|为了|导致|避免|防止"
    r"|\b(?:because|since|therefore|thus|hence|otherwise|reasons?|due to|so(?: that)?)\b"
    r"|\b(?:in order to|to (?:avoid|prevent))\b",
    re.IGNORECASE,
)
"""Words of a text that gives a reason, which `WHY` asks for."""

HOW_TO = re.compile(
    r"怎么|怎样|怎麼|如何|咋|步骤|流程|命令|写法|\bhow (?:do|does|can|could|should|would|to)\b|\b(?:which|what) command"
    r"|\bsteps?\b|\bwhat (?:do|should|must|can|could) (?:i|you|we) (?:have to )?do\b|\bwhat now\b",
    re.IGNORECASE,
)

QUANTITIES = re.compile(
    r"多少|多大|多久|多长|多高|几[个天次种份年月位岁层]|(?:什么|哪个|哪些|的)版本|版本(?:要求|号)|端口"
    r"|\bhow (?:many|much|long|often|big|large|old|far)\b|\bversions?\b|\bports?\b"
    r"|\bwhat (?:is the )?(?:\w+ ){0,2}(?:rate|percentage|limit|size|amount|number)\b",
    re.IGNORECASE,
)
"""Questions that a number answers."""

_OPENING = r"(?:请问|请|帮我|那么?|对比一下|比较一下|对比|比较|说说)?"
_CONTRAST = (
    r"(?:之间)?(?:(?:的|在)(?P<about>[^，,？?]{1,12}?)(?:上|方面)?)?"
    r"(?:有什么|有何|有哪些|有啥|主要|的)*(?:区别|不同|差别|差异|不一样|差多少|差几|哪个更|对比|比较|分别|各是|各有)"
)
COMPARISONS = (
    re.compile(
        rf"\A\s*{_OPENING}(?P<one>[^，,？?]{{1,40}}?)\s*(?:和|与|跟|同|以及|及|还是|相比|vs\.?)\s*"
        rf"(?P<other>[^，,？?]{{1,40}}?){_CONTRAST}",
        re.I,
    ),
    re.compile(
        r"\A\s*(?:对比|比较)(?:一下)?\s*(?P<one>.{1,40}?)\s*(?:和|与|跟|vs\.?)\s*(?P<other>.{1,40}?)(?P<about>)\s*[？?。]*\Z",
        re.I,
    ),
    re.compile(
        r"\b(?:differences?|distinction|comparison) between (?:an? |the )?(?P<one>.{1,60}?) and (?:an? |the )?"
        r"(?P<other>.{1,60}?)(?:(?: in| regarding| with regard to) (?P<about>[^?]+))?\s*[?.]*\Z",
        re.I,
    ),
    re.compile(
        r"\bcompare (?:an? |the )?(?P<one>.{1,60}?) (?:and|with|to|against|vs\.?) (?:an? |the )?"
        r"(?P<other>.{1,60}?)(?P<about>)\s*[?.]*\Z",
        re.I,
    ),
    re.compile(
        r"\bhow (?:does|do|is|are) (?:an? |the )?(?P<one>.{1,60}?) (?:differ(?:ent)?|compared?) (?:from|to|with) "
        r"(?:an? |the )?(?P<other>.{1,60}?)(?P<about>)\s*[?.]*\Z",
        re.I,
    ),
    re.compile(r"\A\s*(?P<one>[^?]{1,60}?) (?:vs\.?|versus) (?P<other>[^?]{1,60}?)(?P<about>)\s*[?.]*\Z", re.I),
)

_WHAT_TO_DO = r"(?:我|要|该|应该|应|先|再|得|需要|学|做|干|进行|就|是|会|轮到|接着|去|的)*(?:什么|啥|哪|谁|怎么)"
_STEP_NOUN = r"(?:一?步|步骤|阶段|环节)"
_FEW_WORDS = r"(?: [^\s?,]+){1,5}?"
"""With more, the question asks for something else: "what must a folder be called before it can be read"."""
_ANCHOR = r"(?P<anchor>(?:[^?,.]|\.(?! ))+)"
AFTER = (
    re.compile(
        rf"(?P<anchor>[^，,？?]{{1,40}}?)(?:完|好|过)?(?:了)?(?:之后|以后|后面|(?<!最)后)[，,]?{_WHAT_TO_DO}", re.I
    ),
    re.compile(rf"(?P<anchor>[^，,？?]{{1,40}}?)(?:完|好)(?:了)?[，,]?{_WHAT_TO_DO}", re.I),
    re.compile(r"完(?:了)?(?P<anchor>[^，,？?]{1,20}?)(?:再|就|该|要)*(?:学|做|干|看|去)(?:什么|啥|哪)", re.I),
    re.compile(rf"(?P<anchor>[^，,？?]{{1,40}}?)(?:的)?(?:下一?{_STEP_NOUN}|下一个|接下来)", re.I),
    re.compile(rf"\bwhat{_FEW_WORDS} (?:after|following|once) (?:i |you |we )?{_ANCHOR}", re.I),
    re.compile(rf"\b(?:next|following) (?:step|stage|thing)\b[^?]*? (?:after|of|to) {_ANCHOR}", re.I),
    re.compile(rf"\bafter (?:i |you |we )?{_ANCHOR}, what\b", re.I),
)
BEFORE = (
    re.compile(rf"(?P<anchor>[^，,？?]{{1,40}}?)(?:之前|以前|前面|前)[，,]?{_WHAT_TO_DO}", re.I),
    re.compile(rf"(?P<anchor>[^，,？?]{{1,40}}?)(?:的)?上一?{_STEP_NOUN}", re.I),
    re.compile(
        rf"\bwhat{_FEW_WORDS}(?<! need)(?<! needs)(?<! needed)(?<! required) before (?:i |you |we )?{_ANCHOR}", re.I
    ),
)
_COUNTED = r"步|步骤|阶段|环节|项|条|点|个|层|级|章|部分|行"
NTH = (
    re.compile(rf"第(?P<number>[一二两三四五六七八九十\d]{{1,3}})(?P<unit>{_COUNTED})"),
    re.compile(rf"(?P<number>最后)(?:一)?(?:个)?(?P<unit>{_COUNTED})"),
    re.compile(
        r"\b(?P<unit>step|stage|phase|layer|level|item|point|tier) (?:number |no\.? )?(?P<number>\d{1,2}|[a-z]{3,6})\b",
        re.I,
    ),
    re.compile(
        r"\b(?P<number>first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last|final"
        r"|\d{1,2}(?:st|nd|rd|th)) (?P<unit>step|stage|phase|layer|level|item|point|one|tier|thing)\b",
        re.I,
    ),
)
ENDS = (
    re.compile(
        r"(?:(?<![优原事预])先|(?P<last>最后))(?:要|得|该|应该|应|需要|去|再)*(?P<what>[\u4e00-\u9fff]{0,2}?)(?:什么|啥|哪(?!些))"
    ),
    re.compile(r"从(?:什么|啥|哪(?:里|儿|个|一步)?|何处)(?:地方)?(?:开始|入手|起)(?P<what>[\u4e00-\u9fff]{0,2})"),
    re.compile(r"从(?:什么|啥|哪(?:里|儿)?|何处)(?P<what>[\u4e00-\u9fff])起"),
    re.compile(r"\bwhat\b[^?,]*? (?:i|you|we|one|to) (?P<what>[a-z]+) (?:first|(?P<last>last))\s*[?.]*\Z", re.I),
    re.compile(r"\bwhere\b[^?,]*? (?:start|begin)(?: (?:to |with )?(?P<what>[a-z]+))?\s*[?.]*\Z", re.I),
)
"""What comes first, or last, of the steps to `what`."""
STEPS = frozenset("步 步骤 阶段 环节 step steps stage stages phase phases".split())
LAYERS = frozenset("层 级 layer layers level levels tier tiers".split())
NUMBERS = {word: number for number, word in enumerate("一 二 三 四 五 六 七 八 九 十".split(), 1)}
NUMBERS |= {word: number for number, word in enumerate("one two three four five six seven eight nine ten".split(), 1)}
NUMBERS |= {
    word: number
    for number, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)
}
NUMBERS |= {"两": 2, "最后": -1, "last": -1, "final": -1}

EXCEPTIONS = (
    re.compile(
        r"除了?\s*(?P<what>[^，,？?]{1,30}?)\s*(?:以外|之外|外)?\s*[，,]?\s*(?=还|其[他它]|另外|都|别的|剩|有没有|谁|哪|什么)"
    ),
    re.compile(r"(?P<what>[^，,？?的]{1,20}?)\s*(?:以外|之外)(?=的|还|，|,)"),
    re.compile(
        r"\b(?:besides|other than|except(?: for)?|apart from|aside from|excluding|but not|without counting) (?:the )?"
        r"(?P<what>[^?,]+)",
        re.I,
    ),
)
DENIALS = (
    re.compile(r"(?:不是|并非|不算)(?P<what>[^，,？?吗呢]{1,20}?)的?\s*(?:[，,？?吗呢]|\Z)"),
    re.compile(r"\b(?:is|are|was|were)(?: not|n't) (?:an? |the )?(?P<what>[^?,]+)", re.I),
)

COLUMNS = (
    re.compile(r"(?:哪几?|第几|几)(?:一)?(?:个|家|种|些|位|项)?(?P<column>[\u4e00-\u9fff]{1,4})"),
    re.compile(r"\b(?:which|what) (?P<column>(?!is\b|are\b|do\b|does\b|can\b|has\b|was\b|were\b)[a-z]+)\b", re.I),
)
COLUMN_FORMS = {
    "层": ("层级", "layer", "level", "tier"),
    "layer": ("层级", "层", "level"),
    "company": ("供应商", "公司", "厂商", "vendor"),
    "公司": ("供应商", "厂商", "company"),
    "category": ("分类", "类别"),
    "类": ("分类", "类别", "category"),
    "department": ("部门",),
    "person": ("负责人", "owner"),
    "楼": ("楼层", "floor"),
    "floor": ("楼层",),
}
"""What a column may be called that a question asks for by another word."""
GENERIC = frozenset(
    "公司 我们 你们 咱们 产品 东西 内容 服务 种类 哪些 有啥 都有 分别 推荐 company product products thing things there "
    "list all show mentioned available".split()
)
"""Nouns and verbs that tell no row of a table from another."""
WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
"""They are written like names, and a text may speak of the weekend."""
