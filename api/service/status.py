"""Status: the live generation, and what the next ingest would change."""

from pydantic import BaseModel, Field

from api.private_paths import shown
from api.schemas.knowledge_base import KnowledgeBaseRequest
from api.service import example_values
from api.service.ingest import PlanOut
from api.service.operation import Example, Operation
from ingest.sources.copies import last_update
from ingest.sync import pending_changes
from rag.errors import KnowledgeError
from rag.models.embedders.builtin import engine_of
from rag.settings import KnowledgeSettings, Settings
from rag.state.database import StateDatabase
from rag.store.store import Store
from rag.url_credentials import mask_credentials


class SourceOut(BaseModel):
    """Where the documents come from: a repository, a bucket or a web site.

    `version` is what was fetched at `updated_at`: a commit, or a digest of the documents. `error` says why the last
    fetch failed, at `failed_at`; it is "" if that one succeeded.
    """

    url: str
    branch: str = Field(description='"" for the default branch of the repository.')
    folder: str
    version: str
    updated_at: str
    error: str
    failed_at: str

    @classmethod
    def of(cls, settings: KnowledgeSettings) -> "SourceOut | None":
        """Read what became of the last fetch; None if the documents are in a folder of this machine."""
        if not settings.source_url:
            return None
        last = last_update(settings)
        return cls(
            url=shown(settings.source_url),
            branch=settings.git_branch,
            folder=settings.git_folder,
            version=last.version,
            updated_at=last.updated_at,
            error=shown(last.error),
            failed_at=last.failed_at,
        )


class StatusResponse(BaseModel):
    """The live generation; `label` is the `version` of the source that it was made from, "" for a folder.

    `engine` computed the vectors of the built-in embedder, such as `OpenVINO`; it is "" for other embedders. `store` is
    the index, `state` the database of traces and feedback. Only a key with the scope `admin` sees folders in paths.
    `pending` is what the next ingest would change, null if the folder is missing. If `partial` is true, the key may see
    only some of the documents: the counts are of these, and `pending` and `source` are null.
    """

    generation: int
    committed_at: str | None
    root: str
    documents: int
    chunks: int
    embedder: str
    engine: str = ""
    store: str
    state: str = ""
    pending: PlanOut | None
    label: str = ""
    source: SourceOut | None = None
    partial: bool = False


def read_status(settings: Settings, store: Store, state: StateDatabase) -> StatusResponse:
    """Return the live generation and how the knowledge folder differs from it. Raises StoreError."""
    live = store.live()
    try:
        pending = None if store.within else PlanOut.of(pending_changes(settings, store))
    except KnowledgeError:
        pending = None  # the folder may be on another machine
    return StatusResponse(
        generation=live.generation if live else 0,
        committed_at=live.committed_at if live else None,
        root=shown(live.root if live else str(settings.knowledge.path.resolve())),
        documents=live.documents if live else 0,
        chunks=live.chunks if live else 0,
        embedder=shown(live.embedder) if live else "",
        engine=engine_of(live.fingerprint) if live else "",
        store=shown(mask_credentials(store.uri)),
        state=shown(state.location),
        pending=pending,
        label=live.label if live else "",
        source=None if store.within else SourceOut.of(settings.knowledge),
        partial=bool(store.within),
    )


STATUS = Operation(
    name="status",
    description="Show the live generation, and what the next ingest would change.",
    method="GET",
    path="/status",
    request=KnowledgeBaseRequest,
    response=StatusResponse,
    run=lambda services, request: read_status(services.settings, services.store, services.state),
    scope="ask",
    tag="service",
    example=Example(
        response={
            "generation": 1,
            "committed_at": "2026-11-25T15:43:29+00:00",
            "root": "/srv/handbook",
            "documents": 41,
            "chunks": 483,
            "embedder": "builtin/multilingual-e5-small",
            "engine": "OpenVINO",
            "store": ".zhiwen/milvus.db",
            "state": ".zhiwen/state.db",
            "pending": example_values.PLAN,
            "label": "9fceb02d0ae598e95dc970b74767f19372d61af8",  # pragma: allowlist secret  (of a commit)
            "source": {
                "url": "https://github.com/acme/handbook",
                "branch": "main",
                "folder": "docs",
                "version": "9fceb02d0ae598e95dc970b74767f19372d61af8",  # pragma: allowlist secret  (of a commit)
                "updated_at": "2026-11-25T15:43:20+00:00",
                "error": "",
                "failed_at": "",
            },
        },
        errors=("knowledge_base", "store"),
    ),
)
