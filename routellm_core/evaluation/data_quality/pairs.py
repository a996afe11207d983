"""Checks of what both models of a pair did on the queries that routing is measured on.

Every function yields findings; none where there is nothing to say.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from routellm_core.evaluation.data_quality.findings import FALSE_ALARM, Finding
from routellm_core.metrics.slices import looks_broken, slice_table
from routellm_core.statistics.significance import holm
from routellm_core.types import Benchmark, Floats, Ints, PairOutcomes
from routellm_core.wording.numbers import p_text, quality_with_unit

TINY_SLICE = 30
"""Queries below which the 95% interval of a share can be wider than ±17 points (Wilson)."""
MANY_REPEATED = 0.05
"""Share of repeated queries beyond which a benchmark is notably smaller than it looks."""
FEWEST_COUNTED = 10
"""Answers of one length by both models that are no coincidence: among ten of GSM8K, where 1.5% of
the pairs of answers are equally long, the chance is 1e-18."""


def pair_findings(outcomes: PairOutcomes, card: Benchmark) -> Iterator[Finding]:
    """All of this module's."""
    yield from off_scale(outcomes, card)
    yield from always_equal(outcomes)
    yield from swapped_models(outcomes, card)
    yield from reversed_gaps(outcomes, card)
    yield from slices_without_gap(outcomes)
    yield from repeated_queries(outcomes)
    yield from missing_tokens(outcomes)
    yield from copied_tokens(outcomes)


def off_scale(outcomes: PairOutcomes, card: Benchmark) -> Iterator[Finding]:
    """Qualities that are NaN or outside the benchmark's scale; the store refuses such rows."""
    qualities = outcomes.quality_weak, outcomes.quality_strong
    for model, quality in zip(outcomes.model_pair, qualities, strict=True):
        off = ~((quality >= card.quality_low) & (quality <= card.quality_high))
        if off.any():
            yield Finding(
                "off_scale",
                "error",
                f"{off.sum():,} of {len(off):,} qualities of {model} are no number from "
                f"{card.quality_low:g} to {card.quality_high:g}.",
                _ids(outcomes, off),
                models=(model,),
            )


def always_equal(outcomes: PairOutcomes) -> Iterator[Finding]:
    """Both models tie on every query: one column may be a copy of the other."""
    equal = outcomes.quality_weak == outcomes.quality_strong
    if equal.all():
        yield Finding(
            "always_equal",
            "error",
            f"Both models have the same quality on all {outcomes.n_queries:,} queries: there is "
            "nothing to route.",
            _ids(outcomes, equal),
            models=tuple(outcomes.model_pair),
        )


def swapped_models(outcomes: PairOutcomes, card: Benchmark) -> Iterator[Finding]:
    """The strong model is the worse one over all queries: on average, and by an exact sign test."""
    gain = outcomes.quality_strong - outcomes.quality_weak
    better, worse = (int(signs.sum()) for signs in _signs(outcomes, gain))
    p_value = float(binom.cdf(better, better + worse, 0.5))
    if gain.mean() < 0 and p_value < FALSE_ALARM:
        weak, strong = (
            quality_with_unit(quality.mean(), card.quality_unit)
            for quality in (outcomes.quality_weak, outcomes.quality_strong)
        )
        yield Finding(
            "swapped_models",
            "error",
            f"{outcomes.model_pair.strong}, named as the strong model, reaches {strong}, below the "
            f"{weak} of {outcomes.model_pair.weak} (n = {outcomes.n_queries:,}; better on "
            f"{better:,} queries, worse on {worse:,}, {p_text(p_value)}): swap them. As it is, "
            "strong calls cost quality, and the better router has the lower APGR.",
            _ids(outcomes, np.ones(outcomes.n_queries, dtype=bool)),
            models=tuple(outcomes.model_pair),
            p_value=p_value,
        )


def reversed_gaps(outcomes: PairOutcomes, card: Benchmark) -> Iterator[Finding]:
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
        weak, strong = (
            quality_with_unit(quality, card.quality_unit)
            for quality in (row.quality_weak, row.quality_strong)
        )
        lowest = f", and its lowest quality of all {len(table)} slices" if is_broken else ""
        yield Finding(
            "broken_slice" if is_broken else "reversed_gap",
            "error" if is_broken else "warning",
            f"On {row.slice} {outcomes.model_pair.strong} reaches {strong}, below the {weak} of "
            f"{outcomes.model_pair.weak}{lowest} (n = {row.n_queries:,}; better on {better[i]:,} "
            f"queries, worse on {worse[i]:,}, {p_text(p_values[i])}).",
            _ids(outcomes, here),
            (row.slice,),
            tuple(outcomes.model_pair),
            float(p_values[i]),
        )


def slices_without_gap(outcomes: PairOutcomes) -> Iterator[Finding]:
    """Slices whose gap cannot be told from nothing, and slices of few queries."""
    table = slice_table(outcomes, np.zeros(outcomes.n_queries), 1.0)
    flat = table[(table["gap_low"] <= 0) & (table["gap_high"] >= 0)]
    tiny = table[table["n_queries"] < TINY_SLICE]
    if len(flat):
        yield Finding(
            "no_gap",
            "note",
            f"In {len(flat)} of {len(table)} slices the 95% interval of the gap contains 0: no "
            "router can be seen to gain anything there.",
            _ids(outcomes, _within(outcomes, flat["slice"])),
            tuple(flat["slice"]),
        )
    if len(tiny):
        yield Finding(
            "tiny_slice",
            "note",
            f"{len(tiny)} of {len(table)} slices have fewer than {TINY_SLICE} queries, the "
            f"smallest {tiny['n_queries'].min()}: their intervals are wide.",
            _ids(outcomes, _within(outcomes, tiny["slice"])),
            tuple(tiny["slice"]),
        )


def repeated_queries(outcomes: PairOutcomes) -> Iterator[Finding]:
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
    yield Finding(
        "repeated_queries",
        "warning" if n_later > MANY_REPEATED * outcomes.n_queries else "note",
        f"{n_later:,} of {outcomes.n_queries:,} queries repeat the text of an earlier one; "
        f"{differ.sum():,} of the {(size > 1).sum():,} repeated texts have different outcomes. "
        "Each text is one draw in intervals.",
        _ids(outcomes, later),
    )


def missing_tokens(outcomes: PairOutcomes) -> Iterator[Finding]:
    """Token counts that nobody made, in whose place costs take an average."""
    weak, strong = outcomes.model_pair
    for what, models, tokens in (
        ("queries", (), outcomes.prompt_tokens),
        (f"answers of {weak}", (weak,), outcomes.answer_tokens_weak),
        (f"answers of {strong}", (strong,), outcomes.answer_tokens_strong),
    ):
        missing = np.isnan(tokens)
        if missing.any():
            some, average = f"{missing.sum():,} of {len(missing):,}", "the mean of the others"
            if missing.all():
                some, average = f"all {len(missing):,}", "the paper's average"
            yield Finding(
                "missing_tokens",
                "warning",
                f"The tokens of {some} {what} were not counted: costs take {average}.",
                _ids(outcomes, missing),
                models=models,
            )


def copied_tokens(outcomes: PairOutcomes) -> Iterator[Finding]:
    """Answers of both models with equal token counts throughout: one column is a copy."""
    weak, strong = outcomes.answer_tokens_weak, outcomes.answer_tokens_strong
    counted = np.isfinite(weak) & np.isfinite(strong)
    if counted.sum() >= FEWEST_COUNTED and (weak == strong)[counted].all():
        yield Finding(
            "copied_tokens",
            "error",
            f"Both models have the same number of answer tokens on all {counted.sum():,} queries "
            "where both were counted: costs of one of them are wrong.",
            _ids(outcomes, counted),
            models=tuple(outcomes.model_pair),
        )


def _signs(outcomes: PairOutcomes, gain: Floats) -> tuple[Ints, Ints]:
    """Of each slice, on how many queries the strong model is better and worse, twins left out."""
    first = np.unique(outcomes.cluster_code, return_index=True)[1]
    codes, gain, n_slices = outcomes.slice_code[first], gain[first], len(outcomes.slices)
    better, worse = (np.bincount(codes[sign], minlength=n_slices) for sign in (gain > 0, gain < 0))
    return better, worse


def _within(outcomes: PairOutcomes, names: Iterable[str]) -> NDArray[np.bool_]:
    return np.isin(outcomes.slice_code, [outcomes.slices.index(name) for name in names])


def _ids(outcomes: PairOutcomes, concerned: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(outcomes.query_id[concerned].tolist())
