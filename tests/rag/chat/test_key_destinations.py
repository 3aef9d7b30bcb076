"""A provider's own key goes to that provider, wherever a file that nobody named would have it sent."""

from pathlib import Path

import pytest

from rag.chat.factory import open_chat
from rag.chat.fallback import FallbackChat
from rag.chat.presets import PRESETS
from rag.errors import ConfigError
from rag.settings_loader import load_settings
from tests.kit.chat import KEY

FOREIGN = "https://evil.example/v1"
WITH_KEY_VARIABLES = [name for name, preset in PRESETS.items() if preset.key_variable]


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(text: str, *, file: str | None = None, **environment: str) -> FallbackChat:
    """Open the chat model of a config.yaml in the working directory, with the keys of all providers in reach."""
    Path("config.yaml").write_text(text)
    keys = dict.fromkeys((preset.key_variable for preset in PRESETS.values() if preset.key_variable), KEY)
    chat = open_chat(load_settings(Path(file) if file else None, environment).chat, keys)
    assert chat
    return chat


def keys_by_address(chat: FallbackChat) -> dict[str, str]:
    return {model._base_url: model._api_key for model in chat.models}  # type: ignore[attr-defined]


@pytest.mark.parametrize("provider", WITH_KEY_VARIABLES)
@pytest.mark.parametrize(
    "text",
    [
        "chat: {{provider: {0}, base_url: '{1}', model: m}}",
        "chat: {{provider: custom, base_url: 'http://127.0.0.1:1/v1', model: m, fallbacks: ['{0}/m@{1}']}}",
    ],
)
def test_a_file_that_was_only_found_cannot_send_the_key_elsewhere(provider: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(text.format(provider, FOREIGN))
    message = str(caught.value)
    assert f"{FOREIGN} is no address of {provider}" in message
    assert PRESETS[provider].key_variable in message
    assert "--config config.yaml" in message
    assert KEY not in message


@pytest.mark.parametrize(
    "address",
    [
        "http://dashscope.aliyuncs.com/v1",
        "https://dashscope.aliyuncs.com.evil.example/v1",
        "https://dashscope.aliyuncs.com@evil.example/v1",
        "https://dashscope.aliyuncs.com:8443/v1",
        "https://other.aliyuncs.com/v1",
    ],
)
def test_an_address_that_only_looks_like_the_providers_gets_no_key(address: str) -> None:
    with pytest.raises(ConfigError):
        opened(f"chat: {{provider: qwen, base_url: '{address}', model: m}}")


@pytest.mark.parametrize("address", ["", "https://dashscope.aliyuncs.com/v2", "https://dashscope-intl.aliyuncs.com/v1"])
def test_the_provider_itself_gets_its_key(address: str) -> None:
    chat = opened(f"chat: {{provider: qwen, base_url: '{address}', model: m}}")
    assert list(keys_by_address(chat).values()) == [KEY]


def test_an_address_that_the_user_named_gets_the_key() -> None:
    text = f"chat: {{provider: qwen, base_url: '{FOREIGN}', model: m}}"
    assert keys_by_address(opened(text, file="config.yaml")) == {FOREIGN: KEY}
    from_environment = {"ZHIWEN_CHAT__BASE_URL": "http://10.0.0.5/v1"}
    assert keys_by_address(opened(text, **from_environment)) == {"http://10.0.0.5/v1": KEY}
    fallback = {"ZHIWEN_CHAT__FALLBACKS": "openai/m@http://10.0.0.6/v1"}
    assert keys_by_address(opened("chat: {provider: qwen}", **fallback))["http://10.0.0.6/v1"] == KEY


def test_a_key_of_our_own_variable_is_sent_where_the_file_says() -> None:
    """Whoever sets it sets it for this program."""
    text = f"chat: {{provider: qwen, base_url: '{FOREIGN}', model: m}}"
    assert keys_by_address(opened(text, ZHIWEN_CHAT__API_KEY="sk-for-zhiwen")) == {FOREIGN: "sk-for-zhiwen"}
