"""Parts of a router's gain: between slices and within them."""

from typing import Any

from routellm_core.evaluation.slice_ranks import NO_ROUTERS
from routellm_core.wording.numbers import with_span
from routellm_core.wording.text import joined
from views.compare import controls
from views.compare.router_names import names_of
from views.components.live_curve.payload import number
from views.components.table import column

_SLICES = {"mmlu": "subject", "mmlu_pro": "subject", "mt_bench": "category"}
_FEW_QUERIES = 30
"""Of a slice: below it the prior and the parts are rough."""


def sentence(found: dict[str, Any], title: str) -> str:
    """Routers that know less than the slice alone, more, or not clearly either."""
    word = slice_word(found)
    if found["n_slices"] < 2:
        return f"{title} has no slices: all of a router's gain comes from ranking its queries."
    routers = [r for r in found["routers"] if r["router"] not in NO_ROUTERS]
    less = [r for r in routers if r["over_prior_interval"][1] < 0]
    more = [r for r in routers if r["over_prior_interval"][0] > 0]
    neither = [r for r in routers if r not in less and r not in more]
    first = found["routers"][0]
    prior = (
        f"a prior that knows only a query's {word} has APGR "
        f"{with_span(first['prior'], first['prior_interval'])}"
    )
    said = []
    if less:
        said.append(f"{_know(less, routers)} less than the {word} alone: {prior}.")
    elif more:
        said.append(f"{_know(more, routers)} more than the {word} alone: {prior}.")
    else:
        said.append(f"{prior[0].upper()}{prior[1:]}.")
    if less and more:
        said.append(f"Only {_know(more, routers)} more.")
    if neither:
        names = names_of(neither, routers)
        does = "does" if len(names) == 1 else "do"
        said.append(f"{joined(names)} {does} not clearly differ from it.")
    per_slice = found["n_queries"] / found["n_slices"]
    if per_slice < _FEW_QUERIES:
        said.append(f"Slices of about {per_slice:.0f} queries say little: read this as a hint.")
    return " ".join(said)


def _know(some: list[dict[str, Any]], among: list[dict[str, Any]]) -> str:
    names = names_of(some, among)
    return f"{joined(names)} {'knows' if len(names) == 1 else 'know'}"


def slice_word(found: dict[str, Any]) -> str:
    """Name of a slice of the benchmark."""
    return _SLICES.get(found["benchmark"], "slice")


def plural(word: str) -> str:
    """Plural of a `slice_word`."""
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def table(found: dict[str, Any]) -> dict[str, Any]:
    """Columns, rows and axis of `data_table`; no column where there is one slice."""
    if found["n_slices"] < 2:
        return {"columns": [], "rows": []}
    rows = [_row(router) for router in found["routers"]]
    first = found["routers"][0]
    low, high = first["prior_interval"]
    prior = {"prior": first["prior"], "prior_low": low, "prior_high": high}
    drawn = [row[key] for row in rows for key in ("apgr", "until_slice")]
    return {
        "columns": [
            column("router", "router", "name"),
            column("recipe", "recipe", "text", wide=True),
            column("picture", "½ + between + within", "parts", sort="apgr", help="sort by APGR"),
            column("apgr", "APGR", "figure", term="apgr"),
            *(
                column(name, title, "signed", wide=True, term=term)
                for name, title, term in (
                    ("recognising", "between slices", "between_slice_gain"),
                    ("ranking", "within slices", "within_slice_gain"),
                    ("over_prior", f"over the {slice_word(found)} alone", "slice_prior"),
                )
            ),
        ],
        "rows": rows,
        "axis": controls.axis([*drawn, low, high]) | {k: number(v) for k, v in prior.items()},
        "sorted_by": "apgr",
    }


def _row(router: dict[str, Any]) -> dict[str, Any]:
    row = {
        "router": router["router"],
        "recipe": router["recipe"],
        "under": router["recipe"],
        "until_slice": number(0.5 + router["recognising"]),
    }
    for name in ("apgr", "recognising", "ranking", "over_prior"):
        low, high = router[f"{name}_interval"]
        row |= {
            name: number(router[name]),
            f"{name}_low": number(low),
            f"{name}_high": number(high),
        }
    return row
