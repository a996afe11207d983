"""The guarantee that a link asks for: its kind, limit and confidence, and the certificate for it.

The seed of the split is fixed: trying several until one passes would void the guarantee.
"""

from typing import Any, cast, get_args

from routellm_core.errors import DataError, UnreachableError
from routellm_core.policy.guarantee.certify import Certificate, scope_of
from routellm_core.policy.guarantee.risks import GuaranteeTarget, Kind
from routellm_core.policy.guarantee.sentences import CHOOSE_EXACT, about, certificate_sentence
from routellm_core.routers.fold_checkpoints import has_fold_checkpoint
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


def asked_for(benchmark: Benchmark) -> tuple[GuaranteeTarget, float]:
    """The target and the confidence in the link; where it says nothing known, the usual ones."""
    kind = cast(Kind, link.text("promise", "keep", list(get_args(Kind))))
    limit = link.number("wanted", None)
    confidence = link.number("confidence", None)
    return (
        GuaranteeTarget(kind, usual_limit(kind, benchmark) if limit is None else limit),
        confidence if confidence in CONFIDENCES else _USUAL_CONFIDENCE,
    )


def usual_limit(kind: Kind, benchmark: Benchmark) -> float:
    """The usual limit of a guarantee: 95% kept, 2% of the scale lost, 10% missed."""
    return _USUAL[kind] * (benchmark.quality_high if kind == "lose" else 1.0)


def certified(
    key: RouterKey, benchmark: Benchmark, target: GuaranteeTarget, confidence: float
) -> Certificate:
    """The cheapest threshold of a router that carries a guarantee.

    Raises:
        UnreachableError: no threshold does, or there are too few queries to tell; the text says
            how many would do.
    """
    _check(target, benchmark)
    try:
        found = policies.certificate(key, target, confidence)
    except DataError as error:
        raise UnreachableError(str(error)) from error
    if not found.is_reached:
        raise UnreachableError(certificate_sentence(found, benchmark.quality_unit))
    return found


def forms(benchmark: Benchmark, strong: str) -> list[dict[str, Any]]:
    """Kinds that the browser offers, each with its unit and how many of it are one in the core."""
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


def about_of(key: RouterKey) -> str:
    """Words for what a router's certificate holds for, and how to get an exact one otherwise."""
    n_folds = benchmarks.n_folds(key)
    name = workspace.store().router(key.router_id).router_name
    found = about(scope_of(n_folds))
    return found if not n_folds or has_fold_checkpoint(name) else f"{found}. {CHOOSE_EXACT}"


def _check(target: GuaranteeTarget, benchmark: Benchmark) -> None:
    """Refuse a limit that guarantees nothing, in the unit in which it was typed."""
    kind, limit = target
    low, high = benchmark.quality_low, benchmark.quality_high
    if kind == "keep" and low >= 0 and not low / high < limit <= 1.0:
        raise UnreachableError(
            f"keeping {100 * limit:g}% of the quality is no guarantee: name more than "
            f"{100 * low / high:g}%, at most 100%"
        )
    if kind == "lose" and not 0.0 <= limit < high - low:
        points = point_scale(benchmark.quality_unit).scale
        raise UnreachableError(
            f"losing at most {points * limit:g} points is no guarantee: name a loss from 0, below "
            f"{points * (high - low):g}"
        )
    if kind == "miss" and not 0.0 < limit < 1.0:
        raise UnreachableError(
            f"missing at most {100 * limit:g}% is no guarantee: name more than 0%, less than 100%"
        )
