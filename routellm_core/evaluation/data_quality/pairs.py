"""Checks of what both models of a pair did on the queries that routing is measured on.

Every function yields findings; none where there is nothing to say.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from routellm_core.evaluation.data_quality.findings import (
    RARE,
    TEST_LEVEL,
    DataFinding,
    Suspicion,
)
from routellm_core.metrics.slices import (
    broken_p_values,
    looks_broken,
    sign_p_values,
    slice_table,
)
from routellm_core.types import Benchmark, Floats, PairOutcomes

TINY_SLICE = 30
"""Queries below which the 95% interval of a share can be wider than ±17 points (Wilson)."""
MANY_REPEATED = 0.05
"""Share of repeated queries beyond which a benchmark is notably smaller than it looks."""
FEWEST_COUNTED = 10
"""Answers of one length by both models that are no coincidence: among ten of GSM8K, where 1.5% of
the pairs of answers are equally long, the chance is 1e-18."""
SHORT = 20
"""Tokens up to which many answers are equally long for a good reason: letters, numbers, labels."""


def pair_findings(outcomes: PairOutcomes, card: Benchmark) -> Iterator[DataFinding | Suspicion]:
    """Findings of every check of this module."""
    yield from off_scale(outcomes, card)
    yield from always_equal(outcomes)
    yield from swapped_models(outcomes)
    yield from reversed_gaps(outcomes)
    yield from slices_without_gap(outcomes)
    yield from repeated_queries(outcomes)
    yield from missing_tokens(outcomes)
    yield from copied_tokens(outcomes)


def off_scale(outcomes: PairOutcomes, card: Benchmark) -> Iterator[DataFinding]:
    """Qualities that are NaN or outside the benchmark's scale; the store refuses such rows."""
    qualities = outcomes.quality_weak, outcomes.quality_strong
    for model, quality in zip(outcomes.model_pair, qualities, strict=True):
        off = ~((quality >= card.quality_low) & (quality <= card.quality_high))
        if off.any():
            yield DataFinding(
                "off_scale",
                "error",
                _ids(outcomes, off),
                models=(model,),
                figures={"n_off": int(off.sum()), "n_queries": len(off)},
            )


def always_equal(outcomes: PairOutcomes) -> Iterator[Suspicion]:
    """Both models tie on every query.

    A note; an error where models that differ on a share `RARE` of such queries would not (exact):
    then one column may be a copy of the other.
    """
    equal = outcomes.quality_weak == outcomes.quality_strong
    n_texts = len(np.unique(outcomes.cluster_code))

    def finding(p_value: float) -> DataFinding | None:
        if not equal.all():
            return None
        return DataFinding(
            "always_equal",
            "error" if p_value < TEST_LEVEL else "note",
            _ids(outcomes, equal),
            models=tuple(outcomes.model_pair),
            p_value=p_value,
            figures={"n_queries": outcomes.n_queries},
        )

    yield Suspicion((1.0 - RARE) ** n_texts if equal.all() else 1.0, finding)


def swapped_models(outcomes: PairOutcomes) -> Iterator[Suspicion]:
    """The strong model is the worse one over all queries: on average, and by an exact sign test."""
    gain = outcomes.quality_strong - outcomes.quality_weak
    drawn = gain[np.unique(outcomes.cluster_code, return_index=True)[1]]
    better, worse = int((drawn > 0).sum()), int((drawn < 0).sum())

    def finding(p_value: float) -> DataFinding | None:
        if not (gain.mean() < 0 and p_value < TEST_LEVEL):
            return None
        return DataFinding(
            "swapped_models",
            "error",
            _ids(outcomes, np.ones(outcomes.n_queries, dtype=bool)),
            models=tuple(outcomes.model_pair),
            p_value=p_value,
            figures={
                "n_queries": outcomes.n_queries,
                "quality_weak": float(outcomes.quality_weak.mean()),
                "quality_strong": float(outcomes.quality_strong.mean()),
                "n_better": better,
                "n_worse": worse,
            },
        )

    yield Suspicion(float(binom.cdf(better, better + worse, 0.5)), finding)


def reversed_gaps(outcomes: PairOutcomes) -> Iterator[DataFinding | Suspicion]:
    """Slices where the weak model is the better one, although the strong one is on the others.

    Those that `slices.looks_broken` points at look like a failure of the evaluation. Of the rest
    an exact sign test says which are no chance, over the queries on which the models do not tie,
    one of each cluster.
    """
    table = slice_table(outcomes, np.zeros(outcomes.n_queries), 1.0)  # qualities need no router
    gain, n_slices = outcomes.quality_strong - outcomes.quality_weak, len(table)
    broken, broken_p, reversed_p = looks_broken(table), broken_p_values(table), sign_p_values(table)
    for i, row in enumerate(table.itertuples()):
        if broken[i]:
            yield _reversed_gap(outcomes, row, n_slices, float(broken_p[i]), is_broken=True)
        else:
            finding = partial(_standing_out, outcomes, row, n_slices, gain)
            yield Suspicion(float(reversed_p[i]), finding)


def _standing_out(
    outcomes: PairOutcomes, row: Any, n_slices: int, gain: Floats, p_value: float
) -> DataFinding | None:
    """Said of a row of `slice_table` that chance does not explain, nor the other slices share."""
    here = outcomes.slice_code == outcomes.slices.index(row.slice)
    if not (p_value < TEST_LEVEL and row.gap < 0 and not here.all() and gain[~here].mean() > 0):
        return None
    return _reversed_gap(outcomes, row, n_slices, p_value)


def _reversed_gap(
    outcomes: PairOutcomes, row: Any, n_slices: int, p_value: float, *, is_broken: bool = False
) -> DataFinding:
    here = outcomes.slice_code == outcomes.slices.index(row.slice)
    return DataFinding(
        "broken_slice" if is_broken else "reversed_gap",
        "error" if is_broken else "warning",
        _ids(outcomes, here),
        (row.slice,),
        tuple(outcomes.model_pair),
        p_value,
        {
            "n_queries": int(row.n_queries),
            "n_slices": n_slices,
            "quality_weak": float(row.quality_weak),
            "quality_strong": float(row.quality_strong),
            "n_better": int(row.n_better),
            "n_worse": int(row.n_worse),
        },
    )


def slices_without_gap(outcomes: PairOutcomes) -> Iterator[DataFinding]:
    """Slices whose gap may be none, and slices of few queries."""
    table = slice_table(outcomes, np.zeros(outcomes.n_queries), 1.0)
    flat = table[(table["gap_low"] <= 0) & (table["gap_high"] >= 0)]
    tiny = table[table["n_queries"] < TINY_SLICE]
    if len(flat):
        yield DataFinding(
            "no_gap",
            "note",
            _ids(outcomes, _within(outcomes, flat["slice"])),
            tuple(flat["slice"]),
            figures={"n_flat": len(flat), "n_slices": len(table)},
        )
    if len(tiny):
        yield DataFinding(
            "tiny_slice",
            "note",
            _ids(outcomes, _within(outcomes, tiny["slice"])),
            tuple(tiny["slice"]),
            figures={
                "n_tiny": len(tiny),
                "n_slices": len(table),
                "fewest": TINY_SLICE,
                "smallest": int(tiny["n_queries"].min()),
            },
        )


def repeated_queries(outcomes: PairOutcomes) -> Iterator[DataFinding]:
    """Queries whose normalised text an earlier one has: the later ones, so one of each stays."""
    _, first, cluster, size = np.unique(
        outcomes.cluster_code, return_index=True, return_inverse=True, return_counts=True
    )
    later = np.ones(outcomes.n_queries, bool)
    later[first] = False
    if not later.any():
        return
    differ = np.zeros(len(size), bool)
    for quality in (outcomes.quality_weak, outcomes.quality_strong):
        differ |= np.bincount(cluster, quality != quality[first][cluster]) > 0
    n_later = int(later.sum())
    yield DataFinding(
        "repeated_queries",
        "warning" if n_later > MANY_REPEATED * outcomes.n_queries else "note",
        _ids(outcomes, later),
        figures={
            "n_repeated": n_later,
            "n_queries": outcomes.n_queries,
            "n_different": int(differ.sum()),
            "n_repeated_texts": int((size > 1).sum()),
        },
    )


def missing_tokens(outcomes: PairOutcomes) -> Iterator[DataFinding]:
    """Missing token counts, in whose place costs take an average."""
    weak, strong = outcomes.model_pair
    for models, tokens in (
        ((), outcomes.prompt_tokens),
        ((weak,), outcomes.answer_tokens_weak),
        ((strong,), outcomes.answer_tokens_strong),
    ):
        missing = np.isnan(tokens)
        if missing.any():
            yield DataFinding(
                "missing_tokens",
                "warning",
                _ids(outcomes, missing),
                models=models,
                figures={"n_missing": int(missing.sum()), "n_queries": len(missing)},
            )


def copied_tokens(outcomes: PairOutcomes) -> Iterator[DataFinding]:
    """Answers of both models with equal token counts throughout: one column is a copy.

    Answers of `SHORT` tokens or fewer are no evidence: one letter is as long as another.
    """
    weak, strong = outcomes.answer_tokens_weak, outcomes.answer_tokens_strong
    counted = np.isfinite(weak) & np.isfinite(strong) & ~((weak <= SHORT) & (strong <= SHORT))
    if counted.sum() >= FEWEST_COUNTED and (weak == strong)[counted].all():
        yield DataFinding(
            "copied_tokens",
            "error",
            _ids(outcomes, counted),
            models=tuple(outcomes.model_pair),
            figures={"n_counted": int(counted.sum())},
        )


def _within(outcomes: PairOutcomes, names: Iterable[str]) -> NDArray[np.bool_]:
    return np.isin(outcomes.slice_code, [outcomes.slices.index(name) for name in names])


def _ids(outcomes: PairOutcomes, concerned: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(outcomes.query_id[concerned].tolist())
