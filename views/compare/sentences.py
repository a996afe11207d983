"""Sentences about the tables of the Compare page, as far as the intervals allow."""

import math
from typing import Any

from routellm_core.evaluation.benchmark import WITHIN_SLICE
from routellm_core.evaluation.slice_ranks import NO_ROUTERS
from routellm_core.store.selection import main_view
from routellm_core.wording.numbers import fixed, signed, span, with_span

_VIEWS = {
    "in_domain": "Out of fold",
    "unseen_slices": "On slices that no router learned from",
    "untouched": "On queries that no router learned from",
}
_OWN = "own-pair"


def about(figures: dict[str, Any]) -> list[str]:
    """Sentences about one benchmark and pair: the best router, and what is left of its lead."""
    if figures["quality_strong"] < figures["quality_weak"]:
        return [
            "The model called strong is the worse one here. Of two routers the better one has the "
            "lower APGR, so none is called best. “One benchmark closely” compares them by quality."
        ]
    return [*_verdict(figures), *_inside_slices(figures), *_own_pair(figures), *_without(figures)]


def comparable(routers: list[dict[str, Any]], name: str | None = None) -> list[dict[str, Any]]:
    """Rows that can be compared: of one view, the one that most have.

    Those of the router of that name; without one, all but those of `NO_ROUTERS`.
    """
    n_all = max((r.get("n_queries", 0) for r in routers), default=0)
    known = [
        r
        for r in routers
        if (r["router"] == name if name else r["router"] not in NO_ROUTERS)
        and r.get("n_queries", 0) == n_all  # not the figures of one fold alone
    ]
    view = main_view([r["view"] for r in known])
    return [r for r in known if r["view"] == view]


def name_among(router: dict[str, Any], among: list[dict[str, Any]]) -> str:
    """The router's name, with its recipe where it has several."""
    recipes = {r["recipe"] for r in among if r["router"] == router["router"]}
    return router["router"] if len(recipes) == 1 else f"{router['router']} ({router['recipe']})"


def _verdict(figures: dict[str, Any]) -> list[str]:
    known = [r for r in comparable(figures["routers"]) if math.isfinite(r["apgr"])]
    if not known:
        return ["No router has a figure here yet."]
    best, *others = sorted(known, key=lambda r: -r["apgr"])
    found = [
        f"{_VIEWS[best['view']]}, {name_among(best, known)} has the highest APGR, "
        f"{with_span(best['apgr'], best['apgr_interval'])}."
    ]
    found += _against(best, others[0], known, figures["ahead"]) if others else []
    if best["apgr_interval"][0] > figures["random"]["apgr_interval"][1]:
        return [*found, "It is clearly better than a random router."]
    n = f"{best['n_queries']:,}"
    return [*found, f"On {n} queries it is not clearly better than a random router."]


def _against(
    best: dict[str, Any],
    second: dict[str, Any],
    known: list[dict[str, Any]],
    ahead: list[dict[str, Any]],
) -> list[str]:
    """The lead of the best router over the next, on the same resamples."""
    name = f"{name_among(second, known)} ({fixed(second['apgr'])})"
    gain = next(
        (
            a
            for a in ahead
            if (a["router"], a["recipe"], a["view"])
            == (best["router"], best["recipe"], best["view"])
            and (a["over"], a["over_recipe"]) == (second["router"], second["recipe"])
        ),
        None,
    )
    if gain is None:
        return []
    ends = span(gain["gain_interval"], signed)
    if gain["gain_interval"][0] > 0:
        return [f"It is ahead of {name} by {fixed(gain['gain'])} ({ends}, paired)."]
    return [f"Its lead over {name} is not clear: {fixed(gain['gain'])} ({ends}, paired)."]


def _inside_slices(figures: dict[str, Any]) -> list[str]:
    """The rest of the best router's lead over random within slices."""
    known = [r for r in figures["routers"] if r["router"] not in NO_ROUTERS]
    best = next((r for r in known if r["view"] == "in_domain"), None)
    inside = next((r for r in known if best and _same(r, best) and r["view"] == WITHIN_SLICE), None)
    if best is None or inside is None or best["recipe"] == _OWN or not best["apgr"] > 0.5:
        return []
    apgr = with_span(inside["apgr"], inside["apgr_interval"])
    found = f"Within slices alone it reaches {apgr}"
    if inside["apgr_interval"][1] - 0.5 < (best["apgr"] - 0.5) / 2:
        found += ": most of its lead over random is between slices"
    return [f"{found}."]


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (one["router"], one["recipe"]) == (other["router"], other["recipe"])


def _own_pair(figures: dict[str, Any]) -> list[str]:
    """The gain of routers that were trained on the outcomes of this very pair."""
    routers = figures["routers"]
    own = [r for r in routers if r["recipe"] == _OWN and r["view"] == "in_domain"]
    if not own:
        return []
    best = max(own, key=lambda r: r["apgr"])
    found = (
        "The other routers were trained on another pair. Trained on this pair's own outcomes, "
        f"{best['router']} reaches {with_span(best['apgr'], best['apgr_interval'])} out of fold"
    )
    others = [r["apgr"] for r in comparable(routers) if r["recipe"] != _OWN]
    gain = best["apgr"] - max(others, default=math.nan)
    if not math.isfinite(gain):
        return [f"{found}."]
    return [f"{found}: knowing the pair is worth {signed(gain)}."]


def _without(figures: dict[str, Any]) -> list[str]:
    """The same without slices whose outcomes look broken."""
    if "without_broken" not in figures:
        return []
    rest = figures["without_broken"]
    known = comparable(rest["routers"])
    if not known:
        return []
    best = sorted(known, key=lambda r: -r["apgr"])[:3]
    apgr = ", ".join(f"{name_among(r, known)} {fixed(r['apgr'])}" for r in best)
    names = ", ".join(name.replace("_", " ") for name in rest["slices"])
    return [f"Without {names}, whose published outcomes look broken: {apgr}."]
