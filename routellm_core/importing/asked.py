"""The question asked, out of a record of a task: passage, instruction, question and options.

The reference answer and examples belong to none of it.
"""

import re
from collections.abc import Mapping
from typing import Any

from routellm_core.importing.fields import at

CONTEXT = (
    *("passage", "context", "article", "story", "document", "paragraph", "background", "support"),
    *("dialogue", "table", "code_context", "facts"),
)
"""Fields that hold what a question is about."""
INSTRUCTION = ("instruction", "instructions")
QUESTION = (
    *("question", "query", "problem", "prompt", "input", "text", "goal", "ctx", "claim"),
    *("problem_statement", "question_content", "problem_text", "user_input"),
)
CHOICES = ("choices", "options", "endings", "answer_choices")
_CHOICE = re.compile(r"(option|choice|sol|ending|op)_?([a-h1-8])", re.IGNORECASE)
"""Fields that hold one option each."""


def as_asked(record: Any, answer: str = "") -> str | None:
    r"""The text of all that was asked; None where no field is known to hold a question.

    Args:
        record: of a task, a text or an object.
        answer: the reference answer; a text that ends in it is not what was asked.

    >>> as_asked({"passage": "A heron waits.", "question": "Who waits?", "answer": "a heron"})
    'A heron waits.\n\nWho waits?'
    >>> as_asked({"instruction": "Translate to French.", "input": "Good day"})
    'Translate to French.\n\nGood day'
    """
    if isinstance(record, str):
        return record if record.strip() else None
    if not isinstance(record, Mapping):
        return None
    question = _first(record, QUESTION)
    instruction = _first(record, INSTRUCTION)
    if question is None and instruction is None:
        return None
    if question is not None and answer.strip() and _leaks(record, question, answer.strip()):
        return None
    choices = _choices(record)
    parts = [_first(record, CONTEXT), instruction, question]
    kept = list(dict.fromkeys(part.strip() for part in parts if part is not None))
    asked = "\n\n".join(part for part in kept if not _is_inside(part, kept))
    return "\n".join([asked, *choices])


def _first(record: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            return value
    return None


def _leaks(record: Mapping[str, Any], question: str, answer: str) -> bool:
    """True for a whole text of which the model had to write the end."""
    is_text = record.get("text") == question
    return is_text and question.rstrip().endswith(answer)


def _is_inside(part: str, parts: list[str]) -> bool:
    """True if another part holds this one whole."""
    return any(part is not other and part in other for other in parts)


def _choices(record: Mapping[str, Any]) -> list[str]:
    """The options, a lettered line each."""
    for name in CHOICES:
        choices = record.get(name)
        labels = at(choices, "label") or at(choices, "labels")
        choices = at(choices, "text") or choices
        if isinstance(choices, Mapping) and choices:
            labels, choices = list(choices), list(choices.values())
        if isinstance(choices, list) and choices and all(isinstance(c, str) for c in choices):
            if not (isinstance(labels, list) and len(labels) == len(choices)):
                labels = [chr(65 + i) for i in range(min(len(choices), 26))]
            return [f"{label}. {choice}" for label, choice in zip(labels, choices, strict=False)]
    single = {m[2].upper(): record[k] for k in record if (m := _CHOICE.fullmatch(str(k)))}
    kept = [f"{label}. {choice}" for label, choice in single.items() if isinstance(choice, str)]
    return kept if len(kept) > 1 else []


def is_of_question(name: str) -> bool:
    """True for the plain name of a field that belongs to what was asked, beside the question."""
    return name in (*CONTEXT, *INSTRUCTION, *CHOICES) or _CHOICE.fullmatch(name) is not None
