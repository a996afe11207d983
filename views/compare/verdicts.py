"""Every pair of routers of one benchmark: what the verdict matrix shows, and the gist of it."""

import math
from typing import Any

from routellm_core.evaluation.comparison.sentences import ONE_ROUTER
from routellm_core.wording.numbers import (
    fixed,
    more_queries,
    p_text,
    percent,
    short_more,
    signed,
    span,
)


def sentence(found: dict[str, Any]) -> str:
    """The number of pairs with a clear winner, and the routers that the best one leads."""
    verdicts = found["verdicts"]
    if not verdicts:
        return ONE_ROUTER
    best = verdicts[0]["labels"][0]
    of_best = [v for v in verdicts if v["labels"][0] == best]
    open_ones = [v for v in of_best if not v["is_ahead"]]
    n_ahead = sum(v["is_ahead"] for v in verdicts)
    has = "has" if n_ahead == 1 else "have"
    said = f"{n_ahead or 'None'} of {len(verdicts)} pairs {has} a clear winner. "
    said += f"{best} is ahead of {_all_of(len(of_best) - len(open_ones), len(of_best))}."
    if open_ones:
        needed = more_queries(open_ones[0]["n_more"])
        more = len(open_ones) - 1
        others = f", nor over {more} other{'s' * (more > 1)}" if more else ""
        said += f" It has no clear lead over {open_ones[0]['labels'][1]} ({needed}){others}."
    return said


def matrix(found: dict[str, Any]) -> dict[str, Any]:
    """The data of `verdict_matrix`."""
    verdicts = found["verdicts"]
    known = {router["label"]: router for router in found["routers"]}
    labels = list(dict.fromkeys(label for v in verdicts for label in v["labels"]))
    place = {label: i for i, label in enumerate(labels)}
    return {
        "title": "Are they different?",
        "sentence": sentence(found),
        "caption": f"Every pair of routers on {found['benchmark']}: is the row ahead of the column",
        "routers": [
            {
                "router": known[label]["router"],
                "recipe": known[label]["recipe"],
                "figure": fixed(known[label]["apgr"]),
            }
            for label in labels
        ],
        "cells": [
            {
                "row": place[v["labels"][0]],
                "column": place[v["labels"][1]],
                "is_ahead": v["is_ahead"],
                "short": signed(v["amount"]) if v["is_ahead"] else "?",
                "under": "ahead" if v["is_ahead"] else short_more(v["n_more"]),
                "words": _capitalised(v["words"]),
                "details": _details(v, found),
            }
            for v in verdicts
        ],
    }


def csv_lines(found: dict[str, Any]) -> list[dict[str, Any]]:
    """One line a pair."""
    lines = []
    for v in found["verdicts"]:
        router, over = v["labels"]
        low, high = v["gain_interval"]
        at = v["at_share"]
        lines.append(
            {
                "benchmark": found["benchmark"],
                **found["model_pair"],
                "view": found["view"],
                "n": v["n_queries"],
                "router": router,
                "over": over,
                "is_ahead": v["is_ahead"],
                "mean_quality_gain": v["quality_gain"],
                "mean_quality_gain_low": v["quality_gain_interval"][0],
                "mean_quality_gain_high": v["quality_gain_interval"][1],
                "apgr_gain": v["gain"],
                "apgr_gain_low": low,
                "apgr_gain_high": high,
                "p_value": v["p_value"],
                "holm_p_value": v["adjusted_p_value"],
                "n_more_queries": v["n_more"],
                "strong_call_share": at["strong_call_share"],
                "quality_gain": at["gain"],
                "quality_gain_low": at["gain_interval"][0],
                "quality_gain_high": at["gain_interval"][1],
                "mcnemar_holm_p_value": at["adjusted_p_value"],
            }
        )
    return lines


def _capitalised(words: str) -> str:
    """The verdict without the marks of names; a router's name at its beginning stays as it is."""
    plain = words.replace("`", "")
    return plain[0].upper() + plain[1:] if plain.startswith("cannot tell") else plain


def _all_of(n: int, n_all: int) -> str:
    if n == n_all:
        return "every other router"
    return f"{n or 'none'} of the {n_all} others"


def _details(verdict: dict[str, Any], found: dict[str, Any]) -> list[str]:
    at, n_pairs = verdict["at_share"], len(found["verdicts"])
    lines = [
        f"{'APGR' if verdict['is_gap_clear'] else 'Mean quality'} {signed(verdict['amount'])} "
        f"({span(verdict['amount_interval'], signed)}, paired; "
        f"n {verdict['n_queries']:,}); {p_text(verdict['p_value'])}, "
        f"{p_text(verdict['adjusted_p_value'])} by Holm over {n_pairs} pairs."
    ]
    digits = 4 if max(abs(found["quality_strong"]), abs(found["quality_weak"])) <= 1 else 3
    at_share = (
        f"At {percent(at['strong_call_share'], 0)} strong calls: quality "
        f"{signed(at['gain'], digits)} ({span(at['gain_interval'], signed, digits=digits)}); "
        f"the better answer on {at['n_only_router']:,} texts, the worse on {at['n_only_over']:,}"
    )
    if not math.isnan(at["adjusted_p_value"]):
        at_share += f"; McNemar {p_text(at['adjusted_p_value'])} by Holm"
    return [*lines, f"{at_share}."]
