"""A certificate as sentences for the screen and the terminal.

>>> from routellm_core.policy.guarantee.certify import Certificate
>>> from routellm_core.policy.guarantee.promise import Promise
>>> from routellm_core.types import Interval
>>> base = dict(delta=0.05, seed=0, n_pilot=100, n_calibration=450, n_held_out=450)
>>> base |= dict(n_thresholds=100, stopped_at=0.6, stopped_p_value=0.2)
>>> print(promise_words(Certificate(
...     Promise("lose", 0.02), **base, n_passed=9, threshold=0.49, strong_call_share=0.46,
...     achieved=0.016, achieved_interval=Interval(0.012, 0.02)), "share right"))
With 95% confidence at most 2 points are lost against always strong: α = 0.49, 46% strong calls; \
checked on 450 held-out queries: 1.6 points lost [1.2, 2.0]
>>> print(promise_words(Certificate(Promise("keep", 0.95), **base, n_passed=0, n_needed=2311),
...     "share right"))
That at least 95% of the strong model's quality is kept is not reachable with 450 calibration \
queries at 95% confidence: about 2,400 would do
"""

import math
from decimal import ROUND_FLOOR, Context, Decimal
from functools import partial

from routellm_core.policy.guarantee.certify import NEVER, Certificate
from routellm_core.routers.fold_checkpoints import LEFT_OUT_FOLD
from routellm_core.wording.numbers import (
    brackets,
    percent,
    point_scale,
    points_text,
    significant,
    two_digits,
)

ABOUT_CHECKPOINT = (
    "the promise is about this router's own checkpoint: it learned nothing from these queries"
)
_ABOUT_LEFT_OUT = (
    "the promise is about the {router} that never saw fold {fold}: it alone scored these "
    "queries, all of that fold, so the confidence is exact, however many they are"
)
_NOT_KEPT = (
    f"; that router is not kept, so nothing can run it: of its kind only the checkpoint that never "
    f"saw fold {LEFT_OUT_FOLD} is"
)
_DIGITS = Context(prec=6, rounding=ROUND_FLOOR)
_ABOUT_FOLDS = (
    "the promise is about the recipe, not about its checkpoint: {n} routers scored these queries, "
    "each those it had not seen, and the checkpoint, fitted on all of them, is none of the {n}; "
    "since each did learn from queries of the other folds, the confidence holds for many queries, "
    "not exactly"
)


def promise_words(certificate: Certificate, quality_unit: str) -> str:
    """One sentence: what is promised, at which threshold, and how it held where it was checked.

    Args:
        certificate: from `guarantee.certify`.
        quality_unit: of the benchmark; a `share right` is told in points of 100.
    """
    promised = _promised(certificate, quality_unit)
    confidence = f"{_percent(1 - certificate.delta)} confidence"
    if not certificate.is_reached:
        return (
            f"That {promised} is not reachable with {certificate.n_calibration:,} calibration "
            f"queries at {confidence}: {_needed(certificate)}"
        )
    if certificate.threshold == NEVER:
        called = "never call the strong model"
    else:
        called = (
            f"α = {alpha_words(certificate.threshold)}, "
            f"{percent(certificate.strong_call_share, 0)} strong calls"
        )
    checked = _checked(certificate, quality_unit)
    return f"With {confidence} {promised}: {called}; checked on {checked}"


def about(n_folds: int) -> str:
    """What a promise is about, by how many routers scored the queries out of fold.

    Args:
        n_folds: 0 where the checkpoint itself did and learned nothing from them.
    """
    return _ABOUT_FOLDS.format(n=n_folds) if n_folds else ABOUT_CHECKPOINT


def about_left_out(fold: int) -> str:
    """What a promise is about that rests on one fold's queries alone, and whether that is kept."""
    if fold == LEFT_OUT_FOLD:
        return _ABOUT_LEFT_OUT.format(router="checkpoint", fold=fold)
    return _ABOUT_LEFT_OUT.format(router="router", fold=fold) + _NOT_KEPT


def alpha_words(threshold: float) -> str:
    """A threshold to six digits, rounded down: what is read keeps no query that was not tested.

    >>> alpha_words(0.48799999), alpha_words(0.49)
    ('0.487999', '0.49')
    """
    return f"{_DIGITS.create_decimal(Decimal(repr(threshold))).normalize():f}"


def _promised(c: Certificate, quality_unit: str) -> str:
    kind, limit = c.promise
    if kind == "keep":
        return f"at least {_percent(limit)} of the strong model's quality is kept"
    if kind == "lose":
        lost = limit * point_scale(quality_unit).scale
        return f"at most {lost:g} points are lost against always strong"
    return (
        f"at most {_percent(limit)} of the queries kept on the weak model are ones that it fails "
        "and the strong one does not"
    )


def _needed(c: Certificate) -> str:
    if math.isnan(c.n_needed):
        return (
            f"as far as {c.n_calibration:,} queries tell, it is broken at the first threshold, and "
            "more would not do"
        )
    if c.n_needed <= c.n_calibration:
        return (
            "it failed narrowly, and as many new queries may do; another seed on the same ones "
            "proves nothing"
        )
    return f"about {two_digits(c.n_needed, up=True):,} would do"


def _checked(c: Certificate, quality_unit: str) -> str:
    write = partial(points_text, quality_unit=quality_unit) if c.promise.kind == "lose" else percent
    what = {"keep": "kept", "lose": "points lost", "miss": "missed"}[c.promise.kind]
    on = (
        f"{c.n_held_out_kept:,} held-out queries kept there"
        if c.promise.kind == "miss"
        else f"{c.n_held_out:,} held-out queries"
    )
    return f"{on}: {write(c.achieved)} {what} {brackets(c.achieved_interval, write)}"


def _percent(share: float) -> str:
    return f"{significant(100 * share, 6)}%"
