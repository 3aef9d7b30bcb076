"""The place on a page for the chooser of knowledge bases."""

from rag.wiring import Services


def chooser(services: Services) -> str:
    """Return the HTML of the element that the script fills; "" if there is only one knowledge base."""
    return '<p id="knowledge-bases" class="knowledge-bases"></p>' if len(services.knowledge_bases) > 1 else ""
