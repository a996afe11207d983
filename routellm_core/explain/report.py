"""All that is known about why a query goes where it goes, as one JSON object."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from routellm_core.embedders.sentence import sentence_embedder
from routellm_core.errors import TextsError, UnknownNameError
from routellm_core.explain import explain
from routellm_core.explain.counterfactual import smallest_deletion
from routellm_core.explain.explanation import Explanation
from routellm_core.explain.neighbours import nearest_counterfactual, similar
from routellm_core.routers import load_router
from routellm_core.routers.base import Router
from routellm_core.routers.checkpoints import checkpoint_dir
from routellm_core.routers.remembered_queries import remembered
from routellm_core.store import Store
from routellm_core.types import ModelPair, RouterEntry
from routellm_core.wording.numbers import fixed, percent, signed

_N_WORDS = 8


class StoredQuery(NamedTuple):
    """A query of a benchmark, as a router has scored it."""

    benchmark_id: str
    query_id: str
    view: str


def report(
    store: Store,
    data_dir: Path,
    router_id: str,
    model_pair: ModelPair,
    *,
    text: str | None = None,
    stored: StoredQuery | None = None,
    alpha: float | None = None,
) -> dict[str, Any]:
    """Explain the win rate that a router's checkpoint gives a query.

    Args:
        store: open.
        data_dir: where checkpoints of shipped routers lie.
        router_id: of the store.
        model_pair: whose outcomes to show.
        text: of a query that need not be stored.
        stored: a query of the store, in place of a text; its stored score is given beside the
            checkpoint's, which has learned from everything.
        alpha: with it the decision, the fewest words found whose loss turns it round, and the
            nearest labelled query that goes the other way.

    Raises:
        NotTrainedError: the weights of the router are not on this machine.
        TextsError: the text of the stored query is not on this machine.
        UnknownNameError: no such query, or the router gives no reasons.
    """
    entry = store.router(router_id)
    query = text if stored is None else _text_of(store, stored)
    assert query is not None
    router: Any = checkpoint_of(entry, data_dir)
    found = explain(router, query)
    document = {
        "router": entry.router_name,
        "recipe": entry.recipe,
        "model_pair": {"strong": model_pair.strong, "weak": model_pair.weak},
        "query": query,
        "stored": None if stored is None else _stored_score(store, router_id, model_pair, stored),
        **as_json(found),
    }
    known = remembered(store, data_dir)
    embedder = sentence_embedder(None if known is None else known.embedder)
    document["similar"] = (
        []
        if known is None
        else _records(similar(store, known, query, model_pair, embedder=embedder))
    )
    if alpha is None:
        return document
    calls_strong = found.strong_win_rate >= alpha
    fewest = smallest_deletion(router.strong_win_rate, found, alpha)
    counterfactual: list[dict[str, Any]] = []
    if known is not None and stored is not None:
        scores = store.scores_by_text(stored.benchmark_id, model_pair, router_id, stored.view)
        counterfactual = _records(
            nearest_counterfactual(
                store, known, query, scores, alpha, calls_strong, model_pair, embedder=embedder
            )
        )
    return document | {
        "alpha": alpha,
        "calls_strong": calls_strong,
        "margin": found.strong_win_rate - alpha,
        "smallest_deletion": None
        if fewest is None
        else {
            "words": [query[start:end] for start, end in fewest.words],
            "query": fewest.query,
            "strong_win_rate": fewest.strong_win_rate,
            "n_scored": fewest.n_scored,
        },
        "nearest_across": counterfactual[0] if counterfactual else None,
    }


def checkpoint_of(entry: RouterEntry, data_dir: Path) -> Router:
    """The router of the store, loaded.

    Raises:
        NotTrainedError: its weights are not on this machine.
    """
    return load_router(checkpoint_dir(entry, data_dir))


def as_json(found: Explanation) -> dict[str, Any]:
    """The fields of an explanation, words with their text."""
    return {
        "strong_win_rate": found.strong_win_rate,
        "method": found.method,
        "base": found.base,
        "rest": found.rest,
        "gap": found.gap,
        "words": [
            {"text": found.query[word.start : word.end], **word._asdict()} for word in found.words
        ],
        "terms_are": found.terms_are,
        "terms": [term._asdict() for term in found.terms],
        "labels": dict(found.labels),
        "ratings": dict(found.ratings),
        "evidence": [one._asdict() for one in found.evidence],
        "n_evidence": found.n_evidence,
    }


def lines(document: dict[str, Any]) -> list[str]:
    """The same for people."""
    found = [f"{document['router']} ({document['recipe']}): {document['strong_win_rate']:.4f}"]
    stored = document["stored"]
    if stored is not None:
        found[0] += (
            f" by the checkpoint, which has learned from everything; stored, "
            f"{stored['view'].replace('_', ' ')}: {fixed(stored['strong_win_rate'], 4)}, "
            f"higher than {percent(stored['percentile'])} of the queries"
        )
    if "alpha" in document:
        goes = "strong" if document["calls_strong"] else "weak"
        margin = signed(document["margin"], 4)
        found.append(f"alpha {document['alpha']:g}: goes {goes}, margin {margin}")
    read = [word for word in document["words"] if np.isfinite(word["attribution"])]
    read.sort(key=lambda word: -abs(word["attribution"]))
    said = [f"{word['text']!r} {signed(word['attribution'], 4)}" for word in read[:_N_WORDS]]
    found += [f"words: {', '.join(said)}", document["method"]]
    if np.isfinite(document["base"]):
        found.append(
            f"base {document['base']:.4f}, rest {signed(document['rest'], 4)}, completeness gap "
            f"{document['gap']:+.1e}"
        )
    for name in ("labels", "ratings"):
        if document[name]:
            found.append(
                ", ".join(f"{label} {value:.3f}" for label, value in document[name].items())
            )
    found += [
        f"{term['name']}: {fixed(term['value'])}, adds {signed(term['contribution'])} to the "
        "log-odds"
        for term in document["terms"][:_N_WORDS]
    ]
    found += [
        f"battle {one['text_hash'] or 'of an unnamed query'}: cosine {one['similarity']:.2f}, "
        f"influence {signed(one['influence'], 5)}"
        for one in document["evidence"][:_N_WORDS]
    ]
    found += [
        f"similar {one['benchmark_id']}/{one['query_id']}: cosine {one['cosine']:.2f}, weak "
        f"{one['quality_weak']:g}, strong {one['quality_strong']:g}"
        for one in document["similar"]
    ]
    if document.get("smallest_deletion"):
        fewest = document["smallest_deletion"]
        found.append(
            f"without {', '.join(map(repr, fewest['words']))}: {fewest['strong_win_rate']:.4f}, "
            "and the decision flips"
        )
    elif "alpha" in document:
        found.append("no deletion of words was found that flips the decision")
    if document.get("nearest_across"):
        one = document["nearest_across"]
        found.append(
            f"nearest on the other side {one['benchmark_id']}/{one['query_id']}: cosine "
            f"{one['cosine']:.2f}, {one['strong_win_rate']:.4f}"
        )
    return found


def _text_of(store: Store, stored: StoredQuery) -> str:
    texts = store.query_texts(stored.benchmark_id)
    if stored.query_id in texts:
        return texts[stored.query_id]
    known = store.query_ids(stored.benchmark_id)
    if stored.query_id not in known:
        raise UnknownNameError(
            f"no query {stored.query_id!r} in {stored.benchmark_id}; there are {known[0]!r} to "
            f"{known[-1]!r}"
        )
    raise TextsError(
        f"the text of {stored.query_id!r} of {stored.benchmark_id} is not on this machine: run "
        "`make texts`"
    )


def _stored_score(
    store: Store, router_id: str, model_pair: ModelPair, stored: StoredQuery
) -> dict[str, Any]:
    """The score that figures are made of, and what both models did."""
    scores = store.scores_by_text(stored.benchmark_id, model_pair, router_id, stored.view)
    own = scores.loc[scores["query_id"] == stored.query_id, "strong_win_rate"]
    outcomes = store.pair_outcomes(stored.benchmark_id, model_pair, contaminated=True)
    place = outcomes.query_id == stored.query_id
    rate = float(own.iloc[0]) if len(own) else float("nan")
    return {
        **stored._asdict(),
        "strong_win_rate": rate,
        "percentile": float((scores["strong_win_rate"] < rate).mean()) if len(own) else rate,
        "quality_weak": float(outcomes.quality_weak[place][0]) if place.any() else float("nan"),
        "quality_strong": float(outcomes.quality_strong[place][0]) if place.any() else float("nan"),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.astype(object).where(table.notna(), None).to_dict("records")
    return found
