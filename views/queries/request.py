"""The link's request to the Queries page: decisions on the queries, filters and order."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from routellm_core.evaluation.regret import near_ranks
from routellm_core.metrics.costs import CostKind, usual_calls
from routellm_core.metrics.curve import index_at_share
from routellm_core.store import Decisions, Listing
from routellm_core.store.queries import FILTERS
from views.cache import benchmarks
from views.cache.benchmarks import RouterKey
from views.selection.frame import Selection
from views.selection.point import Readings
from views.state import link

SORTS = {
    "margin": "nearest to α",
    "lost": "most lost quality",
    "dearest": "most expensive call",
    "id": "query id",
}


class ListingRequest(NamedTuple):
    """Answers are read from `found` with `at` and `listing`."""

    queries: pa.Table
    """All that the router scored, from `Store.routed_queries`."""
    found: pa.Table
    """Queries that the search leaves."""
    at: Decisions
    listing: Listing
    other: RouterKey | None
    search: str
    has_usd: bool
    """True where dollars or tokens of some call were measured."""


def read(selection: Selection, readings: Readings) -> ListingRequest:
    """The request of the link; unknown names are left out. Nothing is drawn or changed."""
    other = other_router(selection)
    queries = benchmarks.routed_queries(selection.key, other)
    search = link.text("search", "").strip()
    found = benchmarks.found_queries(selection.key, other, search) if search else queries
    at = _decisions(selection, readings, other)
    allowed = [name for name in FILTERS if is_offered(name, at)]
    only = tuple(link.texts("only", [], allowed))
    has_usd = _has_usd(selection)
    sorts = [name for name in SORTS if has_usd or name != "dearest"]
    return ListingRequest(
        queries=queries,
        found=found,
        at=at,
        listing=Listing(
            only=only,
            slice=link.text("slice", "", slices(selection)) or None,
            sort=link.text("sort", "margin", sorts),
        ),
        other=other,
        search=search,
        has_usd=has_usd,
    )


def other_router(selection: Selection) -> RouterKey | None:
    """The router whose decisions are compared: one of those drawn beside the chosen one."""
    names = {name_of(key): key for key in selection.drawn_beside}
    if not names:
        return None
    return names[link.text("other", next(iter(names)), list(names))]


def label(selection: Selection, key: RouterKey) -> str:
    """Name of a router of the selection on screen."""
    rows = selection.routers.set_index(["router_id", "view"])
    return str(rows["label"][key.router_id, key.view])


def name_of(key: RouterKey) -> str:
    """Name of a router in a link."""
    return f"{key.router_id}.{key.view}"


def slices(selection: Selection) -> list[str]:
    """Names of the benchmark's slices."""
    return list(benchmarks.outcomes(*selection.where).slices)


def is_offered(name: str, at: Decisions) -> bool:
    """True where a filter applies here."""
    needs = {"disagree": at.other_alpha, "flips": at.pinned_alpha}
    return needs.get(name, 0) is not None


def _decisions(selection: Selection, readings: Readings, other: RouterKey | None) -> Decisions:
    known = benchmarks.outcomes(*selection.where)
    point = readings.point
    weak, strong = usual_calls(known, selection.price_weak, selection.price_strong)
    other_alpha = None
    if other is not None:
        curve = benchmarks.ranked(other).curve
        other_alpha = float(curve.threshold[index_at_share(curve, point.strong_call_share)])
    return Decisions(
        alpha=point.threshold,
        n_strong=round(point.strong_call_share * known.n_queries),
        near=near_ranks(readings.ranked.ranking, point.threshold),
        weak=weak,
        strong=strong,
        other_alpha=other_alpha,
        pinned_alpha=link.number("pin", None),
    )


def _has_usd(selection: Selection) -> bool:
    """True where a call has a cost: dollars were measured, or tokens with a known price."""
    known = benchmarks.outcomes(*selection.where)
    costs = benchmarks.money(selection.key, selection.price_weak, selection.price_strong).costs
    sources = costs.weak_source, costs.strong_source
    is_measured = any(source.kind is CostKind.MEASURED for source in sources)
    is_counted = bool(np.isfinite(known.prompt_tokens).any()) and any(
        source.kind is CostKind.TOKENS for source in sources
    )
    return costs.are_known and (is_measured or is_counted)
