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
        return f"{100 * value:z.1f}%".replace("-", "−")
    points = f"{100 * value:z.1f}" if unit == "share right" else f"{value:z.2f}"
    return f"{points} points".replace("-", "−")


def usd_words(usd: float) -> str:
    """Two digits behind the point, of small sums three figures; a dash where it is unknown.

    >>> usd_words(1234.5), usd_words(0.012345), usd_words(-0.5), usd_words(1.3e-05)
    ('$1,234.50', '$0.0123', '−$0.500', '$0.000013')
    """
    if math.isnan(usd):
        return "–"
    return f"{'−' if usd < 0 else ''}${abs(usd):,.{usd_digits(usd)}f}"


def usd_digits(usd: float) -> int:
    """Digits behind the point of a sum, and of those that stand beside it."""
    if abs(usd) >= 1 or usd == 0:
        return 2
    return min(2 - math.floor(math.log10(abs(usd))), 6)


def _taken(answer: Mapping[str, Any]) -> list[str]:
    rows = answer["routers"]
    row = next(r for r in rows if r["label"] == answer["advice"]["label"])
    said = [f"{_target_words(answer)} take {row['label']}: {_what_it_gives(row, answer)}."]
    if len(rows) > 1:
        said.append(_among_others(row, answer))
    return [*said, _against_bar(row, answer)]


def _among_others(row: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Which routers are as good as anybody can tell, and why this one of them."""
    first, *later = answer["routers"]
    among, chosen_by = answer["advice"]["among"], answer["advice"]["chosen_by"]
    alike = [r for r in later if not r["to_first"]["is_shown"]]
    why = {"usd_per_1000": "costs the least", "router_ms": "is the fastest", None: ""}[chosen_by]
    of_these = f"; of these {row['label']} {why}" if why else ""
    if first["label"] not in among:
        only = "alone is" if len(among) == 1 else "alone are"
        return (
            f"{_joined(among)} {only} shown to be better than {_BLIND[answer['bar']]}{of_these}. "
            f"{first['label']} is first with {_ranking_figure(first, answer)}, but not shown to be."
        )
    if not alike:
        return "It is ahead of every other router that fits."
    worthy = [r for r in alike if r["label"] in among]
    nearest = row if row in alike else (worthy or alike)[0]
    needed = _needed(nearest["to_first"]["n_more"], f"tell {nearest['label']} apart")
    if not worthy:
        return (
            f"{_count(alike)} cannot be told from it ({needed}), but not shown to be better than "
            f"{_BLIND[answer['bar']]} either."
        )
    best = "" if row is first else f"{first['label']} is first, {_ranking_figure(first, answer)}; "
    said = f"{best}{_joined([r['label'] for r in worthy])} cannot be told from it ({needed})"
    return f"{said}{of_these}."


def _count(routers: Sequence[Mapping[str, Any]]) -> str:
    return routers[0]["label"] if len(routers) == 1 else f"{len(routers)} others"


def _no_router(answer: Mapping[str, Any]) -> list[str]:
    first, by, unit = answer["routers"][0], answer["ranked_by"], answer["quality_unit"]
    bar, gain = _bar(answer), first["over_bar"]
    is_ = "is shown to be worse" if gain["is_shown"] else "is not shown to be better"
    more = "" if gain["is_shown"] else f"; {_needed(gain['n_more'])}"
    return [
        f"{_target_words(answer)} no router is worth it here: {first['label']} "
        f"({_ranking_figure(first, answer)}) {is_} than {_BLIND[bar['label']]} "
        f"({_ranking_figure(bar, answer)}), which needs none. The difference is "
        f"{_span_of(gain['value'], gain['interval'], by, unit)}{more}."
    ]


def _none_fits(answer: Mapping[str, Any]) -> list[str]:
    said = [f"{_target_words(answer)} no router fits."]
    if answer["bar"] is None:
        return [*said, "Nor does a random mix, or one of the models alone."]
    bar = _bar(answer)
    return [*said, f"Without one {_BLIND[bar['label']]} serves it: {_what_it_gives(bar, answer)}."]


def _cautions(answer: Mapping[str, Any]) -> list[str]:
    said, n, (low, high) = [], answer["n_queries"], answer["gap_interval"]
    unit = answer["quality_unit"]
    if high < 0:
        weak, strong = (
            quality_words(answer[f"quality_{side}"], unit) for side in ("weak", "strong")
        )
        said.append(
            "The model called strong is clearly the worse one on these queries: always the weak "
            f"model gives {weak}, the strong one {strong}."
        )
    elif low <= 0:
        ends = _ends((low, high), lambda end: amount(end, "quality", unit).removesuffix(" points"))
        said.append(
            f"On these queries both models may be equally good (gap {ends} points): a part of the "
            "gap then means little."
        )
    if n < _FEW_QUERIES:
        said.append(f"{n} queries are few: on others these figures may be quite different.")
    if answer["ranked_by"] == "strong_calls" or math.isnan(answer["blind"][-1]["usd_per_1000"]):
        ranked = (
            "routers are ranked by strong calls, and " if answer["ranked_by"] != "quality" else ""
        )
        said.append(f"A price of this pair is not known: {ranked}money is left out.")
    if len(answer["routers"]) + len(answer["unfit"]) == 1:
        said.append("There is no other router to hold it against.")
    return said


def _target_words(answer: Mapping[str, Any]) -> str:
    target = answer["wish"]
    match target["mode"]:
        case "share":
            return f"With at most {100 * target['wanted']:.3g}% strong calls"
        case "budget":
            usd = usd_words(1_000 * target["wanted"] / target["queries_per_month"])
            return f"For at most {usd} per 1,000 queries"
        case "pgr":
            return f"To recover {100 * target['wanted']:.3g}% of the gap"
        case _:
            return f"To reach {quality_words(target['wanted'], answer['quality_unit'])}"


def _what_it_gives(row: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """The figure that ranks with its interval, then the other one, then its own time."""
    by, unit = answer["ranked_by"], answer["quality_unit"]
    quality = quality_words(row["quality"], unit)
    calls = f"{row['strong_call_share']:.1%} strong calls"
    usd = f"{usd_words(row['usd_per_1000'])} per 1,000 queries"
    has_price, target = math.isfinite(row["usd_per_1000"]), answer["wish"]
    is_as_asked = (
        target["mode"] == "share" and abs(row["strong_call_share"] - target["wanted"]) < 5e-4
    )
    if by == "quality":
        scale, digits = (100, 1) if unit == "share right" else (1, 2)
        ends = _ends(row["quality_interval"], lambda end: f"{scale * end:.{digits}f}")
        said = f"{quality} ({ends})" + (f" for {usd}" if has_price else "")
        said += "" if is_as_asked else f", {calls}"
    elif by == "usd":
        ends = _ends(row["usd_per_1000_interval"], usd_words)
        said = f"{usd} ({ends}) with {calls}, {quality}"
    else:
        ends = _ends(row["strong_call_share_interval"], lambda end: f"{100 * end:.1f}")
        said = f"{calls} ({ends}), {quality}"
    return said + (f", after {row['router_ms']:.3g} ms of its own" if row["router_ms"] > 0 else "")


def _against_bar(row: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    if answer["bar"] is None:
        return "Nothing serves this target without a router."
    by, unit, gain, bar = answer["ranked_by"], answer["quality_unit"], row["over_bar"], _bar(answer)
    value, (low, high) = gain["value"], gain["interval"]
    if by == "quality":
        worth = f"gives {_span_of(value, (low, high), by, unit)} more"
    else:
        worth = f"saves {_span_of(-value, (-high, -low), by, unit)}"
        worth += " of the strong calls" if by == "strong_calls" else " of it"
    return (
        f"Without a router {_BLIND[bar['label']]} is best, {_ranking_figure(bar, answer)}: the "
        f"router {worth}."
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
    ends = _ends(interval, lambda end: amount(end, by, unit).removesuffix(" points"))
    return f"{amount(value, by, unit)} ({ends})"


def _ends(interval: Sequence[float], write: Callable[[float], str]) -> str:
    if any(map(math.isnan, interval)):
        return "its interval is undefined"
    return f"95% {write(interval[0])} – {write(interval[1])}"


def _needed(n_more: float, what: str = "show it") -> str:
    if math.isnan(n_more):
        return f"nobody can say how many more queries would {what}"
    if math.isinf(n_more):
        return f"no number of queries would {what}"
    return f"about {int(float(f'{max(n_more, 1):.1e}')):,} more queries would {what}"


def _bar(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(row for row in answer["blind"] if row["label"] == answer["bar"])


def _joined(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
