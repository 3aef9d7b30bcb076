"""The keys of the public JSON, in their order: others rely on them."""

ANSWER_KEYS = [
    *("answer", "refused", "reason", "citations", "unverified", "model", "generation", "trace_id"),
    *("truncated", "usage", "cached", "generations"),
]
CITATION_KEYS = [
    *("number", "source", "heading_path", "anchor", "start_line", "end_line", "quote", "url", "date"),
    "knowledge_base",
]
SEARCH_KEYS = ["question", "generation", "hits", "generations"]
HIT_KEYS = [
    *("id", "source", "title", "heading_path", "anchor", "start_line", "end_line", "content", "score", "url"),
    "knowledge_base",
]
INGEST_KEYS = [
    *("generation", "documents", "chunks", "embedded", "seconds", "failures", "warnings", "without_passages"),
    *("passed_over", "other_suffixes", "deletions_held_back", "message"),
]
