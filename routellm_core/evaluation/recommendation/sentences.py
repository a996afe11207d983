"""Sentences of a recommendation, for screen and terminal: what to take and why."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from routellm_core.evaluation.recommendation.limits import Exclusion, Requirements, usd_per_1000
from routellm_core.wording.numbers import (
    fixed,
    more_queries,
    ms_text,
    percent,
    points_text,
    significant,
    span,
    usd_text,
)
from routellm_core.wording.text import joined

_WITHOUT_ROUTER = {
    "random mix": "a random mix of both models",
    "always weak": "always the weak model",
    "always strong": "always the strong model",
}
_SHORTFALLS = {
    "share": "calls the strong model more often",
    "budget": "costs more",
    "quality": "does not reach that quality",
    "pgr": "does not recover as much",
    "no_gap": "there is no gap to recover",
}


def recommendation(answer: Mapping[str, Any]) -> list[str]:
    """The advice, its reasons and cautions.

    Args:
        answer: the object of `report.document`, without its `sentences`.
    """
    kind = answer["advice"]["kind"]
    if kind == "one model":
        # What a mix or a router reaches with part of the calls, one model reaches for no more.
        others = [name for name in answer["cautions"] if name != "reversed_gap"]
        said = [answer["standing"]["announcement"]]
        return [*said, *(_caution(name, answer) for name in others)]
    said = {"router": _taken, "no router": _no_router, "none fits": _none_fits}[kind](answer)
    return [*said, *(_caution(name, answer) for name in answer["cautions"])]


def excluded_routers(answer: Mapping[str, Any]) -> str:
    """The excluded routers, those of one reason together; empty where all are suitable."""
    by_reason: dict[str, list[str]] = {}
    for row in answer["unfit"]:
        by_reason.setdefault(row["reason"], []).append(row["label"])
    return "; ".join(f"{joined(labels)} ({reason})" for reason, labels in by_reason.items())


def exclusion(found: Exclusion, required: Requirements) -> str:
    """Why a router is excluded, as a clause that does not name it."""
    target, limits, reached = required.target, required.limits, found.reached
    match found.kind:
        case "time_unknown":
            return "nobody has measured its own time"
        case "cost_unknown":
            return "nobody has measured its own time, so nobody knows what it costs"
        case "price_unknown":
            return "a price of this pair is not known: type it, then name a budget"
        case "router_time":
            return f"its own {ms_text(1000 * reached)} exceed {ms_text(1000 * limits.router_s)}"
        case "mean_time":
            mean, most = significant(reached), significant(limits.mean_s)
            return f"its answers take {mean} s on average, more than {most} s"
        case "p95_time":
            p95, most = significant(reached), significant(limits.p95_s)
            return f"a twentieth of its answers take over {p95} s, more than {most} s"
        case "no_gap":
            return (
                "the strong model is not the better one on these queries: there is no gap to "
                "recover"
            )
        case "budget":
            budget = f"{usd_text(usd_per_1000(target.value, target))} for 1,000 queries"
            return f"{budget} do not pay for it: {usd_text(reached)} are the least"
        case "pgr":
            return (
                f"no threshold of it recovers {significant(100 * target.value)}% of the gap here: "
                f"{significant(100 * reached)}% are the most"
            )
        case _:
            best = significant(reached, 4)
            return f"no threshold of it reaches that quality here: {best} is the most"


def shortfall(found: Exclusion | None, required: Requirements) -> str | None:
    """The requirement that an option without a router misses, as a clause; None for none."""
    if found is None:
        return None
    return _SHORTFALLS.get(found.kind) or exclusion(found, required)


def verdict(difference: Mapping[str, Any], label: str, other: str, by: str, unit: str) -> str:
    """The excess of one over the other, or that none is clear; without a full stop."""
    if not difference["is_shown"]:
        return f"cannot tell {label} from {other}: {more_queries(difference['n_more'])}"
    size, is_more = amount(abs(difference["value"]), by, unit), difference["value"] > 0
    verb = {"quality": "gives", "usd": "costs", "strong_calls": "calls the strong model for"}[by]
    of = {"quality": "", "usd": " for 1,000 queries", "strong_calls": " of the queries"}[by]
    return f"{label} {verb} {size}{of} {'more' if is_more else 'less'} than {other}"


def quality_words(quality: float, unit: str) -> str:
    """`76.6% right`, or `8.31 points`."""
    return f"{points_text(quality, unit)}{'% right' if unit == 'share right' else ' points'}"


def amount(value: float, by: str, unit: str) -> str:
    """A difference with its unit."""
    if by == "usd":
        return usd_text(value)
    return percent(value) if by == "strong_calls" else f"{points_text(value, unit)} points"


def _taken(answer: Mapping[str, Any]) -> list[str]:
    rows = answer["routers"]
    row = next(r for r in rows if r["label"] == answer["advice"]["label"])
    said = [f"{_target_words(answer)} take {row['label']}: {_what_it_gives(row, answer)}."]
    if len(rows) > 1:
        said.append(_among_others(row, answer))
    return [*said, _over_baseline(row, answer)]


def _among_others(row: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """The routers that are not clearly worse, and why this one of them."""
    first, *later = answer["routers"]
    among, chosen_by = answer["advice"]["among"], answer["advice"]["chosen_by"]
    similar = [r for r in later if not r["to_first"]["is_shown"]]
    why = {"usd_per_1000": "costs the least", "router_ms": "is the fastest", None: ""}[chosen_by]
    of_these = f"; of these {row['label']} {why}" if why else ""
    baseline = _WITHOUT_ROUTER[answer["bar"]] if answer["bar"] else ""
    if first["label"] not in among:
        only = "alone is" if len(among) == 1 else "alone are"
        return (
            f"{joined(among)} {only} shown to be better than {baseline}{of_these}. "
            f"{first['label']} is first with {_ranking_figure(first, answer)}, but not shown to be."
        )
    if not similar:
        return "It is ahead of every other router that fits."
    worthy = [r for r in similar if r["label"] in among]
    nearest = row if row in similar else (worthy or similar)[0]
    needed = more_queries(nearest["to_first"]["n_more"], f"tell {nearest['label']} apart")
    if not worthy:
        return (
            f"{_count(similar)} cannot be told from it ({needed}), but not shown to be better than "
            f"{baseline} either."
        )
    best = "" if row is first else f"{first['label']} is first, {_ranking_figure(first, answer)}; "
    said = f"{best}{joined([r['label'] for r in worthy])} cannot be told from it ({needed})"
    return f"{said}{of_these}."


def _count(routers: Sequence[Mapping[str, Any]]) -> str:
    return routers[0]["label"] if len(routers) == 1 else f"{len(routers)} others"


def _no_router(answer: Mapping[str, Any]) -> list[str]:
    first, by, unit = answer["routers"][0], answer["ranked_by"], answer["quality_unit"]
    baseline, gain = _baseline(answer), first["over_bar"]
    is_ = "is shown to be worse" if gain["is_shown"] else "is not shown to be better"
    more = "" if gain["is_shown"] else f"; {more_queries(gain['n_more'])}"
    return [
        f"{_target_words(answer)} no router is worth it here: {first['label']} "
        f"({_ranking_figure(first, answer)}) {is_} than {_WITHOUT_ROUTER[baseline['label']]} "
        f"({_ranking_figure(baseline, answer)}), which needs none. The difference is "
        f"{_span_of(gain['value'], gain['interval'], by, unit)}{more}."
    ]


def _none_fits(answer: Mapping[str, Any]) -> list[str]:
    said = [f"{_target_words(answer)} no router fits."]
    if answer["bar"] is None:
        return [*said, "Nor does a random mix, or one of the models alone."]
    baseline = _baseline(answer)
    name = _WITHOUT_ROUTER[baseline["label"]]
    return [*said, f"Without one {name} serves it: {_what_it_gives(baseline, answer)}."]


def _caution(name: str, answer: Mapping[str, Any]) -> str:
    unit = answer["quality_unit"]
    match name:
        case "reversed_gap":
            weak, strong = (
                quality_words(answer[f"quality_{side}"], unit) for side in ("weak", "strong")
            )
            return (
                "The model called strong is clearly the worse one on these queries: always the "
                f"weak model gives {weak}, the strong one {strong}."
            )
        case "gap_may_be_none":
            ends = span(
                answer["gap_interval"],
                lambda end: amount(end, "quality", unit).removesuffix(" points"),
            )
            return (
                f"On these queries both models may be equally good (gap {ends} points): a part of "
                "the gap then means little."
            )
        case "few_queries":
            n = answer["n_queries"]
            return f"{n} queries are few: on others these figures may be quite different."
        case "price_unknown":
            ranked = "routers are ranked by strong calls, and " * (answer["ranked_by"] != "quality")
            return f"A price of this pair is not known: {ranked}money is left out."
        case _:
            return "There is no other router to compare it with."


def _target_words(answer: Mapping[str, Any]) -> str:
    target = answer["wish"]
    match target["mode"]:
        case "share":
            return f"With at most {significant(100 * target['wanted'])}% strong calls"
        case "budget":
            most = usd_text(1_000 * target["wanted"] / target["queries_per_month"])
            return f"For at most {most} per 1,000 queries"
        case "pgr":
            return f"To recover {significant(100 * target['wanted'])}% of the gap"
        case _:
            return f"To reach {quality_words(target['wanted'], answer['quality_unit'])}"


def _what_it_gives(row: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """The figure that ranks with its interval, then the other figures, then its own time."""
    by, unit = answer["ranked_by"], answer["quality_unit"]
    quality = quality_words(row["quality"], unit)
    calls = f"{percent(row['strong_call_share'])} strong calls"
    money = f"{usd_text(row['usd_per_1000'])} per 1,000 queries"
    has_price, target = math.isfinite(row["usd_per_1000"]), answer["wish"]
    is_as_asked = (
        target["mode"] == "share" and abs(row["strong_call_share"] - target["wanted"]) < 5e-4
    )
    if by == "quality":
        ends = span(row["quality_interval"], points_text, quality_unit=unit)
        said = f"{quality} ({ends})" + (f" for {money}" if has_price else "")
        said += "" if is_as_asked else f", {calls}"
    elif by == "usd":
        ends = span(row["usd_per_1000_interval"], usd_text)
        said = f"{money} ({ends}) with {calls}, {quality}"
    else:
        ends = span(row["strong_call_share_interval"], fixed, digits=1, scale=100.0)
        said = f"{calls} ({ends}), {quality}"
    return said + (
        f", after {ms_text(row['router_ms'])} of its own" if row["router_ms"] > 0 else ""
    )


def _over_baseline(row: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    if answer["bar"] is None:
        return "Nothing serves this target without a router."
    by, unit, gain = answer["ranked_by"], answer["quality_unit"], row["over_bar"]
    baseline = _baseline(answer)
    value, (low, high) = gain["value"], gain["interval"]
    if by == "quality":
        worth = f"gives {_span_of(value, (low, high), by, unit)} more"
    else:
        worth = f"saves {_span_of(-value, (-high, -low), by, unit)}"
        worth += " of the strong calls" if by == "strong_calls" else " of it"
    return (
        f"Without a router {_WITHOUT_ROUTER[baseline['label']]} is best, "
        f"{_ranking_figure(baseline, answer)}: the router {worth}."
    )


def _ranking_figure(row: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    match answer["ranked_by"]:
        case "quality":
            return quality_words(row["quality"], answer["quality_unit"])
        case "usd":
            return f"{usd_text(row['usd_per_1000'])} per 1,000 queries"
        case _:
            return f"{percent(row['strong_call_share'])} strong calls"


def _span_of(value: float, interval: Sequence[float], by: str, unit: str) -> str:
    ends = span(interval, lambda end: amount(end, by, unit).removesuffix(" points"))
    return f"{amount(value, by, unit)} ({ends})"


def _baseline(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(row for row in answer["blind"] if row["label"] == answer["bar"])
