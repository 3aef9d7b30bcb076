"""Slips in pasted keys, addresses and lists are mended, or named with the variable that holds them."""

import pytest

from rag.errors import ConfigError
from rag.pasted_values import add_scheme, clean_base_url, clean_key, split_list
from rag.settings_loader import load_settings


@pytest.mark.parametrize(
    "pasted",
    ["sk-abc\n", "sk-abc\r\n", ' "sk-abc" ', "'sk-abc'", "Bearer sk-abc", "Authorization: Bearer sk-abc", "“sk-abc”"],
)
def test_what_stands_around_a_key_is_dropped(pasted: str) -> None:
    assert clean_key(pasted) == "sk-abc"


@pytest.mark.parametrize(
    ("pasted", "address"),
    [
        (" https://api.deepseek.com/v1/ \n", "https://api.deepseek.com/v1"),
        ('"https://api.deepseek.com/v1"', "https://api.deepseek.com/v1"),
        ("https://api.deepseek.com/v1/chat/completions", "https://api.deepseek.com/v1"),
        ("http://127.0.0.1:8000/v1/embeddings/", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1/models", "http://127.0.0.1:8000/v1"),
        ("localhost:11434/v1", "http://localhost:11434/v1"),
        ("ollama:11434/v1", "http://ollama:11434/v1"),
        ("10.0.0.5:8000/v1", "http://10.0.0.5:8000/v1"),
        ("api.deepseek.com/v1", "https://api.deepseek.com/v1"),
        ("HTTPS://api.deepseek.com/v1", "https://api.deepseek.com/v1"),
        ("https：//api.deepseek.com／v1", "https://api.deepseek.com/v1"),
        ("", ""),
    ],
)
def test_an_address_is_mended(pasted: str, address: str) -> None:
    assert clean_base_url(pasted) == address
    assert clean_base_url(address) == address


def test_the_call_of_a_reranker_is_part_of_its_address() -> None:
    assert add_scheme("api.jina.ai/v1/rerank") == "https://api.jina.ai/v1/rerank"


@pytest.mark.parametrize(
    "pasted", ["ftp://api.deepseek.com", "http:/api.deepseek.com", "https//x.com", "http://a b/v1", "https://"]
)
def test_an_address_that_cannot_be_mended_is_an_error(pasted: str) -> None:
    with pytest.raises(ValueError, match=r"begins with http:// or https://"):
        clean_base_url(pasted)


@pytest.mark.parametrize("value", ["a,b", " a , b ", '["a", "b"]', ' ["a","b"]\n', '"a","b"'])
def test_a_list_in_a_variable_has_two_forms(value: str) -> None:
    assert split_list(value) == ["a", "b"]


@pytest.mark.parametrize(
    ("variables", "setting", "value"),
    [
        ({"ZHIWEN_CHAT__API_KEY": "sk-abc\n"}, ("chat", "api_key"), "sk-abc"),
        ({"ZHIWEN_EMBEDDING__API_KEY": '"sk-abc"'}, ("embedding", "api_key"), "sk-abc"),
        ({"ZHIWEN_RERANK__API_KEY": "Bearer sk-abc"}, ("rerank", "api_key"), "sk-abc"),
        ({"ZHIWEN_CHAT__BASE_URL": "localhost:1/v1/chat/completions"}, ("chat", "base_url"), "http://localhost:1/v1"),
        ({"ZHIWEN_CHAT__MODEL": '"qwen-plus" '}, ("chat", "model"), "qwen-plus"),
        ({"ZHIWEN_CHAT__THINKING": "'true'"}, ("chat", "thinking"), True),
        ({"ZHIWEN_CHAT__MAX_ANSWER_TOKENS": ' "99"'}, ("chat", "max_answer_tokens"), 99),
        ({"ZHIWEN_CHAT__FALLBACKS": '["deepseek", "ollama"]'}, ("chat", "fallbacks"), ("deepseek", "ollama")),
        ({"ZHIWEN_CHAT__EXTRA_BODY": '{"top_p": 0.9}'}, ("chat", "extra_body"), {"top_p": 0.9}),
        ({"ZHIWEN_CHAT__EXTRA_BODY": ""}, ("chat", "extra_body"), {}),
    ],
)
def test_the_settings_are_read_without_the_slips(
    variables: dict[str, str], setting: tuple[str, str], value: object
) -> None:
    section, key = setting
    found = getattr(getattr(load_settings(environment=variables), section), key)
    assert (found.get_secret_value() if hasattr(found, "get_secret_value") else found) == value


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ZHIWEN_CHAT__API_KEY", "sk-你的密钥"),
        ("ZHIWEN_CHAT__API_KEY", "sk-abc\nsk-def"),
        ("ZHIWEN_CHAT__BASE_URL", "ftp://x"),
        ("ZHIWEN_RERANK__BASE_URL", "http:/x"),
        ("ZHIWEN_CHAT__FALLBACKS", '["deepseek"'),
        ("ZHIWEN_CHAT__EXTRA_BODY", "top_p=0.9"),
        ("ZHIWEN_CHAT__EXTRA_BODY", "[1]"),
    ],
)
def test_what_cannot_be_mended_is_one_line_with_the_variable_and_without_a_key(variable: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(environment={variable: value})
    message = str(caught.value)
    assert message.startswith(f"{variable}: ")
    assert "\n" not in message
    assert "sk-" not in message
