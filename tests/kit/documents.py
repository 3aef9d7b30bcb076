"""Documents that several tests write into a folder."""

from tests.kit.processes import Workspace

NOT_UTF8 = b"# Broken\n\ncaf\xe9 au lait\n"


def write_sound_and_broken(workspace: Workspace) -> None:
    """A document about a foghorn, and one that is not UTF-8."""
    workspace.write("sound.md", "# Sound\n\nThe foghorn of Vardø is heard for nine miles.\n")
    workspace.write("broken.md", NOT_UTF8)
