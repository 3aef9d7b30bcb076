"""Small talk: messages that ask the documents nothing, such as greetings, thanks and "what can you do?".

A message is small talk only if all of it is: "你好，Dify 是什么？" is a question.
"""

import re

_PHRASES = (
    # Chinese
    r"(?:你|您|你们|大家)好[呀啊哇吗]?|哈[喽啰罗]|嗨+|嘿+|在(?:不在|吗|么|嘛)|有人[吗在]*|(?:早上|上午|中午|下午|晚上)好|早安?|晚安",
    r"(?:(?:非常|太|十分|好的)?(?:谢谢|多谢|感谢)(?:你|您|你们|大家)?(?:的)?(?:帮助|帮忙|回答|解答)?(?:了|啦|呀|啊|哈|哦)?)"
    r"|谢啦?|谢了|辛苦(?:你|您)?了?",
    r"(?:请问)?(?:你|您)(?:是|叫)(?:谁|什么(?:名字|人|东西|模型|机器人)?|哪位|机器人|ai|人工智能)[呀啊吗呢]?|自我介绍(?:一下)?"
    r"|介绍(?:一下)?(?:你|您)自己",
    r"(?:请问)?(?:你|您)(?:都)?(?:能|会|可以|知道)(?:帮我?)?(?:做|干|回答|帮)?(?:些|点)?(?:什么|啥|哪些)"
    r"(?:事情?|问题|忙|东西)?[呀啊呢]?|(?:你|您)(?:有|都有)(?:什么|哪些|啥)(?:功能|本事|用处)|(?:你|您)有(?:什么|啥)用"
    r"|(?:我)?(?:能|可以|该)(?:问你|问)(?:些|点)?(?:什么|啥|哪些)(?:问题)?|怎么(?:用|使用)你|帮助|使用说明",
    r"再见|拜拜|回头见|好的?[呀啊吧哦]?|行吧?|嗯+|哦+|明白了?|懂了|知道了|收到|了解了?|没事了?|不用了|没有了?"
    r"|可以了|ok了",
    # English
    r"hi+|hello+|hey+|hiya|yo|howdy|greetings|good (?:morning|afternoon|evening|day|night)"
    r"|(?:is )?(?:any(?:one|body) )?(?:there|here)|all|everyone|how are (?:you|things)(?: doing)?(?: today)?"
    r"|how'?s it going|what'?s up|nice to meet you",
    r"(?:many )?thanks?(?: (?:you|u))?(?: (?:so|very) much| a (?:lot|bunch|million)| for (?:your|the) help)?|thx|ty"
    r"|cheers|much appreciated|great|cool|nice|perfect|awesome",
    r"(?:and )?who are (?:you|u)|what are you|what'?s your name|what is your name|are you (?:a )?(?:bot|robot|human|ai)"
    r"|introduce yourself|tell me about yourself",
    r"(?:and )?what (?:can|do) (?:you|u) (?:do|know|answer)(?: for me| about)?|what can you help(?: me)?(?: with)?"
    r"|(?:how )?can you help(?: me)?|what (?:can|should|may) i ask(?: you)?|help(?: me)?"
    r"|what questions can (?:you answer|i ask)",
    r"o+k(?:ay)?|k|fine|sure|yes|no|yep|nope|got it|i see|understood|never ?mind|bye(?: ?bye)?|good ?bye"
    r"|see you(?: later)?",
    # Japanese, Korean, Spanish, French, German, Russian
    r"こんにちは|こんばんは|おはよう(?:ございます)?|ありがとう(?:ございます)?|はじめまして|(?:あなたは)?(?:誰|だれ)(?:です)?か?"
    r"|何ができ(?:ます|る)(?:の)?か?|さようなら",
    r"안녕(?:하세요)?|감사합니다|고맙습니다|고마워(?:요)?|(?:당신은 )?누구(?:세요|입니까|야)?"
    r"|무엇을 할 수 있(?:나요|어요|습니까)",
    r"hola|buen[oa]s (?:d[ií]as|tardes|noches)|(?:muchas )?gracias|qui[eé]n eres|qu[eé] puedes hacer|adi[oó]s",
    r"bonjour|salut|bonsoir|merci(?: beaucoup)?|qui es[- ]tu|qui [eê]tes[- ]vous|que (?:peux-tu|pouvez-vous) faire"
    r"|au revoir",
    r"hallo|guten (?:morgen|tag|abend)|servus|moin|danke(?: sch[oö]n| sehr)?|vielen dank|wer bist du|wer sind sie"
    r"|was kannst du(?: tun)?|was können sie(?: tun)?|tsch[uü]ss",
    r"привет|здравствуй(?:те)?|добр(?:ый|ое|ого) (?:день|утро|вечер)|спасибо(?: большое)?|кто ты|кто вы"
    r"|что (?:ты умеешь|вы умеете)|пока",
)
_BETWEEN = r"[\W_]*"
_SMALL_TALK = re.compile(rf"{_BETWEEN}(?:(?:{'|'.join(_PHRASES)})(?![a-z]){_BETWEEN}){{0,4}}", re.IGNORECASE)


def is_small_talk(message: str) -> bool:
    """Return whether all of a message is greetings, thanks, or questions about who answers; marks alone are too.

    >>> is_small_talk("Hi there, what can you do?"), is_small_talk("Hi, what is Dify?")
    (True, False)
    """
    return bool(_SMALL_TALK.fullmatch(message.replace("’", "'")))
