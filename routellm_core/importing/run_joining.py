"""Runs of one task by different models, joined into one benchmark.

Two runs belong together when they are of one task by name, or ask the same queries. Their queries
match by id where equal ids say the same, otherwise by text; what matches nothing is kept, counted
in a note, and takes no part when two models are compared.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import ONE_MODEL
from routellm_core.text_keys import text_hash

NAMED = 3
ALIKE = 0.5
"""Share of the smaller run's texts that must stand in the larger, for runs of different names."""


def paired(parts: Sequence[Imported]) -> list[Imported]:
    """The same benchmarks, those that are runs of one task joined, in order of first appearance.

    Raises:
        DataError: two runs of one task cannot be joined.
    """
    groups: list[list[Imported]] = []
    for part in parts:
        group = next((g for g in groups if _of_one_name(g[0], part)), None)
        group = group or next((g for g in groups if _asks_the_same(g, part)), None)
        if group is None:
            groups.append([part])
        else:
            group.append(part)
    return [group[0] if len(group) == 1 else joined(group) for group in groups]


def joined(runs: Sequence[Imported]) -> Imported:
    """One benchmark of several runs of a task.

    Args:
        runs: at least two; the card, the slices and the names of queries are the first's.

    Raises:
        DataError: different scales, no query in common, or two runs of one model overlap.
    """
    whole = runs[0]
    for run in runs[1:]:
        whole = _with(whole, run)
    shared = whole.outcomes["query_id"].value_counts()
    models = whole.outcomes["model"].nunique()
    complete = int((shared == models).sum())
    note = f"{len(runs)} runs, {models} models: {complete:,} queries were answered by all of them."
    notes = (n for n in whole.notes if ONE_MODEL not in n or models == 1)
    return whole._replace(notes=(*notes, note))


def stacked(parts: Sequence[Imported]) -> Imported:
    """Parts of one run, one below the other.

    Raises:
        DataError: they hold a query of one name.
    """

    def below(name: str) -> pd.DataFrame:
        return pd.concat([getattr(part, name) for part in parts], ignore_index=True)

    queries = below("queries")
    twice = queries.duplicated("query_id")
    if twice.any():
        raise DataError(
            f"{' and '.join(part.benchmark.source for part in parts[:NAMED])}: query "
            f"{queries['query_id'][twice].iloc[0]!r} stands in two runs of one model; keep one run"
        )
    return parts[0]._replace(
        queries=queries,
        outcomes=below("outcomes"),
        texts=below("texts").drop_duplicates("text_hash").reset_index(drop=True),
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _of_one_name(one: Imported, other: Imported) -> bool:
    graded = not (one.outcomes.empty or other.outcomes.empty)
    return graded and one.benchmark.benchmark_id == other.benchmark.benchmark_id


def _asks_the_same(group: Sequence[Imported], other: Imported) -> bool:
    """True if another model answered the texts of the group; one model's runs are two tasks."""
    if group[0].outcomes.empty or other.outcomes.empty:
        return False
    if any(set(one.outcomes["model"]) & set(other.outcomes["model"]) for one in group):
        return False
    texts, others = set(_texts(group[0])) - {None}, set(_texts(other)) - {None}
    fewer = min(len(texts), len(others))
    return fewer > 0 and len(texts & others) >= ALIKE * fewer


class _Matched(NamedTuple):
    """Names in the first run of the second's queries; None for one that is new."""

    names: list[str | None]
    by: str
    n_contradicting: int


def _with(one: Imported, other: Imported) -> Imported:
    cards = one.benchmark, other.benchmark
    scales = [(c.quality_low, c.quality_high, c.quality_unit) for c in cards]
    if scales[0] != scales[1]:
        described = " and ".join(f"{low:g} to {high:g} {unit}" for low, high, unit in scales)
        raise DataError(
            f"{cards[0].source} and {cards[1].source} have different scales ({described}): "
            "rescale one, or import them apart"
        )
    matched = _match(one, other)
    taken = set(one.queries["query_id"])
    names = [
        name if name is not None else _free(query_id, taken)
        for name, query_id in zip(matched.names, other.queries["query_id"], strict=True)
    ]
    renamed = dict(zip(other.queries["query_id"], names, strict=True))
    outcomes = other.outcomes.assign(query_id=other.outcomes["query_id"].map(renamed))
    all_outcomes = pd.concat([one.outcomes, outcomes], ignore_index=True)
    twice = all_outcomes.duplicated(["query_id", "model"])
    if twice.any():
        raise DataError(
            f"{cards[1].source}: {all_outcomes['model'][twice].iloc[0]!r} has answered "
            f"{int(twice.sum()):,} of its queries in {cards[0].source} already; import one run of "
            "each model, or name the models apart"
        )
    is_new = [name is None for name in matched.names]
    if all(is_new) and not set(one.outcomes["model"]) & set(other.outcomes["model"]):
        raise DataError(
            f"{cards[1].source} has no query in common with {cards[0].source}, neither by id nor "
            "by text; take runs of the same version of the task, or import them apart"
        )
    queries = other.queries.assign(query_id=names)[is_new]
    texts = pd.concat([one.texts, other.texts], ignore_index=True).drop_duplicates("text_hash")
    return one._replace(
        queries=pd.concat([one.queries, queries], ignore_index=True),
        outcomes=all_outcomes,
        texts=texts.reset_index(drop=True),
        notes=tuple(dict.fromkeys((*one.notes, *other.notes, *_unmatched(one, other, matched)))),
    )


def _match(one: Imported, other: Imported) -> _Matched:
    """By id, unless more queries match by text."""
    text_of = dict(zip(one.queries["query_id"], _texts(one), strict=True))
    first_with: dict[str, list[str]] = {}
    for name, text in text_of.items():
        if text is not None:
            first_with.setdefault(text, []).append(name)
    by_id: list[str | None] = []
    by_text: list[str | None] = []
    n_contradicting = 0
    for name, text in zip(other.queries["query_id"], _texts(other), strict=True):
        same = name in text_of and (text is None or text_of[name] in (None, text))
        n_contradicting += name in text_of and not same
        by_id.append(name if same else None)
        # The second of two equal texts matches the second, so that none is matched twice.
        left = first_with.get(text, []) if text is not None else []
        by_text.append(left.pop(0) if left else None)
    if _n_matched(by_text) > _n_matched(by_id):
        return _Matched(by_text, "text", 0)
    return _Matched(by_id, "id", n_contradicting)


def _n_matched(names: Sequence[str | None]) -> int:
    return sum(name is not None for name in names)


def _texts(part: Imported) -> list[str | None]:
    """The text that each query says, however it looks; None where it has none."""
    if "text_hash" not in part.queries:
        return [None] * len(part.queries)
    keys = part.queries["cluster_id" if "cluster_id" in part.queries else "text_hash"]
    return list(keys.where(part.queries["text_hash"].notna(), None))


def _free(name: str, taken: set[str]) -> str:
    """The name, or another while a query of the first run has it."""
    free = name
    while free in taken:
        free = f"{name}-{text_hash(free)[:6]}"
    taken.add(free)
    return free


def _unmatched(one: Imported, other: Imported, matched: _Matched) -> list[str]:
    """Notes on how queries matched and which did not, a sentence each."""
    sources = one.benchmark.source, other.benchmark.source
    found = {name for name in matched.names if name is not None}
    sides = (
        (sources[0], [q for q in one.queries["query_id"] if q not in found]),
        (
            sources[1],
            [
                q
                for q, name in zip(other.queries["query_id"], matched.names, strict=True)
                if name is None
            ],
        ),
    )
    notes = [f"{len(found):,} queries of {sources[1]} matched by {matched.by}."]
    for source, names in sides:
        if names:
            shown = ", ".join(map(repr, names[:NAMED])) + (", …" if len(names) > NAMED else "")
            notes.append(f"{len(names):,} queries of {source} matched none ({shown}).")
    if matched.n_contradicting:
        notes.append(
            f"{matched.n_contradicting:,} ids stand for different texts in the two files and were "
            "not matched."
        )
    return notes
