"""Kept policies and policies of the choice on screen, with the folders of their checkpoints."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pandas as pd
import streamlit as st

from routellm_core.metrics.costs import Price
from routellm_core.policy.guarantee.certify import Certificate, certify_on
from routellm_core.policy.guarantee.risks import GuaranteeTarget
from routellm_core.routers.checkpoints import checkpoint_dir

if TYPE_CHECKING:
    from routellm_core.evaluation.best_of_all import AllModels
    from routellm_core.metrics.thresholds import Target
    from routellm_core.policy.build import ProviderNames
    from routellm_core.policy.choice import ScoredBenchmark, SelectedThreshold
    from routellm_core.policy.document import Policy
from views.cache.benchmarks import RouterKey, benchmark, outcomes, ranked
from views.cache.evidence import latencies
from views.cache.own_data import contaminated_ids
from views.cache.workspace import DATA_DIR, store


class MadePolicy(NamedTuple):
    """A policy, the choice that it was made of, and the folder of its checkpoint."""

    policy: "Policy"
    choice: "SelectedThreshold"
    folder: Path


@st.cache_data(max_entries=128, show_spinner=False)
def certificate(key: RouterKey, target: GuaranteeTarget, confidence: float) -> Certificate:
    """The cheapest threshold with a guarantee, on the one split that this dashboard knows."""
    return certify_on(
        benchmark(key.version, key.benchmark_id),
        outcomes(key.version, key.benchmark_id, key.pair),
        ranked(key).strong_win_rate,
        target,
        delta=round(1 - confidence, 12),
    )


@st.cache_data(max_entries=4, show_spinner=False)
def policies(version: int) -> pd.DataFrame:
    """Kept policies, the latest first."""
    return store().policies()


@st.cache_resource(max_entries=8, show_spinner="Drawing intervals for the evidence …")
def policy(
    key: RouterKey,
    prices: tuple[Price, Price],
    target: "Target",
    called: "tuple[ProviderNames, ProviderNames]",
    warm_share: float | None = None,
) -> MadePolicy:
    """The policy that meets a target."""
    from routellm_core.policy.build import policy_of
    from routellm_core.policy.choice import threshold_on

    scored = _scored(key, prices)
    choice, folder = threshold_on(scored, target), checkpoint_dir(scored.router, DATA_DIR)
    made = policy_of(choice, folder, weak=called[0], strong=called[1], warm_share=warm_share)
    return MadePolicy(made, choice, folder)


@st.cache_resource(max_entries=8, show_spinner="Drawing intervals for the evidence …")
def certified_policy(
    key: RouterKey,
    prices: tuple[Price, Price],
    target: GuaranteeTarget,
    confidence: float,
    called: "tuple[ProviderNames, ProviderNames]",
    warm_share: float | None = None,
) -> MadePolicy:
    """The policy that carries a guarantee, with the checkpoint that was certified."""
    from routellm_core.policy.build import policy_of
    from routellm_core.policy.guarantee.choice import certified_threshold
    from routellm_core.routers.fold_checkpoints import checkpoint_without

    scored = _scored(key, prices)
    fold = store().folds(key.benchmark_id, key.pair, key.router_id, key.view)
    choice = certified_threshold(scored, fold, target, delta=round(1 - confidence, 12))
    assert choice.certified is not None
    folder = checkpoint_without(scored.router, choice.certified.held_out_fold, DATA_DIR)
    made = policy_of(choice, folder, weak=called[0], strong=called[1], warm_share=warm_share)
    return MadePolicy(made, choice, folder)


def all_models(choice: "SelectedThreshold") -> "AllModels | None":
    """All models on the queries of a choice; None where there are no more than its two."""
    from routellm_core.evaluation import best_of_all

    return best_of_all.all_models(store(), choice.outcomes, choice.costs, choice.prices)


def _scored(key: RouterKey, prices: tuple[Price, Price]) -> "ScoredBenchmark":
    """The result of `policy.choice.read_scored_benchmark`, from what is cached."""
    from routellm_core.policy.choice import ScoredBenchmark

    return ScoredBenchmark(
        benchmark=benchmark(key.version, key.benchmark_id),
        outcomes=outcomes(key.version, key.benchmark_id, key.pair),
        router=store().router(key.router_id),
        view=cast(Any, key.view),
        strong_win_rate=ranked(key).strong_win_rate,
        prices=prices,
        n_contaminated=len(contaminated_ids(key.version, key.benchmark_id)),
        data_hash=store().data_hash,
        latencies=latencies(key.version, key.benchmark_id, key.pair),
    )
