"""A small router on word vectors, scores of a benchmark, and the policy that is made of them."""

from datetime import UTC, datetime
from typing import NamedTuple

import pandas as pd

from routellm_core.metrics.thresholds import Target
from routellm_core.policy.build import ProviderNames, policy_of
from routellm_core.policy.choice import SelectedThreshold, select_threshold
from routellm_core.policy.document import Policy
from routellm_core.routers.configs import MatrixFactorizationConfig
from routellm_core.routers.mf import MatrixFactorizationRouter
from routellm_core.store import Store
from routellm_core.training.labels import golden_battles
from routellm_core.types import RouterEntry
from tests.conftest import PAIR
from tests.invented import WordVectors, add_golden

BENCHMARK = "kettles"
MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Made(NamedTuple):
    store: Store
    checkpoint: object
    choice: SelectedThreshold
    policy: Policy


def made(folder, target=None, **options):
    """Everything, in a store in memory and a checkpoint in `folder`."""
    store = Store()
    texts = add_golden(store, BENCHMARK)
    outcomes = store.pair_outcomes(BENCHMARK, PAIR)
    embedder = WordVectors()
    router = MatrixFactorizationRouter.fit(
        PAIR,
        embedder.embed(texts),
        golden_battles(outcomes),
        seed=0,
        embedder=embedder,
        config=MatrixFactorizationConfig(n_epochs=60),
    )
    checkpoint = folder / "mf-words"
    router.save(checkpoint)
    store.add_router(RouterEntry("mf-words", "mf", "golden", "kettles", checkpoint=str(checkpoint)))
    rates = pd.DataFrame(
        {"query_id": outcomes.query_id, "strong_win_rate": router.strong_win_rate(texts)}
    )
    store.add_strong_win_rates(BENCHMARK, PAIR, "mf-words", "untouched", rates)
    choice = select_threshold(store, BENCHMARK, "mf", target or Target("share", 0.4))
    policy = policy_of(choice, checkpoint, created_at=MOMENT, n_resamples=100, **options)
    return Made(store, checkpoint, choice, policy)


NAMED = {
    "weak": ProviderNames("openai", "org/small-v1"),
    "strong": ProviderNames("openai", "large-v2"),
}


def some_queries(n=200):
    """Texts like the benchmark's, of which the router calls some strong and some not."""
    things = ("kettles", "ropes", "tides", "moths", "bells", "chalk", "doors")
    verbs = ("prove", "say", "prove", "weigh")
    return [f"{verbs[i % 4]} {things[i % 7]} pond{i} now" for i in range(n)]
