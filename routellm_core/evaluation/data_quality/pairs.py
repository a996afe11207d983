"""Checks of what both models of a pair did on the queries that routing is measured on.

Every function yields findings; none where there is nothing to say.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from routellm_core.evaluation.data_quality.findings import FALSE_ALARM, DataFinding
from routellm_core.metrics.slices import looks_broken, slice_table
from routellm_core.statistics.significance import holm
from routellm_core.types import Benchmark, Floats, Ints, PairOutcomes

TINY_SLICE = 30
"""Queries below which the 95% interval of a share can be wider than ±17 points (Wilson)."""
MANY_REPEATED = 0.05
"""Share of repeated queries beyond which a benchmark is notably smaller than it looks."""
FEWEST_COUNTED = 10
"""Answers of one length by both models that are no coincidence: among ten of GSM8K, where 1.5% of
the pairs of answers are equally long, the chance is 1e-18."""


def pair_findings(outcomes: PairOutcomes, card: Benchmark) -> Iterator[DataFinding]:
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


def always_equal(outcomes: PairOutcomes) -> Iterator[DataFinding]:
    """Both models tie on every query: one column may be a copy of the other."""
    equal = outcomes.quality_weak == outcomes.quality_strong
    if equal.all():
        yield DataFinding(
            "always_equal",
            "error",
            _ids(outcomes, equal),
            models=tuple(outcomes.model_pair),
            figures={"n_queries": outcomes.n_queries},
        )


def swapped_models(outcomes: PairOutcomes) -> Iterator[DataFinding]:
    """The strong model is the worse one over all queries: on average, and by an exact sign test."""
    gain = outcomes.quality_strong - outcomes.quality_weak
    better, worse = (int(signs.sum()) for signs in _signs(outcomes, gain))
    p_value = float(binom.cdf(better, better + worse, 0.5))
    if gain.mean() < 0 and p_value < FALSE_ALARM:
        yield DataFinding(
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


def reversed_gaps(outcomes: PairOutcomes) -> Iterator[DataFinding]:
    """Slices where the weak model is the better one, although the strong one is on the others.

    Those that `slices.looks_broken` points at look like a failure of the evaluation. Of the rest
    an exact sign test says which are no chance, over the queries on which the models do not tie,
    one of each cluster.
    """
    table = slice_table(outcomes, np.zeros(outcomes.n_queries), 1.0)  # qualities need no router
    broken = looks_broken(table)
    gain = outcomes.quality_strong - outcomes.quality_weak
    better, worse = _signs(outcomes, gain)
    p_values = holm(binom.cdf(better, better + worse, 0.5))
    for row, is_broken in zip(table.itertuples(), broken, strict=True):
        i = outcomes.slices.index(row.slice)
        here = outcomes.slice_code == i
        stands_out = p_values[i] < FALSE_ALARM and not here.all() and gain[~here].mean() > 0
        if not (is_broken or stands_out):
            continue
        yield DataFinding(
            "broken_slice" if is_broken else "reversed_gap",
            "error" if is_broken else "warning",
            _ids(outcomes, here),
            (row.slice,),
            tuple(outcomes.model_pair),
            float(p_values[i]),
            {
                "n_queries": int(row.n_queries),
                "n_slices": len(table),
                "quality_weak": float(row.quality_weak),
                "quality_strong": float(row.quality_strong),
                "n_better": int(better[i]),
                "n_worse": int(worse[i]),
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
    """Answers of both models with equal token counts throughout: one column is a copy."""
    weak, strong = outcomes.answer_tokens_weak, outcomes.answer_tokens_strong
    counted = np.isfinite(weak) & np.isfinite(strong)
    if counted.sum() >= FEWEST_COUNTED and (weak == strong)[counted].all():
        yield DataFinding(
            "copied_tokens",
            "error",
            _ids(outcomes, counted),
            models=tuple(outcomes.model_pair),
            figures={"n_counted": int(counted.sum())},
        )


def _signs(outcomes: PairOutcomes, gain: Floats) -> tuple[Ints, Ints]:
    """Queries of each slice on which the strong model is better and worse, one of each cluster."""
    first = np.unique(outcomes.cluster_code, return_index=True)[1]
    codes, gain, n_slices = outcomes.slice_code[first], gain[first], len(outcomes.slices)
    better, worse = (np.bincount(codes[sign], minlength=n_slices) for sign in (gain > 0, gain < 0))
    return better, worse


def _within(outcomes: PairOutcomes, names: Iterable[str]) -> NDArray[np.bool_]:
    return np.isin(outcomes.slice_code, [outcomes.slices.index(name) for name in names])


def _ids(outcomes: PairOutcomes, concerned: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(outcomes.query_id[concerned].tolist())
