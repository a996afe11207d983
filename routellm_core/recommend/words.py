"""A recommendation read aloud: what to take and why, as far as the intervals allow."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_BLIND = {
    "random mix": "a random mix of both models",
    "always weak": "always the weak model",
    "always strong": "always the strong model",
}
_FEW_QUERIES = 100
"""Below it even a good router can hardly be shown to be one."""


def sentences(answer: Mapping[str, Any]) -> list[str]:
    """What `document.document` found, without its `sentences`."""
    kind = answer["advice"]["kind"]
    said = {"router": _taken, "no router": _no_router, "none fits": _none_fits}[kind](answer)
    return [*said, *_cautions(answer)]


def unfit_words(answer: Mapping[str, Any]) -> str:
    """The routers that do not fit, those of one reason together; empty where all fit."""
    by_reason: dict[str, list[str]] = {}
    for row in answer["unfit"]:
        by_reason.setdefault(row["reason"], []).append(row["label"])
    return "; ".join(f"{_joined(labels)} ({reason})" for reason, labels in by_reason.items())


def verdict_words(difference: Mapping[str, Any], label: str, other: str, by: str, unit: str) -> str:
    """What one has more than the other, or that they cannot be told apart; without a full stop."""
    if not difference["is_shown"]:
        return f"cannot tell {label} from {other}: {_needed(difference['n_more'])}"
    size, is_more = amount(abs(difference["value"]), by, unit), difference["value"] > 0
    verb = {"quality": "gives", "usd": "costs", "strong_calls": "calls the strong model for"}[by]
    of = {"quality": "", "usd": " for 1,000 queries", "strong_calls": " of the queries"}[by]
    return f"{label} {verb} {size}{of} {'more' if is_more else 'less'} than {other}"


def quality_words(quality: float, unit: str) -> str:
    """`76.6% right`, or `8.31 points`."""
    return f"{100 * quality:.1f}% right" if unit == "share right" else f"{quality:.2f} points"


def amount(value: float, by: str, unit: str) -> str:
    """A difference with its unit and a true minus."""
    if by == "usd":
        return usd_words(value)
    if by == "strong_calls":
        return f"{100 * value:.1f}%".replace("-", "−")
    points = f"{100 * value:.1f}" if unit == "share right" else f"{value:.2f}"
    return f"{points} points".replace("-", "−")


def usd_words(usd: float) -> str:
    """Two digits behind the point, of small sums three figures; a dash where it is unknown.

    >>> usd_words(1234.5), usd_words(0.012345), usd_words(-0.5)
    ('$1,234.50', '$0.0123', '−$0.5')
    """
    if math.isnan(usd):
        return "–"
    size = f"${abs(usd):,.2f}" if abs(usd) >= 1 else f"${abs(usd):.3g}"
    return f"−{size}" if usd < 0 else size


def _taken(answer: Mapping[str, Any]) -> list[str]:
    advice, rows = answer["advice"], answer["routers"]
    row = next(r for r in rows if r["label"] == advice["label"])
    said = [f"{_wish_words(answer)} take {row['label']}: {_what_it_gives(row, answer)}."]
    others = [label for label in advice["among"] if label != row["label"]]
    if others:
        why = {"usd_per_1000": "costs the least", "router_ms": "is the fastest"}
        rival = row["to_first"] or next(r for r in rows if r["label"] == others[0])["to_first"]
        said.append(
            f"It cannot be told from {_joined(others)} ({_needed(rival['n_more'])}); of these it "
            f"{why[advice['chosen_by']]}."
        )
    elif len(rows) > 1:
        n_behind = sum(bool(r["to_first"] and r["to_first"]["is_shown"]) for r in rows)
        of = "every other router" if n_behind == len(rows) - 1 else f"{n_behind} of the others"
        said.append(f"It is ahead of {of} that {'fits' if of[0] == 'e' else 'fit'}.")
    return [*said, _against_bar(row, answer)]


def _no_router(answer: Mapping[str, Any]) -> list[str]:
    first, by, unit = answer["routers"][0], answer["ranked_by"], answer["quality_unit"]
    bar, gain = _bar(answer), first["over_bar"]
    is_ = "is shown to be worse" if gain["is_shown"] else "is not shown to be better"
    more = "" if gain["is_shown"] else f"; {_needed(gain['n_more'])}"
    return [
        f"{_wish_words(answer)} no router is worth it here: {first['label']} "
        f"({_ranking_figure(first, answer)}) {is_} than {_BLIND[bar['label']]} "
        f"({_ranking_figure(bar, answer)}), which needs none. The difference is "
        f"{_span_of(gain['value'], gain['interval'], by, unit)}{more}."
    ]


def _none_fits(answer: Mapping[str, Any]) -> list[str]:
    said = [f"{_wish_words(answer)} no router fits."]
    if answer["bar"] is None:
        return [*said, "Nor does a random mix, or one of the models alone."]
    bar = _bar(answer)
    return [*said, f"Without one {_BLIND[bar['label']]} serves it: {_what_it_gives(bar, answer)}."]


def _cautions(answer: Mapping[str, Any]) -> list[str]:
    said, n, (low, high) = [], answer["n_queries"], answer["gap_interval"]
    unit = answer["quality_unit"]
    if high < 0:
        said.append("The model called strong is clearly the worse one on these queries.")
    elif low <= 0:
        ends = _ends((low, high), lambda end: amount(end, "quality", unit).removesuffix(" points"))
        said.append(
            f"On these queries both models may be equally good (gap {ends} points): a part of the "
            "gap then means little."
        )
    if n < _FEW_QUERIES:
        said.append(f"{n} queries are few: nearly nothing can be told apart on them.")
    if answer["ranked_by"] == "strong_calls" or math.isnan(answer["blind"][-1]["usd_per_1000"]):
        ranked = (
            "routers are ranked by strong calls, and " if answer["ranked_by"] != "quality" else ""
        )
        said.append(f"A price of this pair is not known: {ranked}money is left out.")
    if len(answer["routers"]) + len(answer["unfit"]) == 1:
        said.append("There is no other router to hold it against.")
    return said


def _wish_words(answer: Mapping[str, Any]) -> str:
    wish = answer["wish"]
    match wish["mode"]:
        case "share":
            return f"With at most {100 * wish['wanted']:.3g}% strong calls"
        case "budget":
            usd = usd_words(1_000 * wish["wanted"] / wish["queries_per_month"])
            return f"For at most {usd} per 1,000 queries"
        case "pgr":
            return f"To recover {100 * wish['wanted']:.3g}% of the gap"
        case _:
            return f"To reach {quality_words(wish['wanted'], answer['quality_unit'])}"


def _what_it_gives(row: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """The figure that ranks with its interval, then the other one, then its own time."""
    by, unit = answer["ranked_by"], answer["quality_unit"]
    quality = quality_words(row["quality"], unit)
    calls = f"{row['strong_call_share']:.1%} strong calls"
    usd = f"{usd_words(row['usd_per_1000'])} per 1,000 queries"
    has_price = math.isfinite(row["usd_per_1000"])
    if by == "quality":
        scale, digits = (100, 1) if unit == "share right" else (1, 2)
        ends = _ends(row["quality_interval"], lambda end: f"{scale * end:.{digits}f}")
        said = f"{quality} ({ends}) with {calls}" + (f", for {usd}" if has_price else "")
    elif by == "usd":
        ends = _ends(row["usd_per_1000_interval"], usd_words)
        said = f"{usd} ({ends}) with {calls}, {quality}"
    else:
        ends = _ends(row["strong_call_share_interval"], lambda end: f"{100 * end:.1f}")
        said = f"{calls} ({ends}), {quality}"
    return said + (f", after {row['router_ms']:.3g} ms of its own" if row["router_ms"] > 0 else "")


def _against_bar(row: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    if answer["bar"] is None:
        return "Nothing serves this wish without a router."
    by, unit, gain = answer["ranked_by"], answer["quality_unit"], row["over_bar"]
    bar = _bar(answer)
    return (
        f"Without a router {_BLIND[bar['label']]} is best: {_ranking_figure(bar, answer)}, so the "
        f"router is worth {_span_of(gain['value'], gain['interval'], by, unit)}."
    )


def _ranking_figure(row: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    match answer["ranked_by"]:
        case "quality":
            return quality_words(row["quality"], answer["quality_unit"])
        case "usd":
            return f"{usd_words(row['usd_per_1000'])} per 1,000 queries"
        case _:
            return f"{row['strong_call_share']:.1%} strong calls"


def _span_of(value: float, interval: Sequence[float], by: str, unit: str) -> str:
    sign = "+" if value > 0 else ""
    return f"{sign}{amount(value, by, unit)} ({_ends(interval, lambda end: _bare(end, by, unit))})"


def _bare(end: float, by: str, unit: str) -> str:
    return ("+" if end > 0 else "") + amount(end, by, unit).removesuffix(" points")


def _ends(interval: Sequence[float], write: Callable[[float], str]) -> str:
    if any(map(math.isnan, interval)):
        return "its interval is undefined"
    return f"95% {write(interval[0])} – {write(interval[1])}"


def _needed(n_more: float) -> str:
    if math.isnan(n_more):
        return "how many more queries would show it cannot be told"
    if math.isinf(n_more):
        return "no number of queries would show it"
    return f"about {int(float(f'{max(n_more, 1):.1e}')):,} more queries would show it"


def _bar(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(row for row in answer["blind"] if row["label"] == answer["bar"])


def _joined(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
