"""PostgreSQL away, hanging, without its driver; and its password, which nobody sees."""

from typing import TYPE_CHECKING

import pytest

from rag import optional_packages
from rag.errors import ConfigError, StateUnavailable
from rag.state.database import StateDatabase
from tests.kit.postgres_process import PASSWORD
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.kit.postgres_process import PostgresProcess

pytestmark = pytest.mark.usefixtures("impatient")


def is_there(database: StateDatabase) -> bool:
    try:
        database.check()
    except StateUnavailable:
        return False
    return True


def test_a_server_that_stops_is_an_error_without_its_password_until_it_is_back(postgres: "PostgresProcess") -> None:
    database = StateDatabase(postgres.new_database())
    database.check()
    postgres.stop()
    try:
        with pytest.raises(StateUnavailable, match=r"zhiwen:\*\*\*@127\.0\.0\.1.*refused") as caught:
            database.check()
    finally:
        postgres.start()
    assert PASSWORD not in str(caught.value)
    eventually(lambda: is_there(database))


def test_a_server_that_hangs_is_an_error_until_it_goes_on(postgres: "PostgresProcess") -> None:
    database = StateDatabase(postgres.new_database())
    database.check()
    postgres.pause()
    try:
        with pytest.raises(StateUnavailable, match="timeout"):
            database.check()
    finally:
        postgres.resume()
    eventually(lambda: is_there(database))


def test_a_server_that_hangs_in_a_transaction_does_not_hold_up_the_thread(postgres: "PostgresProcess") -> None:
    database = StateDatabase(postgres.new_database())
    with pytest.raises(StateUnavailable), database.reading() as transaction:
        postgres.pause()
        try:
            transaction.execute("SELECT 1")
        finally:
            postgres.resume()
    eventually(lambda: is_there(database))


def test_a_wrong_password_is_an_error_that_does_not_show_it(postgres: "PostgresProcess") -> None:
    database = StateDatabase(postgres.url(password="wr%40ng%2F7311"))  # noqa: S106
    with pytest.raises(StateUnavailable, match="password authentication failed") as caught:
        database.check()
    assert "7311" not in f"{caught.value} {database.location} {database!r}"


def test_without_the_driver_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optional_packages, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"'zhiwen\[postgres\]'") as caught:
        StateDatabase("postgresql://me:secret-7311@db/zhiwen")  # pragma: allowlist secret
    assert "7311" not in str(caught.value)
