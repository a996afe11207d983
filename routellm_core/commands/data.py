"""Verbs that build, fill and describe the store: `setup`, `status`, `import`, `texts`, `data`."""

import argparse
import os
from pathlib import Path
from typing import Any

from routellm_core.commands.shared import CACHE_DIR, Result, Verb, check_is_checkout, say
from routellm_core.errors import DataError
from routellm_core.release.more_models import MMLU_PRO_OUTCOMES, MMLU_PRO_QUESTIONS
from routellm_core.store import Store
from routellm_core.store.places import DATA_DIR


def add_parsers(verb: Verb) -> None:
    """Declare the verbs."""
    verb("setup", setup)
    verb("status", status)

    importing = verb("import", import_files)
    importing.add_argument("files", nargs="+", type=Path, metavar="FILE")
    importing.add_argument("--format", help="the format, when it is not recognised")
    importing.add_argument(
        "--drop-unjudged", action="store_true", help="leave out battles without a verdict"
    )
    importing.add_argument("--name", help="put before the ids of the imported benchmarks")

    resolving, rebuilding = verb("texts", texts), verb("data", data)
    checkout = os.environ.get("ROUTELLM") or None
    for added in (resolving, rebuilding):
        added.add_argument(
            "--checkout", type=Path, default=checkout, help="a RouteLLM checkout (or ROUTELLM=PATH)"
        )
    resolving.add_argument(
        "--from",
        dest="files",
        nargs="+",
        type=Path,
        default=[],
        metavar="FILE",
        help="tables (CSV, JSON, JSON lines, Parquet) with a column query, text, question or "
        "prompt; only texts whose hash is wanted are taken",
    )
    for option, held in (
        ("--mmlu-pro", f"a folder with {MMLU_PRO_QUESTIONS} and {MMLU_PRO_OUTCOMES}"),
        ("--mt-bench", "a table with MT-Bench ratings of further models"),
    ):
        variable = option[2:].replace("-", "_").upper()
        rebuilding.add_argument(
            option,
            type=Path,
            default=os.environ.get(variable) or None,
            help=f"{held} (or {variable}=PATH)",
        )


def setup(parsed: argparse.Namespace) -> Result:
    """Build the store from data/, or do nothing when it is up to date."""
    from routellm_core.store.build import ensure_store

    ensure_store(DATA_DIR, parsed.store)
    return status(parsed)


def status(parsed: argparse.Namespace) -> Result:
    """The contents of the store."""
    with Store(parsed.store, read_only=True) as store:
        table = store.benchmarks()
        known = {b: store.n_texts(b) for b in table["benchmark_id"]}
        records = [
            {
                **{k: row[k] for k in ("benchmark_id", "title", "origin")},
                "n_queries": int(row["n_queries"]),
                "n_contaminated": int(row["n_contaminated"]),
                "n_texts": known[row["benchmark_id"]][0],
                "n_models": len(store.models(row["benchmark_id"])),
            }
            for row in table.to_dict("records")
        ]
    lines = [f"store: {parsed.store}"] + [
        f"{r['benchmark_id']}: {r['n_queries']:,} queries ({r['n_contaminated']:,} contaminated), "
        f"{r['n_models']} models, {r['n_texts']:,} query texts on this machine"
        for r in records
    ]
    return {"store": str(parsed.store), "benchmarks": records}, lines


def import_files(parsed: argparse.Namespace) -> Result:
    """Import benchmarks and battles from files as the user's own."""
    from routellm_core.importing import job as import_job
    from routellm_core.importing.battles import notes_on

    plan = import_job.ImportPlan(
        tuple(map(str, parsed.files)), parsed.format, drop_unjudged=parsed.drop_unjudged
    )
    prefix = f"{parsed.name}-" if parsed.name else ""
    with Store(parsed.store) as store:
        found = import_job.read(plan)
        ids = import_job.add(store, found, prefix=prefix)
    imported: list[dict[str, Any]] = []
    if found.battles is not None:
        for source, rows in found.battles.groupby("source"):
            imported.append({"battles": source, "n_battles": len(rows)})
        imported[-1]["notes"] = notes_on(found.battles)
    for name, part in zip(ids, found.parts, strict=True):
        row = {"benchmark": name, "n_queries": len(part.queries), "notes": list(part.notes)}
        imported.append(row)
    lines = []
    for i in imported:
        if "benchmark" in i:
            lines.append(f"{i['benchmark']}: {i['n_queries']:,} queries imported")
            lines += [f"  {note}" for note in i["notes"]]
        else:
            lines.append(f"{i['battles']}: {i['n_battles']:,} battles imported")
            lines += [f"  {note}" for note in i.get("notes", ())]
    return {"imported": imported}, lines


def texts(parsed: argparse.Namespace) -> Result:
    """Resolve query texts from a checkout, tables, registry wheels and the hub."""
    from routellm_core.importing.query_texts import resolve_texts

    with Store(parsed.store) as store:
        summary = resolve_texts(
            store, CACHE_DIR, checkout=parsed.checkout, files=parsed.files, report=say
        )
    return summary, [f"{b}: {s['known']:,} of {s['total']:,} texts" for b, s in summary.items()]


def data(parsed: argparse.Namespace) -> Result:
    """Rebuild data/outcomes from the sources named, byte for byte the same each time."""
    from routellm_core.release.shipped_data import rebuild_outcomes

    check_is_checkout()
    sources = [s for s in (parsed.checkout, parsed.mmlu_pro, parsed.mt_bench) if s is not None]
    if not sources:
        raise DataError(
            "name a source: --checkout, --mmlu-pro or --mt-bench PATH, or ROUTELLM, MMLU_PRO, "
            "MT_BENCH=PATH"
        )
    rebuild_outcomes(DATA_DIR, parsed.checkout, mmlu_pro=parsed.mmlu_pro, mt_bench=parsed.mt_bench)
    return {"data": str(DATA_DIR)}, [f"{DATA_DIR} rebuilt from {', '.join(map(str, sources))}"]
