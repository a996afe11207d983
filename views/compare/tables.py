"""The figures of `evaluate` as rows and columns: a row a router and recipe, a column a view."""

from typing import Any

from routellm_core.evaluation.benchmark import WITHIN_SLICE
from routellm_core.evaluation.slice_ranks import NO_ROUTERS
from routellm_core.store.selection import main_view
from routellm_core.types import VIEWS
from views.components.live_curve.payload import number
from views.components.table import column
from views.text.glossary import help_of

MEASURES = {"apgr": "APGR", "cpt50": "CPT(50%)", "cpt80": "CPT(80%)"}
VIEW_COLUMNS = (*VIEWS[:1], "untouched", "unseen_slices", WITHIN_SLICE)


def of_routers(figures: dict[str, Any]) -> dict[str, Any]:
    """`columns`, `rows` and `pinned` of the table of one benchmark and pair.

    APGR is that of the view which most routers have; where a router has only another one, its
    recipe says which.
    """
    by_name = by_router(figures["routers"])
    known = list(by_name.values())
    usual = main_view([next(iter(v)) for (name, _), v in by_name.items() if name not in NO_ROUTERS])
    rows = [_row(views, usual) for views in known]
    there = [v for v in VIEW_COLUMNS if v != usual and any(v in row for row in rows)]
    help_of_views = f"APGR. {help_of('apgr')}"
    return {
        "columns": [
            column("router", "router", "name"),
            column("recipe", "recipe", "text", wide=True),
            picture(),
            measure("apgr", wide=False),
            *(column(v, words_of(v), "figure", wide=True, help=help_of_views) for v in there),
            measure("cpt50", wide=False),
            measure("cpt80", wide=True),
            column("oracle_gap", "to oracle", "percent", wide=True, term="oracle_gap"),
        ],
        "rows": rows,
        "pinned": _bounds(figures),
    }


def by_router(routers: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, dict[str, Any]]]:
    """The figures of each (router, recipe) by view, the first view of `VIEWS` first."""
    found: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for router in routers:
        found.setdefault((router["router"], router["recipe"]), {})[router["view"]] = router
    order = [*VIEWS, WITHIN_SLICE]
    return {
        name: dict(sorted(views.items(), key=lambda item: order.index(item[0])))
        for name, views in found.items()
    }


def measure(name: str, whose: str = "", *, wide: bool) -> dict[str, Any]:
    """A column of APGR or CPT; `theirs` are the paper's, a wide one has no room on a phone."""
    return column(
        f"paper_{name}" if whose == "theirs" else name,
        f"{MEASURES[name]} {whose}".strip(),
        "figure" if name == "apgr" else "percent",
        wide=wide,
        term="apgr" if name == "apgr" else "cpt",
    )


def picture(title: str = "APGR, 95% interval") -> dict[str, Any]:
    """A column that draws APGR's interval and sorts by its lower end."""
    help = "sort by the interval's lower end"
    return column("picture", title, "range", sort="apgr_low", help=help)


def figures_of(router: dict[str, Any]) -> dict[str, float | None]:
    """APGR and CPT with both ends of their intervals, by column."""
    return {
        column: number(value)
        for name in MEASURES
        for column, value in _with_ends(name, router[name], router[f"{name}_interval"]).items()
    }


def to_oracle(router: dict[str, Any]) -> dict[str, float | None]:
    """Recovered from the best single model to the oracle, with both ends of its interval."""
    ends = _with_ends("oracle_gap", router["oracle_gap"], router["oracle_gap_interval"])
    return {column: number(value) for column, value in ends.items()}


def with_random(axis: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    """The axis with the range of random routers on these queries."""
    low, high = figures["random"]["apgr_interval"]
    return axis | {"random_low": number(low), "random_high": number(high)}


def csv_lines(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """One line a router, recipe and view, under the two bounds."""
    head = {"benchmark": figures["benchmark"], **figures["model_pair"]}
    n = {"n": figures["n_queries"]}
    lines = [row | n | {"view": row["under"]} for row in _bounds(figures)]
    for router in figures["routers"]:
        names = {key: router[key] for key in ("router", "recipe")}
        lines.append(
            names
            | {"view": words_of(router["view"]), "n": router["n_queries"]}
            | figures_of(router)
            | to_oracle(router)
        )
    return [head | {k: v for k, v in line.items() if k != "under"} for line in lines]


def words_of(view: str) -> str:
    """`in_domain` is "in domain" to a reader."""
    return view.replace("_", " ")


def _row(views: dict[str, dict[str, Any]], usual: str) -> dict[str, Any]:
    first = next(iter(views.values()))
    recipe = first["recipe"]
    if first["view"] != usual:
        recipe += f", {words_of(first['view'])}"
    row = {
        "router": first["router"],
        "recipe": recipe,
        "under": recipe,
        "view": words_of(first["view"]),
        "n": first["n_queries"],
        **figures_of(first),
        **to_oracle(first),
    }
    for view, figures in views.items():
        ends = _with_ends(view, figures["apgr"], figures["apgr_interval"])
        row |= {column: number(value) for column, value in ends.items()}
    return row


def _with_ends(name: str, value: float, interval: tuple[float, float]) -> dict[str, float]:
    return {name: value, f"{name}_low": interval[0], f"{name}_high": interval[1]}


def _bounds(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of two limits: one that no router can pass, and one that any router must."""
    low, high = figures["random"]["apgr_interval"]
    oracle = {name: number(figures["oracle"][name]) for name in MEASURES} | {"oracle_gap": 1.0}
    blind = {"apgr": 0.5, "apgr_low": number(low), "apgr_high": number(high)}
    return [
        {"router": "oracle", "recipe": "", "under": "knows the answers", **oracle},
        {
            "router": "random range",
            "recipe": "",
            "under": "95% of random mixes",
            **blind,
            "cpt50": 0.5,
            "cpt80": 0.8,
        },
    ]
