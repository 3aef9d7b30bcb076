"""Every protocol gives the published address of a passage, if there is one."""

import pytest

from rag.errors import ConfigError
from rag.settings_loader import load_settings
from tests.kit.processes import Workspace


def test_every_protocol_leads_to_the_published_page(workspace: Workspace) -> None:
    workspace.write("guide/tide.md", "# Tide\n\n## Low water\n\nThe low water of the harbour comes at nine o'clock.\n")
    workspace.write(
        "guide/moon.md", "---\nurl: https://moon.example/full\n---\n\n# Moon\n\nThe full moon rises at noon.\n"
    )
    published = workspace.given(ZHIWEN_KNOWLEDGE__URL_TEMPLATE="https://docs.example.com/{path}#{anchor}")
    page = "https://docs.example.com/guide/tide#low-water"
    with published.serving() as server:
        assert server.ingest()["error"] is None
        question = "When is the low water of the harbour?"
        answer = server.post("/ask", question=question).json()
        assert answer["citations"][0]["url"] == page
        hit = server.post("/search", question=question).json()["hits"][0]
        assert hit["url"] == page
        assert server.client.get("/text", params={"id": hit["id"]}).json()["url"] == page
        moon = server.post("/search", question="When does the full moon rise?").json()["hits"][0]
        assert moon["url"].startswith("https://moon.example/full")
        chat = {"model": "zhiwen", "messages": [{"role": "user", "content": question}]}
        message = server.client.post("/v1/chat/completions", json=chat).json()["choices"][0]["message"]
        assert message["annotations"][0]["url_citation"]["url"] == page
        retrieval = {
            "knowledge_id": "zhiwen",
            "query": question,
            "retrieval_setting": {"top_k": 3, "score_threshold": 0},
        }
        record = server.client.post("/retrieval", json=retrieval).json()["records"][0]
        assert record["metadata"]["url"] == page
        assert "/docs/" in server.post("/page/ask", question=question).text, (
            "the page opens documents beside the answer"
        )


def test_a_template_that_cannot_be_filled_is_an_error_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIWEN_KNOWLEDGE__URL_TEMPLATE", "https://docs.example.com/{slug}")
    with pytest.raises(ConfigError, match=r"unknown placeholder \{slug\}; there are \{path\}"):
        load_settings()
