"""Sentences of a comparison, for screen and terminal."""

from collections.abc import Mapping
from typing import Any

from routellm_core.evaluation.comparison.controls import ControlKind, is_divided
from routellm_core.wording.numbers import fixed, more_queries

ONE_ROUTER = "There is one router: nothing to compare it with."
GAP_MAY_BE_NONE = "The gap may be none: shares of it, such as APGR, then mean little."
REVERSED_GAP = (
    "The model called strong is clearly the worse one. Of two routers the better one then has the "
    "lower APGR, so verdicts go by quality."
)
_CONTROLS: Mapping[ControlKind, str] = {
    "router": "{do} better than {its} own scores shuffled",
    "chance": "cannot be told from {its} own scores shuffled",
    "reversed": "{rank} queries the wrong way round: {its} own scores shuffled do better",
}
_ONE = {"do": "does", "its": "its", "rank": "ranks", "be": "is"}
_SEVERAL = {"do": "do", "its": "their", "rank": "rank", "be": "are"}


def verdict(found: Mapping[str, Any]) -> str:
    """The verdict on two routers, from the fields of a `PairVerdict` and its `kind`."""
    router, over = found["router"], found["over"]
    if found["kind"] != "ahead":
        return f"cannot tell `{router}` from `{over}`: {more_queries(found['n_more'])}"
    of = "APGR" if found["is_gap_clear"] else "in quality, over all strong-call shares"
    return f"`{router}` is ahead of `{over}` by {fixed(found['amount'])} {of}"


def control(found: Mapping[str, Any]) -> str:
    """The control of one router, from the fields of `RouterControls`."""
    if found["kind"] != "constant":
        return control_of(found["kind"])
    if not is_divided(found["evenest_share"]):
        return (
            "a constant in disguise: no threshold sends between 5% and 95% of the queries to the "
            "strong model"
        )
    return (
        f"a constant in disguise: 95% of its scores lie within {found['spread']:.3f} and their "
        "order is not shown to be better than chance"
    )


def control_of(kind: ControlKind, n_routers: int = 1) -> str:
    """The control of routers of one kind, as what follows their names."""
    forms = _ONE if n_routers == 1 else _SEVERAL
    if kind == "constant":
        return (
            "{be} a constant in disguise: no threshold divides the queries usefully, or {its} "
            "scores are nearly equal and their order is not shown to be better than chance"
        ).format_map(forms)
    return _CONTROLS[kind].format_map(forms)


def gap_caution(gap_interval: tuple[float, float]) -> str | None:
    """The caution about a gap that is none or reversed; None where it is clear."""
    low, high = gap_interval
    if high < 0:
        return REVERSED_GAP
    return GAP_MAY_BE_NONE if low <= 0 <= high else None
