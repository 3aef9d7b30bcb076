"""Synthetic questions of known topics, in Chinese and English, for `bench.gaps`.

A topic has three names in each language; a question puts one of them into a template. All topics share the templates,
so only the name says what a question is about. The least similarity was chosen on the topics of `FITTED`; `HELD_OUT`
are others.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Names = tuple[str, str]
"""The names of a topic in Chinese and in English, separated by commas."""

FITTED: Mapping[str, Names] = {
    "leave": ("年假,带薪年假,年休假", "annual leave,paid holidays,vacation days"),
    "vpn": ("VPN,VPN 客户端,公司的 VPN", "the VPN,the VPN client,VPN access"),
    "expenses": ("差旅报销,出差费用报销,报销差旅费", "travel expenses,business trip expenses,expense claims"),
    "printer": ("打印机,彩色打印机,三楼的打印机", "the printer,the colour printer,the office printer"),
    "parking": ("停车位,地下停车场,公司停车场", "parking spaces,the car park,the underground garage"),
    "canteen": ("食堂,员工食堂,食堂的午餐", "the canteen,lunch in the canteen,the staff restaurant"),
    "training": ("培训课程,员工培训,外部培训", "training courses,staff training,external courses"),
    "insurance": ("补充医疗保险,医疗保险,公司的医保", "health insurance,medical insurance,the medical plan"),
    "rooms": ("会议室,大会议室,会议室预订", "meeting rooms,the conference room,room bookings"),
    "laptop": ("笔记本电脑,新笔记本,公司的笔记本电脑", "the laptop,a new laptop,the company notebook"),
    "access": ("门禁卡,大楼门禁,门卡", "the access card,the door card,the entry badge"),
    "salary": ("工资条,每月工资单,电子工资条", "the payslip,the monthly pay statement,the salary slip"),
}
HELD_OUT: Mapping[str, Names] = {
    "delivery": ("快递配送,送货上门,物流配送", "home delivery,the delivery of a parcel,shipping"),
    "returns": ("退货,七天无理由退货,商品退货", "returning goods,sending an item back,the return of a purchase"),
    "password": ("登录密码,密码重置,账号密码", "the login password,password resets,the account password"),
    "coupons": ("优惠券,满减优惠券,购物券", "discount coupons,vouchers,the coupon code"),
    "backup": ("数据库备份,数据备份,备份恢复", "the database backup,data backups,restoring a backup"),
    "api": ("接口限流,API 调用频率,API 限额", "API rate limits,the API quota,limits on API calls"),
    "roses": ("玫瑰修剪,修剪月季,玫瑰花的剪枝", "pruning roses,cutting back rose bushes,trimming roses"),
    "bicycle": ("自行车链条,单车链条,链条保养", "the bicycle chain,a bike chain,chain maintenance"),
    "coffee": ("手冲咖啡,咖啡冲泡,滴滤咖啡", "pour-over coffee,filter coffee,brewing coffee by hand"),
    "museum": ("博物馆门票,博物馆参观票,展览门票", "museum tickets,admission to the museum,exhibition tickets"),
    "deposit": ("租房押金,房租押金,退租押金", "the rent deposit,the deposit for the flat,the tenancy deposit"),
    "vaccination": ("狗的疫苗,宠物疫苗,给狗打疫苗", "dog vaccinations,vaccinating a puppy,pet vaccines"),
}

_TEMPLATES: Mapping[str, Sequence[str]] = {
    "zh": (
        "{}怎么弄？",
        "{}要多少钱？",
        "关于{}有什么规定？",
        "{}出了问题找谁？",
        "请问{}需要提前几天？",
        "新人也能用{}吗？",
        "{}的步骤是什么",
        "为什么{}不行？",
        "周末可以处理{}吗？",
        "我想了解一下{}",
        "{}多久一次比较合适？",
        "{}有哪些注意事项？",
    ),
    "en": (
        "How does it work with {}?",
        "How much is it for {}?",
        "What are the rules about {}?",
        "Who helps me with {}?",
        "What should I know about {}?",
        "Is there a limit on {}?",
        "I have a problem with {}",
        "How long does it take: {}?",
        "Why is there trouble with {}?",
        "Can a beginner deal with {}?",
        "What do I need for {}?",
        "When is the best time for {}?",
    ),
}


@dataclass(frozen=True, slots=True)
class TopicQuestion:
    """A question and its topic."""

    question: str
    topic: str


def questions_of(topics: Mapping[str, Names], *, count: int = 300, seed: int = 20) -> list[TopicQuestion]:
    """Return `count` different questions, the same number of each topic, half of them in each language."""
    choose = random.Random(seed)  # noqa: S311  (no secret)
    questions = []
    for topic, things in topics.items():
        each = count // len(topics)
        for language, names, wanted in zip(("zh", "en"), things, (each - each // 2, each // 2), strict=True):
            every = [form.format(name) for form in _TEMPLATES[language] for name in names.split(",")]
            questions += [TopicQuestion(question, topic) for question in choose.sample(every, wanted)]
    choose.shuffle(questions)
    return questions
