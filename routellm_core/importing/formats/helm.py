"""Run folders of Stanford HELM: one model on one scenario, or a suite of many such folders.

Read are per_instance_stats.json (or display_predictions.json), the texts in scenario_state.json (or
instances.json), and run_spec.json. Perturbed copies of an instance are left out; trials with other
examples in the prompt are averaged.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.assembly import Card, assembled
from routellm_core.importing.fields import at, number, rows_of, text
from routellm_core.importing.readers.json_stream import document, objects
from routellm_core.importing.readers.sniffing import sniff
from routellm_core.importing.run_joining import paired, stacked

STATS = frozenset({"instance_id", "train_trial_index", "stats"})
METRICS = (
    *("exact_match", "quasi_exact_match", "final_number_exact_match", "math_equiv"),
    *("math_equiv_chain_of_thought", "prefix_exact_match", "quasi_prefix_exact_match"),
    *("chain_of_thought_correctness", "ifeval_strict_accuracy", "wildbench_score_rescaled"),
    *("f1_score", "rouge_l", "rouge_2", "bleu_4"),
)
"""HELM's main metrics; the first that an instance has is its quality."""
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
    for file in files[:MOST_RUNS]:
        run = _run(file)
        runs.setdefault((run.scenario, run.model), []).append(_read_run(file, run))
    return paired([stacked(parts) for parts in runs.values()])


def _read_run(path: Path, run: Run) -> Imported:
    texts = _texts(path.parent)
    by_id: dict[str, list[dict[str, float]]] = {}
    metric, n_perturbed = "", 0
    trials: set[str] = set()
    for number_, entry in objects(path):
        where = f"{path.name}, item {number_:,}"
        if entry.get("perturbation"):
            n_perturbed += 1
            continue
        values = _values(entry.get("stats"), where)
        metric = metric or next((name for name in METRICS if name in values), "")
        if metric not in values:
            raise DataError(
                f"{where}: has no {metric or 'known metric'} (there are: "
                f"{', '.join(sorted(values))[:200]}); import the metric you mean as a table"
            )
        trials.add(str(entry.get("train_trial_index")))
        by_id.setdefault(text(entry.get("instance_id"), where, "instance_id"), []).append(values)
    notes = [f"Quality is {metric!r} of {path.parent.name}."]
    if n_perturbed:
        notes.append(f"{n_perturbed:,} perturbed instances of {path.parent.name} were left out.")
    if len(trials) > 1:
        notes.append(f"The mean of {len(trials)} trials was taken.")
    rows, where_ = rows_of(
        path.name,
        (
            (i, _row(instance, values, metric, run, texts, path))
            for i, (instance, values) in enumerate(by_id.items(), start=1)
        ),
        "instance",
    )
    return assembled(rows, where_, Card(run.scenario, f"HELM, {path.parent.name}"), notes)


def _row(
    instance: str,
    trials: list[dict[str, float]],
    metric: str,
    run: Run,
    texts: dict[str, str],
    path: Path,
) -> dict[str, Any]:
    if instance not in texts:
        raise DataError(
            f"{path.name}, instance {instance!r}: has no text in scenario_state.json or "
            "instances.json beside it; take the whole folder"
        )

    def mean(*names: str) -> float:
        name = next((name for name in names if name in trials[0]), "")
        known = [trial[name] for trial in trials if not math.isnan(trial.get(name, math.nan))]
        return float(np.mean(known)) if known else math.nan

    return {
        "query_id": f"{run.part}-{instance}" if run.part else instance,
        "query": texts[instance],
        "slice": run.part or "all",
        "model": run.model,
        "quality": mean(metric),
        "prompt_tokens": mean("num_prompt_tokens"),
        "answer_tokens": mean("num_completion_tokens", "num_output_tokens"),
        "latency_s": mean("inference_runtime"),
    }


def _values(stats: Any, where: str) -> dict[str, float]:
    """Mean of each statistic, by name; perturbed ones and other splits' copies left out."""
    if isinstance(stats, Mapping):  # as in display_predictions.json
        return {str(k): number(v, where, f"stats.{k}") for k, v in stats.items()}
    found: dict[str, float] = {}
    for stat in stats if isinstance(stats, list) else ():
        name = at(stat, "name", "name")
        if isinstance(name, str) and not at(stat, "name", "perturbation"):
            found.setdefault(name, number(at(stat, "mean"), where, f"stats.{name}.mean"))
    return found


# Files of a run


def _is_stats(path: Path) -> bool:
    start = sniff(path)
    return start.kind == "list" and start.keys >= STATS


def _stats_files(folder: Path) -> Iterator[Path]:
    """One file of statistics a run; the full ones where both are there."""
    for name in ("per_instance_stats.json", "display_predictions.json"):
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


def _texts(folder: Path) -> dict[str, str]:
    state, instances = folder / "scenario_state.json", folder / "instances.json"
    if state.is_file():
        found = at(document(state), "request_states")
        listed = [at(one, "instance") for one in found] if isinstance(found, list) else []
    elif instances.is_file():
        listed = [one for _, one in objects(instances)]
    else:
        raise DataError(
            f"{folder.name}: has neither scenario_state.json nor instances.json, so that there are "
            "no texts; take the whole folder"
        )
    texts: dict[str, str] = {}
    for one in listed:
        name, query = at(one, "id"), at(one, "input", "text")
        if isinstance(name, str) and isinstance(query, str) and not at(one, "perturbation"):
            texts.setdefault(name, query)
    return texts
