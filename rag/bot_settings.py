"""The settings of bots in chat platforms. `config.yaml` describes each of them."""

from typing import Annotated

from pydantic import Field, SecretStr

from rag.settings_section import BaseURL, Key, Name, Section, no_credentials


class BotSettings(Section):
    """Bots of Feishu (Lark) and WeCom. An id switches a bot on; its secrets come from the environment."""

    rights_of: Name = ""
    feishu_app_id: Name = ""
    feishu_app_secret: Key = SecretStr("")
    feishu_encrypt_key: Key = SecretStr("")
    feishu_url: Annotated[BaseURL, no_credentials("set ZHIWEN_BOTS__FEISHU_APP_SECRET")] = "https://open.feishu.cn"
    wecom_corp_id: Name = ""
    wecom_agent_id: int = Field(default=0, ge=0)
    wecom_secret: Key = SecretStr("")
    wecom_token: Key = SecretStr("")
    wecom_aes_key: Key = SecretStr("")
    wecom_url: Annotated[BaseURL, no_credentials("set ZHIWEN_BOTS__WECOM_SECRET")] = "https://qyapi.weixin.qq.com"
