"""`python -m routellm_core certify`: the cheapest threshold that carries a promise."""

import argparse
from collections.abc import Callable
from typing import Any

from routellm_core.evaluation import default_pair
from routellm_core.guarantee import Certificate, certify
from routellm_core.promise_words import about, points_in, promise_words
from routellm_core.promises import Promise
from routellm_core.store import Store
from routellm_core.types import Benchmark, ModelPair

Result = tuple[Any, list[str]]


def add_parser(verb: Callable[[str, Any], argparse.ArgumentParser]) -> None:
    """Declare the verb.

    Args:
        verb: declares a verb by its name and function.
    """
    parser = verb("certify", certify_threshold)
    parser.add_argument("--router", required=True, metavar="R")
    parser.add_argument("--recipe", help="where a router has several")
    parser.add_argument("--benchmark", required=True, metavar="B")
    promise = parser.add_mutually_exclusive_group(required=True)
    promise.add_argument(
        "--keep", type=float, metavar="SHARE", help="of the strong model's quality, at least"
    )
    promise.add_argument(
        "--lose",
        type=float,
        metavar="POINTS",
        help="of quality against always strong, at most; of 100 where quality is a share",
    )
    promise.add_argument(
        "--miss",
        type=float,
        metavar="SHARE",
        help="at most, of the queries kept on the weak model, that it alone fails",
    )
    parser.add_argument(
        "--confidence", type=float, default=0.95, help="that it holds (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the split (default: %(default)s)")
    parser.add_argument("--strong", metavar="M", help="strong model, as named in the outcomes")
    parser.add_argument("--weak", metavar="M", help="weak model")


def certify_threshold(parsed: argparse.Namespace) -> Result:
    """The cheapest threshold that carries a promise, chosen on some queries, checked on others."""
    with Store(parsed.store, read_only=True) as store:
        usual = default_pair(store, parsed.benchmark)
        pair = ModelPair(weak=parsed.weak or usual.weak, strong=parsed.strong or usual.strong)
        benchmark = store.benchmark(parsed.benchmark)
        outcomes = store.pair_outcomes(parsed.benchmark, pair)
        row = store.router_named(parsed.benchmark, pair, parsed.router, parsed.recipe)
        where = parsed.benchmark, pair, row.router_id, row.view
        scores = store.strong_win_rates(*where)
        n_folds = int(store.folds(*where).max()) + 1
    found = certify(
        scores,
        outcomes.quality_weak,
        outcomes.quality_strong,
        _promise(parsed, benchmark),
        quality_low=benchmark.quality_low,
        quality_high=benchmark.quality_high,
        cluster_code=outcomes.cluster_code,
        delta=round(1 - parsed.confidence, 12),
        seed=parsed.seed,
    )
    document = {
        "benchmark": parsed.benchmark,
        "model_pair": {"strong": pair.strong, "weak": pair.weak},
        "router": row.router_name,
        "recipe": row.recipe,
        "view": row.view,
        "words": promise_words(found, benchmark.quality_unit),
        "about": about(n_folds),
        **_figures(found),
    }
    lines = [promise_words(found, benchmark.quality_unit)]
    if found.is_reached:
        lines.append(f"threshold {found.threshold!r}, bound {found.bound:.6g}")
    return document, [*lines, *_search_lines(found), f"  {about(n_folds)}"]


def _promise(parsed: argparse.Namespace, benchmark: Benchmark) -> Promise:
    if parsed.keep is not None:
        return Promise("keep", parsed.keep)
    if parsed.lose is not None:
        return Promise("lose", parsed.lose / points_in(benchmark.quality_unit))
    return Promise("miss", parsed.miss)


def _figures(found: Certificate) -> dict[str, Any]:
    """The certificate as JSON, quality in the benchmark's scale."""
    figures = dict(vars(found))
    promise = figures.pop("promise")
    return {
        "promise": {"kind": promise.kind, "limit": promise.limit},
        "is_reached": found.is_reached,
        **figures,
    }


def _search_lines(found: Certificate) -> list[str]:
    ended = (
        "none failed"
        if found.n_passed == found.n_thresholds
        else f"the next, {found.stopped_at:.6g}, had p = {found.stopped_p_value:.3g}"
    )
    return [
        f"  {found.n_passed} of {found.n_thresholds} thresholds passed in turn, {ended}",
        f"  {found.n_calibration:,} distinct queries chose it, {found.n_held_out:,} checked it, "
        f"the scores of {found.n_pilot:,} more gave the thresholds",
    ]
