"""API keys: how they are made, and how they are read from a file and the environment."""

import hashlib
import re
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from api.guard.key_file import keys_of
from api.guard.keys import new_key
from rag.errors import ConfigError
from rag.serve_settings import ServeSettings
from tests.kit.api_keys import KEYS
from tests.kit.processes import Workspace, assert_one_line

KEY = re.compile(r"zw_[A-Za-z0-9_-]{43}")


def settings(host: str = "127.0.0.1", keys: str = "", keys_file: str = "") -> ServeSettings:
    return ServeSettings(host=host, keys=SecretStr(keys), keys_file=keys_file)


def hashed(key: str) -> str:
    return f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"


# Reading them


def test_keys_come_from_the_environment_and_from_a_file_of_hashes(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    file.write_text(f"# who may ask\n\n  page:ask:{hashed(KEYS['ask'])}\nops:ingest+metrics:{hashed(KEYS['admin'])}\n")
    ring = keys_of(
        settings(keys=f"ci:ingest:{KEYS['ingest']}, boss:admin:{hashed(KEYS['metrics'])}", keys_file=str(file))
    )
    found = {name: ring.find(KEYS[name]) for name in KEYS}
    assert {name: key.name for name, key in found.items() if key} == {
        "ask": "page",
        "ingest": "ci",
        "admin": "ops",
        "metrics": "boss",
    }
    assert found["admin"] is not None
    assert found["admin"].opens == {"ask", "ingest", "metrics"}
    assert ring.find(new_key()) is None
    assert ring.find("") is None
    assert ring.find("\ud800") is None
    assert not ring.is_open


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_without_keys_loopback_is_open_to_everybody(host: str) -> None:
    assert keys_of(settings(host)).is_open


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "example.com", ""])
def test_without_keys_no_other_address_is_served(host: str) -> None:
    with pytest.raises(ConfigError, match=r"zhiwen keys new NAME --file keys\.txt.*ZHIWEN_SERVE__KEYS_FILE"):
        keys_of(settings(host))
    assert not keys_of(settings(host, keys=f"page:ask:{KEYS['ask']}")).is_open


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ("zw_secret-secret", "must be name:scopes:key"),
        (f":ask:{KEYS['ask']}", "a name has at most 64 letters, digits"),
        (f"a b:ask:{KEYS['ask']}", "a name has at most 64 letters, digits"),
        ("page:ask:", "must be name:scopes:key"),
        (f"page::{KEYS['ask']}", "has the unknown scope ''; the scopes are ask, ingest, admin, metrics"),
        (f"page:ask+root:{KEYS['ask']}", "has the unknown scope 'root'"),
        ("page:ask:change-me", "is too easy to guess"),
        (f"page:ask:sha256:{'0' * 63}", "is too easy to guess"),
        (f"owner:ask:{KEYS['ask']}", "two API keys are named owner"),
        (f"page:ask:{KEYS['ask']},page:admin:{KEYS['admin']}", "two API keys are named page"),
    ],
)
def test_an_invalid_key_is_refused_and_never_shown(keys: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        keys_of(settings(keys=keys))
    assert complaint in str(caught.value)
    assert not any(key in str(caught.value) for key in (*KEYS.values(), "change-me", "secret-secret"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (f"page:ask:{KEYS['ask']}\n", "keys.txt:1 holds a key instead of its hash"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_that_holds_no_hashes_is_refused(tmp_path: Path, content: str | bytes, complaint: str) -> None:
    file = tmp_path / "keys.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        keys_of(settings(keys_file=str(file)))
    assert complaint in str(caught.value)
    assert KEYS["ask"] not in str(caught.value)


@pytest.mark.parametrize("content", ["# nobody\n\n", "", None])
def test_a_file_may_get_its_first_key_later(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "keys.txt"
    if content is not None:
        file.write_text(content)
    assert len(keys_of(settings("0.0.0.0", keys_file=str(file)))) == 0


# Making them


def test_a_new_key_is_shown_once_and_its_hash_put_into_the_file(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path).given(ZHIWEN_SERVE__KEYS_FILE=str(tmp_path / "keys.txt"))
    made = workspace.run("keys", "new", "page")
    assert made.status == 0, made
    assert KEY.fullmatch(made.out.strip())
    other = workspace.run("keys", "new", "ops", "--scope", "ingest", "--scope", "metrics")
    content = (tmp_path / "keys.txt").read_text()
    assert content == f"page:ask:{hashed(made.out.strip())}\nops:ingest+metrics:{hashed(other.out.strip())}\n"
    assert stat.S_IMODE((tmp_path / "keys.txt").stat().st_mode) == 0o600
    ring = keys_of(settings("0.0.0.0", keys_file=str(tmp_path / "keys.txt")))
    assert (key := ring.find(made.out.strip()))
    assert key.name == "page"

    assert_one_line(workspace.run("keys", "new", "page"), 2, "already has a key named page")
    assert_one_line(workspace.run("keys", "new", "x", "--scope", "root"), 2, "'root'", "ask, ingest, admin, metrics")
    assert (tmp_path / "keys.txt").read_text() == content


def test_a_server_for_other_machines_does_not_start_without_keys(tmp_path: Path) -> None:
    outcome = Workspace.with_shipped_knowledge(tmp_path).run("serve", "--host", "0.0.0.0", "--port", "0")
    assert_one_line(outcome, 2, "0.0.0.0", "zhiwen keys new", "ZHIWEN_SERVE__KEYS_FILE")
    assert not (tmp_path / "m.db").exists()
