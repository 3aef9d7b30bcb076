"""Many texts to an OpenAI-compatible `/embeddings` endpoint, in several calls at a time."""
