"""No setting takes credentials in an address, and no message shows those that came from elsewhere."""

import logging
import traceback

import pytest

from rag.errors import ConfigError, StoreUnavailable, ZhiwenError
from rag.settings import Settings
from rag.settings_loader import load_settings
from rag.url_credentials import mask_credentials, refuse_credentials

SECRET = "sEcr3t"  # noqa: S105

ADDRESSES = {
    "bots.feishu_url": "https://{}open.example.com",
    "bots.wecom_url": "https://{}qyapi.example.com",
    "knowledge.git_url": "https://{}git.example.com/handbook.git",
    "knowledge.s3_endpoint": "https://{}s3.example.com",
    "knowledge.s3_url": "s3://{}bucket/docs",
    "knowledge.web_url": "https://{}docs.example.com/sitemap.xml",
    "knowledge.url_template": "https://{}docs.example.com/{{path}}",
    "embedding.base_url": "https://{}api.example.com/v1",
    "rerank.base_url": "https://{}api.example.com/v1",
    "store.bulk_import_endpoint": "https://{}s3.example.com",
    "store.bulk_import_url": "s3://{}bucket/import",
    "store.uri": "https://{}milvus.example.com:19530",
    "chat.base_url": "https://{}api.example.com/v1",
    "chat.fallbacks": "custom/m@https://{}api.example.com/v1",
    "serve.otlp_endpoint": "https://{}otel.example.com:4318",
    "serve.public_url": "https://{}kb.example.com",
}


def test_every_setting_that_holds_an_address_is_known_here() -> None:
    words = ("url", "uri", "endpoint", "fallbacks")
    names = {
        f"{section}.{key}"
        for section in Settings.model_fields
        for key in type(getattr(Settings(), section)).model_fields
    }
    masked_elsewhere = {"state.url"}
    holding = {name for name in names if any(word in name.partition(".")[2] for word in words)}
    assert holding - masked_elsewhere - {"chat.fallback_api_key"} == set(ADDRESSES)


@pytest.mark.parametrize("setting", sorted(ADDRESSES))
@pytest.mark.parametrize("credentials", [f"me:{SECRET}@", f"{SECRET}@", f"me:{SECRET}/x@", f"me:a@{SECRET}@"])
def test_an_address_with_credentials_is_refused_without_showing_them(setting: str, credentials: str) -> None:
    variable = f"ZHIWEN_{setting.replace('.', '__')}".upper()
    with pytest.raises(ConfigError) as caught:
        load_settings(environment={variable: ADDRESSES[setting].format(credentials)})
    message = str(caught.value)
    assert f"{variable}: {setting} must have no user or password in its address; " in message
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("setting", sorted(ADDRESSES))
def test_the_same_address_without_credentials_is_taken(setting: str) -> None:
    variable = f"ZHIWEN_{setting.replace('.', '__')}".upper()
    load_settings(environment={variable: ADDRESSES[setting].format("")})


@pytest.mark.parametrize("address", ["https://10.0.0.5:8000/v1/@cf/m", "custom/@cf/m@http://[::1]:80/a", "./a@b.db"])
def test_an_at_sign_elsewhere_is_no_credential(address: str) -> None:
    assert refuse_credentials(address, instead="") == address


@pytest.mark.parametrize(
    "url",
    [
        f"http://me:{SECRET}@h",
        f"http://{SECRET}@h/x",
        f"postgresql://me:a@{SECRET}@h",
        f"https://h/?access_token={SECRET}",
    ],
)
def test_no_error_shows_credentials_wherever_it_is_printed(url: str, caplog: pytest.LogCaptureFixture) -> None:
    error: ZhiwenError = StoreUnavailable(f"{url} is down")
    logging.getLogger("zhiwen").warning("failed: %s", error, exc_info=error)
    assert SECRET not in f"{error} {mask_credentials(url)}"
    assert SECRET not in "".join(traceback.format_exception(error))
    assert SECRET not in caplog.text
    assert "***" in str(error)
