"""Damaged files of every format: whatever is wrong is said as an error that the user can read.

Bytes are changed, cut and repeated, and values inside JSON are replaced, so that the readers behind
the parsers are reached as well.
"""

import copy
import dataclasses
import json
import random

import numpy as np
import pandas as pd
import pytest
import yaml

from routellm_core import importing
from routellm_core.errors import RoutingError
from routellm_core.importing import assembly
from routellm_core.importing.battles import read_battles
from routellm_core.importing.formats import routellm
from routellm_core.schemas import QUERIES, TEXTS, checked, outcome_columns
from routellm_core.store import Store
from tests import test_import_battles as battles
from tests import test_import_evaluations as evaluations
from tests import test_import_formats as formats
from tests import test_import_inspect as inspect_logs
from tests import test_import_logs as logs
from tests import test_import_promptfoo as promptfoo
from tests import test_import_tables as tables
from tests import test_import_traces as traces
from tests.test_importers import archive_of, files

JUNK = (
    *(b'"', b"{", b"}", b"[", b"]", b",", b"\n", b"\r", b"\0", b"\xff", b"\x80\x04", b"NaN"),
    *(b"1e999", b"-1", b"null", b"true", b'"\\ud800"', b"[" * 3000, b"9" * 5000, b"\xef\xbb\xbf"),
)
VALUES = (
    *(None, True, False, 0, -1, 7, 1e308, float("inf"), float("nan"), 10**400, "", " ", "x"),
    *("\ud800", "inf", "1e999", [], {}, [[]], [None], {"a": 1}, {"content": 3}, "a" * 300, "\0"),
)
N_FAST, N_SLOW = 100, 1_000


def lm_eval(folder):
    formats.lm_eval_run(folder / "a", "wren", [0, 1, 0])
    formats.lm_eval_run(folder / "b", "heron", [1, 1, 0])
    return folder


def promptfoo_csv(folder):
    passed, failed = ["5", "PASS", "1.00", '{"exact": 1}'], ["6", "FAIL", "0.25"]
    rows = (["Sum 2 and 3."], passed, failed), (["Name a knot, please."], failed, passed)
    return formats.written(folder / "x", promptfoo.table(*rows))


def promptfoo_yaml(folder):
    return formats.written(folder / "x", yaml.safe_dump(PROMPTFOO, sort_keys=False))


def inspect_eval(folder):
    return inspect_logs.in_zstandard(inspect_logs.zipped(folder / "x", INSPECT))


def lines(rows):
    return lambda folder: formats.written(folder / "x", formats.json_lines(rows))


def listed(value):
    return lambda folder: formats.written(folder / "x", json.dumps(value, indent=1))


def fastchat(folder):
    formats.written(folder / "question.jsonl", formats.json_lines(formats.ASKED))
    return formats.written(folder / "x", formats.json_lines(formats.JUDGED))


def routerbench(folder, suffix="csv"):
    return tables.written(formats.routerbench(), folder / f"x.{suffix}")


def archive(folder):
    runs = lm_eval(folder / "runs")
    inside = {p.name: p.read_bytes() for p in runs.rglob("*") if p.is_file()}
    path = folder / "x.zip"
    (folder / "runs").rename(folder.parent / f"{folder.name}-aside")
    return formats.packed(path, inside | {"t.csv": "query,wren\nEbb?,1\n"})


def table(frame, suffix):
    return lambda folder: tables.written(frame, folder / f"x.{suffix}")


INSPECT = inspect_logs.log(
    [inspect_logs.sample(i, events=[inspect_logs.model_event()]) for i in range(3)]
)
PROMPTFOO = promptfoo.whole(
    [
        *promptfoo.RESULTS,
        promptfoo.result(
            0,
            0,
            "wren",
            0,
            **promptfoo.asserted(promptfoo.component("equals", 1), promptfoo.component("cost", 0)),
        ),
    ]
)
OF_ONE = [{"question": "Ebb?", "score": 1}, {"question": "Flow?", "score": 0.5}]
LANGSMITH = {
    "run_type": "llm",
    "trace_id": "t",
    "inputs": {"messages": [{"role": "user", "content": "Ebb?"}]},
    "outputs": {"generations": [{"text": "Yes."}]},
    "prompt_tokens": 9,
    "completion_tokens": 4,
    "total_cost": "0.002",
    "start_time": "2026-11-01T10:00:00",
    "end_time": "2026-11-01T10:00:02",
    "extra": {"metadata": {"ls_model_name": "wren"}},
    "feedback_stats": {"right": {"n": 1, "avg": 1.0}},
}
GOOD = {
    "routellm": lambda folder: archive_of(files(), folder / "x.tar.gz"),
    "lm_eval": lm_eval,
    "promptfoo": listed(PROMPTFOO),
    "promptfoo lines": lines(promptfoo.RESULTS),
    "promptfoo yaml": promptfoo_yaml,
    "promptfoo csv": promptfoo_csv,
    "litellm": lines([formats.spend(i) for i in range(3)]),
    "routerbench": routerbench,
    "routerbench parquet": lambda folder: routerbench(folder, "parquet"),
    "inspect": listed(INSPECT),
    "inspect eval": inspect_eval,
    "helm": formats.helm_run,
    "fastchat": fastchat,
    "routerarena": listed([evaluations.prediction(i, "wren", 1.0) for i in range(3)]),
    "routerarena cached": lines([evaluations.cached(i, "wren", 1.0) for i in range(3)]),
    "evalscope": lines([evaluations.review(i, "wren", 1) for i in range(3)]),
    "lighteval": lambda folder: evaluations.details(folder / "in/x", [1, 0, 1]),
    "every_eval_ever": lines([evaluations.sample(i, "wren", 1) for i in range(3)]),
    "livecodebench": listed(evaluations.problems([1, 0, 1])),
    "deepeval": listed({"testRunData": {"testCases": [evaluations.case(i, 1) for i in range(3)]}}),
    "mlflow_eval": listed([evaluations.trace(i, "wren", True) for i in range(3)]),
    "phoenix": listed([evaluations.run(i, 1.0) for i in range(3)]),
    "pydantic_evals": listed([evaluations.evaluated(i, True) for i in range(3)]),
    "nested_grades": listed(
        [{"question": f"Ebb {i}?", "scores": {"a": 1, "b": 0}} for i in (1, 2)]
    ),
    "llm_comparator": listed(battles.comparison(1.0, -0.5, 0)),
    "openai_log": lines(formats.LOGS["pairs"]),
    "batches": lines(formats.LOGS["batch"]),
    "gateway_logs": lines([logs.HELICONE | {"request_id": str(i)} for i in range(3)]),
    "otel": lines(traces.spans_of(traces.gen_ai)),
    "otel otlp": listed(traces.otlp(traces.spans_of(traces.openinference))),
    "mlflow_traces": lines([traces.mlflow_row(i) for i in range(3)]),
    "mlflow_traces list": listed(traces.mlflow_traces([traces.mlflow_row(i) for i in range(3)])),
    "phoenix_spans": table(pd.DataFrame([traces.phoenix_row(i) for i in range(3)]), "parquet"),
    "phoenix_spans csv": table(pd.DataFrame([traces.phoenix_row(i) for i in range(3)]), "csv"),
    "trace_trees": lines([traces.observation(i) for i in range(3)]),
    "trace_trees opik": listed([traces.opik(i, [traces.opik_span(i)]) for i in range(3)]),
    "archive": archive,
    "table": table(tables.LONG, "csv"),
    "table by model": listed({"wren": OF_ONE, "heron": OF_ONE}),
    "table below models": listed({"models": {"wren": {"results": OF_ONE}, "heron": OF_ONE}}),
    "table in columns": listed({"question": ["Ebb?", "Flow?"], "wren": [1, 0], "heron": [0, 1]}),
    "table two levels deep": listed({"data": {"rows": OF_ONE}, "run": 1}),
    "nested_grades named": listed(
        [
            {"question": f"Ebb {i}?", "model": "wren", "scores": [{"name": "f1", "value": 0.5}]}
            for i in (1, 2)
        ]
    ),
    "automix": lines(
        [{"question": "Ebb?", "a_pred_ans": "x", "b_pred_ans": "y", "a_f1": 1, "b_f1": 0}] * 2
    ),
    "trace_trees langsmith": lines([LANGSMITH | {"id": str(i)} for i in range(3)]),
    "trace_trees feedback": lines(
        [
            traces.observation(i) | {"scores": [{"name": "right", "value": float(i)}]}
            for i in range(3)
        ]
    ),
    "table json": table(tables.LONG, "json"),
    "table lines": table(tables.WIDE, "jsonl"),
    "table parquet": table(tables.LONG, "parquet"),
    "table excel": table(tables.WIDE, "xlsx"),
}


def changed_bytes(content, rng):
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at = rng.randrange(len(content) + 1)
        end = min(len(content), at + rng.choice([1, 1, 4, 50, 2000]))
        kind = rng.randrange(6)
        if kind == 0 and at < len(content):
            content[at] = rng.randrange(256)
        elif kind == 1:
            del content[at:end]
        elif kind == 2:
            content[at:at] = content[at:end]
        elif kind == 3:
            content[at:at] = rng.choice(JUNK)
        elif kind == 4:
            content[at:end] = rng.choice(JUNK)
        else:
            del content[at:]
    return bytes(content)


def changed_values(value, rng):
    """The same JSON with one value, key or item changed somewhere inside."""
    value = copy.deepcopy(value)
    inner = value
    while True:
        if not isinstance(inner, dict | list) or not inner:
            return rng.choice(VALUES)
        key = rng.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        if isinstance(inner[key], dict | list) and inner[key] and rng.random() < 0.8:
            inner = inner[key]
            continue
        if rng.random() < 0.3:
            del inner[key]
        else:
            inner[key] = rng.choice(VALUES)
        return value


def changed(content, rng):
    """A file's content, damaged; as JSON where it is JSON and the dice say so."""
    if rng.random() < 0.6:
        try:
            text = content.decode()
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
            at = rng.randrange(len(rows))
            rows[at] = changed_values(rows[at], rng)
            return "\n".join(map(json.dumps, rows)).encode()
        except (ValueError, TypeError):
            pass
        try:
            return json.dumps(changed_values(json.loads(content), rng)).encode()
        except (ValueError, TypeError):
            pass
    return changed_bytes(content, rng)


def damage_and_read(name, folder, n, seed, take):
    rng = random.Random(f"{name} {seed}")
    path = GOOD[name](folder)
    format_name = name.split()[0]
    whole = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    outcomes = {"read": 0, "refused": 0}
    for i in range(n):
        file = rng.choice(list(whole))
        file.write_bytes(changed(whole[file], rng))
        try:
            if format_name == "llm_comparator":
                read_battles(path)
            else:
                importing.importer(format_name).recognises(path)
                for j, part in enumerate(importing.read(path, format_name)):
                    take(part, f"b{i}-{j}")
            outcomes["read"] += 1
        except RoutingError as error:
            assert str(error)
            outcomes["refused"] += 1
        finally:
            file.write_bytes(whole[file])
    return outcomes


def has_the_agreed_form(part, _name):
    """What the store checks before it writes."""
    card = part.benchmark
    checked(part.queries, QUERIES, "queries", ("query_id",))
    if len(part.texts):
        checked(part.texts, TEXTS, "texts", ("text_hash",))
    if len(part.outcomes):
        columns = outcome_columns(card.quality_low, card.quality_high)
        checked(part.outcomes, columns, "outcomes", ("query_id", "model"))


def kept_in(store):
    def keep(part, name):
        card = dataclasses.replace(part.benchmark, benchmark_id=name)
        store.add_benchmark(card, part.queries, None if part.outcomes.empty else part.outcomes)
        if len(part.texts):
            store.add_texts(part.texts)

    return keep


@pytest.fixture(autouse=True)
def _no_tokens(monkeypatch):
    """Counting tokens is slow and not what is tried here."""
    for module in (assembly, routellm):
        monkeypatch.setattr(module, "n_tokens", lambda texts, counting: np.ones(len(texts)))


@pytest.mark.parametrize("name", GOOD)
def test_damaged_files_are_refused_in_words(tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    outcomes = damage_and_read(name, folder, N_FAST, 0, has_the_agreed_form)
    assert sum(outcomes.values()) == N_FAST
    # Of several runs in one folder the damaged one is left out.
    assert outcomes["refused"] or name in ("lm_eval", "archive")


@pytest.mark.slow
@pytest.mark.parametrize("name", GOOD)
def test_many_damaged_files_are_refused_in_words(tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    with Store() as store:
        damage_and_read(name, folder, N_SLOW, 1, kept_in(store))


@pytest.mark.parametrize("name", GOOD)
def test_a_file_of_one_format_never_breaks_another(tmp_path, name):
    path = GOOD[name](tmp_path)
    for other in importing.IMPORTERS:
        importing.importer(other).recognises(path)
        try:
            importing.read(path, other)
        except RoutingError as error:
            assert str(error)


@pytest.mark.parametrize("name", [name for name in GOOD if name != "llm_comparator"])
def test_the_content_alone_says_which_format_it_is(tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    path = GOOD[name](folder)
    if path.is_file() and name != "routellm":
        path = path.rename(folder / "without a suffix")
    assert importing.recognise(path) == name.split()[0]
