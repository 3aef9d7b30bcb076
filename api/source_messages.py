"""Messages about the repositories, buckets and web sites that documents come from."""

from collections.abc import Mapping

from rag.text.language import Language

SOURCE_MESSAGES: Mapping[str, dict[Language, str]] = {
    "source": {"zh": "来源", "en": "Source"},
    "first_fetch": {
        "zh": "还没有读入过文档，先从 {url} 取来。",
        "en": "Nothing has been ingested yet; fetching {url} first.",
    },
    "doctor_source": {"zh": "{url}，当前是 {version}", "en": "{url} (at {version})"},
}
