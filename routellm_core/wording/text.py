"""Texts of unknown origin made safe to show, names in a sentence."""

import re
import unicodedata
from collections.abc import Sequence

# Marks that turn the direction of whatever follows them, also outside the text.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")  # Unicode's category Cc
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+.!|&~$@:-])")


def one_line(text: str, length: int = 140) -> str:
    """A text in one line of at most `length` characters, without control and direction marks."""
    shown = _CONTROL.sub("", " ".join(_BIDI.sub("", text[: 4 * length]).split()))
    return shown if len(shown) <= length else f"{shown[: length - 1].rstrip()}…"


def whole_text(text: str) -> str:
    """A text as it stands; control characters as the pictures that Unicode has for them."""
    plain_ends = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(map(_pictured, plain_ends))


def escaped(text: str) -> str:
    """A text that may hold names, as Markdown shows it and does not read it."""
    return _MARKDOWN.sub(r"\\\1", text)


def code(name: str) -> str:
    """A name in backticks, as Markdown shows it and does not read it."""
    return f"`{name.replace('`', chr(39))}`"


def joined(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; at least one."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _pictured(character: str) -> str:
    code = ord(character)
    if character in "\n\t" or unicodedata.category(character) != "Cc":
        return character
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else "\ufffd"
