"""Foreign files as benchmarks: one module a format, loaded when it is asked for.

A module has `recognises(path)`, which looks but does not read it all, and `read(path)`. Nothing
here writes: what was read goes into a store with `Store.add_benchmark` and `Store.add_texts`.
"""

from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import pandas as pd

from routellm_core.errors import DataError, UnknownNameError
from routellm_core.importing.fields import odd_values
from routellm_core.importing.readers.json_stream import damage
from routellm_core.types import Benchmark

# Format to its title; the module has its name. The first that recognises a file reads it: any
# table, and what is packed, come last. `routellm_core.importing.battles` reads those of battles.
IMPORTERS = {
    "routellm": "RouteLLM repository",
    "lm_eval": "lm-evaluation-harness samples",
    "promptfoo": "promptfoo results",
    "litellm": "LiteLLM log",
    "routerbench": "RouterBench",
    "inspect": "Inspect logs",
    "helm": "HELM runs",
    "fastchat": "FastChat judgements",
    "routerarena": "RouterArena",
    "evalscope": "EvalScope reviews",
    "lighteval": "LightEval details",
    "every_eval_ever": "Every Eval Ever samples",
    "livecodebench": "LiveCodeBench results",
    "deepeval": "DeepEval test run",
    "mlflow_eval": "MLflow evaluation",
    "phoenix": "Phoenix experiment",
    "pydantic_evals": "pydantic-evals report",
    "braintrust": "Braintrust results",
    "llmrouter": "LLMRouter routing data",
    "automix": "AutoMix answers",
    "otel": "OpenTelemetry spans",
    "phoenix_spans": "Phoenix spans",
    "mlflow_traces": "MLflow traces",
    "trace_trees": "Langfuse generations, Opik traces or LangSmith runs",
    "nested_grades": "grades by model in each record",
    "gateway_logs": "OpenRouter or Helicone requests",
    "batches": "batch of OpenAI or Anthropic",
    "openai_log": "log of requests",
    "table": "table",
    "archive": "zip or folder of several files",
}


OF_FOLDERS = ("routellm", "lm_eval", "inspect", "helm")
"""Formats that a folder may have."""


class Imported(NamedTuple):
    """One benchmark as it was read; the tables have the form that `schemas` checks."""

    benchmark: Benchmark
    queries: pd.DataFrame
    """One row a query: query_id, slice, cluster_id, contaminated, prompt_tokens, text_hash."""
    outcomes: pd.DataFrame
    """One row a query and model: query_id, model, quality, answer_tokens and, where known,
    cost_usd and latency_s. Without a row the queries are bare: there to be scored."""
    texts: pd.DataFrame
    """One row a distinct text: text_hash, text."""
    notes: tuple[str, ...] = ()
    """Notes for the reader of these figures, one sentence each."""
    usage: pd.DataFrame | None = None
    """Use of ungraded answers, where known: query_id, model, prompt_tokens, answer_tokens,
    cost_usd, latency_s."""
    attempts: pd.DataFrame | None = None
    """What the outcomes are made of: one row a query and model with answer_tokens, cost_usd,
    latency_s, perhaps `state` (of `grading.STATES`) and `content` (a name of the query by what it
    holds), and a column a `Measure`. None of bare queries."""
    read_notes: tuple[str, ...] = ()
    """The notes that do not depend on which measure is taken."""
    measure: str = ""
    """The measure that was taken as the quality; empty of bare queries."""
    created: str = ""
    """Moment of the run, so that later ones sort behind; empty where it is not known."""
    arguments: tuple[tuple[str, str], ...] = ()
    """Names and values that tell a run's model from another of the same name."""


class Importer(Protocol):
    """The functions of a module of `formats`."""

    def recognises(self, path: Path) -> bool:
        """True if the file or folder looks like this format."""

    def read(self, path: Path) -> list[Imported]:
        """All benchmarks in it; a `DataError` says which file and column is off."""


def importer(name: str) -> Importer:
    """The importer of a format.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if name not in IMPORTERS:
        raise UnknownNameError(f"no import format {name!r}; there are: {', '.join(IMPORTERS)}")
    return cast(Importer, import_module(f"{__name__}.formats.{name}"))


def read(path: Path, format_name: str | None = None) -> list[Imported]:
    """All benchmarks in a file or folder, by the named format or the one that recognises it.

    Raises:
        UnknownNameError: there is no such format.
        DataError: no format recognises it, or what it holds does not have the agreed form.
    """
    name = format_name or recognise(path)
    chosen = importer(name)
    if not path.exists():
        raise DataError(f"there is no {path}; check the path")
    if path.is_dir() and name not in (*OF_FOLDERS, "archive"):
        raise DataError(f"{path}: is a folder, and {name} reads a file; give one of its files")
    odd_values(), damage()  # of a file that was refused
    return chosen.read(path)


def is_no_benchmark(path: Path) -> bool:
    """True for a file that no format recognises, so that it may hold battles instead."""
    return path.is_file() and not any(importer(name).recognises(path) for name in IMPORTERS)


def recognise(path: Path) -> str:
    """Name of the first format that recognises the file or folder.

    Raises:
        DataError: it is absent, or no format does.
    """
    if not path.exists():
        raise DataError(f"there is no {path}; check the path")
    for name in IMPORTERS:
        if importer(name).recognises(path):
            return name
    raise DataError(f"{path}: no known format; name one of: {', '.join(IMPORTERS)}")
