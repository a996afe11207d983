"""State of an answer, beside right or wrong: empty, cut, a text of the harness, or an error."""

import re
from collections.abc import Mapping
from typing import Any

STOPPED = ("finish_reason", "stop_reason", "finishReason", "stopReason", "done_reason")
"""Fields that hold the reason why an answer ended."""
CUT = frozenset(
    {
        *("length", "max_tokens", "model_length", "max_output_tokens", "content_length"),
        *("max_length", "token_limit", "limit", "truncated", "max_new_tokens", "incomplete"),
    }
)
"""Such reasons, in lower case, of an answer that was cut at a limit of tokens."""
LONGEST = 400
"""Characters of an answer that may be a mere text of the harness."""
LOOKED_AT = 80
"""Characters of an answer that tell its state."""
ERROR = "error"
"""State of a text that reads like an error: the call failed, unless the answer has a grade."""
_ERROR = re.compile(
    r"\W{0,2}(error|api[ _]error|exception|traceback \(most recent call last\)|http ?error)\W"
    r"|\W{0,2}(error code|status code|http)\W{1,2}[45]\d\d\b"
    r"|(litellm|openai|anthropic|requests|httpx)\.(\w+\.)*\w*(error|timeout|exception)\b"
    r"|\w+(error|exception)\W{1,2}(error code|\d{3}|rate|time|connection|request)"
    r"|(request|call|generation|inference) (failed|timed out)\b|rate limit (exceeded|reached)",
    re.IGNORECASE,
)
_HARNESS = re.compile(
    r"[\[(<{]\W?(no|empty|missing|invalid|none|null|blocked|filtered|skipped|failed|timeout"
    r"|content.?filter\w*|max\w* \w+|placeholder|redacted)\b[^\])>}]{0,60}[\])>}]\W?"
    r"|no (response|answer|output|completion|content)( (was|is))?"
    r"( (generated|returned|provided|given|available|found|received))?\W?"
    r"|agent stopped due to [\w ]{0,40}(limit|iterations)[\w ]{0,40}\W?"
    r"|(model|agent) (returned|gave|produced) (no|an empty) (response|answer|output)\W?"
    r"|max(imum)? (number of )?(turns|steps|iterations|tool calls) (reached|exceeded)\W?",
    re.IGNORECASE,
)


def state_of(answer: Any, stopped: Any = None) -> str | None:
    """State of an answer: `ERROR`, or a name of `grading.STATES`; None of an ordinary one.

    Args:
        answer: a text, or a list of texts that are one answer in several tries; of anything else
            nothing is known.
        stopped: reason why it ended, where it is known.

    >>> [state_of(a) for a in ("", "ERROR: 429", "[no response]", "Ebb.", None)]
    ['empty', 'error', 'harness', None, None]
    >>> state_of("Ebb", "MAX_TOKENS")
    'cut'
    """
    if isinstance(answer, list):
        states = {state_of(one) for one in answer}
        found = states.pop() if len(states) == 1 else None
    else:
        found = _of_text(answer) if isinstance(answer, str) else None
    if found in (None, "empty") and isinstance(stopped, str) and is_cut(stopped):
        return "cut"
    return found


def is_cut(stopped: str) -> bool:
    """True for a reason to stop that says that the limit of tokens was reached."""
    return stopped.strip().lower().rpartition(".")[2] in CUT


def stopped_in(*records: Any) -> Any:
    """The reason to stop that records hold, or the first of their choices; None without one."""
    for record in records:
        if not isinstance(record, Mapping):
            continue
        for name in STOPPED:
            if isinstance(record.get(name), str):
                return record[name]
        choices = record.get("choices")
        if isinstance(choices, list) and choices and (found := stopped_in(choices[0])):
            return found
    return None


def _of_text(answer: str) -> str | None:
    text = answer.strip()
    if not text:
        return "empty"
    if _ERROR.match(text):
        return ERROR
    return "harness" if len(text) <= LONGEST and _HARNESS.fullmatch(text) else None
