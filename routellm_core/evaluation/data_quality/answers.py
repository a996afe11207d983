"""Checks of each model's answers by themselves, and of the queries that lack them.

The table of answers is that of `Store.answers`. Rates are judged on one query of each cluster, and
the tests of all models and slices are adjusted together.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.stats import binom, hypergeom, mannwhitneyu

from routellm_core.evaluation.data_quality.findings import FALSE_ALARM, Finding
from routellm_core.statistics.significance import holm
from routellm_core.types import Benchmark, ModelPair
from routellm_core.wording.numbers import p_text, quality_with_unit

SAME_LENGTH = 0.2
"""Share of a model's answers with one token count from which the count says little. Free answers
of GSM8K have 1.5%; a cap that cuts answers off, or a filled-in number, has most of them."""
FEWEST_COUNTED = 30
"""Answers with a token count below which such a share is chance."""


def answer_findings(
    answers: pd.DataFrame, card: Benchmark, guessing: float | None
) -> Iterator[Finding]:
    """What each model's answers show alone.

    Args:
        answers: of all models.
        card: of the benchmark.
        guessing: share right that guessing gives; None where nobody knows.
    """
    yield from constant_quality(answers, card)
    if guessing is not None and answers["quality"].isin((0.0, 1.0)).all():
        yield from below_chance(answers, guessing)
    yield from same_length(answers)


def constant_quality(answers: pd.DataFrame, card: Benchmark) -> Iterator[Finding]:
    """Models whose quality never varies: on everything, or where that is no chance in a slice.

    For a slice: the chance that as many draws from all of the model's outcomes are all of that
    quality (exact, hypergeometric).
    """
    drawn = answers.drop_duplicates(["model", "cluster_id"])
    of_model = drawn.groupby("model")["quality"]
    constant = of_model.nunique() == 1
    for model in constant.index[constant & (of_model.size() > 1)]:
        ids = _ids(answers, model)
        yield Finding(
            "constant_quality",
            "error",
            f"{model} has one and the same quality on all its {len(ids):,} queries.",
            ids,
            models=(model,),
        )
    cells = drawn.groupby(["model", "slice"], as_index=False)["quality"].agg(
        ["size", "nunique", "first"]
    )
    n_whole = cells["model"].map(of_model.size())
    n_alike = pd.MultiIndex.from_frame(cells[["model", "first"]]).map(
        drawn.groupby(["model", "quality"]).size()
    )
    chance = hypergeom.sf(cells["size"] - 1, n_whole, n_alike, cells["size"])
    cells["p"] = holm(np.where(cells["nunique"] == 1, chance, 1.0))
    for cell in cells[cells["p"] < FALSE_ALARM].itertuples():
        ids = _ids(answers, cell.model, cell.slice)
        yield Finding(
            "constant_quality",
            "warning",
            f"{cell.model} has {quality_with_unit(cell.first, card.quality_unit)} on every one of "
            f"the {len(ids):,} queries of {cell.slice}, which chance does not explain "
            f"({p_text(cell.p)}).",
            ids,
            (cell.slice,),
            (cell.model,),
            float(cell.p),
        )


def below_chance(answers: pd.DataFrame, guessing: float) -> Iterator[Finding]:
    """Slices in which a model is right less often than guessing is (exact binomial tail)."""
    drawn = answers.drop_duplicates(["model", "cluster_id"])
    cells = drawn.groupby(["model", "slice"], as_index=False)["quality"].agg(["size", "sum"])
    cells["p"] = holm(binom.cdf(cells["sum"], cells["size"], guessing))
    for cell in cells[cells["p"] < FALSE_ALARM].itertuples():
        ids = _ids(answers, cell.model, cell.slice)
        n_right = answers.loc[_are(answers, cell.model, cell.slice), "quality"].sum()
        yield Finding(
            "below_chance",
            "error",
            f"{cell.model} is right on {n_right / len(ids):.2%} of the {len(ids):,} queries of "
            f"{cell.slice}, where guessing gives {guessing:.0%} ({p_text(cell.p)}): its answers "
            "were likely misread.",
            ids,
            (cell.slice,),
            (cell.model,),
            float(cell.p),
        )


def same_length(answers: pd.DataFrame) -> Iterator[Finding]:
    """Models with one token count on many of their answers."""
    counted = answers.dropna(subset="answer_tokens")
    for model, of_model in counted.groupby("model"):
        tokens = of_model["answer_tokens"]
        usual = tokens.mode().iloc[0]
        same = of_model[tokens == usual]
        if len(tokens) < FEWEST_COUNTED or len(same) < SAME_LENGTH * len(tokens):
            continue
        longest = ", none more" if usual == tokens.max() else ""
        yield Finding(
            "same_length",
            "warning",
            f"{len(same):,} of {len(tokens):,} answers of {model} have {usual:g} tokens{longest}: "
            "they were cut off there, or not counted.",
            tuple(same["query_id"]),
            models=(str(model),),
        )


def missing_answers(
    answers: pd.DataFrame, card: Benchmark, model_pair: ModelPair
) -> Iterator[Finding]:
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
        compared.append((model, other, of_other[is_missing], of_other[~is_missing]))
    p_values = holm(np.array([_rank_sum(there, rest, cluster) for *_, there, rest in compared]))
    for (model, other, there, rest), p in zip(compared, p_values, strict=True):
        if not missing[model].any():
            continue
        said = (
            f"; {other} reaches {quality_with_unit(there.mean(), card.quality_unit)} on "
            f"{len(there):,} of them and {quality_with_unit(rest.mean(), card.quality_unit)} on "
            f"the rest ({p_text(p)})"
        )
        yield Finding(
            "missing_answers",
            "warning" if p < FALSE_ALARM else "note",
            f"{model} has no outcome on {missing[model].sum():,} of {len(asked):,} queries, which "
            f"the pair leaves out{said if len(there) and len(rest) else ''}.",
            tuple(missing.index[missing[model]]),
            models=(model,),
            p_value=float(p),
        )


def _rank_sum(there: pd.Series, rest: pd.Series, cluster: pd.Series) -> float:
    """P-value that both qualities are alike; a cluster counts once, there if any of it is there.

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


def contaminated_queries(query_id: Sequence[str], n_kept: int) -> Iterator[Finding]:
    """Queries that stand in what routers learned from; every figure leaves them out.

    Args:
        query_id: of these.
        n_kept: how many others there are.
    """
    n = len(query_id)
    if n:
        yield Finding(
            "contaminated",
            "note",
            f"{n:,} of {n + n_kept:,} queries stand in what routers learned from and are left out "
            "of every figure.",
            tuple(query_id),
        )


def _are(answers: pd.DataFrame, model: str, slice_name: str | None = None) -> pd.Series:
    are = answers["model"] == model
    return are if slice_name is None else are & (answers["slice"] == slice_name)


def _ids(answers: pd.DataFrame, model: str, slice_name: str | None = None) -> tuple[str, ...]:
    return tuple(answers.loc[_are(answers, model, slice_name), "query_id"])
