"""Queries of two runs of a task, matched by id, by content or by text."""

from collections.abc import Sequence
from typing import NamedTuple

from routellm_core.importing import Imported
from routellm_core.importing.notes import counted

NAMED = 3


class Matched(NamedTuple):
    """Names in the first run of the second's queries; None for one that is new."""

    names: list[str | None]
    by: str
    n_contradicting: int


def match(one: Imported, other: Imported) -> Matched:
    """The match by id, unless more queries match by content, or more still by text."""
    text_of = dict(zip(one.queries["query_id"], texts_of(one), strict=True))
    content_of, contents = _contents(one), _contents(other)
    first_with: dict[str, list[str]] = {}
    for name, text in text_of.items():
        if text is not None:
            first_with.setdefault(text, []).append(name)
    with_content = {content: name for name, content in content_of.items()}
    by_id: list[str | None] = []
    by_content: list[str | None] = []
    by_text: list[str | None] = []
    n_contradicting = 0
    for name, text in zip(other.queries["query_id"], texts_of(other), strict=True):
        same = name in text_of and (text is None or text_of[name] in (None, text))
        n_contradicting += name in text_of and not same
        by_id.append(name if same else None)
        by_content.append(with_content.get(contents[name]) if name in contents else None)
        # The second of two equal texts matches the second, so that none is matched twice.
        left = first_with.get(text, []) if text is not None else []
        by_text.append(left.pop(0) if left else None)
    n_distinct = len({name for name in by_content if name is not None})
    if n_distinct == _n_matched(by_content) > max(_n_matched(by_id), _n_matched(by_text)):
        return Matched(by_content, "content (their texts differ)", 0)
    if _n_matched(by_text) > _n_matched(by_id):
        return Matched(by_text, "text", n_contradicting)
    return Matched(by_id, "id", n_contradicting)


def notes_on(one: Imported, other: Imported, how: Matched) -> list[str]:
    """Notes on how queries matched and which did not, a sentence each."""
    sources = one.benchmark.source, other.benchmark.source
    found = {name for name in how.names if name is not None}
    sides = (
        (sources[0], [q for q in one.queries["query_id"] if q not in found]),
        (
            sources[1],
            [
                q
                for q, name in zip(other.queries["query_id"], how.names, strict=True)
                if name is None
            ],
        ),
    )
    notes = [f"{counted(len(found), 'query')} of {sources[1]} matched by {how.by}."]
    for source, names in sides:
        if names:
            shown = ", ".join(map(repr, names[:NAMED])) + (", …" if len(names) > NAMED else "")
            notes.append(f"{counted(len(names), 'query')} of {source} matched none ({shown}).")
    if how.n_contradicting:
        notes.append(
            counted(how.n_contradicting, "id stands", "ids stand")
            + " for different texts in the two files and gave no match."
        )
    return notes


def _contents(part: Imported) -> dict[str, str]:
    """The name by content of each query that has one."""
    if part.attempts is None or "content" not in part.attempts:
        return {}
    named = part.attempts[part.attempts["content"].notna()].drop_duplicates("query_id")
    return dict(zip(named["query_id"], named["content"], strict=True))


def _n_matched(names: Sequence[str | None]) -> int:
    return sum(name is not None for name in names)


def texts_of(part: Imported) -> list[str | None]:
    """The text that each query says, however it looks; None where it has none."""
    if "text_hash" not in part.queries:
        return [None] * len(part.queries)
    keys = part.queries["cluster_id" if "cluster_id" in part.queries else "text_hash"]
    return list(keys.where(part.queries["text_hash"].notna(), None))
