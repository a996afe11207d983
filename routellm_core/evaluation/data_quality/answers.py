"""Checks of each model's answers by themselves, and of the queries that lack them.

The table of answers is that of `Store.answers`. Rates are judged on one query of each cluster.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import binom, fisher_exact, hypergeom

from routellm_core.evaluation.data_quality.findings import (
    RARE,
    TEST_LEVEL,
    DataFinding,
    FindingKind,
    Suspicion,
)
from routellm_core.evaluation.data_quality.pairs import SHORT
from routellm_core.types import ModelPair

SAME_LENGTH = 0.2
"""Share of a model's answers with one token count from which the count says little. Free answers
of GSM8K have 1.5%; a cap that cuts answers off, or a filled-in number, has most of them."""
FEWEST_COUNTED = 30
"""Answers with a token count below which such a share is chance."""


def answer_findings(
    answers: pd.DataFrame, guessing: float | None
) -> Iterator[DataFinding | Suspicion]:
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


def constant_quality(answers: pd.DataFrame) -> Iterator[Suspicion]:
    """Quality that never varies: of all models, of one, or of one in a slice.

    A few answers are alike by chance. That of n texts is (1 - RARE)^n if the true share of others
    is at least `RARE`. In a slice a model's answers must also be more alike than as many draws
    from all of its own (exact, hypergeometric): the larger p-value of the two counts, as both must
    be excluded (intersection-union test, Berger 1982).
    """
    drawn = answers.drop_duplicates(["model", "cluster_id"])
    of_model = drawn.groupby("model")["quality"].agg(["size", "nunique"])
    constant = of_model.index[(of_model["nunique"] == 1) & (of_model["size"] > 1)]
    of_all = len(constant) > 1 and answers["quality"].nunique() == 1
    p = (1.0 - RARE) ** drawn["cluster_id"].nunique() if of_all else 1.0
    yield Suspicion(p, partial(_constant_measure, answers) if of_all else _nothing)
    for model, row in of_model.iterrows():
        if model in constant and not of_all:
            finding = partial(_constant_quality, answers, model, None)
            yield Suspicion((1.0 - RARE) ** row["size"], finding)
        else:
            yield Suspicion(1.0, _nothing)
    cells = drawn.groupby(["model", "slice"], as_index=False)["quality"].agg(
        ["size", "nunique", "first"]
    )
    cells["whole"] = cells["model"].map(of_model["size"])
    cells = cells[cells["size"] < cells["whole"]]
    n_equal = pd.MultiIndex.from_frame(cells[["model", "first"]]).map(
        drawn.groupby(["model", "quality"]).size()
    )
    drawn_so = hypergeom.sf(cells["size"] - 1, cells["whole"], n_equal, cells["size"])
    alike = np.maximum(drawn_so, (1.0 - RARE) ** cells["size"])  # 1 where all of the model's are
    for cell, p in zip(cells.itertuples(), np.where(cells["nunique"] == 1, alike, 1), strict=True):
        yield Suspicion(p, partial(_constant_quality, answers, cell.model, cell.slice))


def _constant_measure(answers: pd.DataFrame, p_value: float) -> DataFinding:
    return DataFinding(
        "constant_measure",
        "error" if p_value < TEST_LEVEL else "note",
        tuple(answers["query_id"].unique()),
        p_value=p_value,
        figures={
            "n_queries": answers["query_id"].nunique(),
            "n_models": answers["model"].nunique(),
            "quality": float(answers["quality"].iloc[0]),
        },
    )


def _constant_quality(
    answers: pd.DataFrame, model: str, slice_name: str | None, p_value: float
) -> DataFinding | None:
    """Of a whole model a note at least, as nothing can be told from it; of a slice an alarm."""
    is_alarm = p_value < TEST_LEVEL
    if slice_name is not None and not is_alarm:
        return None
    those = answers[_are(answers, model, slice_name)]
    return DataFinding(
        "constant_quality",
        "note" if not is_alarm else "error" if slice_name is None else "warning",
        tuple(those["query_id"]),
        () if slice_name is None else (slice_name,),
        (model,),
        p_value,
        {"n_queries": len(those), "quality": float(those["quality"].iloc[0])},
    )


def below_chance(answers: pd.DataFrame, guessing: float) -> Iterator[Suspicion]:
    """Slices in which a model is right less often than guessing is (exact binomial tail)."""
    drawn = answers.drop_duplicates(["model", "cluster_id"])
    cells = drawn.groupby(["model", "slice"], as_index=False)["quality"].agg(["size", "sum"])
    p_values = binom.cdf(cells["sum"], cells["size"], guessing)
    for cell, p in zip(cells.itertuples(), p_values, strict=True):
        yield Suspicion(p, partial(_below_chance, answers, guessing, cell.model, cell.slice))


def _below_chance(
    answers: pd.DataFrame, guessing: float, model: str, slice_name: str, p_value: float
) -> DataFinding | None:
    if p_value >= TEST_LEVEL:
        return None
    those = answers[_are(answers, model, slice_name)]
    return DataFinding(
        "below_chance",
        "error",
        tuple(those["query_id"]),
        (slice_name,),
        (model,),
        p_value,
        {
            "n_queries": len(those),
            "share_right": float(those["quality"].mean()),
            "guessing": guessing,
        },
    )


def same_length(answers: pd.DataFrame) -> Iterator[DataFinding]:
    """Models with one token count on many of their answers, none of them short or all counted 0."""
    counted = answers.dropna(subset="answer_tokens")
    for model, of_model in counted.groupby("model"):
        tokens = of_model["answer_tokens"]
        usual = tokens.mode().iloc[0]
        same = of_model[tokens == usual]
        if len(tokens) < FEWEST_COUNTED or len(same) < SAME_LENGTH * len(tokens):
            continue
        if 0 < usual <= SHORT:
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


def missing_answers(answers: pd.DataFrame, model_pair: ModelPair) -> Iterator[Suspicion]:
    """Queries that others answered and a model of the pair did not, so that the pair lacks them.

    Harmless as a note where the other model does there as on the rest; a warning where it does not
    (Fisher's exact test, one query of each cluster): then the missing answers are no random ones
    and the gap is of other queries.
    """
    asked = sorted(answers["query_id"].unique())
    of_pair = answers[answers["model"].isin(model_pair)]
    quality = of_pair.pivot(index="query_id", columns="model", values="quality").reindex(asked)
    missing = quality.isna()
    cluster = answers.drop_duplicates("query_id").set_index("query_id")["cluster_id"]
    for model, other in (model_pair, model_pair[::-1]):
        if not missing[model].any():
            yield Suspicion(1.0, _nothing)
            continue
        of_other = quality[other].dropna()
        is_missing = missing.loc[of_other.index, model]
        there, rest = of_other[is_missing], of_other[~is_missing]
        finding = partial(_missing_answers, missing[model], there, rest)
        yield Suspicion(_p_of_equal(there, rest, cluster), finding)


def _missing_answers(
    missing: "pd.Series[bool]", there: pd.Series, rest: pd.Series, p_value: float
) -> DataFinding:
    """Said of the model that `missing` is named after, from the other one's qualities."""
    return DataFinding(
        "missing_answers",
        "warning" if p_value < TEST_LEVEL else "note",
        tuple(missing.index[missing]),
        models=(str(missing.name),),
        p_value=p_value,
        figures={
            "n_missing": int(missing.sum()),
            "n_queries": len(missing),
            "n_of_other": len(there),
            "quality_of_other": float(there.mean()),
            "n_rest": len(rest),
            "quality_rest": float(rest.mean()),
        },
    )


def lacking_answers(answers: pd.DataFrame) -> Iterator[Suspicion]:
    """Models some of whose answers were seen to be empty or cut off when they were imported.

    A note; a warning where so many are no chance of `RARE` (exact binomial tail).
    """
    if "state" not in answers:
        return
    kinds: dict[FindingKind, list[str]] = {"empty_answers": ["empty", "harness"]}
    kinds["cut_answers"] = ["cut", "capped"]
    for _, rows in answers.groupby("model", sort=False):
        for kind, states in kinds.items():
            lacking = rows["state"].isin(states)
            drawn = lacking[~rows["cluster_id"].duplicated()]
            p = float(binom.sf(drawn.sum() - 1, len(drawn), RARE))
            finding = partial(_lacking_answers, kind, rows, lacking)
            yield Suspicion(p, finding if lacking.any() else _nothing)


def _lacking_answers(
    kind: FindingKind, rows: pd.DataFrame, lacking: "pd.Series[bool]", p_value: float
) -> DataFinding:
    """Said of one model's answers."""
    return DataFinding(
        kind,
        "warning" if p_value < TEST_LEVEL else "note",
        tuple(rows["query_id"][lacking]),
        models=(str(rows["model"].iloc[0]),),
        p_value=p_value,
        figures={
            "n_lacking": int(lacking.sum()),
            "n_queries": len(rows),
            "quality": float(rows["quality"].mean()),
            "n_others": int((~lacking).sum()),
            "quality_of_others": float(rows["quality"][~lacking].mean()),
        },
    )


def _p_of_equal(there: pd.Series, rest: pd.Series, cluster: pd.Series) -> float:
    """P-value that both have as many qualities above their common mean (Fisher, two-sided).

    A cluster counts once, there if any of it is there.

    Args:
        there: by query.
        rest: by query.
        cluster: of each query.
    """
    drawn = pd.concat([there, rest])
    drawn = drawn[~cluster[drawn.index].duplicated().to_numpy()]
    is_there = drawn.index.isin(there.index)
    above = (drawn > drawn.mean()).to_numpy()
    counts = [
        [int((above[part] == side).sum()) for side in (True, False)]
        for part in (is_there, ~is_there)
    ]
    return float(fisher_exact(counts).pvalue)


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


def _nothing(p_value: float) -> None:
    """What a test says that found nothing, whatever the others found."""


def _are(answers: pd.DataFrame, model: str, slice_name: str | None) -> "pd.Series[bool]":
    are = answers["model"] == model
    return are if slice_name is None else are & (answers["slice"] == slice_name)
