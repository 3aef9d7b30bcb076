"""List the knowledge bases of this service."""

from pydantic import BaseModel, Field

from api.private_paths import shown
from api.schemas.request_model import EmptyRequest
from api.service.operation import Example, Operation
from rag.errors import KnowledgeBaseNotFound
from rag.wiring import Services


class KnowledgeBaseOut(BaseModel):
    """A knowledge base and its live generation, 0 before its first ingest.

    `title` and `context` say what it is about; `root` is the folder of the live generation.
    """

    name: str = Field(description="What requests call it; `default` is the one of requests that name none.")
    title: str
    context: str
    generation: int
    committed_at: str | None
    documents: int
    chunks: int
    root: str

    @classmethod
    def of(cls, name: str, services: Services) -> "KnowledgeBaseOut":
        """Read the live generation of a knowledge base, with the number of documents that the caller may see.

        Raises StoreError.
        """
        live, settings = services.store.live(), services.settings.knowledge
        return cls(
            name=name,
            title=settings.title,
            context=settings.context,
            generation=live.generation if live else 0,
            committed_at=live.committed_at if live else None,
            documents=live.documents if live else 0,
            chunks=live.chunks if live else 0,
            root=shown(live.root) if live else "",
        )


class KnowledgeBaseList(BaseModel):
    """All knowledge bases, the default one first."""

    knowledge_bases: list[KnowledgeBaseOut]

    def of(self, name: str) -> KnowledgeBaseOut:
        """Return one of them. Raises KnowledgeBaseNotFound."""
        found = next((each for each in self.knowledge_bases if each.name == name), None)
        if found is None:
            there_are = ", ".join(each.name for each in self.knowledge_bases)
            raise KnowledgeBaseNotFound(f"the server has no knowledge base {name[:64]!r}; it has: {there_are}")
        return found


def list_knowledge_bases(services: Services) -> KnowledgeBaseList:
    """List the knowledge bases, each with its live generation. Raises StoreError."""
    return KnowledgeBaseList(
        knowledge_bases=[KnowledgeBaseOut.of(name, each) for name, each in services.knowledge_bases.items()]
    )


KNOWLEDGE_BASES = Operation(
    name="list_knowledge_bases",
    description="List the knowledge bases that can be asked; the first one is the default.",
    method="GET",
    path="/knowledge-bases",
    request=EmptyRequest,
    response=KnowledgeBaseList,
    run=lambda services, request: list_knowledge_bases(services),
    scope="ask",
    tag="service",
    example=Example(
        response={
            "knowledge_bases": [
                {
                    "name": "default",
                    "title": "",
                    "context": "",
                    "generation": 1,
                    "committed_at": "2026-11-25T15:43:29+00:00",
                    "documents": 41,
                    "chunks": 483,
                    "root": "/srv/docs",
                },
                {
                    "name": "handbook",
                    "title": "员工手册",
                    "context": "公司的人事制度、假期和报销",
                    "generation": 3,
                    "committed_at": "2026-11-26T09:12:40+00:00",
                    "documents": 12,
                    "chunks": 160,
                    "root": "/srv/handbook",
                },
            ]
        },
        errors=("store",),
    ),
)
