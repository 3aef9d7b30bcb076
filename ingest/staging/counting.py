"""A staged generation, counted in the store itself."""

from datetime import UTC, datetime

from rag.models.embedders.protocol import Embedder
from rag.store.namespace import Namespace
from rag.store.records import Commit, Layout


def count_generation(namespace: Namespace, generation: int, *, embedder: Embedder, layout: Layout, root: str) -> Commit:
    """Return what will be committed. `root` is the folder that it was made from. Raises StoreError."""
    return Commit(
        generation=generation,
        namespace=namespace.name,
        embedder=embedder.name,
        fingerprint=embedder.fingerprint,
        dimension=embedder.dimension,
        schema=layout.schema,
        mode=layout.mode,
        committed_at=datetime.now(UTC).isoformat(timespec="seconds"),
        root=root,
        documents=namespace.count_documents(generation),
        chunks=namespace.count_chunks(generation),
        index=layout.index,
    )
