"""Runs of one task by different models, joined into one benchmark.

Two runs belong together when they are of one task by name, or ask the same queries. Their queries
match by id where equal ids say the same, otherwise by content or text; what matches nothing is
kept, counted in a note, and takes no part when two models are compared. Their quality is by one
measure: `routellm_core.importing.grading`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.grading import graded
from routellm_core.importing.measures import NoQualityError, with_facts
from routellm_core.importing.notes import counted
from routellm_core.importing.query_matching import match, notes_on, texts_of
from routellm_core.importing.readers.naming import named
from routellm_core.importing.run_models import latest, told_apart_by_arguments
from routellm_core.text_keys import text_hash

_T = TypeVar("_T")
NAMED = 3
ALIKE = 0.5
"""Share of the smaller run's texts that must stand in the larger, for runs of different names."""


def paired(parts: Sequence[Imported]) -> list[Imported]:
    """The same benchmarks, those that are runs of one task joined, in order of first appearance.

    Runs that cannot be joined stay apart, and say why, where there are other benchmarks too. No
    two have one id.

    Raises:
        DataError: the runs of the only task cannot be joined.
    """
    groups: list[list[Imported]] = []
    for part in parts:
        group = next((g for g in groups if _of_one_name(g[0], part)), None)
        group = group or next((g for g in groups if _asks_the_same(g, part)), None)
        if group is None:
            groups.append([part])
        else:
            group.append(part)
    found: list[Imported] = []
    for group in _without_bare_copies(groups):
        if len(group) == 1:
            found += group
            continue
        try:
            found.append(joined(group))
        except DataError as error:
            if len(groups) == 1:
                raise
            found += [noted(part, f"Runs of it stay apart: {error}.") for part in group]
    return _of_distinct_ids(found)


def joined(runs: Sequence[Imported]) -> Imported:
    """One benchmark of several runs of a task.

    Args:
        runs: at least two; the card, the slices and the names of queries are the first's.

    Raises:
        DataError: no measure or scale that all share, no query in common, or two runs of one model
            overlap and nothing tells which is the later.
    """
    if runs[0].attempts is None:
        return _bare(runs)
    apart, notes = told_apart_by_arguments(runs)
    left, of_later = latest(apart)
    notes += of_later
    left = _stacked_by_model(left)
    whole = left[0]
    for run in left[1:]:
        whole = _with(whole, run)
    shared = whole.outcomes["query_id"].value_counts()
    models = whole.outcomes["model"].nunique()
    complete = int((shared == models).sum())
    if len(left) > 1:
        of_runs = f"{len(left)} runs, {models} models"
        answered = counted(complete, "query was", "queries were")
        notes.append(f"{of_runs}: {answered} answered by all of them.")
    return noted(whole, *notes)


def _stacked_by_model(runs: Sequence[Imported]) -> list[Imported]:
    """The runs, those of one model with no query in common one below the other."""
    groups: list[list[Imported]] = []
    for run in runs:
        for group in groups:
            is_same = set(group[0].outcomes["model"]) == set(run.outcomes["model"])
            if is_same and not any(_share_queries(run, one) for one in group):
                group.append(run)
                break
        else:
            groups.append([run])
    return [stacked(group) if len(group) > 1 else group[0] for group in groups]


def _share_queries(one: Imported, other: Imported) -> bool:
    """True if two runs have a name or a text of a query in common."""
    by_id = set(one.queries["query_id"]) & set(other.queries["query_id"])
    return bool(by_id or (set(texts_of(one)) - {None}) & set(texts_of(other)))


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
    return graded(
        parts[0]._replace(
            queries=queries,
            outcomes=below("outcomes"),
            texts=below("texts").drop_duplicates("text_hash").reset_index(drop=True),
            notes=_of_all(parts, "notes"),
            usage=_usage_of(parts),
            attempts=_attempts_of(parts),
            read_notes=_of_all(parts, "read_notes"),
        )
    )


def _of_all(parts: Sequence[Imported], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for part in parts for note in getattr(part, name)))


def _attempts_of(parts: Sequence[Imported]) -> pd.DataFrame | None:
    tables = [part.attempts for part in parts if part.attempts is not None]
    return with_facts(tables) if tables else None


def _usage_of(parts: Sequence[Imported]) -> pd.DataFrame | None:
    tables = [part.usage for part in parts if part.usage is not None]
    return pd.concat(tables, ignore_index=True) if tables else None


def readable(files: Sequence[Path], read: Callable[[Path], _T]) -> tuple[list[_T], list[str]]:
    """Content of several files, and of the others their names, with what is wrong.

    Raises:
        DataError: none can be read.
    """
    found, left = [], []
    first: DataError | None = None
    for file in files:
        try:
            found.append(read(file))
        except NoQualityError as error:
            first = first or error
            left.append(f"{named(file)} (nothing in it can be a quality)")
        except DataError as error:
            first = first or error
            left.append(str(error) if named(file) in str(error) else f"{named(file)}: {error}")
    if first is not None and not found:
        raise first
    return found, left


def noted(part: Imported, *notes: str) -> Imported:
    """The part with further notes, which stay whatever measure is taken."""
    return part._replace(
        notes=tuple(dict.fromkeys((*part.notes, *notes))),
        read_notes=tuple(dict.fromkeys((*part.read_notes, *notes))),
    )


def _without_bare_copies(groups: list[list[Imported]]) -> list[list[Imported]]:
    """The groups; ungraded runs of a task that other runs of it grade are left out and named."""
    found = []
    for group in groups:
        name = group[0].benchmark.benchmark_id
        if group[0].attempts is None and any(
            g[0].attempts is not None and g[0].benchmark.benchmark_id == name for g in groups
        ):
            continue
        bare = [
            g
            for g in groups
            if group[0].attempts is not None
            and g[0].attempts is None
            and g[0].benchmark.benchmark_id == name
        ]
        for one in (part for g in bare for part in g):
            note = f"{one.benchmark.source} holds no grades and was left out: another run does."
            group = [noted(group[0], note), *group[1:]]
        found.append(group)
    return found


def _of_distinct_ids(parts: list[Imported]) -> list[Imported]:
    """The parts; a second one of one name gets a number."""
    taken: set[str] = set()
    found = []
    for part in parts:
        name, number = part.benchmark.benchmark_id, 1
        while name in taken:
            number += 1
            name = f"{part.benchmark.benchmark_id}-{number}"
        taken.add(name)
        if number > 1:
            title = f"{part.benchmark.title} {number}"
            part = part._replace(benchmark=replace(part.benchmark, benchmark_id=name, title=title))
            part = noted(part, f"{part.benchmark.source}: the {number}. of this name here.")
        found.append(part)
    return found


def _bare(parts: Sequence[Imported]) -> Imported:
    """Sets of bare queries of one name as one; queries of equal text are one."""
    whole = parts[0]
    for part in parts[1:]:
        found = match(whole, part)
        taken = set(whole.queries["query_id"])
        names = [
            name if name is not None else _free(query_id, taken)
            for name, query_id in zip(found.names, part.queries["query_id"], strict=True)
        ]
        renamed = dict(zip(part.queries["query_id"], names, strict=True))
        usage = part.usage
        if usage is not None:
            part = part._replace(usage=usage.assign(query_id=usage["query_id"].map(renamed)))
        new = [name is None for name in found.names]
        texts = pd.concat([whole.texts, part.texts], ignore_index=True)
        together = _usage_of([whole, part])
        if together is not None:
            together = together.drop_duplicates(["query_id", "model"], ignore_index=True)
        whole = whole._replace(
            queries=pd.concat(
                [whole.queries, part.queries.assign(query_id=names)[new]], ignore_index=True
            ),
            texts=texts.drop_duplicates("text_hash").reset_index(drop=True),
            usage=together,
        )
        whole = noted(whole, *part.notes)
    return whole


def _of_one_name(one: Imported, other: Imported) -> bool:
    alike = (one.attempts is None) == (other.attempts is None)
    return alike and one.benchmark.benchmark_id == other.benchmark.benchmark_id


def _asks_the_same(group: Sequence[Imported], other: Imported) -> bool:
    """True if another model answered the texts of the group; one model's runs are two tasks."""
    if group[0].outcomes.empty or other.outcomes.empty:
        return False
    if any(set(one.outcomes["model"]) & set(other.outcomes["model"]) for one in group):
        return False
    texts, others = set(texts_of(group[0])) - {None}, set(texts_of(other)) - {None}
    fewer = min(len(texts), len(others))
    return fewer > 0 and len(texts & others) >= ALIKE * fewer


def _with(one: Imported, other: Imported) -> Imported:
    cards = one.benchmark, other.benchmark
    assert one.attempts is not None and other.attempts is not None
    found = match(one, other)
    taken = set(one.queries["query_id"])
    names = [
        name if name is not None else _free(query_id, taken)
        for name, query_id in zip(found.names, other.queries["query_id"], strict=True)
    ]
    renamed = dict(zip(other.queries["query_id"], names, strict=True))
    others = other.attempts.assign(query_id=other.attempts["query_id"].map(renamed))
    attempts = with_facts([one.attempts, others])
    twice = attempts.duplicated(["query_id", "model"])
    if twice.any():
        raise DataError(
            f"{cards[1].source}: {attempts['model'][twice].iloc[0]!r} has answered "
            f"{int(twice.sum()):,} of its queries in {cards[0].source} already; import one run of "
            "each model, or name the models apart"
        )
    is_new = [name is None for name in found.names]
    if all(is_new) and not set(one.attempts["model"]) & set(other.attempts["model"]):
        raise DataError(
            f"{cards[1].source} has no query in common with {cards[0].source}, neither by id nor "
            "by text; take runs of the same version of the task, or import them apart"
        )
    queries = other.queries.assign(query_id=names)[is_new]
    texts = pd.concat([one.texts, other.texts], ignore_index=True).drop_duplicates("text_hash")
    unmatched = notes_on(one, other, found)
    return graded(
        one._replace(
            queries=pd.concat([one.queries, queries], ignore_index=True),
            attempts=attempts,
            texts=texts.reset_index(drop=True),
            read_notes=tuple(dict.fromkeys((*one.read_notes, *other.read_notes, *unmatched))),
        )
    )


def _free(name: str, taken: set[str]) -> str:
    """The name, or another while a query of the first run has it."""
    free = name
    while free in taken:
        free = f"{name}-{text_hash(free)[:6]}"
    taken.add(free)
    return free
