"""The scores of a set that a router has: for which pairs, and in which views."""

import pandas as pd

from routellm_core.types import VIEWS, ModelPair
from views.cache import own_data
from views.cache.benchmarks import RouterKey
from views.text.names import short_name


def scorings_by(
    version: int, benchmark_id: str, router_id: str, first_view: str = VIEWS[0]
) -> list[RouterKey]:
    """All scores of a set by a router, one view first, the others in the order of `VIEWS`."""
    table = own_data.scorings(version, benchmark_id)
    keys = [
        RouterKey(
            version,
            benchmark_id,
            ModelPair(weak=row.weak_model, strong=row.strong_model),
            router_id,
            row.view,
        )
        for row in table[table["router_id"] == router_id].itertuples()
    ]
    return sorted(keys, key=lambda key: (key.view != first_view, VIEWS.index(key.view)))


def labels_of(table: pd.DataFrame) -> list[str]:
    """Names of the rows of `cached.scorings`: with the pair and the view where routers repeat."""
    repeated = table["router_id"].duplicated(keep=False)
    return [
        f"{row.router_id} · {short_name(row.strong_model)} ■ over {short_name(row.weak_model)} ●"
        f" · {view_text(row.view)}"
        if is_repeated
        else row.router_id
        for row, is_repeated in zip(table.itertuples(), repeated, strict=True)
    ]


def view_text(view: str) -> str:
    """A view in the words of the vocabulary."""
    return view.replace("_", " ")
