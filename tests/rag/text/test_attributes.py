"""Attributes that are asked for, and texts that tell them."""

import pytest

from rag.text.attributes import asked_attributes


@pytest.mark.parametrize(
    ("question", "tells", "does_not"),
    [
        ("茶多少钱", "每盒 30 元", "茶是一种饮料"),
        ("How much does tea cost?", "A box costs $3", "Tea is a drink"),
        ("茶壶怎么安装", "安装前先洗手", "茶壶是陶的"),
        ("How do I install the pot?", "Install the lid first", "The pot is made of clay"),
        ("官网是什么", "见 https://tea.example/zh", "茶是一种饮料"),
        ("谁创立了茶馆", "茶馆由老舍创办", "茶馆在北京"),
        ("When was the house built?", "It was built in 1957", "It stands in Beijing"),
        ("茶馆什么时候开业", "提前三天通知", "装修之后开业"),
        ("When is high tide?", "It comes at nine o'clock", "It comes after low tide"),
        ("When will the tea house hire a second cook?", "It hires one once the terrace is built", "It hires cooks"),
        ("When will the terrace open?", "It opens in June", "It opens with a party"),
        ("仓库什么时候盘点", "每月底盘点", "盘点由两人完成"),
        ("What colour is the lid?", "The lid is crimson", "The lid is round"),
        ("壶盖是什么颜色", "壶盖是青色的", "壶盖很有特色"),
        ("When is the tea served?", "It is served at four o'clock", "It is served with milk"),
        ("茶什么时候上", "下午三点上茶", "上茶要用托盘"),
        ("How do I set up the stove?", "Setting up the stove: open the valve", "The stove is made of iron"),
        ("店里的电话是多少", "电话 010-12345678", "店在北京"),
        ("老板的手机号码是多少", "手机号 010-12345678", "老板卖手机"),
        ("茶馆成立于哪个朝代", "茶馆始建于清朝", "茶馆在清朝很出名"),
        ("How many minutes does the tea steep?", "Let it steep for an hour", "The tea steeps in hot water"),
        ("茶要泡几分钟", "泡 30 秒", "用开水泡茶"),
        ("What is the cook's favourite tea?", "The cook likes green tea best", "The cook sells green tea"),
        ("老板最喜欢的茶是哪种", "老板喜爱绿茶", "老板卖绿茶"),
    ],
)
def test_a_text_tells_an_attribute_or_does_not(question: str, tells: str, does_not: str) -> None:
    (attribute,) = asked_attributes(question)
    assert attribute.tells.search(tells)
    assert not attribute.tells.search(does_not)


@pytest.mark.parametrize(
    "question",
    [
        "茶是什么",
        "How many cups can I order for one site?",
        "I lost my phone in the tea house, who keeps it?",
        "Is the tea counted if I mail the link to friends?",
        "怎么在菜单里加友情链接？",
        "URL 模式和全局模式有什么区别？",
    ],
)
def test_a_word_that_is_only_mentioned_is_not_asked_for(question: str) -> None:
    assert asked_attributes(question) == []


@pytest.mark.parametrize(
    "question",
    [
        "Milvus homepage",
        "What is the website of the tea house?",
        "Please give me the link.",
        "第二个的网址",
        "茶馆的链接",
    ],
)
def test_an_address_is_asked_for_in_many_ways(question: str) -> None:
    assert [bool(attribute.tells.search("https://tea.example")) for attribute in asked_attributes(question)] == [True]
