"""Regret by slice: lost quality and wasted money of the listed queries."""

import pandas as pd

from routellm_core.types import Benchmark
from routellm_core.wording.numbers import fixed, usd_text
from views.components import html_table
from views.components.html_table import figure
from views.state import inputs, link
from views.text.format import quality_format

_FEW = 10
_SUMMED = ["n_queries", "n_lost", "lost_quality", "n_wasted", "wasted_usd"]


def draw(table: pd.DataFrame, benchmark: Benchmark) -> None:
    """The slices with most regrets, the others as one row, and all together."""
    show_all = link.text("regret_slices", "few") == "all"
    rest = table.iloc[_FEW:]
    rows = [_row(row, benchmark) for row in (table if show_all else table[:_FEW]).itertuples()]
    if len(rest) and not show_all:
        rows.append(_sum_row(f"{len(rest)} other slices", rest, benchmark))
    if len(table) > 1:
        rows.append(_sum_row("all of these", table, benchmark))
    unit = "answers" if benchmark.quality_unit == "share right" else "points"
    html_table.draw(
        "Regret of the listed queries by slice",
        [
            "slice",
            figure("n"),
            figure("lost"),
            figure(f"lost {unit}", is_wide=True),
            figure("wasted"),
            figure("wasted $"),
        ],
        rows,
    )
    if len(table) > _FEW:
        inputs.switch_of(f"All {len(table)} slices", "regret_slices", "all")


def _sum_row(name: str, table: pd.DataFrame, benchmark: Benchmark) -> list[str]:
    summed = table[_SUMMED].sum(skipna=False)  # with an unknown part no sum is known
    return _cells(name, *summed, benchmark=benchmark)


def _row(row: object, benchmark: Benchmark) -> list[str]:
    figures = [getattr(row, name) for name in _SUMMED]
    return _cells(str(row.slice).replace("_", " "), *figures, benchmark=benchmark)  # type: ignore[attr-defined]


def _cells(
    name: str,
    n: float,
    n_lost: float,
    lost_quality: float,
    n_wasted: float,
    wasted_usd: float,
    *,
    benchmark: Benchmark,
) -> list[str]:
    digits = 1 if benchmark.quality_unit == "share right" else quality_format(benchmark)["digits"]
    return [
        name,
        fixed(n, 0),
        fixed(n_lost, 0),
        fixed(lost_quality, digits).removesuffix(".0"),
        fixed(n_wasted, 0),
        usd_text(wasted_usd),
    ]
