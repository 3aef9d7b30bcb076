"""Whether questions can be embedded as the documents were."""

from rag.errors import EmbedderMismatch
from rag.knowledge_base_names import option_of
from rag.models.embedders.protocol import Embedder, can_search
from rag.store.joint import AnySnapshot


def check_embedder(embedder: Embedder, snapshot: AnySnapshot) -> None:
    """Raise EmbedderMismatch if another embedder made the vectors of a generation."""
    for name, commit in snapshot.commits.items():
        if not can_search(embedder, commit.fingerprint):
            raise EmbedderMismatch(
                f"the live index was built with {commit.embedder}, but questions are embedded with {embedder.name}; "
                f"run `zhiwen ingest{option_of(name)}` to rebuild the index, or restore the previous embedding settings"
            )
