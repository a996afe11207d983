"""Checks of each model's answers by themselves, and of the queries that lack them.

The table of answers is that of `Store.answers`. Rates are judged on one query of each cluster, and
the tests of all models and slices are adjusted together.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom, hypergeom, mannwhitneyu

from routellm_core.evaluation.data_quality.findings import FALSE_ALARM, DataFinding, FindingKind
from routellm_core.statistics.significance import holm
from routellm_core.types import ModelPair

SAME_LENGTH = 0.2
"""Share of a model's answers with one token count from which the count says little. Free answers
of GSM8K have 1.5%; a cap that cuts answers off, or a filled-in number, has most of them."""
LACKING = 0.02
"""Share of a model's answers that are empty or cut off from which its quality says little."""
FEWEST_COUNTED = 30
"""Answers with a token count below which such a share is chance."""


def answer_findings(answers: pd.DataFrame, guessing: float | None) -> Iterator[DataFinding]:
    """Findings on each model's answers by themselves.

    Args:
        answers: of all models.
        guessing: share right that guessing gives; None where it is not known.
    """
    yield from constant_quality(answers)
    if guessing is not None and answers["quality"].isin((0.0, 1.0)).all():
        yield from below_chance(answers, guessing)
    yield from same_length(answers)
    yield from lacking_answers(answers)


def constant_quality(answers: pd.DataFrame) -> Iterator[DataFinding]:
    """Models whose quality never varies: on everything, or where that is no chance in a slice.

    For a slice: the chance that as many draws from all of the model's outcomes are all of that
    quality (exact, hypergeometric).
    """
    drawn = answers.drop_duplicates(["model", "cluster_id"])
    of_model = drawn.groupby("model")["quality"]
    constant = of_model.nunique() == 1
    for model in constant.index[constant & (of_model.size() > 1)]:
        ids = _ids(answers, model)
        yield DataFinding(
            "constant_quality",
            "error",
            ids,
            models=(model,),
            figures={"n_queries": len(ids)},
        )
    cells = drawn.groupby(["model", "slice"], as_index=False)["quality"].agg(
        ["size", "nunique", "first"]
    )
    n_whole = cells["model"].map(of_model.size())
    n_equal = pd.MultiIndex.from_frame(cells[["model", "first"]]).map(
        drawn.groupby(["model", "quality"]).size()
    )
    chance = hypergeom.sf(cells["size"] - 1, n_whole, n_equal, cells["size"])
    cells["p"] = holm(np.where(cells["nunique"] == 1, chance, 1.0))
    for cell in cells[cells["p"] < FALSE_ALARM].itertuples():
        ids = _ids(answers, cell.model, cell.slice)
        yield DataFinding(
            "constant_quality",
            "warning",
            ids,
            (cell.slice,),
            (cell.model,),
            float(cell.p),
            {"n_queries": len(ids), "quality": float(cell.first)},
        )


def below_chance(answers: pd.DataFrame, guessing: float) -> Iterator[DataFinding]:
    """Slices in which a model is right less often than guessing is (exact binomial tail)."""
    drawn = answers.drop_duplicates(["model", "cluster_id"])
    cells = drawn.groupby(["model", "slice"], as_index=False)["quality"].agg(["size", "sum"])
    cells["p"] = holm(binom.cdf(cells["sum"], cells["size"], guessing))
    for cell in cells[cells["p"] < FALSE_ALARM].itertuples():
        ids = _ids(answers, cell.model, cell.slice)
        n_right = answers.loc[_are(answers, cell.model, cell.slice), "quality"].sum()
        yield DataFinding(
            "below_chance",
            "error",
            ids,
            (cell.slice,),
            (cell.model,),
            float(cell.p),
            {
                "n_queries": len(ids),
                "share_right": float(n_right / len(ids)),
                "guessing": guessing,
            },
        )


def same_length(answers: pd.DataFrame) -> Iterator[DataFinding]:
    """Models with one token count on many of their answers."""
    counted = answers.dropna(subset="answer_tokens")
    for model, of_model in counted.groupby("model"):
        tokens = of_model["answer_tokens"]
        usual = tokens.mode().iloc[0]
        same = of_model[tokens == usual]
        if len(tokens) < FEWEST_COUNTED or len(same) < SAME_LENGTH * len(tokens):
            continue
        yield DataFinding(
            "same_length",
            "warning",
            tuple(same["query_id"]),
            models=(str(model),),
            figures={
                "n_same": len(same),
                "n_counted": len(tokens),
                "tokens": float(usual),
                "is_longest": float(usual == tokens.max()),
            },
        )


def missing_answers(answers: pd.DataFrame, model_pair: ModelPair) -> Iterator[DataFinding]:
    """Queries that others answered and a model of the pair did not, so that the pair lacks them.

    Harmless as a note where the other model does there as on the rest; a warning where it does not
    (rank-sum test, one query of each cluster): then the missing answers are no random ones and the
    gap is of other queries.
    """
    asked = sorted(answers["query_id"].unique())
    of_pair = answers[answers["model"].isin(model_pair)]
    quality = of_pair.pivot(index="query_id", columns="model", values="quality").reindex(asked)
    missing = quality.isna()
    cluster = answers.drop_duplicates("query_id").set_index("query_id")["cluster_id"]
    compared = []
    for model, other in (model_pair, model_pair[::-1]):
        of_other = quality[other].dropna()
        is_missing = missing.loc[of_other.index, model]
        compared.append((model, of_other[is_missing], of_other[~is_missing]))
    p_values = holm(np.array([_rank_sum(there, rest, cluster) for _, there, rest in compared]))
    for (model, there, rest), p in zip(compared, p_values, strict=True):
        if not missing[model].any():
            continue
        yield DataFinding(
            "missing_answers",
            "warning" if p < FALSE_ALARM else "note",
            tuple(missing.index[missing[model]]),
            models=(model,),
            p_value=float(p),
            figures={
                "n_missing": int(missing[model].sum()),
                "n_queries": len(asked),
                "n_of_other": len(there),
                "quality_of_other": float(there.mean()),
                "n_rest": len(rest),
                "quality_rest": float(rest.mean()),
            },
        )


def lacking_answers(answers: pd.DataFrame) -> Iterator[DataFinding]:
    """Models some of whose answers were seen to be empty or cut off when they were imported."""
    if "state" not in answers:
        return
    kinds: dict[FindingKind, list[str]] = {"empty_answers": ["empty", "harness"]}
    kinds["cut_answers"] = ["cut", "capped"]
    for model, rows in answers.groupby("model", sort=False):
        for kind, states in kinds.items():
            lacking = rows["state"].isin(states)
            if lacking.any():
                yield DataFinding(
                    kind,
                    "warning" if lacking.mean() >= LACKING else "note",
                    tuple(rows["query_id"][lacking]),
                    models=(str(model),),
                    figures={
                        "n_lacking": int(lacking.sum()),
                        "n_queries": len(rows),
                        "quality": float(rows["quality"].mean()),
                        "n_others": int((~lacking).sum()),
                        "quality_of_others": float(rows["quality"][~lacking].mean()),
                    },
                )


def _rank_sum(there: pd.Series, rest: pd.Series, cluster: pd.Series) -> float:
    """P-value that both qualities are equal; a cluster counts once, there if any of it is there.

    Args:
        there: by query.
        rest: by query.
        cluster: of each query.
    """
    drawn = pd.concat([there, rest])
    drawn = drawn[~cluster[drawn.index].duplicated().to_numpy()]
    is_there = drawn.index.isin(there.index)
    if is_there.all() or not is_there.any():
        return 1.0
    return float(mannwhitneyu(drawn[is_there], drawn[~is_there]).pvalue)


def contaminated_queries(query_id: Sequence[str], n_kept: int) -> Iterator[DataFinding]:
    """Queries that stand in what routers learned from; every figure leaves them out.

    Args:
        query_id: of these.
        n_kept: how many others there are.
    """
    n = len(query_id)
    if n:
        yield DataFinding(
            "contaminated",
            "note",
            tuple(query_id),
            figures={"n_contaminated": n, "n_queries": n + n_kept},
        )


def _are(answers: pd.DataFrame, model: str, slice_name: str | None = None) -> pd.Series:
    are = answers["model"] == model
    return are if slice_name is None else are & (answers["slice"] == slice_name)


def _ids(answers: pd.DataFrame, model: str, slice_name: str | None = None) -> tuple[str, ...]:
    return tuple(answers.loc[_are(answers, model, slice_name), "query_id"])
