"""Running the HTTP surface."""

import logging

import uvicorn

from api.app import create_app
from rag.config import Settings
from rag.errors import ConfigError
from rag.wiring import open_parts

GRACE_SECONDS = 8


def serve(settings: Settings, *, announce: bool = True) -> None:
    """Serve until SIGINT or SIGTERM. Raises ConfigError if the address cannot be bound."""
    host, port = settings.serve.host, settings.serve.port
    with open_parts(settings) as parts:
        config = uvicorn.Config(
            create_app(parts),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        try:
            listener = config.bind_socket()
        except (OSError, SystemExit) as error:
            raise ConfigError(
                f"{host}:{port} cannot be listened on; is it taken? Choose another with --port"
            ) from error
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        if announce:
            shown = f"[{host}]" if ":" in host else host
            print(f"http://{shown}:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listener])
