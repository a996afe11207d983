"""The tables of figures in README.md and docs/: `python -m benchmarks.results [--write]`.

They are read from the shipped store through the command line, so that they are what a reader gets;
that of the evaluation tools from their kept outputs.
A table stands in a file between a line that names it and an end; --write puts it there.
"""

import argparse
import io
import json
import math
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

from routellm_core.__main__ import main as command
from routellm_core.store.places import store_path
from routellm_core.wording.numbers import bracketed, brackets, fixed, percent, signed
from tests.fixtures import outputs

ROOT = Path(__file__).resolve().parent.parent
FILES = ("README.md", "docs/results.md", "docs/guarantees.md", "docs/formats.md")
ROUTERS = ("stacked", "causal_llm", "bert", "mf", "sw_ranking")
TABLE = "slice_table"
"""Stands below the routers: it knows of a query its slice alone."""
TITLES = {"mmlu": "MMLU", "gsm8k": "GSM8K", "mt_bench": "MT-Bench"}
VIEWS = {
    "in_domain": "in domain, out of fold",
    "untouched": "untouched: the fifth that no choice was made on",
    "unseen_slices": "unseen slices: subjects left out; GSM8K from MMLU's labels",
    "within_slice": "within slice: ranking inside a subject only",
}
PAIRS = (
    ("mmlu_pro", "Llama 3.1 70B / 8B", "Meta-Llama-3_1-70B-Instruct", "Meta-Llama-3_1-8B-Instruct"),
    ("mmlu_pro", "Gemini 1.5 Pro / Flash", "gemini-1.5-pro-002", "gemini-1.5-flash-002"),
    (
        "mmlu_pro",
        "Llama 3.1 70B / Mixtral",
        "Meta-Llama-3_1-70B-Instruct",
        "Mixtral-8x7B-Instruct-v0.1",
    ),
    (
        "mt_bench",
        "Claude 3 Opus / Mixtral",
        "claude-3-opus-20240229",
        "mistralai/Mixtral-8x7B-Instruct-v0.1",
    ),
    ("mt_bench", "Claude 3.5 Sonnet / Llama 2 7B", "claude-3-5-sonnet-20240620", "llama2_chat_7b"),
)
GUARANTEES = (
    ("keep 95% of the strong model's quality", ("--keep", "0.95"), "% kept"),
    ("lose at most 2 points", ("--lose", "2"), " points lost"),
    ("lose at most 5 points", ("--lose", "5"), " points lost"),
)
_BLOCK = re.compile(r"(<!-- table (\w+): [^\n]*-->\n)(.*?)(<!-- end -->)", re.DOTALL)


@cache
def _printed(*words: str) -> Any:
    """The document that a verb prints with --json."""
    out = io.StringIO()
    with redirect_stdout(out):
        code = command([*words, "--json", "--store", str(store_path())])
    if code:
        raise SystemExit(f"{' '.join(words)}: exit code {code}")
    return json.loads(out.getvalue())


def _row(*cells: str) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def _head(*cells: str) -> list[str]:
    return [_row(*cells), "|" + "---|" * len(cells)]


def _apgr(line: dict[str, Any]) -> str:
    if any(end is None or not math.isfinite(end) for end in line["apgr_interval"]):
        return f"{fixed(line['apgr'])} (interval undefined)"
    return bracketed(line["apgr"], line["apgr_interval"])


def _cpt(line: dict[str, Any], name: str) -> str:
    ends = brackets(line[f"{name}_interval"], digits=1, scale=100.0)
    return f"{percent(line[name])} {ends}"


def _scored(benchmark: str, router: str, view: str | None, recipe: str) -> dict[str, Any] | None:
    """Figures of a router in a view; by default out of fold, or as it is where it never learned."""
    lines = [
        line
        for line in _printed("evaluate", "--benchmark", benchmark)["routers"]
        if (line["router"], line["recipe"]) == (router, recipe)
    ]
    for wanted in [view] if view else ["in_domain", "untouched"]:
        for line in lines:
            if line["view"] == wanted:
                return line
    return None


def _apgr_or_dash(benchmark: str, router: str, view: str | None, recipe: str) -> str:
    line = _scored(benchmark, router, view, recipe)
    return "–" if line is None else _apgr(line)


def of_benchmark(benchmark: str) -> Iterator[list[str]]:
    """Cells of each router on a benchmark: name, APGR, CPT(50%), CPT(80%)."""
    for router in ROUTERS:
        line = _scored(benchmark, router, None, "golden")
        assert line is not None, (benchmark, router)
        yield [f"`{router}`", _apgr(line), _cpt(line, "cpt50"), _cpt(line, "cpt80")]
    table = _scored(benchmark, TABLE, None, "none")
    if table is not None:
        yield [f"`{TABLE}`", _apgr(table), _cpt(table, "cpt50"), _cpt(table, "cpt80")]


def mmlu() -> list[str]:
    head = _head("router", "APGR", "CPT(50%)", "CPT(80%)")
    return head + [_row(*cells) for cells in of_benchmark("mmlu")]


def benchmarks() -> list[str]:
    lines = _head("benchmark", "n", "router", "APGR", "CPT(50%)", "CPT(80%)")
    for name, title in TITLES.items():
        n = f"{_printed('evaluate', '--benchmark', name)['n_queries']:,}"
        for i, cells in enumerate(of_benchmark(name)):
            lines.append(_row(*((title, n) if i == 0 else ("", "")), *cells))
    return lines


def views() -> list[str]:
    lines = _head("view", "router", "MMLU", "GSM8K")
    for view, words in VIEWS.items():
        for i, router in enumerate(ROUTERS):
            cells = [_apgr_or_dash(b, router, view, "golden") for b in ("mmlu", "gsm8k")]
            lines.append(_row(words if i == 0 else "", f"`{router}`", *cells))
        cells = [_apgr_or_dash(b, TABLE, view, "none") for b in ("mmlu", "gsm8k")]
        if set(cells) != {"–"}:
            lines.append(_row("", f"`{TABLE}`", *cells))
    return lines


def recipes() -> list[str]:
    lines = _head("recipe", "router", *TITLES.values())
    for recipe in ("golden", "chat+golden", "chat", "golden-1500"):
        for router in ("causal_llm", "mf", "sw_ranking"):
            cells = [_apgr_or_dash(name, router, None, recipe) for name in TITLES]
            if set(cells) != {"–"}:
                lines.append(_row(f"`{recipe}`", f"`{router}`", *cells))
    return lines


def pairs() -> list[str]:
    lines = _head("benchmark", "pair", "without retraining", "own pair, out of fold")
    for benchmark, title, strong, weak in PAIRS:
        named = ("--benchmark", benchmark, "--strong", strong, "--weak", weak)
        scored = _printed("evaluate", *named)["routers"]
        others = [s for s in scored if s["recipe"] not in ("own-pair", "none")]
        own = [s for s in scored if s["recipe"] == "own-pair" and s["view"] == "in_domain"]
        best = [max(found, key=lambda s: s["apgr"], default=None) for found in (others, own)]
        cells = ["–" if s is None else f"`{s['router']}` {_apgr(s)}" for s in best]
        lines.append(_row(TITLES.get(benchmark, "MMLU-Pro"), title, *cells))
    return lines


def decomposition() -> list[str]:
    lines = _head(
        "router", "APGR", "from the slice", "inside slices", "more than the subject alone"
    )
    for line in _printed("compare", "--benchmark", "mmlu")["routers"]:
        if line["router"] in ROUTERS and line["recipe"] == "golden":
            more = bracketed(line["over_prior"], line["over_prior_interval"], signed)
            gains = (signed(line["recognising"]), signed(line["ranking"]))
            lines.append(_row(f"`{line['router']}`", f"{line['apgr']:.3f}", *gains, more))
    return lines


def guarantees() -> list[str]:
    lines = _head("guarantee", "router", "benchmark", "strong calls", "on held-out queries")
    for words, options, unit in GUARANTEES:
        for router, benchmark in (("mf", "mmlu"), ("stacked", "mmlu"), ("mf", "gsm8k")):
            found = _printed("certify", "--router", router, "--benchmark", benchmark, *options)
            ends = brackets(found["achieved_interval"], digits=1, scale=100.0)
            shown = f"{fixed(found['achieved'], 1, 100)}{unit} {ends}"
            share = f"{found['strong_call_share']:.1%}"
            lines.append(_row(words, f"`{router}`", TITLES[benchmark], share, shown))
    return lines


def tools() -> list[str]:
    return outputs.table()


TABLES = (mmlu, benchmarks, views, recipes, pairs, decomposition, guarantees, tools)


def filled(text: str) -> str:
    """A file's text with each of its tables as it is now."""
    by_name = {table.__name__: table for table in TABLES}

    def put(block: re.Match[str]) -> str:
        return block[1] + "".join(f"{line}\n" for line in by_name[block[2]]()) + block[4]

    return _BLOCK.sub(put, text)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.results", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into the files")
    if not parser.parse_args().write:
        for table in TABLES:
            print("", *table(), sep="\n")
        return
    for name in FILES:
        path = ROOT / name
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
