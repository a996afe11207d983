"""What the Compare page computes and draws: routers × benchmarks, and the paper beside ours."""

import math
from typing import Any

import pandas as pd
import streamlit as st

from routellm_core import paper
from routellm_core.evaluation import WITHIN_SLICE
from routellm_core.paper import PUBLISHED, Published
from routellm_core.types import VIEWS, Benchmark
from routellm_core.uncertainty import N_RESAMPLES
from views import cached, downloads, link
from views.frame import boundary
from views.glossary import help_of
from views.live_curve.payload import number
from views.names import short_name
from views.plain import plain
from views.router_table import router_table

_MEASURES = {"apgr": "APGR", "cpt50": "CPT(50%)", "cpt80": "CPT(80%)"}
_VIEWS = {
    "in_domain": "Out of fold",
    "unseen_slices": "On slices that no router learned from",
    "untouched": "On a benchmark that no router learned from",
}
_WHY = {
    "mmlu": "Theirs learned from Arena battles, some with about 1,500 golden labels added; ours "
    "from golden labels, those of MMLU itself among them, out of fold.",
    "gsm8k": "Theirs learned from Arena battles, some with a judge's labels added; ours from "
    "golden labels, those of GSM8K itself among them, out of fold.",
    "mt_bench": "Theirs learned from Arena battles of open-ended chats, some with a judge's labels "
    "added; ours from golden labels of other benchmarks, and a query of ours is both turns of what "
    "the paper counts as two.",
}


def draw() -> None:
    """The page below its title."""
    reports = _reports(cached.store().version)
    if not reports:
        st.info("Choose a benchmark above to compare its routers.")
        return
    axis = _axis(reports)
    for card, report in reports:
        _draw_benchmark(card, report, axis)
    table = pd.DataFrame([line for _, report in reports for line in _csv_lines(report)])
    _download("Everything above (CSV)", table, "routers.csv")
    st.caption(
        f"Intervals: 95%, {N_RESAMPLES:,} bootstrap resamples of the queries. The grey band holds "
        "95% of random routers. In domain: scored out of fold. Unseen slices: no router learned "
        "from these slices. Untouched: none learned from this benchmark. Within slice: in-domain "
        "scores that may only rank inside each slice."
    )
    _draw_paper(reports, axis)


def _reports(version: int) -> list[tuple[Benchmark, dict[str, Any]]]:
    """Card and figures of each benchmark that is chosen; why one has none is said in its place."""
    ids = cached.benchmarks(version)["benchmark_id"].tolist()
    cards = {benchmark_id: cached.benchmark(version, benchmark_id) for benchmark_id in ids}
    chosen = link.texts("compare", ids, ids)
    st.session_state["_compare"] = chosen
    st.pills(
        "Benchmarks",
        ids,
        selection_mode="multi",
        key="_compare",
        format_func=lambda benchmark_id: plain(cards[benchmark_id].title),
        on_change=lambda: link.remember(compare=st.session_state["_compare"]),
    )
    reports = []
    for benchmark_id in [name for name in ids if name in chosen]:
        with boundary():
            reports.append((cards[benchmark_id], cached.evaluation(version, benchmark_id)))
    return reports


def _axis(reports: list[tuple[Benchmark, dict[str, Any]]]) -> dict[str, Any]:
    """One axis for all tables, so that they can be held against each other."""
    seen = [0.4, 0.8]
    for _, report in reports:
        seen += [*report["random"]["apgr_interval"], *(p.apgr for p in _published(report))]
        seen += [end for row in report["routers"] for end in row["apgr_interval"]]
    seen = [min(max(value, 0.0), 1.5) for value in seen if math.isfinite(value)]
    low, high = math.floor(10 * min(seen)), math.ceil(10 * max(seen))
    ticks = [tenth / 10 for tenth in range(low, high + 1)]
    return {"low": low / 10 - 0.02, "high": high / 10 + 0.02, "ticks": ticks}


def _draw_benchmark(card: Benchmark, report: dict[str, Any], axis: dict[str, Any]) -> None:
    rows = [_row(report, router) for router in report["routers"]]
    data = {
        "title": card.title,
        "beside": f"{report['n_queries']:,} queries · {_pair(report)}",
        "sentence": " ".join([*verdict(report), *_inside_slices(report), *_without(report)]),
        "caption": f"Routers on {card.title}",
        "columns": [
            {"id": "router", "title": "router", "form": "name"},
            {"id": "recipe", "title": "recipe", "form": "text", "wide": True},
            {"id": "view", "title": "view", "form": "text", "wide": True},
            _PICTURE,
            *(_measure(name, wide=name == "cpt80") for name in _MEASURES),
            {"id": "n", "title": "n", "form": "count", "wide": True},
        ],
        "rows": rows,
        "pinned": _bounds(report),
        "axis": _with_random(axis, report),
        "sorted_by": "apgr",
    }
    router_table(data, key=f"routers_{card.benchmark_id}")


_PICTURE = {
    "id": "picture",
    "title": "APGR, 95% interval",
    "form": "range",
    "help": "sort by the interval's lower end",
}


def _measure(name: str, whose: str = "", *, wide: bool) -> dict[str, Any]:
    """A column of APGR or CPT; `theirs` are the paper's, a wide one has no room on a phone."""
    return {
        "id": f"paper_{name}" if whose == "theirs" else name,
        "title": f"{_MEASURES[name]} {whose}".strip(),
        "form": "figure" if name == "apgr" else "percent",
        "wide": wide,
        "help": help_of("apgr" if name == "apgr" else "cpt"),
    }


def _row(report: dict[str, Any], router: dict[str, Any]) -> dict[str, Any]:
    view = _words(router["view"])
    return {
        "router": router["router"],
        "recipe": router["recipe"],
        "view": view,
        "under": view,
        "n": report["n_queries"],
        **_figures(router),
    }


def _figures(router: dict[str, Any]) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for name in _MEASURES:
        low, high = router[f"{name}_interval"]
        figures |= {
            name: number(router[name]),
            f"{name}_low": number(low),
            f"{name}_high": number(high),
        }
    return figures


def _bounds(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What no router can pass, and what any router must."""
    low, high = report["random"]["apgr_interval"]
    oracle = {name: number(report["oracle"][name]) for name in _MEASURES}
    blind = {"apgr": 0.5, "apgr_low": number(low), "apgr_high": number(high)}
    n = report["n_queries"]
    return [
        {"router": "oracle", "view": "knows the answers", "n": n, "recipe": "", **oracle},
        {
            "router": "random range",
            "view": "95% of blind mixes",
            "recipe": "",
            "n": n,
            **blind,
            "cpt50": 0.5,
            "cpt80": 0.8,
        },
    ]


def _with_random(axis: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    low, high = report["random"]["apgr_interval"]
    return axis | {"random_low": number(low), "random_high": number(high)}


def verdict(report: dict[str, Any]) -> list[str]:
    """The table read aloud: the best router of the first view, and what the intervals allow."""
    known = [r for r in _first_view(report["routers"]) if math.isfinite(r["apgr"])]
    if not known:
        return ["No router has a figure here yet."]
    best, *others = known
    low, high = best["apgr_interval"]
    found = [
        f"{_VIEWS[best['view']]}, {_name(best, known)} has the highest APGR, {best['apgr']:.3f} "
        f"({_span(low, high)})."
    ]
    if others:
        second = others[0]
        name = f"{_name(second, known)} ({second['apgr']:.3f})"
        if low > second["apgr"] and second["apgr_interval"][1] < best["apgr"]:
            found.append(f"It is clearly ahead of {name}: neither interval holds the other's APGR.")
        else:
            found.append(f"The intervals cannot tell it apart from {name}.")
    if low > report["random"]["apgr_interval"][1]:
        found.append("It is clearly better than a random router.")
    else:
        n = f"{report['n_queries']:,}"
        found.append(f"On {n} queries it cannot be told apart from a random router.")
    return found


def _first_view(routers: list[dict[str, Any]], name: str | None = None) -> list[dict[str, Any]]:
    """Rows that may be held against each other: of one view, the first there is in `VIEWS`.

    Those of the router of that name; without one, all but the random router's.
    """
    known = [r for r in routers if (r["router"] == name if name else r["router"] != "random")]
    view = next((view for view in VIEWS if any(r["view"] == view for r in known)), None)
    return [r for r in known if r["view"] == view]


def _inside_slices(report: dict[str, Any]) -> list[str]:
    """What is left of the best router's lead over random inside slices."""
    known = [r for r in report["routers"] if r["router"] != "random"]
    best = next((r for r in known if r["view"] == "in_domain"), None)
    inside = next((r for r in known if best and _same(r, best) and r["view"] == WITHIN_SLICE), None)
    if best is None or inside is None or not best["apgr"] > 0.5:
        return []
    found = f"Ranking only inside slices it reaches {inside['apgr']:.3f} "
    found += f"({_span(*inside['apgr_interval'])})"
    if inside["apgr_interval"][1] - 0.5 < (best["apgr"] - 0.5) / 2:
        found += ": most of its lead over random comes from telling slices apart"
    return [f"{found}."]


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (one["router"], one["recipe"]) == (other["router"], other["recipe"])


def _without(report: dict[str, Any]) -> list[str]:
    """The same without slices whose outcomes look broken."""
    if "without_broken" not in report or not report["routers"]:
        return []
    rest = report["without_broken"]
    apgr = ", ".join(
        f"{_name(r, rest['routers'])} {r['apgr']:.3f}" for r in _first_view(rest["routers"])
    )
    names = ", ".join(name.replace("_", " ") for name in rest["slices"])
    return [f"Without {names}, whose published outcomes look broken: {apgr}."]


def _draw_paper(reports: list[tuple[Benchmark, dict[str, Any]]], axis: dict[str, Any]) -> None:
    published = [(card, report, _published(report)) for card, report in reports]
    published = [(card, report, rows) for card, report, rows in published if rows]
    if not published:
        return
    st.subheader("The paper beside ours")
    st.caption(
        f"Published: [arXiv 2406.18665, version 4]({paper.SOURCE}), tables 1 to 3, for the same "
        "pair of models, drawn as ◇. Ours: the same method, with its 95% interval, drawn as ●. "
        "A dash: no router of this method has scored it here. Two more differences: the "
        "paper's mf and sw_ranking embed queries with text-embedding-3-small, ours with a model "
        "that runs on this machine; the paper averages ten shares for APGR, ours is the exact area."
    )
    lines = []
    for card, report, rows in published:
        beside = [_beside(row, report) for row in rows]
        lines += [{"benchmark": card.benchmark_id, **row} for row in beside]
        data = {
            "title": card.title,
            "sentence": _WHY[card.benchmark_id],
            "caption": f"Published figures and ours on {card.title}",
            "columns": [
                {"id": "router", "title": "method", "form": "name"},
                {"id": "trained_on", "title": "theirs trained on", "form": "text", "wide": True},
                _PICTURE | {"title": "APGR, ◇ theirs ● ours"},
                *(
                    _measure(name, whose, wide=name != "apgr")
                    for name in _MEASURES
                    for whose in ("theirs", "ours")
                ),
            ],
            "rows": beside,
            "pinned": [],
            "axis": _with_random(axis, report),
            "sorted_by": None,
        }
        router_table(data, key=f"paper_{card.benchmark_id}")
    table = pd.DataFrame(lines).drop(columns="under")
    _download("The paper beside ours (CSV)", table, "paper-beside-ours.csv")


def _published(report: dict[str, Any]) -> list[Published]:
    """The paper's rows of this benchmark, if it is about the same pair of models."""
    if report["model_pair"] != paper.PAIR._asdict():
        return []
    return [row for row in PUBLISHED if row.benchmark_id == report["benchmark"]]


def _beside(row: Published, report: dict[str, Any]) -> dict[str, Any]:
    ours = next(iter(_first_view(report["routers"], row.router)), None)
    return {
        "router": row.router,
        "trained_on": row.trained_on,
        "under": row.trained_on,
        **{f"paper_{name}": getattr(row, name) for name in _MEASURES},
        **({} if ours is None else _figures(ours)),
    }


def _csv_lines(report: dict[str, Any]) -> list[dict[str, Any]]:
    head = {"benchmark": report["benchmark"], **report["model_pair"]}
    rows = [*_bounds(report), *(_row(report, router) for router in report["routers"])]
    return [head | {name: v for name, v in row.items() if name != "under"} for row in rows]


def _download(label: str, table: pd.DataFrame, name: str) -> None:
    st.download_button(
        label, lambda: downloads.csv_bytes(table), name, "text/csv", on_click="ignore"
    )


def _name(router: dict[str, Any], among: list[dict[str, Any]]) -> str:
    """The router's name, with its recipe where it has several."""
    recipes = {r["recipe"] for r in among if r["router"] == router["router"]}
    return router["router"] if len(recipes) == 1 else f"{router['router']} ({router['recipe']})"


def _pair(report: dict[str, Any]) -> str:
    pair = report["model_pair"]
    return f"{short_name(pair['strong'])} ■ over {short_name(pair['weak'])} ●"


def _words(view: str) -> str:
    return view.replace("_", " ")


def _span(low: float, high: float) -> str:
    if not (math.isfinite(low) and math.isfinite(high)):
        return "its interval is undefined"
    return f"95% {low:.3f} – {high:.3f}"
