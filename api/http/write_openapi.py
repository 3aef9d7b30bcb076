"""`python -m api.http.write_openapi` writes the OpenAPI document that a server with the default settings serves."""

import tempfile
from pathlib import Path

from api.http.app import create_app
from api.http.openapi.document import FILE, as_text
from api.http.server_context import ServerContext
from ingest.background import IngestRunner
from rag.settings import Settings, StoreSettings
from rag.wiring import Services


def main() -> None:
    """Write the document to `FILE`."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(store=StoreSettings(uri=str(Path(folder, "m.db"))))
        with Services(settings) as services:
            document = create_app(services, IngestRunner(), ServerContext()).openapi()
    FILE.write_text(as_text(document), encoding="utf-8")


if __name__ == "__main__":
    main()
