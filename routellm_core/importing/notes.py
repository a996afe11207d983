"""Notes of an import in few lines, however many files it read."""

import re
from collections.abc import Sequence

MOST = 15
"""Lines that a person reads of one import."""
_URGENT = ("Look:", "Left out", "Runs of it stay apart")
_VARIES = re.compile(r"'[^']*'|\S+\.(?:jsonl?|csv|tsv|parquet|eval|zip|ya?ml|xlsx?)\b|[\d.,]*\d%?")


def counted(n: int, one: str, many: str = "") -> str:
    """A number with the words that go with it; the plural of one word is told from it.

    >>> counted(1, "request"), counted(2, "request"), counted(3, "query")
    ('1 request', '2 requests', '3 queries')
    >>> counted(2, "row was", "rows were")
    '2 rows were'
    """
    several = many or (f"{one[:-1]}ies" if one.endswith("ry") else f"{one}s")
    return f"{n:,} {one if n == 1 else several}"


def condensed(notes: Sequence[str], most: int = MOST) -> list[str]:
    """The notes, those of equal form as one line; what warns comes first where there are too many.

    >>> condensed(["3 rows of a.csv are off.", "5 rows of b.csv are off.", "All else is well."])
    ['3 rows of a.csv are off. (And 1 more note like it.)', 'All else is well.']
    """
    by_form: dict[str, list[str]] = {}
    for note in dict.fromkeys(notes):
        by_form.setdefault(_VARIES.sub("#", note), []).append(note)
    lines = [
        alike[0] + (f" (And {len(alike) - 1:,} more note{'s'[: len(alike) > 2]} like it.)")
        if len(alike) > 1
        else alike[0]
        for alike in by_form.values()
    ]
    if len(lines) <= most:
        return lines
    lines.sort(key=lambda line: not line.startswith(_URGENT))
    left = len(lines) - most + 1
    return [*lines[: most - 1], f"And {left:,} more notes of other forms."]
