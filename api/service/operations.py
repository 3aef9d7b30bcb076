"""The list of all operations; routes, access rules and the OpenAPI document follow from it."""

from typing import Any

from api.service.document_lines import GREP, LINES
from api.service.documents import DOCUMENTS
from api.service.draft import DRAFT
from api.service.evaluation import EVALUATE
from api.service.feedback import FEEDBACK
from api.service.gaps import GAPS
from api.service.health import HEALTH
from api.service.ingest import PREVIEW
from api.service.knowledge_bases import KNOWLEDGE_BASES
from api.service.operation import Operation
from api.service.read_text import TEXT
from api.service.rollback import ROLLBACK
from api.service.search import SEARCH
from api.service.stale_documents import STALE
from api.service.status import STATUS
from api.service.trace import TRACE

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    SEARCH,
    PREVIEW,
    ROLLBACK,
    STATUS,
    KNOWLEDGE_BASES,
    HEALTH,
    TRACE,
    TEXT,
    DOCUMENTS,
    GREP,
    LINES,
    FEEDBACK,
    GAPS,
    STALE,
    EVALUATE,
    DRAFT,
)
