"""Getting outcomes on the My data page: endpoints asked in a process of their own, and sheets."""

import io
import json
import re
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import streamlit as st

from routellm_core import jobs
from routellm_core.__main__ import main
from routellm_core.labelling import job
from routellm_core.labelling.client import EndpointError
from routellm_core.labelling.journal import FILE_NAME
from routellm_core.store import Store
from routellm_core.store.workspace import Workspace
from routellm_core.text_keys import text_hash
from routellm_core.types import Benchmark, ModelPair
from tests.pages import (
    button,
    emptied_to_a_number,
    errors,
    opened,
    read_store,
    said,
    tables,
    toasts,
)
from tests.stub_endpoint import Say, Status, StubEndpoint, well_behaved
from views.cache import workspace

ROOT = Path(__file__).resolve().parent.parent
KEY = "sk-heron-never-shown"
VARIABLE = "HERON_API_KEY"
TITLE = "Log <i>of</i> [mine](x)"
N = 6
PAIR = ModelPair(weak="mistralai/Mixtral-8x7B-Instruct-v0.1", strong="gpt-4-1106-preview")


@pytest.fixture
def stub():
    with StubEndpoint() as running:
        yield running


@pytest.fixture
def store_path(small_store, tmp_path, monkeypatch):
    """A store with six bare queries of this session, scored, and a set without texts."""
    path = tmp_path / "explorer.duckdb"
    shutil.copy(small_store, path)
    texts = [f"Invented question {i} about {'geese' if i % 2 else 'ladders'}?" for i in range(N)]
    hashes = [text_hash(text) for text in texts]
    queries = pd.DataFrame(
        {
            "query_id": [f"q{i}" for i in range(N)],
            "slice": ["geese" if i % 2 else "ladders" for i in range(N)],
            "text_hash": hashes,
        }
    )
    card = Benchmark("log", TITLE, "", "", "user", 0, 1, "share right", "", "", owner="ada")
    bare = Benchmark("mute", "Mute", "", "", "user", 0, 1, "share right", "", "")
    rates = queries[["query_id"]].assign(strong_win_rate=np.linspace(0, 1, N, dtype=np.float32))
    monkeypatch.setenv(VARIABLE, KEY)
    monkeypatch.setattr(workspace, "owner", lambda: "ada")
    with read_store(path, monkeypatch):
        store = workspace.store()  # which sweeps away what former sessions left
        with store.open_for_writing(), store.atomic():
            store.add_benchmark(card, queries, None)
            store.add_texts(pd.DataFrame({"text_hash": hashes, "text": texts}))
            store.add_strong_win_rates("log", PAIR, "mf-golden", "untouched", rates)
            store.add_benchmark(bare, pd.DataFrame({"query_id": ["m0"], "slice": "all"}), None)
        yield path


@pytest.fixture
def open_page(store_path):
    def run(**query):
        at = opened("pages/my_data.py", **({"set": "log", "part": "outcomes"} | query))
        assert not at.exception
        return at

    return run


@pytest.fixture
def labelling(store_path):
    return store_path.parent / "sets" / "log" / "labelling"


def typed(at, name, value):
    widgets = [*at.text_input, *at.number_input, *at.text_area]
    next(w for w in widgets if w.key == f"_typed_{name}").set_value(value)


@pytest.fixture(autouse=True)
def allowed(stub, monkeypatch):
    """The operator lets the key go to the stub."""
    monkeypatch.setenv("ROUTELLM_ENDPOINTS", f"{VARIABLE}={stub.url}")


def key_choices(at):
    return [s for s in at.selectbox if s.label == "Key variable"]


def fill(at, url, prices=True):
    for role, model in (("weak", "small"), ("strong", "large"), ("judge", "owl")):
        typed(at, f"{role}.base_url", url)
        typed(at, f"{role}.model", model)
        if key_choices(at):
            at.selectbox(key=f"_typed_{role}.key_variable").set_value(VARIABLE)
        typed(at, f"{role}.max_answer_tokens", 50)
    at.run()
    if prices:
        for role, model in (("weak", "small"), ("strong", "large"), ("judge", "owl")):
            for kind in ("prompt", "answer"):
                typed(at, f"{role}.{kind}_usd.{model}", 2.0)
        at.run()
    return at


def ask_button(at):
    return next((b for b in at.button if b.key == "_outcomes_ask"), None)


def numbers(at, label):
    return [n for n in at.number_input if n.label == label]


def toasts_plain(at):
    return [text.replace("\u2060", "") for text in toasts(at)]


def estimated(at):
    button(at, "Estimate").click().run()
    assert errors(at) == []
    return at


def finished(labelling):
    until = time.monotonic() + 60
    while (found := jobs.read(labelling / "1")).status == "running":
        assert time.monotonic() < until, (labelling / "1" / "log.txt").read_text()
        time.sleep(0.05)
    return found


@pytest.fixture
def here(monkeypatch):
    """Replaces the process of a job: `here()` does in this one what was started."""
    given = []
    monkeypatch.setattr(jobs, "start", lambda *begun: given.append(begun))

    def work():
        folder, plan, store_path = given.pop()
        assert given == []
        replies = Workspace(store_path).replies(plan.benchmark_id)
        with Store(store_path, read_only=True) as store, suppress(EndpointError):
            job.work_on(folder, plan, store, replies)
        return jobs.read(folder)

    return work


def bytes_below(folder):
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# Before anything is sent


def test_it_says_where_texts_go_and_asks_nothing_before_an_estimate(open_page, stub):
    at = open_page()
    assert errors(at) == []
    assert "Texts leave this machine here" in said(at)
    assert button(at, "Estimate").disabled
    assert "Fill in address and model: Weak model ●, Strong model ■, Judge." in said(at)
    assert ask_button(at) is None
    fill(at, stub.url)
    assert not button(at, "Estimate").disabled
    assert ask_button(at) is None
    estimated(at)
    _, found = at.session_state["outcomes_estimated"]
    usd, most = found.usd
    assert 0 < usd < most < 1
    words = f"6 texts to ask about: 24 calls, at worst 36; ${usd:.4f}, at worst ${most:.4f}."
    assert words in said(at)
    assert "prompts counted with cl100k_base" in said(at)
    assert re.fullmatch(
        r"Ask them: 24 calls, at most \$0\.\d+ in all", ask_button(at).label.replace("\\", "")
    )
    assert stub.seen == []
    typed(at, "judge.max_answer_tokens", 60)
    at.run()
    assert ask_button(at) is None  # that was another estimate


def test_a_known_price_is_filled_in_and_an_unknown_one_stays_empty(open_page):
    at = open_page()
    typed(at, "weak.model", "gpt-4-1106-preview")
    typed(at, "judge.model", "nobody-knows-it")
    at.run()
    by_key = {n.key: n.value for n in at.number_input}
    assert by_key["_typed_weak.prompt_usd.gpt-4-1106-preview"] == pytest.approx(10.0)
    assert by_key["_typed_weak.answer_usd.gpt-4-1106-preview"] == pytest.approx(30.0)
    assert by_key["_typed_judge.prompt_usd.nobody-knows-it"] is None


def test_calls_are_capped_where_a_price_is_unknown(open_page, stub):
    at = estimated(fill(open_page(), stub.url, prices=False))
    assert "24 calls, at worst 36; –, at worst –" in said(at)
    assert "Calls are capped, not dollars: no price is known for large, owl, small" in said(at)
    assert numbers(at, "Cap, USD") == []
    assert numbers(at, "Cap, calls")[0].value == 36


def test_only_keys_that_the_operator_allows_are_offered(open_page, stub, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "never-shown-either")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-allowed")
    at = open_page()
    for choice in key_choices(at):
        assert choice.options == ["none", VARIABLE]
    assert f"go where its operator allows: {VARIABLE} to {stub.url}" in said(at).replace(
        "\u2060", ""
    )


@pytest.mark.parametrize("elsewhere", ["http://127.0.0.1:9/v1", "{}0", "{}/../v2", "{}.evil/v1"])
def test_an_allowed_key_goes_to_no_address_of_the_visitors_own(open_page, stub, elsewhere):
    at = fill(open_page(), elsewhere.format(stub.url))
    assert button(at, "Estimate").disabled
    assert f"its key may only go to {stub.url}" in said(at).replace("\u2060", "")


def test_without_the_operators_word_only_endpoints_without_a_key_are_asked(
    open_page, stub, here, monkeypatch
):
    monkeypatch.delenv("ROUTELLM_ENDPOINTS")
    at = open_page()
    assert key_choices(at) == []
    assert "ROUTELLM_ENDPOINTS in its environment says" in said(at)
    ask_button(estimated(fill(at, stub.url))).click().run()
    assert here().status == "done"
    assert len(stub.seen) == 24
    assert not any("authorization" in map(str.lower, seen.headers) for seen in stub.seen)


def test_the_operators_word_is_asked_again_at_the_start(open_page, stub, monkeypatch, labelling):
    at = estimated(fill(open_page(), stub.url))
    monkeypatch.setenv("ROUTELLM_ENDPOINTS", f"{VARIABLE}=https://else.example")
    ask_button(at).click().run()
    assert "its key may only go to https://else.example" in said(at).replace("\u2060", "")
    assert not list(labelling.glob("*/run.json"))
    assert stub.seen == []


def test_a_word_that_cannot_be_read_allows_nothing(open_page, monkeypatch):
    monkeypatch.setenv("ROUTELLM_ENDPOINTS", "sk-a-key-itself")
    at = open_page()
    assert "entry 1 of ROUTELLM_ENDPOINTS" in said(at)
    assert "sk-a-key-itself" not in said(at)
    assert button(at, "Estimate").disabled


def test_an_emptied_price_is_unknown_and_an_emptied_limit_the_usual_one(open_page, stub):
    at = fill(open_page(), stub.url)
    assert emptied_to_a_number(at) == []
    at.number_input(key="_typed_weak.answer_usd.small").set_value(None)
    at.number_input(key="_typed_judge.max_answer_tokens").set_value(None).run()
    estimated(at)
    plan, _ = at.session_state["outcomes_estimated"]
    assert not plan.asked.weak.has_price
    assert plan.asked.judge.max_answer_tokens == 1024
    assert numbers(at, "Cap, calls") and not numbers(at, "Cap, USD")


def test_a_random_draw_is_asked_about_in_its_random_order(open_page, stub):
    at = fill(open_page(), stub.url)
    typed(at, "seed_ask_log", 5)
    at.run()
    estimated(at)
    plan, _ = at.session_state["outcomes_estimated"]
    order = np.random.default_rng(5).permutation(N)
    assert plan.query_ids == tuple(f"q{i}" for i in order)
    slices = ["geese" if i % 2 else "ladders" for i in order]
    assert any(a == b for a, b in pairwise(slices))  # not in turn


def test_the_command_line_keeps_its_replies_where_the_page_does(
    open_page, stub, labelling, store_path, tmp_path, here
):
    with Store(store_path) as store:
        store.save_benchmark("log")
    at = estimated(fill(open_page(), stub.url))
    plan, _ = at.session_state["outcomes_estimated"]
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(asdict(replace(plan.asked, cap_calls=100))))
    ask_button(at).click().run()
    assert here().status == "done"
    assert len(stub.seen) == 24
    workspace.store().release()
    line = ["label", "--store", str(store_path), "--benchmark", "log", "--plan", str(file)]
    assert main(line) == 0
    assert len(stub.seen) == 24  # it was said already
    assert (labelling / "record" / FILE_NAME).exists()


def test_a_key_that_is_not_set_is_said_before_anything_starts(open_page, stub, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    at = fill(open_page(), stub.url)
    button(at, "Estimate").click().run()
    assert f"environment variable {VARIABLE} is not set" in errors(at)[0].replace("\\", "")
    assert ask_button(at).disabled
    assert stub.seen == []


@pytest.mark.parametrize("url", ["localhost:1/v1", "ftp://x/y", "http://me:pw@x/v1"])
def test_an_address_that_is_none_is_a_sentence(open_page, url):
    at = fill(open_page(), url)
    assert button(at, "Estimate").disabled
    assert "endpoint 'small': base_url" in said(at).replace("\u2060", "")


def test_what_was_typed_outlives_the_other_way_and_stands_in_no_link(open_page, stub):
    at = fill(open_page(), stub.url)
    at.get("button_group")[1].set_value("people").run()
    assert errors(at) == []
    assert at.query_params["outcomes_from"] == "people"
    at.get("button_group")[1].set_value("models").run()
    assert next(t for t in at.text_input if t.key == "_typed_weak.base_url").value == stub.url
    link = json.dumps([dict(at.query_params), at.session_state["link"]])
    assert not any(part in link for part in (stub.url, "owl", VARIABLE, KEY))
    assert stub.url in repr(at.session_state)
    assert KEY not in repr(at.session_state)


def test_queries_nearest_to_the_threshold_are_those_that_are_asked_about(open_page, stub):
    at = fill(open_page(), stub.url)
    next(g for g in at.get("button_group") if g.key == "_typed_kind_ask_log").set_value(
        "near"
    ).run()
    typed(at, "n_ask_log", 2)
    typed(at, "threshold_ask_log_mf-golden", 0.9)
    at.run()
    assert "At α = 0.9000 this router sends 16.7% to the strong model." in said(at)
    estimated(at)
    plan, found = at.session_state["outcomes_estimated"]
    assert found.n_queries == 2
    assert set(plan.query_ids) == {"q5", "q4"}  # the nearest of either slice


def test_a_set_without_texts_says_that_both_ways_need_them(open_page):
    at = open_page(set="mute")
    assert "this set has no texts" in said(at)
    assert not any(b.label == "Estimate" for b in at.button)


# Asked in a process of its own


def test_asked_watched_kept_and_in_the_store(open_page, stub, store_path, labelling):
    hold = threading.Event()

    def behave(seen, nth):
        if len(stub.seen) > 8:
            hold.wait(30)
        return well_behaved(seen, nth)

    stub.behave = behave
    at = estimated(fill(open_page(), stub.url))
    ask_button(at).click().run()
    assert errors(at) == []
    until = time.monotonic() + 60
    while len(stub.seen) < 9 or jobs.read(labelling / "1").facts.get("n_requests", 0) < 9:
        assert time.monotonic() < until
        time.sleep(0.05)
    again = open_page()  # another visit
    assert "small and large, judged by owl" in tables(again)
    assert re.search(r"asking: \d+ of 24", tables(again))
    assert re.search(r"(9|1\d) requests so far, \$0\.0", tables(again))
    assert button(again, "Cancel")
    hold.set()
    assert finished(labelling).status == "done"
    again = open_page()
    assert errors(again) == []
    assert "6 of 6 queries have outcomes of both models." in said(again)
    assert "large ■ preferred" in tables(again)
    assert "6 of 6 texts" in tables(again)
    assert KEY.encode() not in bytes_below(store_path.parent)

    button(again, "Keep as a set").click().run()
    assert errors(again) == []
    assert toasts(again) == ["6 queries with outcomes are kept as log-labelled."]
    assert again.query_params["set"] == "log-labelled"
    with Store(store_path, read_only=True) as store:
        card = store.benchmark("log-labelled")
        assert card.owner == "ada"
        known = store.pair_outcomes("log-labelled", ModelPair(weak="small", strong="large"))
        assert known.quality_strong.tolist() == [1.0] * N
        assert known.quality_weak.tolist() == [0.0] * N
        assert "log-labelled" not in set(store.battle_sources()["source"])  # it is private
    at = open_page()
    button(at, "Keep as a set").click().run()
    assert "kept as log-labelled-2" in toasts(at)[0]
    at = open_page(set="log-labelled")
    assert "has outcomes of two models already" in said(at)


def test_a_saved_set_gives_battles_too(open_page, stub, store_path, here):
    with Store(store_path) as store:
        store.save_benchmark("log")
    at = estimated(fill(open_page(), stub.url))
    ask_button(at).click().run()
    assert here().status == "done"
    at = open_page()
    button(at, "Keep as a set").click().run()
    assert errors(at) == []
    with Store(store_path, read_only=True) as store:
        assert store.benchmark("log-labelled").owner is None
        assert len(store.battles(["log-labelled"])) == N


def test_a_reached_cap_goes_on_under_a_higher_one(open_page, stub, labelling, here):
    at = estimated(fill(open_page(), stub.url, prices=False))
    numbers(at, "Cap, calls")[0].set_value(8).run()
    ask_button(at).click().run()
    assert here().facts["is_cap_reached"]
    assert len(stub.seen) == 8
    at = open_page()
    assert "the cap is reached" in tables(at)
    (cap,) = (n for n in numbers(at, "Cap, calls") if n.key == "_outcomes_cap_1")
    assert cap.value == 16
    cap.set_value(24).run()
    button(at, "Go on").click().run()
    assert errors(at) == []
    assert not (labelling / "1").exists()
    assert here().folder == labelling / "2"
    assert len({json.dumps(seen.document) for seen in stub.seen}) == len(stub.seen) == 24
    at = open_page()
    assert "6 of 6 queries have outcomes of both models." in said(at)
    assert not any(b.label == "Go on" for b in at.button)
    button(at, "Put away").click().run()
    assert not (labelling / "2").exists()
    assert (labelling / "record" / FILE_NAME).exists()
    at = estimated(fill(open_page(), stub.url, prices=False))
    assert "0 texts to ask about: 0 calls" in said(at)


def test_the_operators_word_is_asked_again_where_asking_goes_on(
    open_page, stub, monkeypatch, labelling, here
):
    at = estimated(fill(open_page(), stub.url, prices=False))
    numbers(at, "Cap, calls")[0].set_value(8).run()
    ask_button(at).click().run()
    assert here().facts["is_cap_reached"]
    monkeypatch.setenv("ROUTELLM_ENDPOINTS", f"{VARIABLE}=https://else.example")
    at = open_page()
    button(at, "Go on").click().run()
    assert any("its key may only go to https://else.example" in t for t in toasts_plain(at))
    assert len(stub.seen) == 8
    assert not (labelling / "2").exists()


def test_a_cancel_keeps_what_was_got_and_no_reply_is_asked_for_twice(
    open_page, stub, labelling, request
):
    hold = threading.Event()

    def behave(seen, nth):
        if len(stub.seen) >= 15:
            hold.wait(30)
        return well_behaved(seen, nth)

    stub.behave = behave
    at = estimated(fill(open_page(), stub.url))
    ask_button(at).click().run()
    until = time.monotonic() + 60
    while len(stub.seen) < 15:
        assert time.monotonic() < until
        time.sleep(0.02)
    at = open_page()
    button(at, "Cancel").click().run()
    assert finished(labelling).status == "cancelled"
    hold.set()
    stub.behave = well_behaved

    at = open_page()
    assert "cancelled" in tables(at)
    assert button(at, "Keep as a set")
    here = request.getfixturevalue("here")
    button(at, "Go on").click().run()
    assert here().status == "done"
    replies = [
        json.loads(line)["ended"]
        for line in (labelling / "record" / FILE_NAME).read_text().splitlines()
        if '"reply"' in line
    ]
    assert len(set(replies)) == len(replies) == 24
    # Sent again is only what was under way at the cancel: one request a worker at the most.
    assert 24 < len(stub.seen) <= 24 + 4
    assert "6 of 6 queries have outcomes of both models." in said(open_page())


def test_dollars_are_no_cap_once_something_was_asked_at_unknown_prices(open_page, stub, here):
    at = estimated(fill(open_page(), stub.url))
    numbers(at, "Cap, USD")[0].set_value(0.0).run()
    ask_button(at).click().run()
    assert here().facts["is_cap_reached"]
    at = estimated(fill(open_page(), stub.url, prices=False))
    numbers(at, "Cap, calls")[0].set_value(5).run()
    ask_button(at).click().run()
    assert here().facts["n_requests"] == 5
    at = open_page()
    assert numbers(at, "Cap, USD") == []
    by_key = {n.key: n for n in numbers(at, "Cap, calls")}
    by_key["_outcomes_cap_1"].set_value(7).run()
    next(b for b in at.button if b.key == "_outcomes_go_on_1").click().run()
    assert errors(at) == []
    assert here().facts["n_requests"] == len(stub.seen) == 7
    at = estimated(fill(open_page(), stub.url))
    assert "not dollars: earlier ones had none" in said(at)


def test_an_endpoint_that_refuses_is_said_as_the_core_says_it(open_page, stub, here):
    stub.behave = lambda seen, nth: (
        Status(404) if seen.model == "large" else well_behaved(seen, nth)
    )
    at = estimated(fill(open_page(), stub.url))
    ask_button(at).click().run()
    assert here().status == "failed"
    at = open_page()
    (error,) = errors(at)
    assert "endpoint 'large' knows no model 'large', or base_url is wrong (404)" in error.replace(
        "\\", ""
    )
    assert not any(b.label == "Keep as a set" for b in at.button)
    assert button(at, "Go on")


def test_grades_and_hostile_names_are_text(open_page, stub, here):
    def behave(seen, nth):
        reply = well_behaved(seen, nth)
        return Say("<script>x</script>") if seen.model != "owl" else reply._replace(text="GRADE: 7")

    stub.behave = behave
    at = fill(open_page(), stub.url)
    next(g for g in at.get("button_group") if g.key == "_typed_mode").set_value("grade")
    typed(at, "weak.name", "<b>w</b> [x](y)")
    at.run()
    ask_button(estimated(at)).click().run()
    assert here().status == "done"
    at = open_page()
    assert errors(at) == []
    assert "&lt;b&gt;w&lt;/b&gt; [x](y) and large" in tables(at)
    assert "<b>w" not in tables(at)
    assert not any("[x](y)" in m.value for m in [*at.markdown, *at.caption])
    assert not any(m.value.count("verdict with the order") for m in at.markdown)


# On a sheet


@pytest.fixture
def downloads(monkeypatch):
    """The files that are offered, by label."""
    found = {}
    monkeypatch.setattr(
        st, "download_button", lambda label, data, *_, **__: found.__setitem__(label, data)
    )
    return found


def upload(at, name, content):
    next(f for f in at.get("file_uploader") if f.key.startswith("_outcomes_sheet")).upload(
        name, content
    )
    return at.run()


def test_a_sheet_goes_out_and_comes_back_as_a_set(open_page, downloads, store_path):
    at = open_page(outcomes_from="people")
    assert errors(at) == []
    typed(at, "n_sheet_log", 4)
    at.run()
    table = pd.read_csv(io.BytesIO(downloads["Take it as CSV"]()), dtype=str, encoding="utf-8-sig")
    assert len(table) == 4
    assert set(table["slice"].head(2)) == {"geese", "ladders"}  # slices take turns
    distance = (table["strong_win_rate"].astype(float) - 0.5).abs()
    assert distance.head(2).max() <= distance.tail(2).min() + 1e-6
    table["quality_weak"] = ["0", "0.5", "1", ""]
    table["quality_strong"] = ["1", "1", "0.5", ""]
    table.loc[3, "quality_weak"] = "1"
    upload(at, "../filled in.csv", table.to_csv(index=False).encode())
    assert errors(at) == []
    assert "4 of 4 rows are labelled." in said(at)
    assert "Name both models" in said(at)
    typed(at, "sheet_weak", "tiny")
    typed(at, "sheet_strong", "big")
    at.run()
    assert "1 row has one quality only and will be left out." in said(at)
    button(at, "Keep 3 queries as a set").click().run()
    assert errors(at) == []
    assert toasts(at) == ["3 queries with outcomes are kept as log-labelled."]
    with Store(store_path, read_only=True) as store:
        pair = ModelPair(weak="tiny", strong="big")
        known = store.pair_outcomes("log-labelled", pair)
        by_id = dict(zip(known.query_id, known.quality_weak, strict=True))
        assert by_id == dict(zip(table["query_id"][:3], [0.0, 0.5, 1.0], strict=True))
        assert store.benchmark("log-labelled").owner == "ada"
    assert not list(store_path.parent.glob("private/ada/uploads/*/*"))


def test_an_excel_sheet_asks_who_won(open_page, downloads, store_path):
    at = open_page(outcomes_from="people")
    next(g for g in at.get("button_group") if g.key == "_typed_sheet_asked").set_value("winner")
    typed(at, "sheet_weak", "tiny")
    typed(at, "sheet_strong", "big")
    at.run()
    book = openpyxl.load_workbook(io.BytesIO(downloads["Take it as Excel"]()))
    rows = book.active
    assert rows.max_row == N + 1
    for row, won in ((2, "strong"), (3, "tie")):
        rows.cell(row, rows.max_column, won)
    filled = io.BytesIO()
    book.save(filled)
    upload(at, "sheet.xlsx", filled.getvalue())
    assert errors(at) == []
    assert "2 of 6 rows are labelled." in said(at)
    button(at, "Keep 2 queries as a set").click().run()
    assert toasts(at) == ["2 queries with outcomes are kept as log-labelled."]
    with Store(store_path, read_only=True) as store:
        assert store.battle_sources().empty or "log-labelled" not in set(
            store.battle_sources()["source"]
        )


def test_a_wrong_label_is_said_with_its_row(open_page):
    at = open_page(outcomes_from="people")
    upload(at, "s.csv", b"query_id,quality_weak,quality_strong\nq0,1,0\nq1,7,0\n")
    (error,) = errors(at)
    assert re.search(r"s\.csv.*in 1 row \(2\)", error.replace("\\", ""))
    assert not any(b.label.startswith("Keep") for b in at.button)
    upload(at, "t.csv", b"query_id,winner\nnobody,weak\n")
    assert "unknown ids, for example 'nobody'" in errors(at)[0].replace("\\", "")


def test_both_models_need_two_names(open_page):
    at = open_page(outcomes_from="people")
    typed(at, "sheet_weak", "one")
    typed(at, "sheet_strong", "one")
    at.run()
    upload(at, "s.csv", b"query_id,winner\nq0,weak\n")
    assert "both models are called 'one'" in errors(at)[0].replace("\\", "")
