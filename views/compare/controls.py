"""Controls of the routers: each beside its own scores shuffled, as rows of a table."""

import math
from typing import Any

from routellm_core.evaluation.comparison.sentences import control_of
from routellm_core.wording.numbers import both_ends, p_text
from routellm_core.wording.text import joined
from views.compare.router_names import names_of
from views.components.live_curve.payload import number
from views.components.table import column

_MARKS = {
    "router": "✓ router",
    "chance": "≈ chance",
    "reversed": "⇄ reversed",
    "constant": "– constant",
}
_FEW_BITS = 0.1
"""Of the choice: beyond about 99% of the queries go to one model."""
_FEW_QUERIES = 500
"""Below it a good router may well seem chance."""


def sentence(found: dict[str, Any]) -> str:
    """The number of routers, the kinds of the others, and scores that do not divide at one half."""
    routers = found["routers"]
    n_routers = sum(r["kind"] == "router" for r in routers)
    said = [f"{n_routers or 'None'} of {len(routers)} {control_of('router', n_routers)}."]
    for kind in ("chance", "reversed", "constant"):
        of_kind = [r for r in routers if r["kind"] == kind]
        if of_kind:
            names = names_of(of_kind, routers)
            said.append(f"{joined(names)} {control_of(kind, len(names))}.")
    if any(r["kind"] == "chance" for r in routers) and found["n_queries"] < _FEW_QUERIES:
        said.append(f"On {found['n_queries']:,} queries a good router may seem chance.")
    lopsided = [r for r in routers if r["choice_entropy"] < _FEW_BITS]
    if lopsided:
        names = names_of(lopsided, routers)
        sends = "sends" if len(names) == 1 else "send"
        said.append(
            f"At α = 0.5 {joined(names)} {sends} nearly every query to one model: "
            "without a calibrated α that is no routing."
        )
    return " ".join(said)


def table(found: dict[str, Any]) -> dict[str, Any]:
    """Columns, rows and axis of `data_table`."""
    rows = [_row(router) for router in found["routers"]]
    return {
        "columns": [
            column("router", "router", "name"),
            column("recipe", "recipe", "text", wide=True),
            column("what", "what it is", "text", wide=True),
            column("picture", "APGR, and the shuffled", "range", sort="apgr", help="sort by APGR"),
            column("apgr", "APGR", "figure", term="apgr"),
            column("shuffled", "shuffled, 95%", "written", wide=True, term="shuffled"),
            column("bits", "bits of score", "figure", wide=True, digits=2, term="score_entropy"),
            column("at_half", "strong at α = 0.5", "percent", wide=True, term="choice_entropy"),
        ],
        "rows": rows,
        "axis": axis([row[key] for row in rows for key in ("apgr", "band_low", "band_high")]),
        "sorted_by": "apgr",
    }


def axis(values: list[float | None]) -> dict[str, Any]:
    """An axis in tenths of APGR around one half and all that is drawn on it."""
    known = [0.5, *(v for v in values if v is not None and math.isfinite(v))]
    low, high = math.floor(10 * min(known) - 0.01), math.ceil(10 * max(known) + 0.01)
    ticks = [tenth / 10 for tenth in range(low, high + 1)]
    return {"low": low / 10 - 0.02, "high": high / 10 + 0.02, "ticks": ticks}


def _row(router: dict[str, Any]) -> dict[str, Any]:
    control = router["control"]
    low, high = (number(end) for end in control["band"])
    what = _MARKS[router["kind"]]
    return {
        "router": router["router"],
        "recipe": router["recipe"],
        "under": f"{router['recipe']} · {what}",
        "what": what,
        "apgr": number(control["apgr"]),
        "band_low": low,
        "band_high": high,
        "shuffled": both_ends(control["band"]),
        "shuffled_second": p_text(control["p_value"]),
        "bits": number(router["score_entropy"]),
        "bits_second": f"{router['n_scores']:,} scores",
        "at_half": number(router["share_at_half"]),
        "at_half_second": f"{router['choice_entropy']:.2f} bits of choice",
    }
