"""Models that look dear and are not the better ones: two files may have been mixed up."""

import re
from collections.abc import Sequence

import pandas as pd

LARGE = frozenset({"large", "big", "max", "opus", "ultra", "pro", "heavy", "xl"})
SMALL = frozenset({"mini", "small", "nano", "tiny", "lite", "haiku", "flash", "micro"})
_BILLIONS = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)b(?![a-z])", re.IGNORECASE)


def notes_on(outcomes: pd.DataFrame) -> list[str]:
    """A note where the dearer of two models, by cost or else by its name, is the worse one.

    Args:
        outcomes: `model`, `quality` and `cost_usd`, of any number of models; nothing is said but
            of two.
    """
    by_model = outcomes.groupby("model", observed=True, sort=False)
    quality, cost = by_model["quality"].mean(), by_model["cost_usd"].mean()
    names = [str(name) for name in quality.index]
    if len(names) != 2 or quality.isna().any():
        return []
    dear = _dearer(names, list(cost))
    if dear is None:
        return []
    place, why = dear
    cheap = 1 - place
    if quality.iloc[place] >= quality.iloc[cheap]:
        return []
    return [
        f"Look: {names[place]} seems the dearer model by its {why}, but {names[cheap]} is better "
        f"({quality.iloc[cheap]:.3g} against {quality.iloc[place]:.3g}): look whether the files "
        "were mixed up."
    ]


def _dearer(names: Sequence[str], cost: Sequence[float]) -> tuple[int, str] | None:
    """Place of the dearer of two models, and what tells; None where nothing does."""
    if cost[0] == cost[0] and cost[1] == cost[1]:
        return None if cost[0] == cost[1] else (int(cost[1] > cost[0]), "cost")
    sizes = [[float(n) for n in _BILLIONS.findall(name)] for name in names]
    if all(sizes):
        most = [max(of_name) for of_name in sizes]
        return None if most[0] == most[1] else (int(most[1] > most[0]), "name")
    ranks = [_rank(name) for name in names]
    return None if ranks[0] == ranks[1] else (int(ranks[1] > ranks[0]), "name")


def _rank(name: str) -> int:
    words = set(re.split(r"[^a-z]+", name.lower()))
    return bool(words & LARGE) - bool(words & SMALL)
