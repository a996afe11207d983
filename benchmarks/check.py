"""False alarms and power of `check`, on simulated outcomes.

Sound sets: each slice has 10 to 1,000 queries and a difficulty of its own; two models are right or
wrong by chance, and the strong one is nowhere the worse. In one set of four guessing is known and
the weak model is no better than it; one in two lacks 2% of the answers at random, and one in two
has answers of one letter. 1% of the answers are empty. An alarm is an error or a warning.

A fault is put into sets of 13 slices for the power.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from routellm_core.evaluation.data_quality.answers import answer_findings, missing_answers
from routellm_core.evaluation.data_quality.findings import DataFinding, told
from routellm_core.evaluation.data_quality.languages import non_english
from routellm_core.evaluation.data_quality.pairs import pair_findings
from routellm_core.types import Benchmark, Floats, Ints, ModelPair, PairOutcomes

N_SETS = 1_000
GAP = 0.15
EMPTY, MISSING = 0.01, 0.02
_PAIR = ModelPair("weak", "strong")
_CARD = Benchmark("simulated", "", "", "", "user", 0.0, 1.0, "share right", "", "")


class Simulated(NamedTuple):
    """One set: who is right on what."""

    slice_code: Ints
    weak: Floats
    """(n_queries,) 0 or 1."""
    strong: Floats
    guessing: float | None
    one_letter: bool
    seed: int


def sound(seed: int, *, gap: float, sizes: Ints | None = None) -> Simulated:
    """A set without a fault.

    Args:
        seed: of everything.
        gap: on top of the weak model's share right, in every slice.
        sizes: of the slices; by default 1 to 20 slices of 10 to 1,000 queries.
    """
    rng = np.random.default_rng(seed)
    if sizes is None:
        sizes = np.exp(rng.uniform(np.log(10), np.log(1_000), rng.integers(1, 21))).astype(int)
    guesses = rng.random() < 0.25
    easy = np.full(len(sizes), 0.25) if guesses else rng.uniform(0.2, 0.98 - gap, len(sizes))
    code = np.repeat(np.arange(len(sizes)), sizes)
    weak, strong = (rng.random(len(code)) < easy[code] + more for more in (0.0, gap))
    return Simulated(
        code,
        weak.astype(np.float64),
        strong.astype(np.float64),
        0.25 if guesses else None,
        bool(rng.random() < 0.5),
        seed,
    )


def broken(seed: int, *, n: int, strong: float, weak: float) -> Simulated:
    """A sound set of 13 slices, the first of which has `n` queries and these shares right."""
    found = sound(seed, gap=GAP, sizes=np.r_[n, np.full(12, 200)])
    rng = np.random.default_rng((seed, 1))
    there = found.slice_code == 0
    found.weak[there] = rng.random(n) < weak
    found.strong[there] = rng.random(n) < strong
    return found._replace(guessing=None)


def findings(simulated: Simulated) -> list[DataFinding]:
    """What `check` says of a set."""
    rng = np.random.default_rng((simulated.seed, 2))
    n = len(simulated.weak)
    ids = np.arange(n)
    names = tuple(f"slice {i:02}" for i in range(simulated.slice_code.max() + 1))
    if simulated.one_letter:
        tokens = np.ones((2, n))
    else:
        tokens = np.round(rng.lognormal(5.0, 0.6, (2, n)))
    answers = pd.DataFrame(
        {
            "model": np.repeat(np.array(_PAIR, dtype=object), n),
            "query_id": np.tile(ids, 2),
            "slice": np.tile(np.array(names, dtype=object)[simulated.slice_code], 2),
            "cluster_id": np.tile(ids, 2),
            "quality": np.r_[simulated.weak, simulated.strong],
            "answer_tokens": tokens.ravel(),
            "state": np.where(rng.random(2 * n) < EMPTY, "empty", "whole"),
        }
    )
    answered = rng.random((2, n)) >= rng.choice([0.0, MISSING])
    both = answered.all(axis=0)
    outcomes = PairOutcomes(
        "simulated", _PAIR, ids, simulated.slice_code, names, np.arange(n),
        simulated.weak, simulated.strong, np.ones(n), tokens[0], tokens[1],
    ).of(both)  # fmt: skip
    answers = answers[answered.ravel()]
    return [
        *told(
            [
                *pair_findings(outcomes, _CARD),
                *answer_findings(answers, simulated.guessing),
                *missing_answers(answers, _PAIR),
                *non_english({}),
            ]
        )
    ]


def alarms(make: Callable[[int], Simulated], seed: int) -> set[str]:
    """Kinds of the errors and warnings on the set of a seed."""
    return {found.kind for found in findings(make(seed)) if found.severity != "note"}


def rates(
    make: Callable[[int], Simulated], n_sets: int, kinds: tuple[str, ...] = ()
) -> tuple[int, dict[str, int]]:
    """Number of sets with any alarm (of `kinds`, where some are named), and by kind."""
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(partial(alarms, make), range(n_sets), chunksize=25))
    by_kind = pd.Series([kind for each in found for kind in each], dtype=object).value_counts()
    wanted = [bool(each & set(kinds) if kinds else each) for each in found]
    return sum(wanted), by_kind.to_dict()


def said(n: int, of: int) -> str:
    """A rate with its 95% interval (Wilson)."""
    low, high = binomtest(n, of).proportion_ci(method="wilson")
    return f"{n / of:.2%} [{low:.2%}, {high:.2%}] ({n} of {of:,})"


def measure() -> Iterator[str]:
    sets: dict[str, Callable[[int], Simulated]] = {
        f"slices of 10 to 1,000, gap {GAP:.0%}": partial(sound, gap=GAP),
        "slices of 10 to 1,000, no gap": partial(sound, gap=0.0),
        "13 slices of 77, no gap": partial(sound, gap=0.0, sizes=np.full(13, 77)),
    }
    n_alarms = 0
    for name, make in sets.items():
        n, by_kind = rates(make, N_SETS)
        n_alarms += n
        yield f"false alarms, {name}: {said(n, N_SETS)} {by_kind or ''}".rstrip()
    yield f"false alarms, all sets: {said(n_alarms, len(sets) * N_SETS)}"
    yield from power()


def power() -> Iterator[str]:
    """How often a slice of the stated shares right is found, as broken or as reversed."""
    few = 100
    for n, strong, weak in (
        (270, 0.03, 0.32),
        (77, 0.03, 0.6),
        (30, 0.03, 0.6),
        (10, 0.03, 0.6),
        (270, 0.55, 0.60),
        (1_000, 0.55, 0.60),
        (270, 0.45, 0.60),
        (270, 0.40, 0.60),
    ):
        made = partial(broken, n=n, strong=strong, weak=weak)
        kinds = ("broken_slice", "reversed_gap")
        hits, by_kind = rates(made, few, kinds)
        shown = {kind: by_kind.get(kind, 0) for kind in kinds}
        yield (
            f"found, strong {strong:.0%} right and weak {weak:.0%} on a slice of {n:,}: "
            f"{said(hits, few)} {shown}"
        )
