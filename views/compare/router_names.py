"""Several routers named in a sentence."""

from collections.abc import Sequence
from typing import Any


def names_of(some: Sequence[dict[str, Any]], among: Sequence[dict[str, Any]]) -> list[str]:
    """Names of routers; one that is among them in all its recipes is named once.

    >>> mf, gold = {"router": "mf", "label": "mf (a)"}, {"router": "mf", "label": "mf (b)"}
    >>> bert = {"router": "bert", "label": "bert"}
    >>> names_of([mf, bert], [mf, gold, bert]), names_of([mf, gold, bert], [mf, gold, bert])
    (['mf (a)', 'bert'], ['mf', 'bert'])
    """
    labels = {router["label"] for router in some}
    whole = {
        router["router"]
        for router in some
        if {r["label"] for r in among if r["router"] == router["router"]} <= labels
    }
    return list(dict.fromkeys(r["router"] if r["router"] in whole else r["label"] for r in some))
