"""Token counters that a person can check, and documents cut with them."""

from ingest.chunking.chunks import chunk_document
from ingest.readers.parse import parse_document
from rag.models.embedders.builtin import BuiltinEmbedder
from rag.models.embedders.protocol import CountTokens
from rag.types import Chunk
from tests.kit.paths import ROOT

OVERVIEW = ROOT / "knowledge" / "overview.md"


def characters(text: str) -> int:
    return len(text)


def words(text: str) -> int:
    return len(text.split())


def with_special_tokens(text: str) -> int:
    """As models count: a prefix, three characters to a token, and two special tokens."""
    return 4 + -(-len(text) // 3)


def chunks_of(text: str, *, count_tokens: CountTokens = characters, max_tokens: int = 400) -> list[Chunk]:
    return chunk_document(parse_document("a.md", text.encode()), count_tokens=count_tokens, max_tokens=max_tokens)


def squeezed(text: str) -> str:
    return "".join(text.split())


def overview_chunks(embedder: BuiltinEmbedder, limit: int) -> list[Chunk]:
    document = parse_document("overview.md", OVERVIEW.read_bytes())
    return chunk_document(document, count_tokens=embedder.count_tokens, max_tokens=limit)
