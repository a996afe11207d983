"""The words of the field as types. Arrays are one-dimensional and aligned by position."""

import string
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from routellm_core.errors import DataError

Floats: TypeAlias = NDArray[np.floating[Any]]
Ints: TypeAlias = NDArray[np.integer[Any]]


class ModelPair(NamedTuple):
    """The cheap model and the dear one, by the names used in the outcomes."""

    weak: str
    strong: str


class Ranking(NamedTuple):
    """Queries from the most to the least in need of the strong model, equal scores together.

    The threshold law, valid everywhere: the strong model is called when
    `strong_win_rate >= threshold`; only distinct scores are thresholds, so equal scores are never
    split; `+inf` means "never call the strong model".
    """

    order: Ints
    """(n_queries,) positions of the queries, by falling strong_win_rate."""
    n_strong: Ints
    """(n_points,) queries sent to the strong model at each threshold, rising from 0."""
    threshold: Floats
    """(n_points,) falling; the first is +inf, the others are the distinct scores."""


class RoutingCurve(NamedTuple):
    """Quality against strong calls at every reachable threshold (arXiv 2406.18665, section 3)."""

    threshold: Floats
    """(n_points,) falling; the first is +inf."""
    strong_call_share: Floats
    """(n_points,) share of queries sent to the strong model, rising from 0.0 to 1.0."""
    quality: Floats
    """(n_points,) mean quality of the routed answers, in the benchmark's own scale."""


class OperatingPoint(NamedTuple):
    """The figures that one threshold gives on one benchmark."""

    threshold: float
    strong_call_share: float
    quality: float
    pgr: float
    """NaN when both models have the same mean quality."""


class Interval(NamedTuple):
    """Both ends of a confidence interval; NaN where it is undefined."""

    low: float
    high: float


class Estimate(NamedTuple):
    """A figure with its 95% interval; NaN where it is undefined."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class PairOutcomes:
    """Outcomes of both models of a pair on the queries of a benchmark that have both.

    Arrays have shape (n_queries,), in the order of `query_id`. Token counts are NaN where nobody
    counted them.
    """

    benchmark_id: str
    model_pair: ModelPair
    query_id: NDArray[np.object_]
    slice_code: Ints
    """Position in `slices`."""
    slices: tuple[str, ...]
    cluster_code: Ints
    """Queries with equal normalised text share a code: they are one draw in a resample."""
    quality_weak: Floats
    quality_strong: Floats
    prompt_tokens: Floats
    answer_tokens_weak: Floats
    answer_tokens_strong: Floats
    prompt_tokens_weak: Floats | None = None
    """As the weak model's tokenizer counts; None: `prompt_tokens` holds for it."""
    prompt_tokens_strong: Floats | None = None
    cost_usd_weak: Floats | None = None
    """USD as measured, NaN where not known; None where nobody measured any."""
    cost_usd_strong: Floats | None = None
    cached_tokens_weak: Floats | None = None
    """Of the prompt tokens those read from a cache; NaN or None: not known, as of all below."""
    cached_tokens_strong: Floats | None = None
    cache_write_tokens_weak: Floats | None = None
    """Of the prompt tokens those written to a cache."""
    cache_write_tokens_strong: Floats | None = None
    reasoning_tokens_weak: Floats | None = None
    """Of the answer tokens those of thoughts."""
    reasoning_tokens_strong: Floats | None = None

    @property
    def n_queries(self) -> int:
        return len(self.quality_weak)

    def of(self, kept: NDArray[np.bool_]) -> "PairOutcomes":
        """The same for some of the queries: `kept` is (n_queries,)."""
        fields: dict[str, Any] = vars(self)
        cut: dict[str, Any] = {
            k: v[kept] if isinstance(v, np.ndarray) else v for k, v in fields.items()
        }
        return PairOutcomes(**cut)


class PairLatencies(NamedTuple):
    """Seconds to the full answers of a pair, (n_queries,) each; NaN where nobody measured them."""

    weak: Floats
    strong: Floats

    @property
    def n_timed(self) -> int:
        """Queries with the seconds of both models."""
        return int((np.isfinite(self.weak) & np.isfinite(self.strong)).sum())


@dataclass(frozen=True)
class Benchmark:
    """The card of a benchmark: what it tests, on which scale, and where it comes from."""

    benchmark_id: str
    """Letters, digits, `_`, `-` and `.`; it stands in links and file names."""
    title: str
    description: str
    """One or two sentences: what a good answer shows."""
    weak_spots: str
    """What a reader should know before trusting a figure; empty when nothing is known."""
    origin: str
    """`shipped` with the project or `user` for what was imported on this machine."""
    quality_low: float
    """The worst quality an answer can have."""
    quality_high: float
    quality_unit: str
    """`share right` for answers that are right or wrong, `points` for judged ones."""
    source: str
    licence: str
    owner: str | None = None
    """The browser session that alone sees it; None: everybody does."""
    labelling_usd: float | None = None
    """Spent on asking endpoints for its labels; None where not every price was known."""
    labelling_usd_at_worst: float | None = None
    """The part of it that is a worst case, since nobody said what was billed."""
    labelling_requests: int | None = None
    """Sent for it; None where its labels came from elsewhere."""

    def __post_init__(self) -> None:
        if not self.benchmark_id or not set(self.benchmark_id) <= _ID_CHARACTERS:
            raise DataError(
                f"benchmark id {self.benchmark_id!r}: use letters, digits, '_', '-' and '.' only"
            )
        for field, allowed in (("origin", ORIGINS), ("quality_unit", QUALITY_UNITS)):
            if getattr(self, field) not in allowed:
                raise DataError(
                    f"benchmark {self.benchmark_id!r}, {field} {getattr(self, field)!r}: "
                    f"use {' or '.join(allowed)}"
                )
        if not (np.isfinite([self.quality_low, self.quality_high]).all()) or (
            self.quality_low >= self.quality_high
        ):
            raise DataError(
                f"benchmark {self.benchmark_id!r}: quality runs from {self.quality_low} to "
                f"{self.quality_high}; give two finite numbers, the lower one first"
            )


@dataclass(frozen=True)
class RouterEntry:
    """A router as the store knows it; its weights lie in the checkpoint folder."""

    router_id: str
    router_name: str
    """One of the registry's names, for example `mf`."""
    recipe: str
    """What it was trained on and how, in a word; tells two routers of one name apart."""
    trained_on: str
    """The data sets it learned from, for people to read."""
    origin: str = "user"
    """`shipped` or `user`."""
    embedder: str | None = None
    config: str = "{}"
    """JSON that rebuilds the router."""
    checkpoint: str | None = None
    """Folder of the weights; relative to data/ for a shipped router."""
    created_at: datetime | None = None
    """UTC; None means the moment it enters the store."""


ORIGINS = ("shipped", "user")
QUALITY_UNITS = ("share right", "points")
VIEWS = ("in_domain", "unseen_slices", "untouched")
"""How a score came about: out of fold, out of fold with whole slices left out, never trained on."""
N_FOLDS = 5
"""Of out-of-fold scores by text."""
_ID_CHARACTERS = frozenset(string.ascii_letters + string.digits + "_-.")


class Battles(NamedTuple):
    """Verdicts between two models' answers to the same query; arrays of shape (n_battles,)."""

    models: tuple[str, ...]
    query_code: Ints
    """Position of the query, in the order in which queries are embedded."""
    model_a: Ints
    """Position in `models`."""
    model_b: Ints
    """Position in `models`."""
    win_a: Floats
    """1 where model_a won, 1/2 in a tie, 0 where model_b won; for a battle judged several times the
    mean over its verdicts, so that any value in [0, 1] may stand here."""
    both_bad: NDArray[np.bool_] | None = None
    """True for a tie of two bad answers; None where nobody said how good the answers were."""

    def at(self, kept: NDArray[np.bool_]) -> "Battles":
        """Some of the battles: `kept` is (n_battles,)."""
        arrays = (None if array is None else array[kept] for array in self[1:])
        return Battles(self.models, *arrays)  # type: ignore[arg-type]
