"""Last words of a person in a request to a model, and texts that hold no query.

Understood are texts, chat messages, the input of the Responses API, Anthropic's and Gemini's
messages, messages in parts, and JSON of any of them. A tool's result is nobody's turn.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from routellm_core.errors import DataError
from routellm_core.importing.asked import as_asked
from routellm_core.importing.fields import is_whole
from routellm_core.importing.notes import counted
from routellm_core.importing.values import Where

PEOPLE = ("user", "human")
IMAGE = "[image]"
"""Text of a turn that holds an image and no word."""
REMINDERS = {
    "<system-reminder>": "</system-reminder>",
    "<environment_context>": "</environment_context>",
    "<environment_details>": "</environment_details>",
    "<recommended_plugins>": "</recommended_plugins>",
    "<user_instructions>": "</user_instructions>",
    "<environments_instructions>": "</environments_instructions>",
    "<local-command-caveat>": "</local-command-caveat>",
    "<ide_opened_file>": "</ide_opened_file>",
    "# agents.md instructions for ": "</instructions>",
}
"""Beginning and end of blocks that harnesses of agents put into a person's turn; those that
LiteLLM 1.106.2 knows are among them."""
LONGEST_ASSENT = 60
"""Characters of a text that may be a mere assent."""
_PARTS = ("content", "parts")
_REQUEST = ("messages", "prompt", "input", "contents")
_OF_REQUEST = frozenset({"model", "role", *_REQUEST}) - {"input", "prompt"}
_TEXT_PARTS = (None, "text", "input_text")
_MEDIA = ("image", "file", "audio", "video", "document", "blob", "media", "inline")
_OPENING = re.compile("|".join(map(re.escape, REMINDERS)), re.IGNORECASE)
_CLOSING = {name: re.compile(re.escape(end), re.IGNORECASE) for name, end in REMINDERS.items()}
_CUT = re.compile(
    r"litellm_truncated"
    r"|[\[(<{](?:\.\.\.|…)?\s?(?:\w+ )?truncated\b[^\])>}]{0,60}[\])>}]\W{0,4}$"
    r"|\d (?:more )?(?:char(?:acter)?s|bytes|tokens) (?:more|truncated|omitted|skipped|cut|removed)"
    r"|[\[(<](?:\.\.\.|…)?\s?\d[\d,]{0,12} more (?:char(?:acter)?s|bytes|tokens)\b"
    r"|(?:\.\.\.|…)\s?(?:truncated\W{0,4}$|[\[(<](?:\w+ )?truncated\b)",
    re.IGNORECASE,
)
_LOST = re.compile(r"\[object \w+\](?:[\s,]*\[object \w+\])*")
_REDACTED = re.compile(
    r"__redacted__|redacted-by-litellm|[\[<(]?\s*(?:content |text )?redacted(?: by \w+)?\s*[\])>]?",
    re.IGNORECASE,
)
_IMAGE_ALONE = re.compile(r"(?:[\[<]image[^\]>\s]{0,20}[\]>]\s*)+|data:image/\S+", re.IGNORECASE)
_ASSENTS = (
    r"yes|yeah|yep|yup|y|ok|okay|k|sure|fine|good|great|perfect|cool|nice|agreed|exactly|"
    r"correct|right|thanks|thank you|thx|please|go on|go ahead|go for it|go|continue|proceed|"
    r"carry on|keep going|next|do it|do that|do so|please do|sounds good|sounds great|looks good|"
    r"lgtm|that works|of course|absolutely|definitely|all right|alright|let'?s go|let'?s do it|"
    r"and|then|no|nope|ja|weiter|mach weiter|bitte|danke|genau|oui|continuez|merci|sí|si|vale|"
    r"continúa|gracias|да|хорошо|продолжай|是|是的|好|好的|继续|はい|続けて"
)
_ASSENT = re.compile(rf"(?:(?:{_ASSENTS})(?:[\s,.!;:…👍-]+|$)){{1,5}}", re.IGNORECASE)
_MAY_LACK = (
    rf"^\s*(?:{_ASSENTS})(?:[\s,.!;:…👍-]|$)|truncated|\[object |redacted|image"
    r"|\d (?:more )?(?:char|bytes|tokens)|" + "|".join(map(re.escape, REMINDERS))
)
"""What every text with a flaw or a reminder holds; looked for in all texts at once."""


def spoken(value: Any) -> str | None:
    """A person's last text, in a text, messages, a request, or JSON of one; None without one.

    Blocks of `REMINDERS` are cut out, unless nothing else was said. An image without a word is
    `IMAGE`.
    """
    try:
        return _spoken(value)
    except RecursionError:
        return None


def _spoken(value: Any) -> str | None:
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, Mapping):
        value = _unwrapped(value)
        if not _is_message(value):
            return next((said for key in _REQUEST if (said := _spoken(value.get(key)))), None)
        value = [value]
    return _last_of(value) if isinstance(value, list) else None


def asked_in(value: Any) -> str | None:
    """The question in the input of a call: `spoken`, or the one text of an object without a name.

    >>> asked_in({"question": "Who rows?"}), asked_in({"model": "heron", "messages": []})
    ('Who rows?', None)
    """
    if (said := spoken(value)) is not None:
        return said
    if not isinstance(value, Mapping) or _OF_REQUEST & value.keys():
        return None
    texts = [text for text in value.values() if isinstance(text, str) and text.strip()]
    return as_asked(value) or (texts[0] if len(texts) == 1 else None)


def without_reminders(text: str) -> str:
    r"""The text without blocks that a harness put into it.

    >>> without_reminders("<system-reminder>Be tidy.</system-reminder>\nWho rows?")
    'Who rows?'
    """
    kept, at, unclosed = [], 0, set()
    for opening in _OPENING.finditer(text):
        name = opening[0].lower()
        if opening.start() < at or name in unclosed:
            continue
        closing = _CLOSING[name].search(text, opening.end())
        if closing is None:
            unclosed.add(name)
            continue
        kept.append(text[at : opening.start()].strip())
        at = closing.end()
    if not at:
        return text
    return "\n".join(part for part in (*kept, text[at:].strip()) if part)


def flaw(text: str) -> str | None:
    """Why a text holds no query of its own; None where it may well do.

    >>> flaw("ok, go on"), flaw("[object Object]"), flaw("Who rows?")
    ('short assent', 'object that was lost as a text', None)
    """
    text = text.strip()
    if len(text) <= LONGEST_ASSENT and _ASSENT.fullmatch(text):
        return "short assent"
    if _CUT.search(text):
        return "cut text"
    if _LOST.fullmatch(text):
        return "object that was lost as a text"
    if _REDACTED.fullmatch(text):
        return "redacted text"
    if _IMAGE_ALONE.fullmatch(text):
        return "image alone"
    return None if without_reminders(text) else "reminder of a harness alone"


def of_queries(
    rows: pd.DataFrame, where: Where, is_graded: bool, notes: list[str]
) -> tuple[pd.DataFrame, Where]:
    """The rows that hold a query; of graded ones all, and what is odd is only counted.

    Args:
        rows: with `query`, or without: then all are kept.
        where: the rows' numbers in the file.
        is_graded: True if an answer's grade stands beside them.
        notes: a note is added.

    Raises:
        DataError: no row holds a query.
    """
    if "query" not in rows:
        return rows, where
    texts = pa.array(rows["query"], pa.string(), from_pandas=True)
    may_lack = pc.match_substring_regex(texts, _MAY_LACK, ignore_case=True).fill_null(False)
    looked_at = rows["query"][may_lack.to_numpy(zero_copy_only=False)].astype(object)
    if looked_at.empty:
        return rows, where
    flaws = looked_at.map(flaw).reindex(rows.index)
    found = flaws.notna().to_numpy(bool)
    if not is_graded:
        asked = rows["query"].astype(object)
        asked[looked_at.index] = looked_at.map(without_reminders).where(
            flaws[looked_at.index].isna(), looked_at
        )
        rows = rows.assign(query=asked)
    if not found.any():
        return rows, where
    counts = Counter(flaws[found])
    of_kinds = ", ".join(f"{n:,} × {kind}" for kind, n in counts.most_common())
    if is_graded:
        verb = "counts" if found.sum() == 1 else "count"
        notes.append(
            counted(int(found.sum()), "row seems to hold", "rows seem to hold")
            + f" no query ({of_kinds}), and {verb}."
        )
        return rows, where
    if found.all():
        raise DataError(f"{where.file}: no {where.unit} holds a query ({of_kinds}); keep the texts")
    notes.append(
        where.rows(found, "holds no query and was", "hold no query and were")
        + f" left out: {of_kinds}."
    )
    return rows[~found].reset_index(drop=True), where._replace(row=where.row[~found])


# Messages


def _of_text(value: str) -> str | None:
    stripped = value.strip()
    if not stripped:
        return None
    if stripped[0] not in "[{":
        return without_reminders(value) or value
    try:
        inner = json.loads(stripped)
    except (ValueError, RecursionError):
        return value
    said = _spoken(inner) if isinstance(inner, list | dict) else value
    return said if said is None or is_whole(said) else value


def _last_of(messages: list[Any]) -> str | None:
    """Text of the last turn in which a person said or showed something."""
    if messages and all(_is_part(message) for message in messages):
        messages = [{"role": "user", "content": messages}]
    reminder = None
    for message in reversed(messages):
        if isinstance(message, str):
            return without_reminders(message) or message if message.strip() else None
        if isinstance(message, list):  # a batch of conversations
            return _last_of(message)
        message = _unwrapped(message) if isinstance(message, Mapping) else {}
        if not _is_message(message) or _role(message) not in PEOPLE:
            continue
        whole = _text_of(message)
        if whole and (said := without_reminders(whole)):
            return said
        if not whole and _shows(message):
            return IMAGE
        reminder = reminder or whole
    return reminder


def _unwrapped(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message out of LangChain's form, or out of one that names its fields in full."""
    inner = message.get("kwargs")
    if isinstance(inner, Mapping) and "content" in inner:
        names = message.get("id")
        is_human = isinstance(names, list) and "HumanMessage" in names
        return {"type": "human" if is_human else "ai", **inner}
    inner = message.get("message")
    return inner if isinstance(inner, Mapping) and "role" in inner else message


def _is_message(value: Mapping[str, Any]) -> bool:
    kind = value.get("type")
    if "role" not in value and kind not in (*PEOPLE, *_TEXT_PARTS, "message"):
        return False
    return any(key in value for key in _PARTS)


def _role(message: Mapping[str, Any]) -> Any:
    kind = message.get("type")
    return message.get("role", kind if kind in PEOPLE else "user")


def _text_of(message: Mapping[str, Any]) -> str | None:
    """The text of a message, whose content may come in parts."""
    value = next((message[key] for key in _PARTS if message.get(key)), None)
    if isinstance(value, Mapping):
        value = [value]
    if isinstance(value, list):
        value = "\n".join(filter(None, map(_text_of_part, value)))
    return value if isinstance(value, str) and value.strip() else None


def _text_of_part(part: Any) -> str | None:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping) or part.get("type") not in _TEXT_PARTS:
        return None
    found = part.get("text", part.get("content"))
    return found if isinstance(found, str) and found.strip() else None


def _is_part(value: Any) -> bool:
    """True for a part of a message: it has a kind, and nobody who says it."""
    return (
        isinstance(value, Mapping)
        and "role" not in value
        and ((value.get("type") in ("text", "input_text") and "text" in value) or _is_medium(value))
    )


def _is_medium(value: Any) -> bool:
    kind = value.get("type") if isinstance(value, Mapping) else None
    return isinstance(kind, str) and any(word in kind.lower() for word in _MEDIA)


def _shows(message: Mapping[str, Any]) -> bool:
    """True if a part of the message is an image or another file."""
    value = next((message[key] for key in _PARTS if message.get(key)), None)
    return isinstance(value, list) and any(map(_is_medium, value))
