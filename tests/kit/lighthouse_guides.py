"""A small knowledge base about a lighthouse, and where the record of its owner is."""

from pathlib import Path

from tests.kit.processes import Workspace

GUIDES = {
    "lamp.md": "# Lamp\n\nThe lamp of Vardø was lit by 417 mirrors of tin.\n",
    "lens.md": "# Lens\n\nPolish the lens every forty days with chalk.\n",
    "horn.md": "# Horn\n\nThe foghorn is heard for nine miles.\n",
    "tide.md": "# Tide\n\n| Port | Height |\n|---|---|\n| Vardø | three metres |\n| Bodø | two metres |\n",
    "keeper.md": "# Keeper\n\nThe keeper winds the clock on Sundays.\n",
    "灯塔.md": "# 灯塔\n\n灯塔每隔二十秒闪一次光。\n",
}
QUESTION = "How many mirrors of tin lit the lamp of Vardø?"


def write_guides(workspace: Workspace) -> None:
    """Write the six guides into the folder."""
    for source, text in GUIDES.items():
        workspace.write(source, text)


def remove_guides(workspace: Workspace) -> None:
    """An ingest refuses a folder without documents."""
    for source in GUIDES:
        (workspace.knowledge / source).unlink()


def owner_record_of(workspace: Workspace) -> Path:
    """The file in which a server says that it owns the database."""
    return Path(f"{workspace.database}.owner")
