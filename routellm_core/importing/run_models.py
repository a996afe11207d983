"""Models of runs of one task: those of one name told apart, and the later of two runs of one."""

from collections.abc import Sequence

import pandas as pd

from routellm_core.importing import Imported

NAMED = 3
ALIKE = 0.5
"""Share of the smaller run's queries that must stand in the larger, for one to repeat the other."""


def told_apart_by_arguments(runs: Sequence[Imported]) -> tuple[list[Imported], list[str]]:
    """The runs, models of one name with the arguments that differ behind it, and notes on them."""
    by_model: dict[str, list[Imported]] = {}
    for run in runs:
        models = _models(run)
        if len(models) == 1:
            by_model.setdefault(models[0], []).append(run)
    names: dict[int, str] = {}
    notes = []
    for model, of_model in by_model.items():
        given = [dict(run.arguments) for run in of_model]
        keys = dict.fromkeys(key for one in given for key in one)
        differing = [key for key in keys if len({one.get(key) for one in given}) > 1]
        if not differing:
            continue
        for run, of_run in zip(of_model, given, strict=True):
            shown = ", ".join(f"{key}={of_run.get(key, 'default')}" for key in differing)
            names[id(run)] = f"{model} ({shown})"
        notes.append(f"Runs of {model} differ in {', '.join(differing)}: they are models apart.")
    return [_named(run, names[id(run)]) if id(run) in names else run for run in runs], notes


def latest(runs: Sequence[Imported]) -> tuple[list[Imported], list[str]]:
    """The runs without those of a model that a later run of it repeats, and notes on them."""
    left: list[Imported] = []
    notes = []
    for run in sorted(runs, key=lambda r: r.created):
        models = _models(run)
        before = [r for r in left if _models(r) == models and _repeats(run, r)]
        for old in before:
            left = [r for r in left if r is not old]
            notes.append(
                f"{', '.join(models[:NAMED])} has several runs: that of {run.created} "
                f"({run.benchmark.source}) was taken, that of {old.created} "
                f"({old.benchmark.source}) left out."
            )
        left.append(run)
    return [run for run in runs if any(run is r for r in left)], notes


def _repeats(run: Imported, earlier: Imported) -> bool:
    """True if most queries of an earlier run stand in a later one, and say the same there."""
    ids, before = (_queries(r) for r in (run, earlier))
    in_order = bool(earlier.created) and earlier.created < run.created
    return in_order and len(ids & before) >= ALIKE * min(len(ids), len(before))


def _queries(run: Imported) -> set[tuple[str, str | None]]:
    ids = run.queries["query_id"]
    if "text_hash" not in run.queries:
        return {(name, None) for name in ids}
    return set(zip(ids, run.queries["text_hash"], strict=True))


def _models(run: Imported) -> list[str]:
    return sorted(map(str, set(run.outcomes["model"])))


def _named(run: Imported, model: str) -> Imported:
    """The run of one model under another name of it."""

    def renamed(table: pd.DataFrame | None) -> pd.DataFrame | None:
        return None if table is None else table.assign(model=model)

    return run._replace(
        outcomes=run.outcomes.assign(model=model),
        usage=renamed(run.usage),
        attempts=renamed(run.attempts),
    )
