"""The promise that a link targets for: its kind, limit and confidence, and the certificate for it.

The seed of the split is fixed. Who draws seeds until a promise passes has none.
"""

from typing import Any, NamedTuple, cast, get_args

from routellm_core.errors import DataError, UnreachableError
from routellm_core.policy.guarantee.certify import Certificate
from routellm_core.policy.guarantee.promise import Kind, Promise
from routellm_core.policy.guarantee.sentences import about, promise_words
from routellm_core.routers.fold_checkpoints import can_be_left_out
from routellm_core.types import Benchmark
from routellm_core.wording.numbers import point_scale
from views.cache import benchmarks, policies, workspace
from views.cache.benchmarks import RouterKey
from views.state import link
from views.text.names import short_name

CONFIDENCES = (0.9, 0.95, 0.99)
_USUAL_CONFIDENCE = 0.95
_USUAL = {"keep": 0.95, "lose": 0.02, "miss": 0.1}
"""Limits; a loss as a part of the best quality."""
_NO_POLICY = (
    ". A policy of {router} cannot carry it: its members learned from these queries too, and none "
    "of its checkpoints is without them"
)


class SelectedGuarantee(NamedTuple):
    """A promise that is certified for a router."""

    promise: Promise
    confidence: float
    certificate: Certificate
    words: str
    about: str
    """What the promise is about, by who scored the queries."""


def asked_for(benchmark: Benchmark) -> tuple[Promise, float]:
    """What the link targets, with its confidence; where it says nothing known, what is usual."""
    kind = cast(Kind, link.text("promise", "keep", list(get_args(Kind))))
    limit = link.number("wanted", None)
    confidence = link.number("confidence", None)
    return (
        Promise(kind, usual_limit(kind, benchmark) if limit is None else limit),
        confidence if confidence in CONFIDENCES else _USUAL_CONFIDENCE,
    )


def usual_limit(kind: Kind, benchmark: Benchmark) -> float:
    """What a promise is usually about: 95% kept, 2% of the scale lost, 10% missed."""
    return _USUAL[kind] * (benchmark.quality_high if kind == "lose" else 1.0)


def certified(
    key: RouterKey, benchmark: Benchmark, promise: Promise, confidence: float
) -> SelectedGuarantee:
    """The cheapest threshold of a router that carries a promise.

    Raises:
        UnreachableError: no threshold does, or there are too few queries to tell; the text says
            how many would do.
    """
    _check(promise, benchmark)
    try:
        found = policies.certificate(key, promise, confidence)
    except DataError as error:
        raise UnreachableError(str(error)) from error
    words = promise_words(found, benchmark.quality_unit)
    if not found.is_reached:
        raise UnreachableError(words)
    return SelectedGuarantee(promise, confidence, found, words, _about(key))


def forms(benchmark: Benchmark, strong: str) -> list[dict[str, Any]]:
    """What the browser offers: each kind with its unit, and how many of it are one in the core."""
    return [
        {
            "id": kind,
            "label": label,
            "unit": unit_of,
            "factor": point_scale(benchmark.quality_unit).scale if kind == "lose" else 100,
            "usual": usual_limit(cast(Kind, kind), benchmark),
        }
        for kind, label, unit_of in (
            ("keep", "keep at least", f"% of {short_name(strong)}'s quality"),
            ("lose", "lose at most", f"points against always {short_name(strong)}"),
            ("miss", "miss at most", "% of the queries kept"),
        )
    ]


def _about(key: RouterKey) -> str:
    n_folds = benchmarks.n_folds(key)
    name = workspace.store().router(key.router_id).router_name
    is_carried = not n_folds or can_be_left_out(name)
    return about(n_folds) + ("" if is_carried else _NO_POLICY.format(router=name))


def _check(promise: Promise, benchmark: Benchmark) -> None:
    """Refuse a limit that promises nothing, in the unit in which it was typed."""
    kind, limit = promise
    low, high = benchmark.quality_low, benchmark.quality_high
    if kind == "keep" and low >= 0 and not low / high < limit <= 1.0:
        raise UnreachableError(
            f"keeping {100 * limit:g}% of the quality is no promise: name more than "
            f"{100 * low / high:g}%, at most 100%"
        )
    if kind == "lose" and not 0.0 <= limit < high - low:
        points = point_scale(benchmark.quality_unit).scale
        raise UnreachableError(
            f"losing at most {points * limit:g} points is no promise: name a loss from 0, below "
            f"{points * (high - low):g}"
        )
    if kind == "miss" and not 0.0 < limit < 1.0:
        raise UnreachableError(
            f"missing at most {100 * limit:g}% is no promise: name more than 0%, less than 100%"
        )
