"""Names and sentences that hold names, as text that Markdown shows as it stands."""

import re

_SPECIAL = frozenset(r"\`*_{}[]()#+-.!|<>$~:&")
_LINKED = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=\w)", re.IGNORECASE)
_WORD_JOINER = "\u2060"  # invisible


def one_line(text: str, most: int = 140) -> str:
    """A text on one line, cut where it is longer than `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}…"


def plain(text: str) -> str:
    """Escape what Streamlit's Markdown would read: links, images, LaTeX, HTML, icons.

    Addresses would become links even when escaped, so they are parted by an invisible character.
    """
    parted = _LINKED.sub(_WORD_JOINER, text)
    return "".join(f"\\{c}" if c in _SPECIAL else c for c in parted)
