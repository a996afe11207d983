"""Names and sentences that hold names, as text that Streamlit's Markdown shows as it stands."""

import re

from routellm_core.wording.text import escaped

_LINKED = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=\w)", re.IGNORECASE)
_WORD_JOINER = "\u2060"  # invisible


def plain(text: str) -> str:
    """Escape what Streamlit's Markdown would read: links, images, LaTeX, HTML, icons.

    Addresses would become links even when escaped, so they are parted by an invisible character.
    """
    return escaped(_LINKED.sub(_WORD_JOINER, text))
