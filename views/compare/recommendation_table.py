"""A recommendation as columns and rows: options without a router, then routers, best first."""

import math
from typing import Any

import numpy as np

from routellm_core.evaluation.recommendation.sentences import amount
from routellm_core.types import ModelPair
from routellm_core.wording.numbers import (
    DASH,
    both_ends,
    fixed,
    plus,
    signed,
    significant,
    usd_digits,
)
from views.components.live_curve.payload import number
from views.components.table import column
from views.text.names import short_name

_FIGURES = {"quality": "quality", "usd": "usd_per_1000", "strong_calls": "strong_call_share"}
_N_TICKS = 4


def table(found: dict[str, Any]) -> dict[str, Any]:
    """Columns, rows and axis of `data_table`."""
    figure = _FIGURES[found["ranked_by"]]
    has_money = any(math.isfinite(row["usd_per_1000"]) for row in found["blind"])
    has_seconds = any(row["n_timed"] for row in found["routers"])
    rows = [_router(row, found) for row in found["routers"]]
    pinned = [_without_router(row, found) for row in found["blind"]]
    quality = "percent" if found["quality_unit"] == "share right" else "figure"
    titles = {"quality": "quality", "usd": "USD per 1,000", "strong_calls": "strong calls"}
    return {
        "columns": [
            column("router", "router", "name"),
            column("recipe", "recipe", "text", wide=True),
            column(
                "picture",
                f"{titles[found['ranked_by']]}, 95%",
                "range",
                wide=True,
                figure=figure,
                sort=figure,
            ),
            column(
                "quality",
                "quality, held out" if found["is_held_out"] else "quality",
                quality,
                term="held_out" if found["is_held_out"] else "quality",
            ),
            column("strong_call_share", "strong calls", "percent", wide=has_money, term="share"),
            *([_usd_column()] * has_money),
            column("own", "its own ms", "written", wide=True, sort="router_ms", term="own_time"),
            *(_seconds("mean_s", "mean s", "mean_seconds") * has_seconds),
            *(_seconds("p95_s", "95% within s", "p95") * has_seconds),
            column(
                "difference",
                "against the first",
                "written",
                sort="difference_value",
                term="to_the_first",
            ),
        ],
        "rows": rows,
        "pinned": pinned,
        "axis": _axis(found, figure),
    }


def csv_lines(found: dict[str, Any]) -> list[dict[str, Any]]:
    """One line a suitable router, then the options without one, then the excluded routers."""
    head = {"benchmark": found["benchmark"], **found["model_pair"], "view": found["view"]}
    head |= {"slices": " ".join(found["slices"]), "wish": found["wish"]["mode"]}
    head |= {"wanted": found["wish"]["wanted"]}
    lines = []
    for row in (*found["routers"], *found["blind"], *found["unfit"]):
        line = head | {"router": row["label"], "problem": row.get("problem") or row.get("reason")}
        for name, value in row.items():
            if name.endswith("_interval"):
                stem = name.removesuffix("_interval")
                line |= {f"{stem}_low": value[0], f"{stem}_high": value[1]}
            elif isinstance(value, float | int):
                line[name] = value
        for name in ("to_first", "over_bar"):
            difference = row.get(name)
            if difference:
                low, high = difference["interval"]
                line |= {
                    name: difference["value"],
                    f"{name}_low": low,
                    f"{name}_high": high,
                    f"{name}_holm_p_value": difference["adjusted_p_value"],
                    f"{name}_verdict": difference["words"],
                }
        lines.append(line)
    return lines


def _seconds(name: str, title: str, term: str) -> list[dict[str, Any]]:
    return [column(name, title, "figure", wide=True, term=term)]


def _usd_column() -> dict[str, Any]:
    help = "Answers at list or typed prices, and the router's own machine."
    return column("usd", "USD per 1,000", "written", sort="usd_per_1000", help=help)


def _router(row: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    own = row["router_ms"]
    written = significant(own)
    is_taken = row["label"] == found["advice"]["label"]
    recipe = row["recipe"] + " · take this" * is_taken
    difference = row["to_first"]
    return {
        "router": row["router"],
        "recipe": recipe,
        "under": f"{recipe} · {written} ms",
        "own": written,
        "router_ms": number(own),
        **_estimates(row, found),
        **(_difference(difference, found) if difference else {"difference": "first"}),
    }


def _without_router(row: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """An option without a router; the baseline is compared with the first router."""
    pair = ModelPair(**found["model_pair"])
    names = {
        "always weak": f"always {short_name(pair.weak)}",
        "always strong": f"always {short_name(pair.strong)}",
    }
    gain = found["routers"][0]["over_bar"] if found["routers"] else None
    difference = {"difference": DASH}
    if gain and row["label"] == found["bar"]:
        low, high = gain["interval"]
        turned = gain | {"value": -gain["value"], "interval": (-high, -low)}
        difference = _difference(turned, found)
    return {
        "router": names.get(row["label"], row["label"]),
        "recipe": row["problem"] or "",
        "under": row["problem"] or "",
        "own": DASH,
        **_estimates(row, found),
        "strong_call_share_second": "",
        **difference,
    }


def _estimates(row: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name in ("quality", "strong_call_share", "usd_per_1000", "mean_s", "p95_s"):
        low, high = (number(end) for end in row[f"{name}_interval"])
        cells |= {name: number(row[name]), f"{name}_low": low, f"{name}_high": high}
    digits = _usd_digits(found)
    return cells | {
        "usd": fixed(row["usd_per_1000"], digits),
        "usd_second": both_ends(row["usd_per_1000_interval"], digits=digits),
    }


def _difference(difference: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    def written(value: float) -> str:
        if found["ranked_by"] == "usd":
            return signed(value, _usd_digits(found))
        if found["ranked_by"] == "quality" and found["quality_unit"] == "share right":
            return signed(value, 2, 100)
        text = amount(value, found["ranked_by"], found["quality_unit"])
        return plus(text.removesuffix(" points"))

    mark = "" if difference["is_shown"] else "? "
    return {
        "difference": f"{mark}{written(difference['value'])}",
        "difference_value": number(difference["value"]),
        "difference_second": both_ends(difference["interval"], written),
    }


def _usd_digits(found: dict[str, Any]) -> int:
    """Those that the most expensive row needs."""
    return usd_digits(max(row["usd_per_1000"] for row in found["blind"]))


def _axis(found: dict[str, Any], figure: str) -> dict[str, Any]:
    """Around all intervals of the routers and the baseline; round ticks."""
    baseline = [row for row in found["blind"] if row["label"] == found["bar"]]
    drawn = [
        value
        for row in (*found["routers"], *baseline)
        for value in (row[figure], *row[f"{figure}_interval"])
        if math.isfinite(value)
    ]
    low, high = (min(drawn), max(drawn)) if drawn else (0.0, 1.0)
    ticks = _round_ticks(low, high)
    margin = 0.05 * (high - low) or 0.01
    return {
        "low": low - margin,
        "high": high + margin,
        "ticks": ticks,
        "labels": [_tick(tick, figure, found["quality_unit"]) for tick in ticks],
        "blind": number(baseline[0][figure]) if baseline else None,
    }


def _round_ticks(low: float, high: float) -> list[float]:
    """A few round numbers between two.

    >>> _round_ticks(0.748, 0.785), _round_ticks(4.4, 4.8)
    ([0.75, 0.76, 0.77, 0.78], [4.4, 4.5, 4.6, 4.7, 4.8])
    """
    width = max(high - low, 1e-9) / _N_TICKS
    size = 10.0 ** math.floor(math.log10(width))
    step = next(size * k for k in (1, 2, 5, 10) if size * k >= width * 0.999)
    found = np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step
    return [float(f"{tick:.6g}") for tick in found]


def _tick(tick: float, figure: str, unit: str) -> str:
    is_percent = figure == "strong_call_share" or (figure == "quality" and unit == "share right")
    shown = 100 * tick if is_percent else tick
    return f"{shown:.6g}{'%' if is_percent else ''}"
