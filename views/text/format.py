"""Figures of a benchmark as the screen shows them, and the sentence above the list of queries."""

import math
from typing import Any

import pandas as pd

from routellm_core.store.queries import Regret
from routellm_core.types import Benchmark
from routellm_core.wording.numbers import DASH, fixed, percent, points_text, usd_text


def sentence(alpha: str, regret: Regret, benchmark: Benchmark, weak: str, strong: str) -> list[str]:
    """Loss and waste at the point, in parts; every second part is a figure."""
    better = "been right" if benchmark.quality_unit == "share right" else "done better"
    lost = [
        "At α = ",
        alpha,
        ", ",
        f"{regret.n_lost:,}",
        f" of {regret.n_queries:,} queries lost quality: {weak} ● was called and {strong} ■ would "
        f"have {better}. ",
    ]
    if not regret.n_wasted:
        return [*lost, "No", f" call of {strong} was wasted."]
    calls = f" call of {strong} was" if regret.n_wasted == 1 else f" calls of {strong} were"
    if math.isnan(regret.wasted_usd):
        no_worse = f"{calls} wasted: what {weak} answers is no worse."
        return [*lost, f"{regret.n_wasted:,}", no_worse]
    return [
        *lost,
        f"{regret.n_wasted:,}",
        f"{calls} wasted, ",
        usd_text(regret.wasted_usd),
        f" more than {weak} would have cost for answers no worse.",
    ]


def outcome_text(benchmark: Benchmark, quality: float) -> str:
    """Quality of an answer: right or wrong where that is all there is."""
    if benchmark.quality_unit == "share right" and quality in (0.0, 1.0):
        return "right" if quality else "wrong"
    return quality_text(benchmark, quality)


def happened(lost: bool, wasted: bool) -> str:
    """`lost`, `wasted`, or nothing to regret."""
    return "lost" if lost else "wasted" if wasted else ""


def score_digits(span: tuple[float, float]) -> int:
    """Digits that tell some 300 scores on the axis apart."""
    width = span[1] - span[0]
    return min(8, max(3, math.ceil(-math.log10(width / 300)))) if width > 0 else 3


def alpha_text(alpha: float, digits: int) -> str:
    """α; ∞ where no query reaches it."""
    return fixed(alpha, digits) if alpha <= 1 else "∞"


def quality_format(benchmark: Benchmark) -> dict[str, Any]:
    """Scale, digits, unit and title of the benchmark's quality on screen."""
    if benchmark.quality_unit == "share right":
        return {"scale": 100, "digits": 1, "unit": "%", "title": "quality, % right"}
    return {
        "scale": 1,
        "digits": 2,
        "unit": "",
        "title": f"quality, points of {benchmark.quality_high:g}",
    }


def quality_text(benchmark: Benchmark, quality: float) -> str:
    """A quality with its unit; a dash where it is undefined."""
    if benchmark.quality_unit == "share right":
        return percent(quality)
    return points_text(quality, benchmark.quality_unit)


def threshold_text(threshold: float) -> str:
    """A threshold with the digits that are read; a dash where there is none."""
    if pd.isna(threshold):
        return DASH
    return "above 1" if threshold > 1 else fixed(threshold, 4)
