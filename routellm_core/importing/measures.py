"""Measures of how good answers were, and which one becomes the quality of all runs of a task.

A file may grade an answer several times: by metrics, through filters, by scorers. One measure is
chosen for all runs that are joined, so that no model is compared by another one.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from routellm_core.errors import DataError
from routellm_core.importing.scales import Scale

GRADES = (
    *("exact_match", "acc", "accuracy", "acc_norm", "correct", "is_correct", "correctness"),
    *("pass@1", "pass", "passed", "success", "right", "em", "quasi_exact_match", "mc1", "match"),
    *("math_equiv", "math_verify", "final_number_exact_match", "prefix_exact_match", "solved"),
)
"""Measures that say right or wrong, the likeliest main one first."""
LIKELIHOODS = (
    *("perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "loglikelihood"),
    *("log_likelihood", "logprob", "logprobs", "nll", "likelihood", "acc_mutual_info"),
)
"""Measures of how probable a text is to a model, not of an answer."""
FALLING = frozenset(
    {
        *("brier", "brier_score", "perplexity", "word_perplexity", "byte_perplexity", "ppl"),
        *("bits_per_byte", "nll", "loss", "error", "errors", "error_rate", "err", "wer", "cer"),
        *("ter", "edit_distance", "levenshtein", "levenshtein_distance", "edit_similarity_loss"),
        *("distance", "mse", "rmse", "mae", "ece", "calibration_error", "toxicity", "bias"),
        *("hallucination", "hallucination_rate", "hallucinations", "latency", "cost", "mistakes"),
        *("n_errors", "num_errors", "violations", "harmfulness", "contamination", "pii_leakage"),
        *("wrong", "incorrect", "is_wrong", "is_incorrect", "mistake", "failure_rate", "penalty"),
        *("hallucinated", "is_hallucination", "word_error_rate", "character_error_rate", "regret"),
        *("char_error_rate", "num_mistakes", "n_mistakes", "error_count", "jailbroken", "harmful"),
        *("refusal_rate", "attack_success_rate", "asr", "fpr", "false_positive_rate"),
        *("toxic", "toxic_frac", "toxicity_probability", "max_toxicity_probability", "unsafe"),
        *("hallucination_score", "toxicity_score", "bias_score", "error_score"),
    }
)
"""Measures of which less is better, by the plain forms of their names."""
RISING = frozenset(
    {
        *(*GRADES, "score", "quality", "f1", "f1_score", "bleu", "bleu_acc", "bleu_max", "chrf"),
        *("rouge", "rouge1", "rouge2", "rougel", "rouge_1", "rouge_2", "rouge_l", "meteor"),
        *("bleu_4", "bertscore", "mc2", "recall", "precision", "faithfulness", "relevance"),
        *("similarity", "rating", "grade", "reward", "points", "judge_score", "performance"),
        *("answer_relevancy", "answer_relevance", "contextual_recall", "contextual_precision"),
        *("helpfulness", "accuracy_score", "win_rate", "likelihood", "loglikelihood", "logprob"),
        *("log_likelihood", "edit_similarity", "chain_of_thought_correctness", "g_eval"),
        *("ifeval_strict_accuracy", "wildbench_score", "wildbench_score_rescaled", "verdict"),
        *("mark", "result", "outcome", "graded", "successful", "label", "completeness"),
    }
)
"""Measures of which more is better."""
DISAGREEMENT = 0.2
"""Difference of a model's means by two grades, as a share of the scale, that is warned of."""
NAMED = 6
LEAST_FAILED = 5


@dataclass(frozen=True)
class Measure:
    """One way in which a file grades answers; equal where name and variant are."""

    name: str
    """Name of the metric, as the file spells it."""
    variant: str = ""
    """Filter, scorer or other way by which the metric was reached, where there are several."""
    rises: bool | None = field(default=None, compare=False)
    """True if more is better, as the file says; None: the name decides."""
    is_main: bool = field(default=False, compare=False)
    """True if the file calls it the task's main measure."""
    scale: Scale | None = field(default=None, compare=False)
    """Its scale, where the format or the user fixes one."""

    def __str__(self) -> str:
        return f"{self.name} ({self.variant})" if self.variant else self.name

    @property
    def direction(self) -> bool | None:
        """True if more is better, False if less is, None where neither file nor name tells."""
        if self.rises is not None:
            return self.rises
        names = _names(self)
        names |= {name.rpartition("_")[2] for name in names}
        return False if names & FALLING else True if names & RISING else None

    @property
    def is_likelihood(self) -> bool:
        """True if it is of how probable a text is to a model."""
        return _kind_of_name(self) == 2


class Wanted(NamedTuple):
    """The measure that a user asks for; None: the usual order decides."""

    metric: str | None = None
    variant: str | None = None
    """Filter or scorer."""
    scale: Scale | None = None

    def fits(self, measure: Measure) -> bool:
        """True if the measure is one that is asked for."""
        names = {measure.name, str(measure), f"{measure.variant}.{measure.name}"}
        return (self.metric is None or self.metric in names) and (
            self.variant is None or self.variant in {measure.variant, *names}
        )

    def __bool__(self) -> bool:
        return self.metric is not None or self.variant is not None


class NoQualityError(DataError):
    """Runs of a task hold no measure that can be their quality."""


class Chosen(NamedTuple):
    """The measure that was chosen for all runs of a task, and what there was to choose from."""

    measure: Measure
    turned: bool
    """True if less is better, so that the quality is the measure turned round."""
    means: dict[Measure, dict[str, tuple[float, int]]]
    """Of every measure the mean of each model and the number of its values."""


def columns_of(table: pd.DataFrame) -> list[Measure]:
    """The measures among a table's columns, in their order."""
    return [name for name in table.columns if isinstance(name, Measure)]


def with_facts(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables one below the other; of a measure, what any of them knows of it is kept."""
    known: dict[Measure, Measure] = {}
    for measure in (m for table in tables for m in columns_of(table)):
        before = known.setdefault(measure, measure)
        known[measure] = replace(
            before,
            rises=before.rises if before.rises is not None else measure.rises,
            is_main=before.is_main or measure.is_main,
            scale=before.scale if before.scale == measure.scale else None,
        )
    whole = pd.concat(tables, ignore_index=True)
    whole.columns = pd.Index(
        [known.get(c, c) if isinstance(c, Measure) else c for c in whole.columns], dtype=object
    )
    return whole


def chosen(attempts: pd.DataFrame, wanted: Wanted, source: str) -> Chosen:
    """The measure for all models of a table of graded attempts.

    Preferred are, in this order: what is wanted; what all models have; the task's main measure, if
    it rises or can be turned round; what is not known to fall; a grade before a score, a score
    before a likelihood; what is not 0 for all answers of a model; the better known name; the first
    in the file.

    Args:
        attempts: `model` and a column a `Measure`.
        wanted: by the user.
        source: for messages.

    Raises:
        NoQualityError: what is wanted is not there, no measure is of all models, or the only ones
            fall without a fixed scale.
    """
    there = [m for m in columns_of(attempts) if attempts[m].notna().any()]
    fitting = [m for m in there if wanted.fits(m)]
    if not fitting:
        asked = " ".join(filter(None, (wanted.metric, wanted.variant)))
        raise NoQualityError(f"{source}: no measure {asked!r}; there are: {_listed(there)}")
    means = _means(attempts, there)
    n_graded = len({model for of_measure in means.values() for model in of_measure})
    fitting_all = [m for m in fitting if len(means[m]) == n_graded]
    if not fitting_all:
        lacking = "; ".join(
            f"{model} has {_listed([m for m in there if model in means[m]]) or 'none'}"
            for model in attempts["model"].unique()[:NAMED]
        )
        raise NoQualityError(
            f"{source}: no measure of all models ({lacking}); grade all by one, or import them "
            "apart"
        )
    values = {m: _known(attempts[m]) for m in fitting_all}
    best = min(
        enumerate(fitting_all),
        key=lambda at: (
            not (at[1].is_main and _can_be_taken(at[1], values[at[1]], wanted)),
            at[1].direction is False,
            _kind(at[1], values[at[1]]),
            _fails_a_model(attempts, at[1]),
            _place(at[1]),
            at[0],
        ),
    )[1]
    turned = best.direction is False
    fixed = wanted.scale or best.scale
    if turned and fixed is None and not _is_share(values[best]):
        low, high = values[best].min(), values[best].max()
        raise NoQualityError(
            f"{source}: of {best} less is better, and its values ({low:g} to {high:g}) have no "
            "best and worst that could be turned round; grade the answers by another measure "
            f"(there are: {_listed(there)})"
        )
    return Chosen(best, turned, means)


def notes_on(found: Chosen) -> list[str]:
    """Notes on what was chosen, what there was beside it, and where that disagrees."""
    best, notes = found.measure, []
    if found.turned:
        notes.append(f"Quality is 1 − {best}: of {best} less is better.")
    elif best.direction is None:
        notes.append(
            f"Quality is {str(best)!r}: more is taken to be better; nothing in the file says so."
        )
    else:
        notes.append(f"Quality is {str(best)!r}.")
    others = [m for m in found.means if m != best]
    if not others:
        return notes
    shown = [f"{m} {_of_models(found.means[m])}" for m in (best, *others[:NAMED])]
    more = f"; and {len(others) - NAMED} more" if len(others) > NAMED else ""
    notes.append(f"Means by each measure: {'; '.join(shown)}{more}.")
    for other in others:
        if (apart := _disagreement(found, other)) is not None:
            notes.append(
                f"Look: {best} and {other} disagree: {apart} Choose with --metric, --filter or "
                "--scorer, or on the My data page."
            )
            break
    return notes


def _disagreement(found: Chosen, other: Measure) -> str | None:
    """The model whose two means are furthest apart, in words; None where they are close."""
    if other.direction is False or _kind_of_name(other) == 2:
        return None
    here, there = found.means[found.measure], found.means[other]
    if found.turned:
        here = {model: (1.0 - mean, n) for model, (mean, n) in here.items()}
    values = [mean for mean, _ in (*here.values(), *there.values())]
    if min(values) < 0 or max(values) > 1:
        return None
    model = max(there, key=lambda m: abs(here[m][0] - there[m][0]), default=None)
    if model is None or abs(here[model][0] - there[model][0]) < DISAGREEMENT:
        return None
    return f"{model} has {here[model][0]:.1%} by the one and {there[model][0]:.1%} by the other."


def _of_models(means: Mapping[str, tuple[float, int]]) -> str:
    shown = [f"{model} {mean:.3g}" for model, (mean, _) in list(means.items())[:NAMED]]
    return "(" + ", ".join(shown) + (", …" if len(means) > NAMED else "") + ")"


def _means(
    attempts: pd.DataFrame, measures: Iterable[Measure]
) -> dict[Measure, dict[str, tuple[float, int]]]:
    by_model = attempts.groupby("model", observed=True, sort=False)
    return {
        measure: {
            str(model): (float(mean), int(n))
            for model, mean, n in by_model[measure].agg(["mean", "count"]).itertuples()
            if n
        }
        for measure in measures
    }


def _known(values: pd.Series) -> NDArray[np.float64]:
    numbers = values.to_numpy(np.float64)
    known: NDArray[np.float64] = numbers[np.isfinite(numbers)]
    return known


def _names(measure: Measure) -> set[str]:
    plain = re.sub(r"[^a-z0-9@]+", "_", measure.name.lower()).strip("_")
    last = re.split(r"[./|]", measure.name)[-1]
    return {plain, re.sub(r"[^a-z0-9@]+", "_", last.lower()).strip("_")}


def _kind_of_name(measure: Measure) -> int | None:
    names = _names(measure)
    return 0 if names & set(GRADES) else 2 if names & set(LIKELIHOODS) else None


def _kind(measure: Measure, values: NDArray[np.float64]) -> int:
    """0 of a grade, 1 of a score, 2 of a likelihood."""
    named = _kind_of_name(measure)
    if named is not None:
        return named
    return 0 if set(np.unique(values)) <= {0.0, 1.0} else 1


def _fails_a_model(attempts: pd.DataFrame, measure: Measure) -> bool:
    """True if all answers of a model have 0, as where a filter does not know how it answers."""
    by_model = attempts.groupby("model", observed=True)[measure]
    n, most = by_model.count(), by_model.max()
    return bool(((n >= LEAST_FAILED) & (most == 0.0)).any())


def _can_be_taken(measure: Measure, values: NDArray[np.float64], wanted: Wanted) -> bool:
    """True if a measure rises, or has a best and a worst to be turned round."""
    scale = wanted.scale or measure.scale
    return measure.direction is not False or scale is not None or _is_share(values)


def _is_share(values: NDArray[np.float64]) -> bool:
    return bool(len(values)) and values.min() >= 0.0 and values.max() <= 1.0


def _place(measure: Measure) -> int:
    names = _names(measure)
    return next((i for i, name in enumerate(GRADES) if name in names), len(GRADES))


def _listed(measures: Sequence[Measure]) -> str:
    return ", ".join(map(str, measures[:20])) + (", …" if len(measures) > 20 else "")
