"""What the rules for blocks that need no empty line before them have in common."""

from markdown_it.ruler import RuleOptionsType

ENDS_PARAGRAPH: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
"""Options of such a rule: the blocks that its first line ends."""
