"""From a target to a policy: the router's curve, the threshold on it, and the evidence for both."""

import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, cast

import numpy as np
from pydantic import ValidationError

from routellm_core import __version__
from routellm_core.errors import DataError
from routellm_core.metrics.baselines import random_line
from routellm_core.metrics.cache import forfeited_cache
from routellm_core.metrics.costs import CostKind, CostSource
from routellm_core.metrics.curve import calls_strong, point_index, rank_queries
from routellm_core.metrics.prices import choice_of
from routellm_core.policy.choice import SelectedThreshold, outcomes_hash
from routellm_core.policy.document import POLICY_VERSION, Policy, content_hash, first_problem
from routellm_core.policy.fields import (
    CalledModel,
    CalledPair,
    ChosenBy,
    Evidence,
    FigureInterval,
    Guarantee,
    ModelPrice,
    PolicyRouter,
    Prices,
)
from routellm_core.policy.guarantee.certify import CheckpointCertificate, check_certified, scope_of
from routellm_core.policy.guarantee.sentences import (
    EVIDENCE,
    HELD_OUT,
    about,
    certificate_sentence,
)
from routellm_core.routers.checkpoints import checkpoint_hash
from routellm_core.statistics.bootstrap import N_RESAMPLES, curve_intervals
from routellm_core.statistics.routed_point import point_figures
from routellm_core.store import Store
from routellm_core.types import Interval, ModelPair
from routellm_core.wording import money


class ProviderNames(NamedTuple):
    """The provider of a model, and the model's name there."""

    provider: str
    name: str


def _price(source: CostSource) -> ModelPrice:
    """The price of a model, and what its money rests on."""
    price = source.price
    said = price.source
    if source.kind is CostKind.MEASURED:
        said = f"{money.source(source)}; not by this price ({price.source})"
    return ModelPrice.of(price._replace(source=said), source.kind)


def policy_of(
    choice: SelectedThreshold,
    checkpoint: Path,
    *,
    created_at: datetime | None = None,
    weak: ProviderNames | None = None,
    strong: ProviderNames | None = None,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    warm_share: float | None = None,
) -> Policy:
    """The policy of a choice, with its evidence.

    Args:
        choice: threshold and figures.
        checkpoint: folder of the router that the policy is to run; a guarantee is about the one
            without the fold that it rests on, see `left_out.fold_checkpoint_dir`.
        created_at: with a zone; by default now.
        weak: how the weak model is called; by default by its name, at an endpoint like OpenAI's.
        strong: the same of the strong model.
        n_resamples: of the bootstrap.
        seed: of the bootstrap.
        warm_share: of the calls whose prompt one model alone would read from its cache; then what
            switches of model forfeit is in the policy.

    Raises:
        NotTrainedError: there is no checkpoint in the folder.
        DataError: a name holds what a configuration cannot hold, the seed is below 0, or the
            guarantee is about another checkpoint.
    """
    if seed < 0:
        raise DataError(f"a seed of {seed} draws nothing; give a whole number from 0")
    moment = (created_at or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
    router, found, certified = choice.router, choice.calibration, choice.certified
    if certified is not None:
        check_certified(certified, checkpoint)
    budget_for = choice.target.queries_per_month if found.mode == "budget" else None
    pair = choice.outcomes.model_pair
    try:
        unnamed = Policy(
            policy_version=POLICY_VERSION,
            policy_id="unnamed",
            created_at=moment,
            project_version=__version__,
            router=PolicyRouter(
                router_id=router.router_id,
                router_name=router.router_name,
                recipe=router.recipe,
                checkpoint=checkpoint.name,
                checkpoint_sha256=checkpoint_hash(checkpoint),
                embedder=router.embedder,
            ),
            model_pair=CalledPair(
                weak=_called(pair.weak, weak), strong=_called(pair.strong, strong)
            ),
            threshold=_threshold(choice),
            chosen_by=ChosenBy(
                mode=found.mode,
                wanted=found.wanted,
                achieved=found.achieved,
                queries_per_month=budget_for,
            )
            if certified is None
            else ChosenBy(
                mode="promise",
                wanted=certified.certificate.target.limit,
                achieved=certified.certificate.achieved,
            ),
            guarantee=certified and guarantee_of(certified, choice.benchmark.quality_unit),
            evidence=_evidence(choice, n_resamples, seed),
            prices=Prices(
                money=choice_of(choice.prices),
                warm_share=warm_share,
                forfeited_usd_per_query=_forfeited(choice, warm_share),
                weak=_price(choice.costs.weak_source),
                strong=_price(choice.costs.strong_source),
                prompt_tokens=choice.costs.tokens.prompt,
                answer_tokens=choice.costs.tokens.answer,
            ),
        )
    except ValidationError as error:
        raise DataError(f"no policy can be made of this choice: {first_problem(error)}") from error
    where = re.sub(
        r"[^A-Za-z0-9_.+-]", "_", f"{router.router_name}-{choice.benchmark.benchmark_id}"
    )
    name = f"{where[:80]}-{content_hash(unnamed)[:8]}"
    return unnamed.model_copy(update={"policy_id": name}).signed()


def keep_policy(store: Store, policy: Policy) -> None:
    """Keep a policy in the store, where everybody sees it.

    Args:
        store: open for writing.
        policy: of a benchmark that everybody sees too.

    Raises:
        DataError: its benchmark is private to a browser session, or it is kept already.
        UnknownNameError: its benchmark is not here.
    """
    if store.benchmark(policy.evidence.benchmark_id).owner is not None:
        raise DataError(
            f"{policy.evidence.title} is private and ends with its session, and everybody would "
            "see this policy of it: save the set first, or take the policy away as a file"
        )
    store.add_policy(policy.policy_id, policy.created_at, policy.as_bytes().decode("utf-8"))


def changes_since(store: Store, policy: Policy, owner: str | None = None) -> list[str]:
    """Changes since the policy was made, a sentence each; empty where there are none.

    Not its figures are compared but what they were made of.

    Args:
        store: holds outcomes and scores.
        policy: of any origin.
        owner: a browser session; of what is private to others nothing is told.
    """
    evidence, router_id = policy.evidence, policy.router.router_id
    pair = ModelPair(policy.model_pair.weak.name, policy.model_pair.strong.name)
    if evidence.benchmark_id not in set(store.benchmarks(owner)["benchmark_id"]):
        return [f"what the policy was made of is not here: no benchmark {evidence.benchmark_id!r}"]
    where = evidence.benchmark_id, pair, router_id, evidence.view
    try:
        outcomes = store.pair_outcomes(evidence.benchmark_id, pair)
        scores = store.strong_win_rates(*where)
        if policy.guarantee is not None and policy.guarantee.left_out_fold is not None:
            rests_on = store.folds(*where) == policy.guarantee.left_out_fold
            outcomes, scores = outcomes.of(rests_on), scores[rests_on]
    except (LookupError, DataError) as error:
        return [f"what the policy was made of is not here: {error}"]
    if outcomes_hash(outcomes, scores) != evidence.outcomes_sha256:
        return [
            f"outcomes or scores of {evidence.title} have changed since "
            f"{policy.created_at:%Y-%m-%d}: the same target may lead to another threshold"
        ]
    return []


def _forfeited(choice: SelectedThreshold, warm_share: float | None) -> float:
    """USD a query that switches of model forfeit in cache; NaN where nobody asked."""
    if warm_share is None:
        return math.nan
    called = calls_strong(choice.strong_win_rate, choice.threshold)
    return forfeited_cache(choice.outcomes, choice.costs, called, warm_share).usd_per_query


def _called(name: str, wanted: ProviderNames | None) -> CalledModel:
    provider, called_name = wanted or ProviderNames("openai", name)
    try:
        return CalledModel(name=name, provider=provider, provider_name=called_name)
    except ValidationError as error:
        raise DataError(
            f"model {name!r}: {first_problem(error)}; say how its provider calls it, in letters, "
            "digits and . _ : / @ + -"
        ) from error


def _threshold(choice: SelectedThreshold) -> float | Literal["never", "always"]:
    """A given α stays one: other traffic may have scores on its other side."""
    share = choice.point.strong_call_share
    if choice.calibration.mode != "alpha" and share in (0.0, 1.0):
        return "always" if share else "never"
    return choice.threshold


def _evidence(choice: SelectedThreshold, n_resamples: int, seed: int) -> Evidence:
    outcomes, point, certified = choice.outcomes, choice.point, choice.certified
    intervals = _intervals(choice, n_resamples, seed)
    figures = {
        "strong_call_share": point.strong_call_share,
        "quality": point.quality,
        "pgr": point.pgr,
        "quality_weak": float(outcomes.quality_weak.mean()),
        "quality_strong": float(outcomes.quality_strong.mean()),
    }
    line = random_line(outcomes.quality_weak, outcomes.quality_strong, outcomes.n_queries + 1)
    k = round(point.strong_call_share * outcomes.n_queries)
    return Evidence(
        benchmark_id=choice.benchmark.benchmark_id,
        title=choice.benchmark.title,
        n_queries=outcomes.n_queries,
        n_contaminated=choice.n_contaminated,
        view=choice.view,
        meaning=EVIDENCE[choice.view] if certified is None else HELD_OUT[choice.view],
        quality_unit=cast(Literal["share right", "points"], choice.benchmark.quality_unit),
        **{
            name: FigureInterval(value=value, low=intervals[name].low, high=intervals[name].high)
            for name, value in figures.items()
        },
        quality_random=FigureInterval(
            value=float(line.quality[k]), low=float(line.low[k]), high=float(line.high[k])
        ),
        usd_per_query=float(choice.cost[point_index(choice.curve, point.threshold)]),
        usd_per_query_strong=float(choice.costs.strong.mean()),
        n_resamples=n_resamples,
        seed=seed,
        data_hash=choice.data_hash,
        outcomes_sha256=outcomes_hash(outcomes, choice.strong_win_rate)
        if certified is None
        else certified.outcomes_sha256,
    )


def _intervals(choice: SelectedThreshold, n_resamples: int, seed: int) -> dict[str, Interval]:
    """95% intervals as the dashboard draws them: qualities and PGR at that strong-call share."""
    outcomes, ranking = choice.outcomes, rank_queries(choice.strong_win_rate)
    found = curve_intervals(
        ranking,
        outcomes.quality_weak,
        outcomes.quality_strong,
        cluster_code=outcomes.cluster_code,
        n_resamples=n_resamples,
        seed=seed,
    )
    called = calls_strong(choice.strong_win_rate, choice.point.threshold)
    own = point_figures(called, outcomes, choice.costs, found)
    alone = (found.quality_at(np.array([share])) for share in (0.0, 1.0))
    weak, strong = (Interval(float(low[0]), float(high[0])) for low, high in alone)
    return {
        "strong_call_share": own.strong_call_share.interval,
        "quality": own.quality.interval,
        "pgr": own.pgr.interval,
        "quality_weak": weak,
        "quality_strong": strong,
    }


def guarantee_of(certified: CheckpointCertificate, quality_unit: str) -> Guarantee:
    """The certificate as a part of a policy."""
    found, fold = certified.certificate, certified.held_out_fold
    low, high = found.achieved_interval
    return Guarantee(
        kind=found.target.kind,
        limit=found.target.limit,
        delta=found.delta,
        seed=found.seed,
        n_pilot=found.n_pilot,
        n_calibration=found.n_calibration,
        n_held_out=found.n_held_out,
        threshold=found.threshold,
        p_value=found.p_value,
        bound=found.bound,
        achieved=FigureInterval(value=found.achieved, low=low, high=high),
        left_out_fold=fold,
        calibration_sha256=certified.calibration_sha256,
        words=certificate_sentence(found, quality_unit),
        about=about(scope_of(0, fold), fold),
    )
