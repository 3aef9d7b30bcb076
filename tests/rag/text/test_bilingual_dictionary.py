"""Chinese words in English, and English ones in Chinese."""

from importlib.resources import files

import pytest

from rag.text.bilingual_dictionary import translate_chinese, translate_english

TERMS = (files("rag.text") / "software_terms.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("密码", ("password",)),
        ("过期", ("expire",)),
        ("插件", ("plugin",)),  # of software_terms.txt
        ("谷歌", ("google",)),  # a name, before what it is
        ("负载均衡", ("load", "balancing")),
    ],
)
def test_each_word_is_found_from_the_other(chinese: str, english: tuple[str, ...]) -> None:
    assert english in [sense.english for sense in translate_chinese(chinese)]
    assert chinese in [sense.chinese for sense in translate_english(english[0]) if sense.english == english]


@pytest.mark.parametrize("form", ["Restart", "restarts", "restarted", "restarting"])
def test_an_english_word_is_found_in_any_form(form: str) -> None:
    assert "重启" in [sense.chinese for sense in translate_english(form)]


@pytest.mark.parametrize(("part", "word", "chinese"), [("port", "important", "重要"), ("cat", "category", "类别")])
def test_a_part_of_a_word_is_not_the_word(part: str, word: str, chinese: str) -> None:
    assert chinese in [sense.chinese for sense in translate_english(word)]
    assert chinese not in [sense.chinese for sense in translate_english(part)]


@pytest.mark.parametrize("word", ["本赛季", "Ollama", "", "不是一个词"])
def test_what_is_no_chinese_word_has_no_translation(word: str) -> None:
    assert translate_chinese(word) == ()


@pytest.mark.parametrize("line", TERMS[1:])
def test_software_terms_are_chinese_then_english(line: str) -> None:
    chinese, english = line.split(" ", 1)
    found = {" ".join(sense.english) for sense in translate_chinese(chinese)}
    for each in english.lower().split(" / "):
        assert each.replace("-", " ") in found


def test_software_terms_are_sorted_and_stand_once() -> None:
    heads = [line.split(" ")[0] for line in TERMS[1:]]
    assert heads == sorted(set(heads))
