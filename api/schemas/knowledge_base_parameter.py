"""The query parameter that names a knowledge base. Apart from the requests, which commands load without FastAPI."""

from typing import Annotated

from fastapi import Query

from rag.knowledge_base_names import DEFAULT

KnowledgeBase = Annotated[
    str, Query(max_length=100, description="The knowledge base; `GET /knowledge-bases` lists them.", examples=[DEFAULT])
]
