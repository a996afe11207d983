"""Quality carried over to other traffic: how far off is it, where the outcomes are known?

Groups of queries play the own traffic: their outcomes are hidden, estimated from the rest of the
benchmark and then compared. Temperature and penalty are chosen on every other group of MMLU and of
MMLU with GSM8K; the rest, one from the other, and MMLU-Pro with three pairs report. Errors are in
points of a scale of 100: the mean over always weak, always strong and strong-call shares of 0.1 to
0.9, at thresholds that reach these shares of the own queries.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import spearmanr

from routellm_core.embedders.cosines import largest_cosine
from routellm_core.embedders.sentence import SentenceEmbedder
from routellm_core.embedders.vector_cache import read_features
from routellm_core.evaluation.traffic.transport import (
    COVERED,
    TEMPERATURE,
    Transported,
    similarity_weights,
)
from routellm_core.evaluation.traffic.two_sample import FAR_APART, TwoSample, two_sample
from routellm_core.metrics.curve import apgr, rank_queries, routing_curve
from routellm_core.metrics.slices import looks_broken, slice_table
from routellm_core.store import Store
from routellm_core.text_keys import group_key
from routellm_core.types import ModelPair, PairOutcomes

TEMPERATURES = (0.02, 0.03, 0.05, 0.08, 0.12)
PENALTIES = (0.01, 0.1, 1.0, 10.0)
SHARES = np.linspace(0.0, 1.0, 11)
_ROOT = Path(__file__).parent.parent
_STORE = _ROOT / ".store" / "explorer.duckdb"
_ROUTER = "mf-golden"
_SEED = 0
_FEWEST = 300
_TOPICS = {
    "science": """abstract_algebra astronomy college_biology college_chemistry
        college_computer_science college_mathematics college_physics computer_security
        conceptual_physics electrical_engineering elementary_mathematics high_school_biology
        high_school_chemistry high_school_computer_science high_school_mathematics
        high_school_physics high_school_statistics machine_learning""",
    "humanities": """formal_logic high_school_european_history high_school_us_history
        high_school_world_history international_law jurisprudence logical_fallacies moral_disputes
        moral_scenarios philosophy prehistory professional_law world_religions""",
    "social sciences": """econometrics high_school_geography high_school_government_and_politics
        high_school_macroeconomics high_school_microeconomics high_school_psychology
        human_sexuality professional_psychology public_relations security_studies sociology
        us_foreign_policy""",
    "medicine": """anatomy clinical_knowledge college_medicine human_aging medical_genetics
        nutrition professional_medicine virology""",
    "other": """business_ethics global_facts management marketing miscellaneous
        professional_accounting""",
}


class Known(NamedTuple):
    """Queries of one pair whose outcomes are known, (n_queries,) each."""

    outcomes: PairOutcomes
    score: Any
    embeddings: Any
    keys: Any
    """`group_key` of each text."""


class Group(NamedTuple):
    """A group of queries that plays the own traffic."""

    kind: str
    name: str
    known: Known
    own: Any
    """(n_queries,) true for the queries whose outcomes are hidden."""
    benchmark: Any
    """(n_queries,) true for those that are estimated from."""


class Found(NamedTuple):
    """What a group's estimate says beside the truth."""

    errors: Any
    """(11,) by strong-call share, in points; negative is too low."""
    apgr_error: float
    covered: Any
    """(11,) whether the 95% interval holds the truth."""
    effective_n: float


def measure() -> Iterator[str]:
    golden, broken, pro = _known()
    groups = list(_groups(golden))
    chosen_on, reported = groups[::2], [*groups[1::2], *_between(golden), *_slices_of(pro)]
    mean_error = {
        f"temperature {t}": _mean_error(chosen_on, lambda g, t=t: _by_similarity(g, t))
        for t in TEMPERATURES
    } | {
        f"penalty {c}": _mean_error(chosen_on, lambda g, c=c: _by_odds(_tested(g, c)))
        for c in PENALTIES
    }
    listed = ", ".join(f"{name} {error:.2f}" for name, error in mean_error.items())
    yield (
        f"chosen on {len(chosen_on)} groups, mean error unweighted "
        f"{_mean_error(chosen_on, _equal):.2f}, {listed}; the product takes {TEMPERATURE}"
    )
    penalty = min(PENALTIES, key=lambda c: mean_error[f"penalty {c}"])
    temperature = min(TEMPERATURES, key=lambda t: mean_error[f"temperature {t}"])
    methods: dict[str, Callable[[Group], Any]] = {
        "unweighted": _equal,
        f"similarity, temperature {temperature}": lambda g: _by_similarity(g, temperature),
        f"density ratio, penalty {penalty}": lambda g: _by_odds(_tested(g, penalty)),
    }
    told = {id(group): _tested(group) for group in reported}
    found = {
        name: [_estimated(group, weigh(group), told[id(group)]) for group in reported]
        for name, weigh in methods.items()
    }
    for kind in (*dict.fromkeys(group.kind for group in reported), "all"):
        of_kind = [i for i, group in enumerate(reported) if kind in (group.kind, "all")]
        yield from _lines(f"{kind} (n = {len(of_kind)})", found, of_kind)
    auc = np.array([told[id(group)].auc for group in reported])
    for low, high in ((0.0, 0.6), (0.6, FAR_APART), (FAR_APART, 0.95), (0.95, 1.01)):
        of_band = np.flatnonzero((auc >= low) & (auc < high)).tolist()
        if of_band:
            yield from _lines(
                f"AUC {low:.2f} to {min(high, 1):.2f} (n = {len(of_band)})", found, of_band
            )
    covered = [_covered_share(group) for group in reported]
    for name, of_method in found.items():
        error = [np.abs(one.errors).mean() for one in of_method]
        effective = [one.effective_n for one in of_method]
        yield (
            f"{name}: rank correlation of the error with AUC {spearmanr(auc, error)[0]:+.2f}, "
            f"with the effective number of queries {spearmanr(effective, error)[0]:+.2f}, "
            f"with the covered share {spearmanr(covered, error)[0]:+.2f}"
        )
    yield from _without_broken(golden, broken)
    yield from _speed(golden)


def _known() -> tuple[Known, Any, list[Known]]:
    """MMLU and GSM8K as one, which of its slices look broken, and MMLU-Pro of each pair."""
    embedder = SentenceEmbedder()
    with Store(_STORE, read_only=True) as store:

        def known(benchmark_id: str, pair: ModelPair, router_id: str) -> Known:
            outcomes = store.pair_outcomes(benchmark_id, pair)
            of_id = store.query_texts(benchmark_id)
            texts = [of_id[query_id] for query_id in outcomes.query_id]
            return Known(
                outcomes,
                store.strong_win_rates(benchmark_id, pair, router_id, "in_domain"),
                read_features(texts, embedder, _ROOT / ".cache"),
                np.array([group_key(text) for text in texts]),
            )

        pair = store.scored_pairs("mmlu")[0]
        mmlu, gsm8k = known("mmlu", pair, _ROUTER), known("gsm8k", pair, _ROUTER)
        pro = []
        for of_pro in store.scored_pairs("mmlu_pro"):
            routers = store.routers("mmlu_pro", of_pro).query("view == 'in_domain'")
            own_pair = routers[routers["router_name"] == "mf"]["router_id"]
            pro += [known("mmlu_pro", of_pro, router_id) for router_id in own_pair]
    table = slice_table(mmlu.outcomes, mmlu.score, 0.5)
    broken = table["slice"][looks_broken(table)].tolist()
    return _joined(mmlu, gsm8k), broken, pro


def _joined(one: Known, other: Known) -> Known:
    a, b = one.outcomes, other.outcomes
    fields = {
        name: np.concatenate([value, getattr(b, name)])
        for name, value in vars(a).items()
        if isinstance(value, np.ndarray) and not name.endswith("_code")
    }
    outcomes = PairOutcomes(
        benchmark_id="mmlu and gsm8k",
        model_pair=a.model_pair,
        slices=(*a.slices, *b.slices),
        slice_code=np.concatenate([a.slice_code, b.slice_code + len(a.slices)]),
        cluster_code=np.concatenate([a.cluster_code, b.cluster_code + 1 + a.cluster_code.max()]),
        **fields,
    )
    rest = [np.concatenate(pair) for pair in zip(one[1:], other[1:], strict=True)]
    return Known(outcomes, *rest)


def _groups(known: Known) -> Iterator[Group]:
    """Groups of MMLU and GSM8K: left out altogether, mixed, and random as a control."""
    rng = np.random.default_rng(_SEED)
    slices, code = np.array(known.outcomes.slices), known.outcomes.slice_code
    gsm8k = slices[code] == "gsm8k"
    n_of = np.bincount(code[~gsm8k], minlength=len(slices) - 1)
    for name, members in _TOPICS.items():
        own = np.isin(slices[code], members.split())
        yield Group("a topic left out", name, known, own, ~own & ~gsm8k)
    for i in range(10):
        own = np.isin(code, rng.choice(len(n_of), 8, replace=False))
        yield Group("eight slices left out", f"eight {i}", known, own, ~own & ~gsm8k)
    for i in np.flatnonzero(n_of >= _FEWEST):
        yield Group("a slice left out", slices[i], known, code == i, (code != i) & ~gsm8k)
    for i in range(12):
        wanted = rng.dirichlet(np.full(len(n_of), 0.3)) / n_of
        chance = np.where(gsm8k, 0.0, wanted[np.minimum(code, len(n_of) - 1)])
        chance = np.minimum(chance * 3_000 / chance.sum(), 0.9)
        own = rng.random(len(code)) < chance
        yield Group("another mixture of slices", f"mixture {i}", known, own, ~own & ~gsm8k)
    for i, share in enumerate((0.2, 0.4, 0.6, 0.8)):
        own = np.zeros(len(code), dtype=bool)
        for places, n in ((gsm8k, 700 * share), (~gsm8k, 700 * (1 - share))):
            own[rng.choice(np.flatnonzero(places), int(n), replace=False)] = True
        yield Group("more GSM8K than there is", f"with GSM8K {i}", known, own, ~own)
    for i in range(6):
        own = ~gsm8k & (rng.random(len(code)) < 0.5)
        yield Group("random halves", f"half {i}", known, own, ~own & ~gsm8k)


def _between(known: Known) -> Iterator[Group]:
    gsm8k = np.array(known.outcomes.slices)[known.outcomes.slice_code] == "gsm8k"
    yield Group("MMLU from GSM8K", "MMLU", known, ~gsm8k, gsm8k)
    yield Group("GSM8K from MMLU", "GSM8K", known, gsm8k, ~gsm8k)


def _slices_of(pro: Sequence[Known]) -> Iterator[Group]:
    for known in pro:
        code = known.outcomes.slice_code
        for i, name in enumerate(known.outcomes.slices):
            if (code == i).sum() >= _FEWEST:
                pair = known.outcomes.model_pair
                yield Group("a slice of MMLU-Pro", f"{pair} {name}", known, code == i, code != i)


def _tested(group: Group, penalty: float = 1.0) -> TwoSample:
    x, keys = group.known.embeddings, group.known.keys
    own, benchmark = group.own, group.benchmark
    return two_sample(
        x[own], x[benchmark], keys[own], keys[benchmark], inverse_penalty=penalty, seed=_SEED
    )


def _equal(group: Group) -> Any:
    return np.ones(int(group.benchmark.sum()))


def _by_similarity(group: Group, temperature: float) -> Any:
    x = group.known.embeddings
    return similarity_weights(x[group.benchmark], x[group.own], temperature)[0]


def _by_odds(tested: TwoSample) -> Any:
    """The density ratio by Bickel, Brueckner and Scheffer (2009, JMLR 10:2137)."""
    return np.exp(np.clip(tested.log_odds_benchmark, -10.0, 10.0))


def _covered_share(group: Group) -> float:
    x = group.known.embeddings
    return float((largest_cosine(x[group.own], x[group.benchmark]) >= COVERED).mean())


def _carried(group: Group, weight: Any, tested: Any, n_resamples: int) -> Transported:
    return Transported(
        outcomes=group.known.outcomes.of(group.benchmark),
        strong_win_rate=group.known.score[group.benchmark],
        own_strong_win_rate=group.known.score[group.own],
        weight=weight,
        own_nearest=np.full(int(group.own.sum()), np.nan),
        two_sample=tested,
        n_resamples=n_resamples,
        seed=_SEED,
    )


def _thresholds(group: Group) -> list[float]:
    ranking = rank_queries(group.known.score[group.own])
    share = ranking.n_strong / ranking.n_strong[-1]
    return [float(ranking.threshold[np.abs(share - wanted).argmin()]) for wanted in SHARES]


def _truth(group: Group) -> tuple[Any, float]:
    """(11,) quality at the shares, and APGR."""
    own = group.known.outcomes.of(group.own)
    curve = routing_curve(group.known.score[group.own], own.quality_weak, own.quality_strong)
    at = [int(np.flatnonzero(curve.threshold == t)[0]) for t in _thresholds(group)]
    return curve.quality[at], apgr(curve)


def _mean_error(groups: Sequence[Group], weigh: Callable[[Group], Any]) -> float:
    errors = []
    for group in groups:
        carried = _carried(group, weigh(group), None, 0)
        found = [carried.expected_quality(threshold) for threshold in _thresholds(group)]
        errors.append(100 * np.abs(np.array(found) - _truth(group)[0]).mean())
    return float(np.mean(errors))


def _estimated(group: Group, weight: Any, tested: TwoSample) -> Found:
    carried = _carried(group, weight, tested, 500)
    truth, true_apgr = _truth(group)
    found = [carried.at(threshold).quality for threshold in _thresholds(group)]
    return Found(
        errors=100 * (np.array([one.value for one in found]) - truth),
        apgr_error=abs(carried.apgr.value - true_apgr),
        covered=np.array(
            [
                one.interval.low <= true <= one.interval.high
                for one, true in zip(found, truth, strict=True)
            ]
        ),
        effective_n=carried.effective_n,
    )


def _lines(title: str, found: dict[str, list[Found]], places: Sequence[int]) -> Iterator[str]:
    for name, of_method in found.items():
        some = [of_method[i] for i in places]
        errors = np.array([np.abs(one.errors).mean() for one in some])
        largest = max(np.abs(one.errors).max() for one in some)
        of_apgr = [one.apgr_error for one in some if not np.isnan(one.apgr_error)]
        yield (
            f"{title}, {name}: mean error {errors.mean():.2f} points (median group "
            f"{np.median(errors):.2f}, largest {largest:.1f}), APGR off by "
            f"{f'{np.median(of_apgr):.3f}' if of_apgr else '–'} (median); 95% intervals hold "
            f"{np.mean([one.covered for one in some]):.0%}; effective queries "
            f"{np.median([one.effective_n for one in some]):.0f}"
        )


def _without_broken(golden: Known, broken: Sequence[str]) -> Iterator[str]:
    """GSM8K from MMLU without the slices whose published outcomes look broken."""
    names = np.array(golden.outcomes.slices)[golden.outcomes.slice_code]
    kept = (names != "gsm8k") & ~np.isin(names, broken)
    group = Group("", "", golden, names == "gsm8k", kept)
    for name, weight in (
        ("unweighted", _equal(group)),
        ("similarity", _by_similarity(group, TEMPERATURE)),
    ):
        errors = _estimated(group, weight, _tested(group)).errors
        yield f"GSM8K from MMLU without {', '.join(broken)}, {name}: {np.abs(errors).mean():.2f}"


def _speed(golden: Known) -> Iterator[str]:
    x, keys = golden.embeddings, golden.keys
    start = perf_counter()
    two_sample(x[:10_000], x, keys[:10_000], keys)
    tested = perf_counter()
    similarity_weights(x, x[:10_000])
    yield (
        f"{len(x):,} benchmark and 10,000 own queries: tested in {tested - start:.1f} s, weighted "
        f"in {perf_counter() - tested:.1f} s"
    )
