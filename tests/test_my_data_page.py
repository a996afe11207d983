"""The My data page without a browser: files in, sets private and saved, what a set tells."""

import json
import os
import re
import shutil
import time
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from routellm_core import files as routellm_core_files
from routellm_core import jobs
from routellm_core.errors import UnknownNameError
from routellm_core.evaluation.traffic import comparison
from routellm_core.importing import job as import_job
from routellm_core.jobs.__main__ import KINDS
from routellm_core.routers.mf import MatrixFactorizationRouter
from routellm_core.scoring import job as scoring_job
from routellm_core.store import Store
from routellm_core.training import job as training_job
from routellm_core.types import Battles, Benchmark, ModelPair, RouterEntry
from tests.invented import WordVectors, add_golden, golden_texts, is_hard, verdicts
from tests.long_work import write_job
from tests.pages import button, drawn, errors, opened, own_store, said, tables, toasts
from tests.test_import_formats import json_lines, lm_eval_run, packed, spend
from tests.test_train_page import a_run

ROOT = Path(__file__).resolve().parent.parent
PAIR = ModelPair(weak="small", strong="large")
TEXTS = [f"{'prove' if i % 2 else 'say'} kettles my{i} <b>now</b> [x](y)" for i in range(24)]
SECRET = "Which ferryman hid the seven violins of Lindholm?"


@pytest.fixture
def visitor(monkeypatch):
    """`visitor(name)` looks with another browser from now on; the first is Ada's."""

    from views.cache import workspace

    name = "ada"
    monkeypatch.setattr(workspace, "owner", lambda: name)

    def change(other):
        nonlocal name
        name = other

    return change


@pytest.fixture(scope="module")
def filled_store(small_store, tmp_path_factory):
    """The small store with a benchmark `sums` and a router `mf-words` that has scored it."""
    folder = tmp_path_factory.mktemp("filled")
    router = _router()
    router.save(folder / "mf-words")
    path = folder / "explorer.duckdb"
    shutil.copy(small_store, path)
    with Store(path) as store:
        texts = add_golden(store, "sums")
        entry = RouterEntry(
            *("mf-words", "mf", "golden"),
            trained_on="sums",
            config=json.dumps({"model_pair": PAIR._asdict()}),
            checkpoint=str(folder / "mf-words"),
        )
        store.add_router(entry)
        names = [f"sums-{i:03}" for i in range(len(texts))]
        rates = pd.DataFrame({"query_id": names, "strong_win_rate": router.strong_win_rate(texts)})
        store.add_strong_win_rates("sums", PAIR, "mf-words", "in_domain", rates)
    return path


@pytest.fixture
def store_path(filled_store, tmp_path, monkeypatch, word_vectors, visitor):
    """A copy of the test's own."""
    monkeypatch.delenv("ROUTELLM_FILES", raising=False)
    path = tmp_path / "store" / "explorer.duckdb"
    with own_store(filled_store, path, monkeypatch) as path:
        yield path


def _router():
    texts = golden_texts("sums")
    n = len(texts)
    win_a = np.array([0.0 if is_hard(i) else 0.5 for i in range(n)])
    battles = Battles(tuple(PAIR), np.arange(n), np.zeros(n, int), np.ones(n, int), win_a)
    return MatrixFactorizationRouter.fit(
        PAIR, WordVectors().embed(texts), battles, seed=0, embedder=WordVectors()
    )


@pytest.fixture
def at_work(monkeypatch, store_path):
    """Jobs begin when they are asked for and are done by `at_work()`, in this process."""
    begun = []
    monkeypatch.setattr(import_job, "_bound_memory", lambda: None)

    def start(folder, plan, _):
        write_job(folder, plan)
        routellm_core_files.write_json(folder / "plan.json", asdict(plan))
        begun.append((folder, plan))

    def work():
        while begun:
            folder, plan = begun.pop(0)
            with suppress(Exception):
                import_module(KINDS[plan.kind]).main(folder, store_path)
            assert jobs.read(folder).status in ("done", "failed", "cancelled")

    monkeypatch.setattr(jobs, "start", start)
    return work


@pytest.fixture
def open_page(store_path):
    return lambda script="pages/my_data.py", **query: opened(script, **query)


@pytest.fixture
def bring(open_page, at_work):
    """`bring(name, content, ...)` uploads and imports; the page after that."""

    def bring(*files, at=None):
        at = open_page() if at is None else at
        choose(at, *files)
        assert errors(at) == []
        button(at, "Import").click().run()
        at_work()
        return at.run()

    return bring


def choose(at, *files):
    many = [(name, _bytes(content), "text/plain") for name, content in files]
    return at.get("file_uploader")[0].set_value(many).run()


def _bytes(content):
    return content if isinstance(content, bytes) else content.encode()


def csv(frame):
    return frame.to_csv(index=False)


def wide(texts=TEXTS, weak=None, strong=None, **more):
    n = len(texts)
    columns = {
        "query": texts,
        "large": [1.0] * n if strong is None else strong,
        "small": [float(i % 2 == 0) for i in range(n)] if weak is None else weak,
    }
    return pd.DataFrame(columns | more)


def bare(texts=TEXTS):
    return csv(pd.DataFrame({"query": texts}))


def one_model(texts=TEXTS, quality=None):
    quality = [float(i % 3 > 0) for i in range(len(texts))] if quality is None else quality
    return csv(pd.DataFrame({"query": texts, "model": "wren", "quality": quality}))


def sets(at):
    return [s for s in at.selectbox if s.label == "Set"]


def uploads(store_path):
    return [p for p in store_path.parent.glob("private/*/*/**/*") if p.is_file()]


def all_bytes(store_path):
    files = [p for p in store_path.parent.rglob("*") if p.is_file()]
    return {
        str(p.relative_to(store_path.parent)) for p in files if SECRET.encode() in p.read_bytes()
    }


def own_ids(store_path, owner="ada"):
    from views.cache import workspace

    table = workspace.store().benchmarks(owner)
    return table[(table["origin"] == "user") & (table["benchmark_id"] != "sums")][
        "benchmark_id"
    ].tolist()


def scored(at, at_work, routers=("mf-words",)):
    at.multiselect(key=next(m.key for m in at.multiselect if m.label == "Routers")).set_value(
        list(routers)
    ).run()
    button(at, "Score").click().run()
    at_work()
    at.run()
    assert errors(at) == []
    return at


# Files in


def parquet(tmp_path):
    wide().to_parquet(tmp_path / "x.parquet")
    return (tmp_path / "x.parquet").read_bytes()


def excel(tmp_path):
    wide().to_excel(tmp_path / "x.xlsx", index=False)
    return (tmp_path / "x.xlsx").read_bytes()


def zipped(tmp_path):
    return packed(tmp_path / "x.zip", {"runs/wide.csv": csv(wide())}).read_bytes()


def long_lines(tmp_path):
    long = wide().melt("query", ["large", "small"], "model", "quality")
    return json_lines(long.to_dict("records"))


SAMPLES = {
    "wide.csv": ("table", lambda _: csv(wide())),
    "long.jsonl": ("table", long_lines),
    "wide.parquet": ("table", parquet),
    "book.xlsx": ("table", excel),
    "runs.zip": ("zip or folder of several files", zipped),
    "spend.json": ("LiteLLM log", lambda _: json.dumps([spend(i) for i in range(3)])),
    "battles.csv": ("battles", lambda _: csv(verdicts())),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_each_kind_of_file_is_recognised_and_comes_in(
    open_page, at_work, store_path, tmp_path, name
):
    title, content = SAMPLES[name]
    at = choose(open_page(), (name, content(tmp_path)))
    assert errors(at) == []
    (form,) = [s for s in at.selectbox if s.label == "Format"]
    assert form.options[0] == f"as recognised: {title}"
    assert ("First rows of the file" in tables(at)) == (title == "table")
    assert "<b>now" not in tables(at)
    assert ("every visitor of this dashboard sees them" in said(at)) == (title == "battles")
    button(at, "Import").click().run()
    assert "running" in tables(at)
    at_work()
    at.run()
    assert errors(at) == []
    assert "added" in toasts(at)[0]
    assert len(own_ids(store_path)) == (name != "battles.csv")
    assert uploads(store_path) == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", "Nothing of use.\n", "no format recognises it"),
        ("empty.csv", "", "no format recognises it"),
        ("one.json", "{", "no format recognises it"),
    ],
)
def test_what_is_not_known_is_a_sentence_and_cannot_be_imported(
    open_page, store_path, name, content, message
):
    at = choose(open_page(), (name, content))
    assert at.exception == []
    assert message in " ".join([*errors(at), said(at)])
    assert button(at, "Import").disabled
    assert own_ids(store_path) == []
    choose(at)
    assert uploads(store_path) == []


def test_a_pickle_is_refused_unopened(bring, store_path):
    at = bring(("old.pkl", b"\x80\x04\x95\x00"))
    assert "is a pickle, which can run code" in errors(at)[0]
    assert own_ids(store_path) == []
    button(at, "Put away").click().run()
    assert uploads(store_path) == []


def test_what_a_table_leaves_open_is_asked_before_it_is_imported(open_page, at_work, store_path):
    rows = [("heron", 0.9), ("wren", 0.2)] * 6
    frame = pd.DataFrame(rows, columns=["model", "judged"])
    frame.insert(0, "query", [f"Who mends clock {i // 2}?" for i in range(12)])
    at = choose(open_page(), ("open.csv", csv(frame)))
    asked = next(w.value for w in at.warning if "no column is surely their grade" in w.value)
    assert "judged" in asked
    assert button(at, "Import").disabled
    shape = next(s for s in at.selectbox if s.label == "The table has")
    shape.set_value("a row for each query and model").run()
    next(s for s in at.selectbox if s.label == "Quality").set_value("judged").run()
    assert not any("surely" in w.value for w in at.warning)
    assert not button(at, "Import").disabled
    button(at, "Import").click().run()
    at_work()
    at.run()
    assert len(own_ids(store_path)) == 1


def test_an_open_question_can_be_left_open(open_page):
    frame = pd.DataFrame({"query": ["Who rows?", "Who mends?"], "grade": ["A", "F"]})
    at = choose(open_page(), ("letters.csv", csv(frame)))
    assert button(at, "Import").disabled
    next(c for c in at.checkbox if "all the same" in c.label).check().run()
    assert not button(at, "Import").disabled


def test_ragged_rows_are_named_and_nothing_changes(open_page, at_work, store_path):
    before = store_path.read_bytes()
    at = choose(open_page(), ("ragged.csv", csv(wide()) + '"one more",1,0,7\n'))
    button(at, "Import").click().run()
    at_work()
    at.run()
    assert "ragged.csv was not imported, nothing has changed" in errors(at)[0].replace("\\", "")
    assert "row 25" in errors(at)[0]
    button(at, "Put away").click().run()
    assert at.exception == []
    assert store_path.read_bytes() == before
    assert uploads(store_path) == []


def test_a_row_that_is_off_is_named_and_put_away(open_page, at_work, store_path):
    frame = wide(strong=[1.0] * 20 + ["much"] * 4)
    at = choose(open_page(), ("off.csv", csv(frame)))
    shape = next(s for s in at.selectbox if s.label == "The table has")
    shape.set_value("a column of qualities for each model").run()
    at.multiselect[0].set_value(["large", "small"]).run()
    button(at, "Import").click().run()
    at_work()
    at.run()
    (error,) = errors(at)
    assert "off.csv was not imported, nothing has changed" in error.replace("\\", "")
    assert r"4 rows \(21, 22, 23, 24\)" in error
    assert "much" in error
    assert own_ids(store_path) == []
    button(at, "Put away").click().run()
    assert errors(at) == []
    assert uploads(store_path) == []


@pytest.mark.parametrize(
    "name",
    [
        "../../x.csv",
        "<img src=x>.csv",
        "x" * 200 + ".csv",
        "水" * 200 + ".csv",
        "🦆.csv",
        "..",
        "[a](b).csv",
    ],
)
def test_hostile_names_are_only_names(bring, store_path, name):
    at = bring((name, csv(wide())))
    assert errors(at) == []
    assert len(own_ids(store_path)) == 1
    assert "<img" not in tables(at)
    assert not any("[a](b)" in e.value for e in [*at.markdown, *at.caption])
    assert not (store_path.parent.parent / "x.csv").exists()


def test_another_mapping_imports_other_things(open_page, at_work, store_path):
    frame = wide(third=[0.5] * len(TEXTS), topic=["ducks", "geese"] * 12)
    at = choose(open_page(), ("wide.csv", csv(frame)))
    (models,) = [m for m in at.multiselect if m.label.startswith("Columns of qualities")]
    assert set(models.value) >= {"large", "small"}
    models.set_value(["large", "third"]).run()
    by_label = {s.label: s for s in at.selectbox}
    by_label["Slice (subject, category)"].set_value("topic").run()
    by_label = {s.label: s for s in at.selectbox}
    by_label["Scale of the qualities"].set_value("0 to 1, points").run()
    button(at, "Import").click().run()
    at_work()
    at.run()
    from views.cache import workspace

    assert sorted(workspace.store().models("wide")["model"]) == ["large", "third"]
    assert workspace.store().benchmark("wide").quality_unit == "points"
    slices = workspace.store().pair_outcomes("wide", ModelPair("third", "large")).slices
    assert slices == ("ducks", "geese")


def test_a_mapping_that_cannot_be_says_why_and_cannot_be_imported(open_page):
    at = choose(open_page(), ("wide.csv", csv(wide())))
    next(s for s in at.selectbox if s.label == "Query").set_value("–").run()
    next(s for s in at.selectbox if s.label == "The table has").set_value("queries alone").run()
    assert at.exception == []
    assert button(at, "Import").disabled


def test_another_format_than_the_recognised_one_is_taken_at_its_word(open_page, at_work):
    at = choose(open_page(), ("wide.csv", csv(wide())))
    next(s for s in at.selectbox if s.label == "Format").set_value("litellm").run()
    button(at, "Import").click().run()
    at_work()
    at.run()
    assert "was not imported" in errors(at)[0]


def test_two_runs_with_their_totals_are_joined(bring, store_path, tmp_path):
    files = []
    for model, scores, day in (("wren", [0, 1, 0], "01"), ("heron", [1, 1, 0], "02")):
        lm_eval_run(tmp_path / model, model, scores, moment=f"2026-01-{day}T03-04-05.6")
        files += [(p.name, p.read_bytes()) for p in sorted((tmp_path / model).iterdir())]
    at = bring(*files)
    assert errors(at) == []
    assert own_ids(store_path) == ["shore"]
    from views.cache import workspace

    assert sorted(workspace.store().models("shore")["model"]) == ["heron", "wren"]


def test_two_tables_of_one_name_stay_two_files(bring, store_path):
    from views.cache import workspace

    heron = one_model().replace("wren", "heron")
    at = bring(("runs.csv", one_model()), ("runs.csv", heron))
    assert errors(at) == []
    assert own_ids(store_path) == ["runs"]
    assert sorted(workspace.store().models("runs")["model"]) == ["heron", "wren"]


def test_server_paths_are_off_unless_allowed_and_never_lead_out(
    open_page, at_work, store_path, tmp_path, monkeypatch
):
    assert [t for t in open_page().text_input if "server" in t.label] == []
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "wide.csv").write_text(csv(wide()))
    (outside / "secret.csv").write_text(csv(wide()))
    (inside / "link.csv").symlink_to(outside / "secret.csv")
    (inside / "round").symlink_to(inside / "round")
    (inside / "folder").mkdir()
    (inside / "folder" / "link.csv").symlink_to(outside / "secret.csv")
    monkeypatch.setenv("ROUTELLM_FILES", str(inside))
    at = open_page()

    def name(text):
        next(t for t in at.text_input if "server" in t.label).set_value(text).run()
        assert at.exception == []
        return [e.replace("\\", "") for e in errors(at)]

    refused = ["../out/secret.csv", str(outside / "secret.csv"), "link.csv", "absent.csv", "/etc"]
    refused += ["round", "folder", "a\0b", "x" * 5000, "/root/.ssh"]
    for text in refused:
        assert name(text) == [f"there is no {text!r} in {inside}".replace("\\", "")]
        assert not any(b.label == "Import" for b in at.button)
    assert name("wide.csv") == name(str(inside / "wide.csv")) == []
    button(at, "Import").click().run()
    at_work()
    at.run()
    assert own_ids(store_path) == ["wide"]
    assert (inside / "wide.csv").exists()


def test_a_cancelled_import_leaves_nothing(open_page, store_path, at_work, monkeypatch):
    at = choose(open_page(), ("wide.csv", csv(wide())))
    button(at, "Import").click().run()
    asked = []
    monkeypatch.setattr(jobs, "cancel", asked.append)
    button(at, "Cancel").click().run()
    (folder,) = asked
    document = routellm_core_files.read_json(folder / "run.json")
    routellm_core_files.write_json(folder / "run.json", document | {"status": "cancelled"})
    at.run()
    assert errors(at) == []
    assert not folder.exists()
    assert uploads(store_path) == []
    assert own_ids(store_path) == []


def test_a_process_of_its_own_reads_and_a_killed_one_is_told(open_page, store_path):
    at = choose(open_page(), ("wide.csv", csv(wide())))
    button(at, "Import").click().run()
    (job,) = jobs.jobs_in(store_path.parent / "private" / "ada" / "imports")
    os.kill(routellm_core_files.read_json(job.folder / "run.json")["pid"], 9)
    wait(job.folder)
    at.run()
    assert "its process is gone" in errors(at)[0]
    button(at, "Put away").click().run()
    choose(at, ("wide.csv", csv(wide())))
    button(at, "Import").click().run()
    (job,) = jobs.jobs_in(store_path.parent / "private" / "ada" / "imports")
    wait(job.folder)
    at.run()
    assert errors(at) == []
    assert own_ids(store_path) == ["wide"]


def wait(folder, seconds=60):
    until = time.monotonic() + seconds
    while jobs.read(folder).status == "running":
        assert time.monotonic() < until
        time.sleep(0.05)


def test_what_was_read_waits_for_a_store_that_another_process_holds(open_page, at_work, store_path):
    import subprocess
    import sys

    at = choose(open_page(), ("wide.csv", csv(wide())))
    button(at, "Import").click().run()
    at_work()
    code = (
        "import sys; from pathlib import Path; from routellm_core.store import Store\n"
        f"s = Store(Path({str(store_path)!r}), read_only=True); print('open', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "open\n"
        at.run()
        assert f"wide.csv is read, but not added: {store_path} is in use by process" in errors(at)[
            0
        ].replace("\\", "")
        assert own_ids(store_path) == []
        other.stdin.close()
    next(b for b in at.button if b.label.replace("\\", "") == "Add wide.csv now").click().run()
    assert errors(at) == []
    assert own_ids(store_path) == ["wide"]
    assert uploads(store_path) == []


# Whose they are


def test_two_sessions_with_one_name_get_two_ids(bring, visitor, store_path):
    bring(("wide.csv", csv(wide())))
    visitor("eve")
    bring(("wide.csv", csv(wide())))
    assert own_ids(store_path, "ada") == ["wide"]
    assert own_ids(store_path, "eve") == ["wide-2"]


def test_another_browser_sees_a_private_set_nowhere_until_it_is_saved(
    bring, open_page, visitor, at_work, store_path
):
    at = bring(("ferrylog.csv", csv(wide())))
    scored(at, at_work)
    a_run(
        store_path,
        "mf-ferrylog-mine",
        plan=training_job.TrainingPlan("mf", *PAIR, golden=("ferrylog",)),
    )
    chosen = dict.fromkeys(("benchmark", "set", "golden", "compare", "against"), "ferrylog")
    pages = ["app.py", *(f"pages/{n}.py" for n in ("queries", "compare", "train", "my_data"))]

    def seen():
        found = {}
        for page in pages:
            at = open_page(page, **chosen)
            assert at.exception == []
            inputs = [*at.selectbox, *at.multiselect, *at.radio, *at.get("button_group")]
            options = [str(option) for widget in inputs for option in widget.options]
            shown = " ".join([said(at), tables(at), json.dumps(drawn(at)), *options])
            found[page] = "ferrylog" in shown + " ".join(errors(at))
        return found

    assert seen() == dict.fromkeys(pages, True)
    visitor("eve")
    assert seen() == dict.fromkeys(pages, False)
    visitor("ada")
    button(open_page(set="ferrylog"), "Save to the store").click().run()
    visitor("eve")
    assert seen() == dict.fromkeys(pages, True)
    assert "ferrylog" in open_page("app.py", **chosen).sidebar.selectbox[0].value


def test_what_is_cached_of_texts_goes_with_the_set(bring, open_page, at_work):
    from views.cache import own_data, workspace

    bring(("mine.csv", csv(wide([SECRET, *TEXTS]))))
    version = workspace.version()
    readings = (own_data.query_texts, own_data.set_queries)
    for reading in readings:
        assert SECRET in str(reading(version, "mine"))
    button(open_page(set="mine"), "Delete it").click().run()
    for reading in readings:
        try:
            assert SECRET not in str(reading(version, "mine"))
        except UnknownNameError:
            pass


@pytest.mark.parametrize("way", ["ends", "swept", "deleted"])
def test_no_byte_of_a_private_text_is_left(bring, open_page, at_work, store_path, way):
    from views.cache import session, workspace

    at = bring(("mine.csv", csv(wide([SECRET, *TEXTS]))))
    scored(at, at_work)
    open_page("pages/queries.py", benchmark="mine")
    compare(open_page(set="mine", part="against", against="sums"), at_work)
    a_run(store_path, "mf-mine-mine", plan=training_job.TrainingPlan("mf", *PAIR, golden=("mine",)))
    choose(open_page(), ("later.csv", csv(wide([SECRET]))))  # uploaded, never imported
    left = all_bytes(store_path)
    assert "explorer.duckdb" in left
    assert any("uploads" in name for name in left)
    if way == "ends":
        session._end("ada", workspace._end_session)
    elif way == "swept":
        workspace.store().close()
        workspace.opened_store.clear()
        workspace.store()
    else:
        at = open_page(set="mine")
        choose(at)
        button(at, "Delete it").click().run()
        assert errors(at) == []
        assert toasts(at) == ["mine is deleted."]
        for path in store_path.parent.glob("private/*/uploads"):
            shutil.rmtree(path)  # of the tab that never imported
    assert all_bytes(store_path) == set()
    assert own_ids(store_path) == []
    assert not (store_path.parent / "sets" / "mine").exists()
    assert not (store_path.parent / "runs" / "mf-mine-mine").exists()


def compare(at, at_work):
    button(at, "Compare").click().run()
    at_work()
    at.run()
    assert errors(at) == []
    return at


# What a set tells


def rows_of(at, caption):
    """Cells of a plain table."""
    body = next(h.proto.body for h in at.get("html") if f"<caption>{caption}" in h.proto.body)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in body.split("<tr>")[2:]]
    return cells


def test_two_models_scored_open_everywhere_and_can_be_trained_on(
    bring, open_page, at_work, monkeypatch
):
    at = bring(("mine.csv", csv(wide())))
    assert "50.0 percentage points better" in said(at)
    scored(at, at_work)
    (row,) = rows_of(at, "Routers on the set")
    assert row[0] == "mf"
    assert row[3] == "24"
    for page in ("app.py", "pages/queries.py", "pages/compare.py"):
        shown = open_page(page, benchmark="mine", compare="mine")
        assert errors(shown) == []
        assert "mine" in said(shown) + json.dumps(drawn(shown))
    begun = []
    monkeypatch.setattr(jobs, "start", lambda *given: begun.append(given[1]))
    switched = []
    monkeypatch.setattr(st, "switch_page", switched.append)
    button(at, "Train a router on it").click().run()
    assert switched == [str(ROOT / "pages" / "train.py")]
    query = {name: at.query_params[name] for name in ("golden", "battles", "train_strong")}
    query = {n: v[0] if isinstance(v, list) else v for n, v in query.items()}
    train = open_page("pages/train.py", score_on="", **query)
    assert errors(train) == []
    button(train, "Start training").click().run()
    assert [(plan.golden, plan.strong) for plan in begun] == [(("mine",), "large")]


@pytest.mark.parametrize("script", ["app.py", "pages/queries.py"])
def test_a_set_without_scores_says_where_to_score_it(bring, open_page, script, monkeypatch):
    bring(("mine.csv", csv(wide())))
    at = open_page(script, benchmark="mine")
    assert at.exception == []
    error = errors(at)[0].replace("\\", "")
    assert "no router has been run on all of mine: score it on the My data page" in error
    switched = []
    monkeypatch.setattr(st, "switch_page", switched.append)
    button(at, "Score it on My data").click().run()
    assert switched == [str(ROOT / "pages" / "my_data.py")]
    assert at.query_params["set"] in ("mine", ["mine"])
    compare = open_page("pages/compare.py", compare="mine")
    assert errors(compare) == []


def test_a_query_without_text_keeps_a_set_from_the_tradeoff_and_that_is_said(bring, at_work):
    from views.cache import workspace

    at = bring(("mine.csv", csv(wide())))
    with workspace.store().open_for_writing():
        workspace.store()._write(
            "UPDATE query SET text_hash = NULL WHERE benchmark_id = 'mine' AND query_id = "
            "(SELECT min(query_id) FROM query WHERE benchmark_id = 'mine')"
        )
    at.run()
    assert "23 of 24 queries have a text" in said(at)
    scored(at, at_work)
    assert "needs a score for every query of this pair" in said(at)
    assert not any(b.label == "See the trade-off" for b in at.button)


@pytest.mark.parametrize("quality", ["equal", "reversed"])
def test_models_that_do_not_differ_have_dashes(bring, open_page, at_work, quality):
    strong = [1.0] * 24 if quality == "equal" else [0.0] * 24
    at = bring(("mine.csv", csv(wide(strong=strong, weak=[1.0] * 24))))
    assert errors(at) == []
    scored(at, at_work)
    assert "nan" not in tables(at) + said(at).lower().replace("finance", "")
    shown = open_page("app.py", benchmark="mine")
    assert errors(shown) == []
    assert "nan" not in str(shown.sidebar.radio[0].options)


def test_one_model_alone_has_bounds(bring, at_work):
    quality = [1.0] * 12 + [0.0] * 12
    at = bring(("wren.csv", one_model(quality=quality)))
    assert "Outcomes of wren alone" in said(at)
    scored(at, at_work)
    rows = rows_of(at, "Bounds of the routed quality")
    assert rows[0][0] == "0.0%"
    assert rows[0][2] == "50.0% to 50.0%"
    assert rows[-1][0] == "100.0%"
    assert rows[-1][2] == "0.0% to 100.0%"
    at.get("button_group")[-1].set_value("strong").run()
    assert errors(at) == []
    rows = rows_of(at, "Bounds of the routed quality")
    assert rows[0][2] == "0.0% to 100.0%"
    assert rows[-1][2] == "50.0% to 50.0%"


def test_bounds_keep_the_scale_of_the_qualities(bring, at_work):
    at = bring(("wren.csv", one_model(quality=[4.0, 8.0] * 12)))
    scored(at, at_work)
    rows = rows_of(at, "Bounds of the routed quality")
    assert rows[0][2] == "6.00 to 6.00"
    assert rows[-1][2] == "1.00 to 10.00"


def test_bare_queries_have_shares_and_money_and_unknown_prices_are_dashes(bring, at_work):
    at = bring(("log.csv", bare()))
    assert "Queries alone" in said(at)
    scored(at, at_work)
    assert re.search(r"α = [\d.]+ sends \d+\.\d% of your 24 queries to large ■", said(at))
    rows = rows_of(at, "Cost a month")
    assert [row[1:] for row in rows] == [["–", "–"]] * 3
    assert "no price typed" in said(at)
    for key, usd in (("_traffic_price_large", 30.0), ("_traffic_price_small", 10.0)):
        at.number_input(key=key).set_value(usd).run()
    money = [row[1] for row in rows_of(at, "Cost a month")]
    assert all(usd.startswith("$") for usd in money)
    assert rows_of(at, "Cost a month")[2][2] == "67%"
    at.number_input(key="_per_month_log").set_value(0).run()
    assert [row[1] for row in rows_of(at, "Cost a month")] == ["$0.00"] * 3
    at.slider(key="_share_log").set_value(0.0).run()
    assert "α above 1 sends 0.0% of your 24 queries" in said(at)
    at.slider(key="_share_log").set_value(100.0).run()
    assert "sends 100.0% of your 24 queries" in said(at)
    assert errors(at) == []


def test_what_a_log_says_of_tokens_and_bills_is_used(bring, at_work):
    at = bring(("spend.json", json.dumps([spend(i) for i in range(3)])))
    scored(at, at_work)
    assert at.number_input(key="_answer_" + own_key(at)).value == 20.0
    text = said(at)
    assert "11 prompt tokens a query, counted on your queries" in text
    assert "answer tokens: the average of birds/heron-2026 in your log" in text
    assert "your log was billed 0.500000 USD an answer of birds/heron-2026" in text


def own_key(at):
    return next(s.key for s in at.slider).removeprefix("_share_")


@pytest.mark.parametrize("n", [1, 2, 19])
def test_small_sets_tell_what_they_can(bring, open_page, at_work, n):
    at = bring(("log.csv", bare(TEXTS[:n])))
    scored(at, at_work)
    assert f"of your {n} queries" in said(at)
    compare(open_page(set="log", part="against", against="sums"), at_work)
    at = open_page(set="log")
    assert errors(at) == []
    assert "have one like them there" in said(at)
    assert "nan" not in tables(at)


@pytest.mark.parametrize("n", [1, 2, 19])
def test_small_sets_of_two_models_open_on_every_page(bring, open_page, at_work, n):
    at = bring(("mine.csv", csv(wide(TEXTS[:n]))))
    scored(at, at_work)
    for page in ("app.py", "pages/queries.py", "pages/compare.py"):
        shown = open_page(page, benchmark="mine", compare="mine")
        assert shown.exception == []
        assert errors(shown) == []


@pytest.mark.parametrize(
    ("n", "sentences"),
    [
        (
            24,
            [
                "95% of the strong model's quality with 95% confidence",
                "a loss of at most 2 points against always strong with 95% confidence",
            ],
        ),
        (19, ["19 distinct queries are too few to choose a threshold on some"]),
    ],
)
def test_what_could_be_promised_is_said_of_a_scored_set(bring, at_work, n, sentences):
    at = scored(bring(("mine.csv", csv(wide(TEXTS[:n])))), at_work)
    assert "What could be guaranteed" in said(at)
    for sentence in sentences:
        assert said(at).count(sentence) == 1
    assert said(at).count("11 calibration queries") == (2 if n == 24 else 0)


@pytest.mark.parametrize("content", [bare(), one_model()])
def test_without_outcomes_of_both_models_a_promise_needs_labels(bring, at_work, content):
    at = bring(("log.csv", content))
    assert re.search(r"about 100 labelled queries to keep 95%.* 240 to lose at most 2", said(at))
    button(at, "Get outcomes").click().run()
    assert errors(at) == []
    assert at.query_params["part"] in ("outcomes", ["outcomes"])


def test_texts_that_are_all_equal_are_one_score(bring, open_page, at_work):
    frame = pd.DataFrame({"query_id": [f"q{i}" for i in range(30)], "query": ["Why, oh why?"] * 30})
    at = bring(("log.csv", csv(frame)))
    assert errors(at) == []
    scored(at, at_work)
    compare(open_page(set="log", part="against", against="sums"), at_work)
    at = open_page(set="log")
    assert errors(at) == []
    assert re.search(r"sends (0|100)\.0% of your \d+ quer", said(at))


def test_three_slices_and_points_of_ten(bring, open_page, at_work):
    frame = wide(strong=[9.0, 7.0] * 12, weak=[3.0, 6.5] * 12, topic=["a", "b", "c"] * 8)
    at = bring(("mine.csv", csv(frame)))
    assert "points better" in said(at)
    scored(at, at_work)
    shown = open_page("app.py", benchmark="mine")
    assert errors(shown) == []
    slices = next(d for d in drawn(shown) if "rows" in d and len(d["rows"]) == 3)
    assert slices


def test_a_set_without_texts_says_what_it_lacks(open_page, store_path):
    from views.cache import workspace

    store = workspace.store()
    card = Benchmark("mute", "Mute", "", "", "user", 0, 1, "share right", "", "", owner="ada")
    with store.open_for_writing():
        store.add_benchmark(card, pd.DataFrame({"query_id": ["m0"], "slice": "all"}), None)
    at = open_page(set="mute")
    assert errors(at) == []
    assert "A router reads texts, and this set has none" in said(at)
    at = open_page(set="mute", part="against", against="sums")
    assert errors(at) == []
    assert "The texts of your set are not on this machine" in said(at)


def test_scoring_that_fails_is_told_goes_on_and_is_put_away(bring, at_work, monkeypatch):
    at = bring(("log.csv", bare()))
    at.multiselect(key="_routers_log").set_value(["mf-words"]).run()
    button(at, "Score").click().run()
    assert "Scoring by mf-words" in tables(at)
    with monkeypatch.context() as broken:
        broken.setattr(scoring_job, "load_router", lambda path: 1 / 0)
        at_work()
    at.run()
    assert "Scoring by mf-words is not finished: ZeroDivisionError" in said(at)
    button(at, "Go on").click().run()
    at_work()
    at.run()
    assert errors(at) == []
    assert "of your 24 queries" in said(at)
    assert not any(b.label == "Put away" for b in at.button)


def test_a_file_is_added_and_scored_on_the_score_page_too(bring, open_page, at_work):
    at = bring(("log.csv", bare()), at=open_page("pages/score.py"))
    assert errors(at) == []
    assert toasts(at) == ["24 queries added as log."]
    (shown,) = sets(at)
    assert (shown.value, at.query_params["set"]) == ("log", "log")
    at.multiselect(key="_routers_log").set_value(["mf-words"]).run()
    button(at, "Score").click().run()
    at_work()
    at.run()
    assert errors(at) == []
    assert button(at, "See what the scores tell")


def test_what_cannot_be_read_is_said_on_the_score_page(bring, open_page):
    at = bring(("old.pkl", b"\x80\x04\x95\x00"), at=open_page("pages/score.py"))
    (problem,) = errors(at)
    assert "was not imported, nothing has changed" in problem


def test_a_failed_import_and_a_failed_scoring_stand_side_by_side(bring, at_work, monkeypatch):
    at = bring(("log.csv", bare()))
    at.multiselect(key="_routers_log").set_value(["mf-words"]).run()
    button(at, "Score").click().run()
    with monkeypatch.context() as broken:
        broken.setattr(scoring_job, "load_router", lambda path: 1 / 0)
        at_work()
    at = bring(("old.pkl", b"\x80\x04\x95\x00"), at=at.run())
    assert at.exception == []
    assert sum(b.label == "Put away" for b in at.button) == 2


# Against a benchmark


def test_a_comparison_is_drawn_carried_over_and_left_out_queries_come_back(
    bring, open_page, at_work, store_path
):
    known = golden_texts("sums")[:6]
    at = bring(("log.csv", bare([*known, *TEXTS])))
    scored(at, at_work)
    at = open_page(set="log")
    assert "A quality can only be carried over" in said(at)
    at = compare(open_page(set="log", part="against", against="sums"), at_work)
    assert "those of sums." in said(at)
    assert rows_of(at, "Queries that stand twice")[0][1] == "6"
    assert "<b>now" not in tables(at)
    assert "so that figures on both rest on the same queries" in said(at)
    told = open_page(set="log")
    assert "of your 30 queries" in said(told)
    assert "An estimate, not a measurement" in said(told)
    assert len(rows_of(told, "Expected quality on your traffic")) == 3
    button(at, "Leave these 6 out of all figures").click().run()
    assert errors(at) == []
    with Store(store_path, read_only=True) as store:
        assert len(store.contaminated_ids("log")) == 6
    told = open_page(set="log")
    assert "of your 24 queries" in said(told)
    assert "left out or taken back since the two sets were compared" in said(told)
    assert "An estimate, not a measurement" not in said(told)  # it was of 30 queries
    button(at, "Take 6 left-out queries back into the figures").click().run()
    assert errors(at) == []
    with Store(store_path, read_only=True) as store:
        assert store.contaminated_ids("log") == set()
    assert "An estimate, not a measurement" in said(open_page(set="log"))
    button(at, "Compare again").click().run()
    assert "Comparing" in tables(at)
    at_work()
    at.run()
    assert "those of sums." in said(at)


def test_a_benchmark_without_texts_says_so_and_a_failure_is_shown(
    bring, open_page, at_work, monkeypatch
):
    bring(("log.csv", bare()))
    at = open_page(set="log", part="against", against="mmlu")
    assert "The texts of MMLU are not on this machine" in said(at)
    at = open_page(set="log", part="against", against="sums")
    monkeypatch.setattr(comparison, "compared", lambda *_: 1 / 0)
    button(at, "Compare").click().run()
    at_work()
    at.run()
    assert "The comparison is not finished: ZeroDivisionError" in said(at)
    assert not button(at, "Compare").disabled


def test_a_comparison_goes_with_the_benchmark_it_is_with(bring, open_page, at_work, store_path):
    bring(("first.csv", csv(wide())))
    bring(("log.csv", bare()))
    compare(open_page(set="log", part="against", against="first"), at_work)
    folder = store_path.parent / "sets" / "log" / "against" / "first"
    assert folder.exists()
    button(open_page(set="first"), "Delete it").click().run()
    assert not folder.exists()


def test_of_several_measures_the_page_asks_which_is_the_quality(bring, store_path):
    frame = pd.DataFrame(
        {
            "query": TEXTS * 2,
            "model": ["large"] * len(TEXTS) + ["small"] * len(TEXTS),
            "exact_match": [1.0] * len(TEXTS) + [0.0, 1.0] * (len(TEXTS) // 2),
            "f1": [0.75] * len(TEXTS) + [0.25] * len(TEXTS),
        }
    )
    at = bring(("runs.csv", csv(frame)))
    assert "runs" not in " ".join(sets(at)[0].options)
    assert "runs.csv grades its answers in several ways." in said(at)
    measure = next(s for s in at.selectbox if s.label == "Which of them is the quality?")
    assert measure.options == ["exact_match: large 1, small 0.5", "f1: large 0.75, small 0.25"]
    assert measure.value == "exact_match"
    measure.set_value("f1").run()
    button(at, "Add").click().run()
    assert "runs" in " ".join(sets(at)[0].options)
    from views.cache import workspace

    found = workspace.store().pair_outcomes(own_ids(store_path)[0], PAIR)
    assert set(found.quality_strong) == {0.75}
    assert set(found.quality_weak) == {0.25}


@pytest.mark.parametrize(
    "content",
    [
        b"[]",
        b"{}",
        b'{"plan": {}, "status": "running", "pid": -1, "started_at": "2026-01-01T00:00:00"}',
    ],
)
def test_an_upload_is_never_taken_for_a_job(open_page, at_work, monkeypatch, content):
    from views.cache import workspace

    killed = []
    monkeypatch.setattr(os, "kill", lambda pid, demand: killed.append(pid))
    at = choose(open_page(), ("run.json", content), ("words.csv", b"query\nWhy do kites fly?\n"))
    at.selectbox(key="_files_format_run.json_words.csv").set_value("table").run()
    button(at, "Import").click().run()
    at_work()
    at = open_page()
    assert not at.exception
    workspace._end_session("ada")
    assert not workspace.current().session_dir("ada").exists()
    assert killed == []


def test_what_a_deletion_left_beside_the_store_is_swept(open_page, store_path):
    from views.cache import workspace

    left = workspace.current().set_dir("gone")
    left.mkdir(parents=True)
    (left / "notes.json").write_text('["a note"]')
    workspace.store().close()
    workspace.opened_store.clear()
    workspace.store()
    assert not left.exists()


def test_leaving_all_queries_out_breaks_no_page(bring, open_page, store_path):
    from views.cache import workspace

    bring(("wide.csv", csv(wide())))
    store = workspace.store()
    with store.open_for_writing():
        store.set_contaminated("wide", store.query_ids("wide"))
    for script in ("pages/my_data.py", "pages/tradeoff.py", "pages/compare.py"):
        at = open_page(script, set="wide", benchmark="wide")
        assert not at.exception
    store = workspace.store()
    with store.open_for_writing():
        store.set_contaminated("wide", [])
