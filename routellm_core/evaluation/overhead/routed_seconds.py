"""Seconds of a routed query beside those of either model alone, as JSON objects and in words."""

from typing import Any, NamedTuple

from routellm_core.evaluation.overhead.latency import LatencyAt, latency_at
from routellm_core.evaluation.overhead.router_times import OwnTime
from routellm_core.types import Floats, Ints, ModelPair, PairLatencies
from routellm_core.wording.names import distinct_names
from routellm_core.wording.numbers import seconds_text, with_span


class RoutedSeconds(NamedTuple):
    """Seconds at one threshold, and without a router, on the same queries."""

    pair: ModelPair
    routed: LatencyAt
    """The router's own time included; NaN where that is unknown."""
    strong: LatencyAt
    weak: LatencyAt
    own: OwnTime


def routed_seconds(
    pair: ModelPair,
    latencies: PairLatencies | None,
    strong_win_rate: Floats,
    threshold: float,
    own: OwnTime,
    cluster_code: Ints | None = None,
) -> RoutedSeconds | None:
    """Seconds at a threshold; None where no query has those of both models.

    Args:
        pair: of models.
        latencies: (n_queries,) each; None: nobody measured any.
        strong_win_rate: (n_queries,).
        threshold: any number.
        own: time of the router.
        cluster_code: (n_queries,) queries of a code are drawn together; None: each alone.
    """
    if latencies is None:
        return None

    def at(called_from: float, router_s: float) -> LatencyAt:
        return latency_at(
            strong_win_rate,
            latencies,
            called_from,
            router_s=router_s,
            cluster_code=cluster_code,
        )

    routed = at(threshold, own.seconds)
    if routed.n_queries == 0:
        return None
    return RoutedSeconds(pair, routed, at(-1.0, 0.0), at(2.0, 0.0), own)


def seconds_document(found: RoutedSeconds) -> dict[str, Any]:
    """The seconds as a JSON object; every figure has its 95% interval beside it."""
    return {
        **_figures(found.routed),
        "n_queries": found.routed.n_queries,
        "n_missing": found.routed.n_missing,
        "router_s": found.own.seconds,
        "router_s_source": found.own.source,
        "always_strong": _figures(found.strong),
        "always_weak": _figures(found.weak),
        "words": seconds_lines(found),
    }


def seconds_lines(found: RoutedSeconds) -> list[str]:
    """The seconds for people: of a routed query, then of each model alone."""
    n = f"n = {found.routed.n_queries:,}"
    if found.routed.n_missing:
        n += f"; {found.routed.n_missing:,} queries without the seconds of both models left out"
    names = distinct_names(found.pair)
    own = f"{seconds_text(found.own.seconds)} of it the router ({found.own.source})"
    return [
        f"seconds of a routed query: {_said(found.routed)}, {n}; {own}",
        *(
            f"  always {names[model]}: {_said(alone)}"
            for model, alone in ((found.pair.strong, found.strong), (found.pair.weak, found.weak))
        ),
    ]


def _figures(at: LatencyAt) -> dict[str, Any]:
    return {
        "mean_s": at.mean_s,
        "mean_s_interval": at.mean_interval,
        "p50_s": at.p50_s,
        "p50_s_interval": at.p50_interval,
        "p95_s": at.p95_s,
        "p95_s_interval": at.p95_interval,
    }


def _said(at: LatencyAt) -> str:
    figures = (
        ("mean", at.mean_s, at.mean_interval),
        ("p50", at.p50_s, at.p50_interval),
        ("p95", at.p95_s, at.p95_interval),
    )
    return ", ".join(f"{what} {with_span(s, ends, seconds_text)}" for what, s, ends in figures)
