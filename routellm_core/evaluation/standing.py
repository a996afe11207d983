"""Standing of a pair as part of the JSON objects of the verbs, and in lines for people."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from routellm_core.evaluation.best_of_all import AllModels, best_document, best_not_dearer
from routellm_core.metrics.costs import PairCosts
from routellm_core.statistics.pair_standing import gain_over_best, pair_standing
from routellm_core.types import Benchmark, PairOutcomes
from routellm_core.wording import standing as words


def standing_document(
    outcomes: PairOutcomes,
    costs: PairCosts,
    card: Benchmark,
    called: NDArray[np.bool_] | None = None,
    models: AllModels | None = None,
) -> dict[str, Any]:
    """The standing of a pair: its kind, gap and best single model, and all of it in words.

    Args:
        outcomes: of the pair.
        costs: of its queries.
        card: of the benchmark, for the scale and unit of its quality.
        called: (n_queries,) true where a threshold calls the strong model; None: there is none.
        models: all of the benchmark, where they are more than the pair's.

    Returns:
        Money is USD for 1,000 queries; `announcement` is None where the strong model is shown to
        be better and costs more, `swap` where it is not shown to be worse; `best_of_all` stands
        there where a threshold and further models are given.
    """
    found, pair = pair_standing(outcomes, costs, card), outcomes.model_pair
    unit = card.quality_unit
    usd = found.best.usd_per_query
    is_swapped = found.kind in ("weak_dominates", "reversed")
    document: dict[str, Any] = {
        "kind": found.kind,
        "gap": found.gap.value,
        "gap_interval": found.gap.interval,
        "announcement": words.announcement(found, pair.weak, pair.strong, unit),
        "swap": words.swap_options(*pair) if is_swapped else None,
        "best_single": {
            "model": found.best.model,
            "quality": found.best.quality.value,
            "quality_interval": found.best.quality.interval,
            "usd_per_1000": 1_000 * usd.value,
            "usd_per_1000_interval": tuple(1_000 * end for end in usd.interval),
            "words": words.best_single(found, unit),
        },
    }
    if called is not None:
        gain = gain_over_best(found, outcomes, called)
        document["best_single"] |= {
            "gain": gain.value,
            "gain_interval": gain.interval,
            "gain_words": words.against_best(gain, unit),
        }
    if called is not None and models is not None:
        best = best_not_dearer(
            models,
            np.where(called, outcomes.quality_strong, outcomes.quality_weak),
            np.where(called, costs.strong, costs.weak),
            outcomes.cluster_code,
            card,
        )
        document["best_of_all"] = best_document(best, unit)
    return document


def standing_lines(document: dict[str, Any]) -> list[str]:
    """The object of `standing_document` for people: first what is announced, if anything is."""
    lines = [said for said in (document["announcement"], document["swap"]) if said is not None]
    best = document["best_single"]
    beside = f"; {best['gain_words']}" if "gain_words" in best else ""
    of_all = document.get("best_of_all")
    more = [] if of_all is None else [of_all["words"]]
    return [*lines, best["words"] + beside, *more]
