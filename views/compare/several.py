"""Several routers named in a sentence."""

from collections.abc import Sequence
from typing import Any


def named(some: Sequence[dict[str, Any]], among: Sequence[dict[str, Any]]) -> str:
    """Names of routers; one that is among them in all its recipes is named once.

    >>> mf, gold = {"router": "mf", "label": "mf (a)"}, {"router": "mf", "label": "mf (b)"}
    >>> bert = {"router": "bert", "label": "bert"}
    >>> named([mf, bert], [mf, gold, bert]), named([mf, gold, bert], [mf, gold, bert])
    ('mf (a) and bert', 'mf and bert')
    """
    labels = {router["label"] for router in some}
    whole = {
        router["router"]
        for router in some
        if {r["label"] for r in among if r["router"] == router["router"]} <= labels
    }
    names = dict.fromkeys(r["router"] if r["router"] in whole else r["label"] for r in some)
    return joined(list(names))


def joined(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
