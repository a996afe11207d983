"""Run folders of Stanford HELM: one model on one scenario, or a suite of many such folders.

Read are per_instance_stats.json (or display_predictions.json), the texts in scenario_state.json (or
instances.json), and run_spec.json. Perturbed copies of an instance are left out; trials with other
examples in the prompt are averaged.
"""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.answers import state_of
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.fields import at, number, rows_of, text
from routellm_core.importing.measures import Measure
from routellm_core.importing.readers.json_stream import document, objects
from routellm_core.importing.readers.naming import named
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.run_joining import noted, paired, readable, stacked
from routellm_core.importing.said import spoken

STATS = frozenset({"instance_id", "train_trial_index", "stats"})
MAIN = {
    **dict.fromkeys(("narrative_qa", "natural_qa", "quac"), "f1_score"),
    **dict.fromkeys(("mmlu", "truthful_qa", "commonsense", "hellaswag"), "exact_match"),
    **dict.fromkeys(("legalbench", "med_qa", "boolq", "imdb", "raft"), "quasi_exact_match"),
    **dict.fromkeys(("mmlu_pro", "gpqa"), "chain_of_thought_correctness"),
    "gsm": "final_number_exact_match",
    "math": "math_equiv_chain_of_thought",
    "ifeval": "ifeval_strict_accuracy",
    "wildbench": "wildbench_score_rescaled",
    "omni_math": "omni_math_accuracy",
    "wmt_14": "bleu_4",
    "summarization_xsum": "rouge_2",
    "summarization_cnndm": "rouge_2",
}
"""Main metric of a scenario, as HELM's leaderboards take it."""
NO_GRADE = re.compile(
    r"(num|n|max|min|batch|training|estimated|inference|prompt|finish_reason|logprob|perplexity"
    r"|denoised|idealized|inference_runtime|predicted_index|annotat\w*)(_.*|)|.*_(runtime|tokens"
    r"|bytes|count|prob|logprob|per_byte|tokens_count)"
)
"""Statistics of a call that grade no answer."""
STATS_FILES = ("per_instance_stats.json", "display_predictions.json")
MOST_RUNS = 5_000
_OF_MODEL = ("model", "model_deployment", "method", "data_augmentation", "groups")
"""Arguments in a run's name that do not tell tasks apart."""


class Run(NamedTuple):
    """Facts of a run's specification."""

    scenario: str
    part: str
    """The difference from other runs of its scenario, such as the subject."""
    model: str


def recognises(path: Path) -> bool:
    """True for a run's folder, a folder of them, or the statistics in one."""
    if path.is_dir():
        return next(_stats_files(path), None) is not None
    return _is_stats(path)


def read(path: Path) -> list[Imported]:
    """One benchmark a scenario; runs of several models are joined, parts are its slices.

    Raises:
        DataError: a file of a run is missing, damaged or off.
    """
    files = [path] if path.is_file() and _is_stats(path) else list(_stats_files(path))
    if not files:
        raise DataError(f"{path}: holds no per_instance_stats.json; give a folder that HELM wrote")
    runs: dict[tuple[str, str], list[Imported]] = {}
    found, left = readable(files[:MOST_RUNS], lambda file: (_run(file), _read_run(file)))
    for run, part in found:
        runs.setdefault((run.scenario, run.model), []).append(part)
    parts = paired([stacked(of_run) for of_run in runs.values()])
    if left:
        parts[0] = noted(parts[0], f"Runs that were left out: {len(left):,}, the first {left[0]}.")
    return parts


def _read_run(path: Path) -> Imported:
    run = _run(path)
    instances = _instances(path.parent)
    by_id: dict[str, list[dict[str, float]]] = {}
    n_perturbed = 0
    trials: set[str] = set()
    for number_, entry in objects(path):
        where = f"{named(path)}, item {number_:,}"
        if entry.get("perturbation"):
            n_perturbed += 1
            continue
        trials.add(str(entry.get("train_trial_index")))
        values = _values(entry.get("stats"), where)
        by_id.setdefault(text(entry.get("instance_id"), where, "instance_id"), []).append(values)
    notes = []
    if n_perturbed:
        notes.append(f"Perturbed instances of {named(path.parent)}, left out: {n_perturbed:,}.")
    if len(trials) > 1:
        notes.append(f"The mean of {len(trials)} trials was taken.")
    lacking = [name for name in by_id if name not in instances]
    if len(lacking) == len(by_id):
        raise DataError(
            f"{named(path)}: none of its instances has a text in scenario_state.json or "
            "instances.json beside it; take the whole folder"
        )
    if lacking:
        notes.append(
            f"Instances of {named(path.parent)} without a text, left out: {len(lacking):,}."
        )
    rows, where_ = rows_of(
        named(path),
        (
            (i, _row(name, trials_, run, instances[name]))
            for i, (name, trials_) in enumerate(by_id.items(), start=1)
            if name in instances
        ),
        "instance",
    )
    return assembled(rows, where_, Card(run.scenario, f"HELM, {named(path.parent)}"), notes)


def _row(
    name: str, trials: list[dict[str, float]], run: Run, instance: "_Instance"
) -> dict[Any, Any]:
    def mean(*names: str) -> float:
        there = next((name for name in names if any(name in trial for trial in trials)), "")
        known = [t[there] for t in trials if not math.isnan(t.get(there, math.nan))]
        return float(np.mean(known)) if known else math.nan

    row: dict[Any, Any] = {
        "query_id": f"{run.part}-{name}" if run.part else name,
        "query": instance.query,
        "slice": run.part or "all",
        "model": run.model,
        "prompt_tokens": mean("num_prompt_tokens"),
        "answer_tokens": mean("num_completion_tokens", "num_output_tokens"),
        "latency_s": mean("inference_runtime"),
        "failed": instance.failed,
    }
    if mean("finish_reason_length") > 0:
        row["state"] = "cut"
    elif instance.state:
        row["state"] = instance.state
    for metric in dict.fromkeys(metric for trial in trials for metric in trial):
        if not NO_GRADE.fullmatch(metric):
            row[Measure(metric, is_main=MAIN.get(run.scenario) == metric)] = mean(metric)
    return row


def _values(stats: Any, where: str) -> dict[str, float]:
    """Mean of each statistic, by name; perturbed ones and other splits' copies left out."""
    if isinstance(stats, Mapping):  # as in display_predictions.json
        plain = {str(k): v for k, v in stats.items() if not isinstance(v, Mapping | list)}
        return {k: number(v, where, f"stats.{k}") for k, v in plain.items()}
    found: dict[str, float] = {}
    for stat in stats if isinstance(stats, list) else ():
        name = at(stat, "name", "name")
        if isinstance(name, str) and not at(stat, "name", "perturbation"):
            found.setdefault(name, number(at(stat, "mean"), where, f"stats.{name}.mean"))
    return found


# Files of a run


def is_of_run(path: Path) -> bool:
    """True for a file that lies in a run's folder."""
    folder = path.parent
    return any(_is_stats(folder / name) for name in STATS_FILES)


def _is_stats(path: Path) -> bool:
    start = sniff(path)
    return start.kind == "list" and start.keys >= STATS


def _stats_files(folder: Path) -> Iterator[Path]:
    """One file of statistics a run; the full ones where both are there."""
    for name in STATS_FILES:
        for path in sorted(folder.rglob(name)):
            fuller = path.with_name("per_instance_stats.json")
            if _is_stats(path) and (path == fuller or not _is_stats(fuller)):
                yield path


def _run(path: Path) -> Run:
    """From run_spec.json, else from the folder's name, which HELM makes of it."""
    spec = path.with_name("run_spec.json")
    found = document(spec) if spec.is_file() else {}
    name = found.get("name")
    name = name if isinstance(name, str) and name else path.parent.name
    scenario, _, rest = name.partition(":")
    arguments = dict(a.partition("=")[::2] for a in rest.split(","))
    model = at(found, "adapter_spec", "model") or arguments.get("model")
    part = ",".join(v for k, v in arguments.items() if k and k not in _OF_MODEL and v)
    return Run(scenario, part, text(model, str(spec.name), "adapter_spec.model"))


class _Instance(NamedTuple):
    query: str
    state: str | None = None
    """Of the answer."""
    failed: bool = False


def _instances(folder: Path) -> dict[str, _Instance]:
    state, instances = folder / "scenario_state.json", folder / "instances.json"
    states: list[Any] = []
    if state.is_file():
        found = at(document(state), "request_states")
        states = found if isinstance(found, list) else []
    elif instances.is_file():
        states = [{"instance": one} for _, one in objects(instances)]
    else:
        raise DataError(
            f"{folder.name}: has neither scenario_state.json nor instances.json, so that there are "
            "no texts; take the whole folder"
        )
    by_id: dict[str, _Instance] = {}
    for one in states:
        instance, result = at(one, "instance"), at(one, "result")
        name, query = at(instance, "id"), _asked(at(instance, "input"))
        if isinstance(name, str) and query is not None and not at(instance, "perturbation"):
            query = "\n".join([query, *_choices(one)])
            completions = at(result, "completions")
            first = completions[0] if isinstance(completions, list) and completions else None
            told = state_of(at(first, "text"), at(first, "finish_reason", "reason"))
            failed = at(result, "success") is False or bool(at(result, "error"))
            by_id.setdefault(name, _Instance(query, told, failed))
    return by_id


def _asked(given: Any) -> str | None:
    """The text of an input, or the last user text of the messages that it holds instead."""
    query = at(given, "text")
    if isinstance(query, str) and query.strip():
        return query
    return spoken(at(given, "messages"))


def _choices(state: Any) -> list[str]:
    """The options of a multiple choice, a lettered line each, as the prompt shows them."""
    mapping = at(state, "output_mapping")
    if not isinstance(mapping, Mapping) or not all(isinstance(v, str) for v in mapping.values()):
        return []
    return [f"{letter}. {choice}" for letter, choice in mapping.items()]
