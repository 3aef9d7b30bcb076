"""The socket that the server listens on, and the addresses under which it is reached."""

import socket

from rag.errors import ConfigError
from rag.serve_settings import ServeSettings

_SEND_BUFFER_BYTES = 256 * 1024


def open_listener(serve: ServeSettings) -> socket.socket:
    """Listen on `serve.host` and `serve.port`. Raises ConfigError if the address cannot be used.

    Its connections inherit its options.
    """
    host, port = serve.host, serve.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another port with --port"
        ) from error
    # By default, the kernel buffers several megabytes for each client that does not read.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
    # Otherwise a body waits 40 ms for the acknowledgement of its header.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        # The kernel drops a peer that takes nothing of what is sent for this long, whether it is gone or does not read.
        milliseconds = round(serve.reader_timeout_seconds * 1000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    return listener


def listening_url(listener: socket.socket, host: str) -> str:
    """The URL of the address that the server listens on."""
    return f"http://{_in_url(host)}:{listener.getsockname()[1]}"


def local_url(listener: socket.socket, host: str) -> str:
    """The URL under which programs on this machine reach the server."""
    loopback = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104  (compared, not bound)
    return f"http://{_in_url(loopback.get(host, host))}:{listener.getsockname()[1]}"


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
