"""Sentences of a guarantee, for screen, terminal and the policy's document.

None ends with a full stop: what shows a sentence sets it.

>>> from routellm_core.policy.guarantee.risks import GuaranteeTarget
>>> from routellm_core.types import Interval
>>> base = dict(delta=0.05, seed=0, n_pilot=100, n_calibration=450, n_held_out=450)
>>> base |= dict(n_thresholds=100, stopped_at=0.6, stopped_p_value=0.2)
>>> print(certificate_sentence(Certificate(
...     GuaranteeTarget("lose", 0.02), **base, n_passed=9, threshold=0.49, strong_call_share=0.46,
...     achieved=0.016, achieved_interval=Interval(0.012, 0.02)), "share right"))
With 95% confidence at most 2 points are lost against always strong. α = 0.49 sends 46% of the \
queries to the strong model. On 450 held-out queries: 1.6 points lost [1.2, 2.0]
>>> print(certificate_sentence(Certificate(
...     GuaranteeTarget("keep", 0.95), **base, n_passed=0, n_needed=2311), "share right"))
450 calibration queries are too few to guarantee 95% of the strong model's quality with 95% \
confidence. You need about 2,400
"""

import math
from decimal import ROUND_FLOOR, Context, Decimal
from functools import partial

from routellm_core.policy.fields import Guarantee
from routellm_core.policy.guarantee.certify import NEVER, Certificate, Scope
from routellm_core.routers.fold_checkpoints import HELD_OUT_FOLD
from routellm_core.wording.numbers import (
    brackets,
    percent,
    point_scale,
    points_text,
    significant,
    two_digits,
)

EVIDENCE = {
    "in_domain": (
        "out of fold: each query was scored by a router of this recipe that had not seen it; the "
        "checkpoint itself is fitted on all of them"
    ),
    "unseen_slices": (
        "out of fold: each query was scored by a router of this recipe that had seen other slices "
        "only; the checkpoint itself is fitted on all of them"
    ),
    "untouched": "the router learned nothing from this benchmark",
}
"""What the figures of each view say about the checkpoint."""
HELD_OUT = {
    "in_domain": (
        "held out: queries that this very checkpoint never saw and that had no part in choosing "
        "the threshold"
    ),
    "untouched": (
        "held out: the router learned nothing from this benchmark, and these queries had no part "
        "in choosing the threshold"
    ),
}
"""The same where the threshold is certified."""
OF_ONE_FOLD = (
    f"Only queries of fold {HELD_OUT_FOLD} count here: the guarantee of a policy holds for the one "
    "checkpoint that never saw them"
)
ONE_SPLIT = "The split is fixed: trying several until one passes would void the guarantee"
CHOOSE_EXACT = "To export a router with an exact guarantee, choose mf"
_METHOD = (
    "This holds for the training method. The router you export was trained on all queries, so it "
    "is close to the ones tested, but none of them, and the confidence is approximate"
)
_CHECKPOINT = "This holds for the very router you export: it learned nothing from these queries"
_FOLD = (
    "This holds for the very router you export: it never saw fold {fold}, and it alone scored "
    "these queries. So the confidence is exact, for any number of queries"
)
_FOLD_NOT_KEPT = (
    "This holds for the router that never saw fold {fold}: it alone scored these queries. So the "
    "confidence is exact, but that router is not kept: only the one that never saw fold "
    f"{HELD_OUT_FOLD} can be exported"
)
_DIGITS = Context(prec=6, rounding=ROUND_FLOOR)


def certificate_sentence(certificate: Certificate, quality_unit: str) -> str:
    """The guarantee, its threshold and what the held-out queries show; or why there is none.

    Args:
        certificate: from `certify`.
        quality_unit: of the benchmark; a `share right` is told in points of 100.
    """
    if not certificate.is_reached:
        return _out_of_reach(certificate, quality_unit)
    if certificate.threshold == NEVER:
        called = "The strong model is never called"
    else:
        called = (
            f"α = {alpha_words(certificate.threshold)} sends "
            f"{percent(certificate.strong_call_share, 0)} of the queries to the strong model"
        )
    return (
        f"With {_confidence(certificate)} {_guaranteed(certificate, quality_unit)}. {called}. "
        f"On {_checked(certificate, quality_unit)}"
    )


def about(scope: Scope, fold: int | None = None) -> str:
    """Words that say what a certificate holds for.

    Args:
        scope: as `scope_of` finds it.
        fold: that the router never saw, where the scope is a fold.
    """
    if scope == "fold":
        return (_FOLD if fold == HELD_OUT_FOLD else _FOLD_NOT_KEPT).format(fold=fold)
    return _METHOD if scope == "method" else _CHECKPOINT


def scope_and_test(guarantee: Guarantee) -> str:
    """Text of what a policy's guarantee holds for, and on which queries that was tested."""
    return (
        f"{guarantee.about[:1].upper()}{guarantee.about[1:]}. The threshold was chosen on "
        f"{guarantee.n_calibration:,} distinct queries (p = {guarantee.p_value:.3g}) and checked "
        "on others. The guarantee is about the average over queries like these"
    )


def alpha_words(threshold: float) -> str:
    """A threshold to six digits, rounded down: what is read keeps no query that was not tested.

    >>> alpha_words(0.48799999), alpha_words(0.49)
    ('0.487999', '0.49')
    """
    return f"{_DIGITS.create_decimal(Decimal(repr(threshold))).normalize():f}"


def _guaranteed(c: Certificate, quality_unit: str) -> str:
    kind, limit = c.target
    if kind == "keep":
        return f"at least {_percent(limit)} of the strong model's quality is kept"
    if kind == "lose":
        return f"at most {_points(limit, quality_unit)} points are lost against always strong"
    return (
        f"at most {_percent(limit)} of the queries kept on the weak model are missed: it fails and "
        "the strong one would not"
    )


def _out_of_reach(c: Certificate, quality_unit: str) -> str:
    kind, limit = c.target
    wanted = {
        "keep": f"{_percent(limit)} of the strong model's quality",
        "lose": f"a loss of at most {_points(limit, quality_unit)} points against always strong",
        "miss": f"at most {_percent(limit)} missed among the queries kept on the weak model",
    }[kind]
    if c.n_needed > c.n_calibration:
        return (
            f"{c.n_calibration:,} calibration queries are too few to guarantee {wanted} with "
            f"{_confidence(c)}. You need about {two_digits(c.n_needed, up=True):,}"
        )
    if math.isnan(c.n_needed):
        why = (
            f"Even the first threshold fails on {c.n_calibration:,} calibration queries, and more "
            "queries would not help"
        )
    else:
        why = (
            f"It failed narrowly on {c.n_calibration:,} calibration queries: as many new queries "
            "may do, another seed on the same ones proves nothing"
        )
    return f"No threshold guarantees {wanted} with {_confidence(c)}. {why}"


def _checked(c: Certificate, quality_unit: str) -> str:
    kind = c.target.kind
    write = partial(points_text, quality_unit=quality_unit) if kind == "lose" else percent
    what = {"keep": "kept", "lose": "points lost", "miss": "missed"}[kind]
    on = (
        f"{c.n_held_out_kept:,} held-out queries kept there"
        if kind == "miss"
        else f"{c.n_held_out:,} held-out queries"
    )
    found = f"{on}: {write(c.achieved)} {what} {brackets(c.achieved_interval, write)}"
    limit = c.target.limit
    if not (c.achieved < limit if kind == "keep" else c.achieved > limit):
        return found
    return (
        f"{found}. That is not what is promised: it is chance in these queries, or this is one of "
        f"the {_percent(c.delta)} of guarantees that do not hold"
    )


def _confidence(c: Certificate) -> str:
    return f"{_percent(1 - c.delta)} confidence"


def _points(limit: float, quality_unit: str) -> str:
    return f"{limit * point_scale(quality_unit).scale:g}"


def _percent(share: float) -> str:
    return f"{significant(100 * share, 6)}%"
