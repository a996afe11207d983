"""Verbs that build, fill and describe the store: `setup`, `status`, `import`, `texts`, `data`."""

import argparse
import math
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from routellm_core.commands.next_command import command, with_next
from routellm_core.commands.shared import (
    CACHE_DIR,
    Result,
    Verb,
    add_typed_prices,
    check_is_checkout,
    say,
    typed_prices,
)
from routellm_core.errors import DataError
from routellm_core.release.more_models import MMLU_PRO_OUTCOMES, MMLU_PRO_QUESTIONS
from routellm_core.store import Store
from routellm_core.store.places import DATA_DIR

if TYPE_CHECKING:
    from routellm_core.importing import Imported

SHOWN_SETS, SHOWN_MODELS = 6, 6


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
    importing.add_argument(
        "--name",
        help="the id of the imported benchmark; put before the ids where there are several",
    )
    importing.add_argument("--metric", help="the measure to take as the quality")
    importing.add_argument(
        *("--filter", "--scorer"),
        dest="variant",
        help="the filter (lm-eval) or scorer (Inspect) through which it was reached, as name or "
        "name.key",
    )
    importing.add_argument(
        "--scale", type=_scale, metavar="LOW..HIGH", help="worst and best quality, as 0..10"
    )
    importing.add_argument(
        "--map",
        dest="roles",
        nargs="+",
        type=_role,
        default=[],
        metavar="ROLE=COLUMN",
        help="what a column of a table is: query, query_id, slice, model, quality, prompt_tokens, "
        "answer_tokens, cost_usd, currency, latency, repeat, error; ROLE= takes the role from all "
        "columns",
    )
    importing.add_argument(
        "--currency",
        dest="rates",
        nargs="+",
        action="extend",
        type=_rate,
        default=[],
        metavar="CODE=RATE",
        help="US dollars for one unit of a currency that costs are in, as CNY=0.14; without it "
        "they are left out",
    )
    importing.add_argument(
        "--drop", nargs="+", default=[], metavar="COLUMN", help="columns that are not looked at"
    )
    add_typed_prices(importing)

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
        ("--omnisbench", "a table with the answers of OmnisBench's run"),
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
    from routellm_core.importing.assembly import benchmark_id
    from routellm_core.importing.battles import notes_on
    from routellm_core.importing.notes import MOST, condensed

    plan = import_job.ImportPlan(
        tuple(map(str, parsed.files)),
        parsed.format,
        drop_unjudged=parsed.drop_unjudged,
        metric=parsed.metric,
        variant=parsed.variant,
        scale=parsed.scale,
        roles=tuple(parsed.roles),
        rates=tuple(parsed.rates),
        dropped=tuple(parsed.drop),
    )
    found = import_job.read(plan)
    if parsed.name and len(found.parts) == 1:
        card = replace(found.parts[0].benchmark, benchmark_id=benchmark_id(parsed.name))
        found = found._replace(parts=[found.parts[0]._replace(benchmark=card)])
    prefix = f"{parsed.name}-" if parsed.name and len(found.parts) > 1 else ""
    models = [_models(part) for part in found.parts]
    typed = typed_prices(parsed, list(dict.fromkeys(name for names in models for name in names)))
    with Store(parsed.store) as store, store.atomic():
        ids = import_job.add(store, found, prefix=prefix)
        for benchmark, names in zip(ids, models, strict=True):
            store.save_prices(benchmark, {m: p for m, p in typed.items() if m in names})
    imported: list[dict[str, Any]] = []
    lines: list[str] = []
    on_battles: list[str] = []
    if found.battles is not None:
        for source, rows in found.battles.groupby("source"):
            imported.append({"battles": source, "n_battles": len(rows)})
            lines.append(f"{source}: {len(rows):,} battles imported")
        on_battles = notes_on(found.battles)
        imported[-1]["notes"] = on_battles
    for name, part in zip(ids, found.parts, strict=True):
        means = part.outcomes.groupby("model", observed=True, sort=False)["quality"].mean()
        row = {"benchmark": name, "n_queries": len(part.queries), "measure": part.measure or None}
        row |= {"qualities": {str(model): float(mean) for model, mean in means.items()}}
        imported.append(row | {"notes": list(part.notes)})
        shown = ", ".join(f"{model} {mean:.3g}" for model, mean in means[:SHOWN_MODELS].items())
        shown = f" ({shown}{', …' if len(means) > SHOWN_MODELS else ''})" if shown else ""
        lines.append(f"{name}: {len(part.queries):,} queries imported{shown}")
    if len(lines) > SHOWN_SETS:
        lines[SHOWN_SETS:] = [f"and {len(lines) - SHOWN_SETS:,} more benchmarks"]
    notes = condensed([*on_battles, *(n for p in found.parts for n in p.notes)], MOST - len(lines))
    result = {"imported": imported}, lines + [f"  {note}" for note in notes]
    if ids:
        return with_next(result, command(parsed, "score", "--benchmark", ids[0], "--router", "mf"))
    return with_next(result, command(parsed, "train", "mf", "--battles", imported[0]["battles"]))


def _models(part: "Imported") -> set[str]:
    """Models with outcomes or usage in what was read."""
    tables = (part.outcomes, part.usage)
    return {str(model) for t in tables if t is not None for model in t["model"].unique()}


def _scale(text: str) -> tuple[float, float]:
    low, _, high = text.partition("..")
    try:
        found = float(low), float(high)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no scale; write it as 0..10") from None
    if not found[0] < found[1]:
        raise argparse.ArgumentTypeError(f"{text!r}: the first must be the smaller, as in 0..10")
    return found


def _role(text: str) -> tuple[str, str | None]:
    role, is_pair, column = text.partition("=")
    if not is_pair:
        raise argparse.ArgumentTypeError(f"{text!r} is no ROLE=COLUMN")
    return role, column or None


def _rate(text: str) -> tuple[str, float]:
    currency, _, written = text.partition("=")
    try:
        rate = float(written)
    except ValueError:
        rate = math.nan
    if not currency or not 0 < rate < math.inf:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no rate; write the US dollars for one unit, as CNY=0.14"
        )
    return currency.upper(), rate


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
    further = {name: getattr(parsed, name) for name in ("mmlu_pro", "mt_bench", "omnisbench")}
    sources = [source for source in (parsed.checkout, *further.values()) if source is not None]
    if not sources:
        raise DataError(
            "name a source: --checkout, --mmlu-pro, --mt-bench or --omnisbench PATH, or ROUTELLM, "
            "MMLU_PRO, MT_BENCH, OMNISBENCH=PATH"
        )
    rebuild_outcomes(DATA_DIR, parsed.checkout, **further)
    return {"data": str(DATA_DIR)}, [f"{DATA_DIR} rebuilt from {', '.join(map(str, sources))}"]
