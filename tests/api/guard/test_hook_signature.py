"""Webhooks are believed only with a signature or token by their secret."""

import hashlib
import hmac

import pytest

from api.guard.hook_signature import is_signed

SECRET = "It's a Secret to Everybody"  # noqa: S105
BODY = b"Hello, World!"
SIGNATURE = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
"""The example of GitHub's documentation."""


@pytest.mark.parametrize(
    "headers",
    [
        {"x-hub-signature-256": f"sha256={SIGNATURE}"},
        {"x-gitea-signature": SIGNATURE},
        {"x-forgejo-signature": SIGNATURE.upper()},
        {"x-gitlab-token": SECRET},
    ],
    ids=str,
)
def test_each_forge_is_believed(headers: dict[str, str]) -> None:
    assert is_signed(headers, BODY, SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": f"sha1={SIGNATURE}"},
        {"x-hub-signature-256": f"sha256={SIGNATURE[:-1]}0"},
        {"x-hub-signature-256": f"sha256={hmac.new(b'', BODY, hashlib.sha256).hexdigest()}"},
        {"x-gitea-signature": "密"},
        {"x-gitlab-token": SECRET.lower()},
        {"x-gitlab-token": SIGNATURE},
        {"x-gitlab-token": ""},
    ],
    ids=str,
)
def test_nobody_else_is(headers: dict[str, str]) -> None:
    assert not is_signed(headers, BODY, SECRET)


@pytest.mark.parametrize("header", ["x-hub-signature-256", "x-gitea-signature", "x-gitlab-token"])
def test_without_a_secret_nothing_is_believed(header: str) -> None:
    empty = hmac.new(b"", BODY, hashlib.sha256).hexdigest()
    assert not is_signed({header: empty}, BODY, "")
    assert not is_signed({header: ""}, BODY, "")
