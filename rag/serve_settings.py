"""The settings of the HTTP server, which config.yaml describes."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from rag.settings_section import HeaderName, Name, Seconds, Section, no_credentials


class ServeSettings(Section):
    """The HTTP server: address, access, limits and logs."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    keys: SecretStr = SecretStr("")
    keys_file: str = ""
    proxy_key: Name = ""
    groups_header: HeaderName = "X-Forwarded-Groups"
    user_header: HeaderName = "X-Forwarded-User"
    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    trusted_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    requests_per_minute: int = Field(default=600, ge=0)
    public_requests_per_minute: int = Field(default=60, ge=1)
    max_concurrent_answers: int = Field(default=64, ge=1, le=10_000)
    max_waiting_answers: int = Field(default=64, ge=0, le=100_000)
    waiting_timeout_seconds: Seconds = 10
    max_connections: int = Field(default=4096, ge=16, le=100_000)
    header_timeout_seconds: Seconds = 10
    body_timeout_seconds: Seconds = 30
    reader_timeout_seconds: Seconds = 30
    watch_poll: Literal["auto", "always", "never"] = "auto"
    drain_seconds: float = Field(default=4, ge=0, le=600)
    log_text: bool = False
    audit_file: str = ""
    audit_text: bool = False
    otlp_endpoint: Annotated[str, no_credentials("set OTEL_EXPORTER_OTLP_HEADERS")] = ""
    public_url: Annotated[str, no_credentials("everybody sees it")] = Field(
        default="", pattern=r"^(?:https?://[^\s?#]+)?$"
    )
    link_list: bool = True
    feedback_path: Path = Path(".zhiwen/feedback.jsonl")
