"""Opening chat models from the settings."""

import traceback
from typing import Any, cast

import pytest
from pydantic import SecretStr

from rag.chat.factory import open_chat
from rag.chat.fallback import FallbackChat
from rag.chat.openai_compatible import OpenAIChat
from rag.chat.presets import PRESETS
from rag.chat.protocol import ChatModel
from rag.errors import ConfigError
from rag.settings import ChatSettings
from tests.kit.chat import KEY


def opened(environment: dict[str, str] | None = None, **settings: Any) -> FallbackChat | None:
    if "api_key" in settings:
        settings["api_key"] = SecretStr(settings["api_key"])
    return open_chat(ChatSettings(**settings), environment or {})


def endpoint(chat: ChatModel) -> tuple[str, str, str]:
    """Where the client goes, for which model, and with which key."""
    return endpoints(chat)[0]


def endpoints(chat: ChatModel) -> list[tuple[str, str, str]]:
    """The same for each model of the chain."""
    models = [cast(OpenAIChat, model) for model in cast(FallbackChat, chat).models]
    return [(model._base_url, model._model, model._api_key) for model in models]


def test_without_key_and_address_nothing_is_asked_but_the_documents() -> None:
    for environment in ({}, {"DASHSCOPE_API_KEY": KEY, "OPENAI_API_KEY": KEY}):
        assert opened(environment) is None


def test_a_key_alone_means_qwen() -> None:
    chat = opened(api_key=KEY)
    assert chat
    assert chat.name == "qwen/qwen-plus"
    assert endpoint(chat) == (PRESETS["qwen"].base_url, "qwen-plus", KEY)


def test_an_address_means_custom_with_or_without_a_key() -> None:
    assert opened(base_url="http://127.0.0.1:9/v1", model="m").name == "custom/m"
    chat = opened(base_url="http://127.0.0.1:9/v1", model="m", api_key=KEY)
    assert endpoint(chat) == ("http://127.0.0.1:9/v1", "m", KEY)


def test_extractive_can_be_asked_for_in_spite_of_a_key() -> None:
    assert opened(provider="extractive", api_key=KEY, base_url="http://x/v1") is None


@pytest.mark.parametrize("provider", sorted(PRESETS))
def test_a_provider_has_its_usual_address_model_and_key_variable(provider: str) -> None:
    preset = PRESETS[provider]
    chat = opened({preset.key_variable: KEY}, provider=provider)
    assert chat.name == f"{provider}/{preset.model}"
    assert endpoint(chat)[:2] == (preset.base_url, preset.model)
    if preset.key_variable:
        assert endpoint(chat)[2] == KEY


def test_every_provider_that_can_be_set_can_be_opened() -> None:
    known = set(ChatSettings.model_fields["provider"].annotation.__args__)  # type: ignore[union-attr]
    assert known == {"auto", "extractive", "custom", *PRESETS}


def test_our_own_key_variable_wins_over_the_providers() -> None:
    assert endpoint(opened({"DEEPSEEK_API_KEY": "sk-other"}, provider="deepseek", api_key=KEY))[2] == KEY


def test_a_configured_model_wins_over_the_usual_one() -> None:
    assert opened(api_key=KEY, model="qwen-max").name == "qwen/qwen-max"


def test_a_local_server_needs_no_key() -> None:
    assert opened(provider="ollama").name == "ollama/qwen3:8b"


@pytest.mark.parametrize("provider", ["qwen", "siliconflow", "deepseek", "openai"])
def test_a_missing_key_is_an_error_that_names_both_variables(provider: str) -> None:
    with pytest.raises(ConfigError) as caught:
        opened({"UNRELATED": KEY}, provider=provider)
    message = str(caught.value)
    assert f"chat.provider: {provider} needs a key" in message
    assert "ZHIWEN_CHAT__API_KEY" in message
    assert PRESETS[provider].key_variable in message
    assert "extractive" in message


def test_custom_without_an_address_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(ConfigError, match=r"chat\.base_url is required .*ZHIWEN_CHAT__BASE_URL"):
        opened(provider="custom", model="m", api_key=KEY)


def test_an_address_without_a_model_is_an_error_that_names_the_variable() -> None:
    for provider in ("auto", "custom", "qwen"):
        with pytest.raises(ConfigError, match=r"chat\.model is required with the endpoint http://x/v1 .*CHAT__MODEL"):
            opened(provider=provider, base_url="http://x/v1", api_key=KEY)


def test_the_key_is_in_no_representation_and_no_message() -> None:
    chat = opened(api_key=KEY)
    assert KEY not in f"{chat!r} {chat} {chat.name} {vars(chat)!r}"
    with pytest.raises(ConfigError) as caught:
        opened(provider="custom", api_key=KEY)
    assert KEY not in "".join(traceback.format_exception(caught.value))


# --- opening a chain -------------------------------------------------------------------------------------------------


def test_fallbacks_stand_in_line_each_with_the_address_and_key_of_its_provider() -> None:
    environment = {"DEEPSEEK_API_KEY": "sk-deepseek", "SILICONFLOW_API_KEY": "sk-flow"}
    fallbacks = ("deepseek", "siliconflow/Qwen/Qwen3-8B", "ollama")
    chat = opened(environment, provider="qwen", api_key=KEY, fallbacks=fallbacks)
    assert chat.name == "qwen/qwen-plus → deepseek/deepseek-flash → siliconflow/Qwen/Qwen3-8B → ollama/qwen3:8b"
    assert endpoints(chat) == [
        (PRESETS["qwen"].base_url, "qwen-plus", KEY),
        (PRESETS["deepseek"].base_url, "deepseek-flash", "sk-deepseek"),
        (PRESETS["siliconflow"].base_url, "Qwen/Qwen3-8B", "sk-flow"),
        (PRESETS["ollama"].base_url, "qwen3:8b", ""),
    ]


def test_another_model_of_the_same_provider_goes_by_the_same_key() -> None:
    assert endpoints(opened(api_key=KEY, fallbacks=("qwen/qwen-turbo",)))[1] == (
        PRESETS["qwen"].base_url,
        "qwen-turbo",
        KEY,
    )


def test_a_custom_fallback_has_its_own_address_and_key() -> None:
    line = "custom/@cf/meta/llama@https://10.0.0.5:8000/v1"
    address = ("https://10.0.0.5:8000/v1", "@cf/meta/llama")
    assert endpoints(opened(api_key=KEY, fallbacks=(line,)))[1] == (*address, ""), "the first one's key is not sent"
    chat = opened(api_key=KEY, fallbacks=(line,), fallback_api_key=SecretStr("sk-own"))
    assert endpoints(chat)[1] == (*address, "sk-own")


def test_a_key_is_not_sent_to_the_same_provider_at_another_address() -> None:
    with_address = opened(api_key=KEY, fallbacks=("qwen/qwen-max@http://127.0.0.1:9/v1",))
    assert KEY not in endpoints(with_address)[1]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            "gpt",
            "chat.fallbacks must be qwen, siliconflow, deepseek, zhipu, moonshot, openai, gemini, mistral, ollama or ",
        ),
        ("extractive", "chat.fallbacks must be"),
        ("qwen/", "chat.fallbacks must be"),
        ("custom/m", "chat.base_url is required with chat.fallbacks: custom/m"),
        ("custom@http://x/v1", "chat.model is required with the endpoint http://x/v1"),
        ("deepseek", "chat.fallbacks: deepseek needs a key; set DEEPSEEK_API_KEY"),
    ],
)
def test_a_fallback_that_cannot_be_opened_is_an_error_that_names_it(line: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(api_key=KEY, fallbacks=(line,))
    assert words in str(caught.value)
    assert KEY not in str(caught.value)


def test_fallbacks_without_a_first_model_are_an_error() -> None:
    for provider in ("auto", "extractive"):
        with pytest.raises(ConfigError, match=r"chat\.fallbacks is set, but no chat\.provider"):
            opened(provider=provider, fallbacks=("ollama",))


def test_the_context_of_a_model_is_known_of_the_usual_one_or_configured() -> None:
    assert opened(provider="ollama").context_tokens == 4096
    assert opened(provider="ollama", model="other").context_tokens is None
    assert opened(provider="ollama", model="other", context_tokens=32768).context_tokens == 32768
    assert opened(api_key=KEY, fallbacks=("ollama",)).context_tokens == 4096
