"""How to fix a broken part: the hints of `zhiwen doctor`, by error code."""

from rag.text.language import Language

REMEDIES: dict[str, dict[Language, str]] = {
    "config_error": {
        "zh": "改正上面的设置；config.yaml 里有每一项的说明",
        "en": "correct the setting; config.yaml explains each one",
    },
    "knowledge_error": {
        "zh": "把文档放到那里，或改正路径",
        "en": "put documents there, or correct the path",
    },
    "source_error": {
        "zh": "检查 git_url、s3_url 或 web_url、网络，以及环境变量里的令牌、密钥或凭据",
        "en": "check git_url, s3_url or web_url, the network, and the token, key or credentials in the environment",
    },
    "store_unavailable": {
        "zh": "检查 store.uri；如果是服务器，看它有没有启动",
        "en": "check store.uri; if it is a server, check that it is running",
    },
    "store_timeout": {
        "zh": "看 Milvus 服务器是否过载，或调大 store.timeout_seconds",
        "en": "check the load of the Milvus server, or raise store.timeout_seconds",
    },
    "store_locked": {
        "zh": "结束占用它的进程，或等它完成",
        "en": "stop the process that uses it, or wait until it finishes",
    },
    "store_error": {
        "zh": "换一个 store.uri 后重新运行 zhiwen ingest，或恢复备份",
        "en": "set another store.uri and run `zhiwen ingest`, or restore a backup",
    },
    "state_unavailable": {
        "zh": "检查 state.url；没有这个数据库，照样能答，只是不留记录和评价",
        "en": "check state.url; answers go on without that database, but no traces and feedback are kept",
    },
    "embedder_unavailable": {
        "zh": "检查 embedding.* 设置，或设 embedding.provider: builtin",
        "en": "check the embedding.* settings, or set embedding.provider: builtin",
    },
    "embedder_error": {
        "zh": "检查 embedding.* 设置，或设 embedding.provider: builtin",
        "en": "check the embedding.* settings, or set embedding.provider: builtin",
    },
    "texts_refused": {
        "zh": "改短或删去报告里点名的文档，或换一个嵌入模型",
        "en": "shorten or remove the documents that the report names, or choose another embedding model",
    },
    "embedder_mismatch": {
        "zh": "运行 zhiwen ingest 重建索引，或改回原来的设置",
        "en": "run `zhiwen ingest` to rebuild the index, or restore the old settings",
    },
    "chat_unavailable": {
        "zh": "检查网络和 chat.base_url；如果是本地模型，看它有没有启动",
        "en": "check the network and chat.base_url; if the model is local, check that it is running",
    },
    "chat_busy": {
        "zh": "稍后再试，或提高服务商的限额，或加 chat.fallbacks",
        "en": "try again later, raise the provider's limit, or add chat.fallbacks",
    },
    "chat_denied": {
        "zh": "检查密钥、账户余额和 chat.model",
        "en": "check the key, the balance of the account and chat.model",
    },
    "chat_timeout": {
        "zh": "换一个更快的模型，或调大 chat.first_token_timeout_seconds",
        "en": "use a faster model, or raise chat.first_token_timeout_seconds",
    },
    "chat_broken": {
        "zh": "看服务商的状态页，或加 chat.fallbacks",
        "en": "check the provider's status page, or add chat.fallbacks",
    },
    "chat_garbled": {
        "zh": "检查 chat.base_url：那里的接口与 OpenAI 不兼容",
        "en": "check chat.base_url: the API there is not OpenAI-compatible",
    },
    "chat_filtered": {
        "zh": "服务商的内容过滤拦下了测试，换一个模型",
        "en": "the provider's content filter blocked the test; use another model",
    },
    "chat_rejected": {
        "zh": "检查 chat.model 和 chat.max_answer_tokens",
        "en": "check chat.model and chat.max_answer_tokens",
    },
    "reranker_error": {
        "zh": "检查 rerank.base_url 和 rerank.model，或设 rerank.provider: none",
        "en": "check rerank.base_url and rerank.model, or set rerank.provider: none",
    },
    "reranker_unavailable": {
        "zh": "检查 rerank.* 设置和网络，或设 rerank.provider: none",
        "en": "check the rerank.* settings and the network, or set rerank.provider: none",
    },
    "reranker_timeout": {
        "zh": "调大 rerank.timeout_seconds，或换一个更快的重排模型",
        "en": "raise rerank.timeout_seconds, or use a faster reranker",
    },
    "not_a_chat_model": {
        "zh": "检查 chat.base_url，通常以 /v1 结尾",
        "en": "check chat.base_url; it usually ends in /v1",
    },
}


def remedy(code: str, language: Language) -> str:
    """Return the hint for an error code, or "" if there is none."""
    return REMEDIES.get(code, {}).get(language, "")
