"""A gateway's log, imported, beside the evidence of the policy that it ran.

The figures are those of `policy.monitoring`; here they are read from the store.
"""

from typing import NamedTuple

import numpy as np

from routellm_core.errors import DataError, UnknownNameError
from routellm_core.policy.document import Policy
from routellm_core.policy.monitoring import (
    Drift,
    Watched,
    cost_of_answers,
    drift_of_scores,
    share_of_strong,
)
from routellm_core.store import Store
from routellm_core.types import ModelPair
from routellm_core.wording.names import short_name


class LogCheck(NamedTuple):
    """The figures of a log, each with what the evidence allows."""

    strong: str
    """The log's name of the strong model."""
    weak: str
    strong_call_share: Watched
    usd_per_query: Watched
    scores: Drift
    n_scored: int
    """Queries of the log that the policy's router has scored."""

    @property
    def is_alarm(self) -> bool:
        """True where any figure raises one."""
        figures = (self.strong_call_share, self.usd_per_query, self.scores)
        return any(figure.is_alarm for figure in figures)


def check_log(
    store: Store, policy: Policy, log: str, *, strong: str | None = None, weak: str | None = None
) -> LogCheck:
    """Lay a log beside a policy's evidence.

    Args:
        store: holds the log as an imported set with the usage of models, and the evidence.
        policy: that the gateway ran.
        log: id of the set.
        strong: the strong model as the log names it; by default the one whose name is the policy's.
        weak: the same of the weak model.

    Raises:
        UnknownNameError: no such set, or a model of the pair is not found in the log.
        DataError: the set is no log, or both models are the same.
    """
    costs = store.usage_costs(log)
    names = sorted(costs["model"].unique())
    if not names:
        raise DataError(
            f"{log} is no log: it has no ungraded answers; import the gateway's log, with a column "
            "of models, and name that set"
        )
    strong = strong or _alike(names, policy.model_pair.strong.provider_name, "strong")
    weak = weak or _alike(names, policy.model_pair.weak.provider_name, "weak")
    if strong == weak or not {strong, weak} <= set(names):
        raise DataError(
            f"--strong {strong} and --weak {weak}: name two models of the log, of "
            f"{', '.join(names)}"
        )
    of_pair = costs[costs["model"].isin([strong, weak])]
    evidence = policy.evidence
    expected = evidence.strong_call_share
    own = _log_scores(store, policy, log)
    return LogCheck(
        strong,
        weak,
        share_of_strong(
            int((of_pair["model"] == strong).sum()), len(of_pair), expected.low, expected.high
        ),
        cost_of_answers(of_pair["cost_usd"].to_numpy(np.float64), evidence.usd_per_query),
        drift_of_scores(own, _evidence_scores(store, policy) if len(own) else own),
        len(own),
    )


def _alike(names: list[str], wanted: str, side: str) -> str:
    for name in names:
        if short_name(name) == short_name(wanted):
            return name
    raise UnknownNameError(
        f"no model of the log is called {wanted}; say which is the {side} one: --{side}, of "
        f"{', '.join(names)}"
    )


def _log_scores(store: Store, policy: Policy, log: str) -> np.ndarray:
    """Scores of the log by the policy's router; of no query where it has not scored it."""
    table = store.scorings(log)
    rows = table[table["router_id"] == policy.router.router_id]
    if rows.empty:
        return np.empty(0, dtype=np.float32)
    row = rows.iloc[0]
    pair = ModelPair(weak=row["weak_model"], strong=row["strong_model"])
    scored = store.scored_queries(log, pair, row["router_id"], row["view"])
    return np.asarray(scored["strong_win_rate"], dtype=np.float32)


def _evidence_scores(store: Store, policy: Policy) -> np.ndarray:
    """Scores of the evidence's queries; of none where they are not in this store any more."""
    evidence, pair = policy.evidence, policy.model_pair
    if not store.has_benchmark(evidence.benchmark_id):
        return np.empty(0, dtype=np.float32)
    of = ModelPair(weak=pair.weak.name, strong=pair.strong.name)
    router_id = policy.router.router_id
    return store.strong_win_rates(evidence.benchmark_id, of, router_id, evidence.view)
