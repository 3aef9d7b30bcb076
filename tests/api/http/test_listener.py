"""The socket that a server listens on, and how many connections the process can hold."""

import select
import socket
import subprocess
import sys
from contextlib import suppress

import pytest

from api.http.listener import listening_url, local_url, open_listener
from rag.errors import ConfigError
from rag.serve_settings import ServeSettings
from tests.kit.paths import ROOT


def test_an_address_that_is_taken_is_a_config_error_with_the_way_out() -> None:
    with open_listener(ServeSettings(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"127\.0\.0\.1:{port} .*--port"):
            open_listener(ServeSettings(port=port))


@pytest.mark.parametrize(
    ("host", "listening", "local"),
    [
        ("127.0.0.1", "http://127.0.0.1", "http://127.0.0.1"),
        ("0.0.0.0", "http://0.0.0.0", "http://127.0.0.1"),
        ("::", "http://[::]", "http://[::1]"),
        ("::1", "http://[::1]", "http://[::1]"),
    ],
)
def test_a_server_has_one_url_for_people_and_one_for_programs_on_its_machine(
    host: str, listening: str, local: str
) -> None:
    with open_listener(ServeSettings(port=0)) as listener:
        port = listener.getsockname()[1]
        assert listening_url(listener, host) == f"{listening}:{port}"
        assert local_url(listener, host) == f"{local}:{port}"


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has TCP_USER_TIMEOUT")
def test_the_kernel_drops_a_client_that_takes_nothing_of_what_was_sent() -> None:
    with open_listener(ServeSettings(port=0, reader_timeout_seconds=1)) as listener, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(listener.getsockname())
        connection, _ = listener.accept()
        with connection:
            connection.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    connection.send(b"x" * 65536)
            poll = select.poll()
            poll.register(connection, select.POLLERR)
            assert poll.poll(60_000), "it is still there"
            with pytest.raises(TimeoutError):
                connection.recv(1)


@pytest.mark.parametrize(
    ("soft", "hard", "connections", "room"),
    [
        (4096, 4096, 1000, 1000),
        (300, 4096, 1000, 1000),
        (300, 756, 1000, 500),
        (300, 300, 1000, 44),
    ],
)
def test_the_limit_on_open_files_is_raised_as_far_as_it_can_be(
    soft: int, hard: int, connections: int, room: int
) -> None:
    program = (
        "import resource; from api.http.open_files_limit import raise_open_files_limit; "
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard})); "
        f"print(raise_open_files_limit({connections}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert int(done.stdout) == room
