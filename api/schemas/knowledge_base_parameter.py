"""The query parameter that names a knowledge base; in a module of its own, so that commands need not load FastAPI."""

from typing import Annotated

from fastapi import Query

from rag.knowledge_base_names import DEFAULT

KnowledgeBase = Annotated[
    str, Query(max_length=100, description="The knowledge base; `GET /knowledge-bases` lists them.", examples=[DEFAULT])
]
