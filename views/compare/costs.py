"""Measures of other projects on a router's curve: AIQ, deferral area, quality-neutral cost."""

import math
from typing import Any

from routellm_core.evaluation.slice_ranks import NO_ROUTERS
from routellm_core.wording.numbers import fixed, percent, span
from views.compare.router_names import names_of
from views.components.live_curve.payload import number
from views.components.table import column
from views.text.names import short_name

_NEUTRAL = "quality_neutral_cost"
_COLUMNS = (
    ("aiq", "AIQ", "figure", False, "aiq"),
    ("deferral_area", "deferral area", "figure", True, "deferral_area"),
    ("quality_neutral_cost", "quality-neutral cost", "percent", False, _NEUTRAL),
    ("quality_neutral_share", "its strong calls", "percent", True, _NEUTRAL),
    ("usd", "its USD per 1,000 queries", "figure", True, _NEUTRAL),
)
"""Id, title, form, whether a phone leaves it out, term of the glossary."""


def sentence(found: dict[str, Any]) -> str:
    """The router that reaches the best single model's quality for the least money."""
    routers = [r for r in found["routers"] if r["router"] not in NO_ROUTERS]
    known = [r for r in routers if math.isfinite(r["quality_neutral_cost"])]
    if not known:
        return "What one of the models costs is not known: only shares of strong calls are."
    best = min(known, key=lambda r: r["quality_neutral_cost"])
    pair, is_strong = found["model_pair"], found["quality_strong"] >= found["quality_weak"]
    single = short_name(pair["strong" if is_strong else "weak"])
    ends = span(best["quality_neutral_cost_interval"], fixed, digits=1, scale=100.0)
    return (
        f"{names_of([best], found['routers'])[0]} reaches the quality of always {single} at "
        f"{percent(best['quality_neutral_cost'])} of its cost ({ends}), "
        "the least of the routers. With few queries this figure is too optimistic."
    )


def table(found: dict[str, Any]) -> dict[str, Any]:
    """Columns and rows of `data_table`."""
    return {
        "columns": [
            column("router", "router", "name"),
            column("recipe", "recipe", "text", wide=True),
            *(
                column(name, title, form, wide=wide, term=term)
                for name, title, form, wide, term in _COLUMNS
            ),
        ],
        "rows": [_row(router) for router in found["routers"]],
        "sorted_by": "aiq",
    }


def _row(router: dict[str, Any]) -> dict[str, Any]:
    row = {"router": router["router"], "recipe": router["recipe"], "under": router["recipe"]}
    for name, *_ in _COLUMNS:
        field, scale = ("quality_neutral_cost_usd", 1_000) if name == "usd" else (name, 1)
        low, high = router[f"{field}_interval"]
        row |= {
            name: number(scale * router[field]),
            f"{name}_low": number(scale * low),
            f"{name}_high": number(scale * high),
        }
    return row
