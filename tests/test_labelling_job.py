"""Asking as a job: in order, accounted for, ended by a signal, taken up without repeats."""

import json
import os
import signal
import threading
from dataclasses import asdict, replace

import pandas as pd
import pytest

from routellm_core import jobs
from routellm_core.errors import DataError
from routellm_core.labelling import job
from routellm_core.labelling.client import EndpointError
from routellm_core.labelling.job import LabellingJobPlan, asked_queries
from routellm_core.labelling.journal import FILE_NAME
from routellm_core.labelling.plan import Endpoint, LabellingPlan
from routellm_core.labelling.run import read_labelled
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.types import Benchmark
from tests.stub_endpoint import Status, StubEndpoint, well_behaved

TEXTS = ("Which lamp hums?", "Name a blue spoon.", "Count the stairs.", "Do bells rust?")
IDS = [f"q{i}" for i in range(len(TEXTS))]
KEY = "sk-otter-never-shown"
ENVIRON = {"OTTER_API_KEY": KEY}


@pytest.fixture
def stub():
    with StubEndpoint() as running:
        yield running


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "store.duckdb") as store:
        card = Benchmark("own", "Own", "", "", "user", 0.0, 1.0, "share right", "me", "mine")
        hashes = [text_hash(text) for text in TEXTS]
        store.add_benchmark(
            card, pd.DataFrame({"query_id": IDS, "slice": "all", "text_hash": hashes}), None
        )
        store.add_texts(pd.DataFrame({"text_hash": hashes, "text": TEXTS}))
        yield store


def plan_at(stub, ids=tuple(IDS), **changes):
    end = Endpoint("small", stub.url, "small", "OTTER_API_KEY", 1000.0, 1000.0, 50)
    asked = LabellingPlan(
        weak=end,
        strong=replace(end, name="large", model="large"),
        judge=replace(end, name="owl", model="owl"),
        cap_usd=1000.0,
        concurrency=1,
        max_retries=0,
    )
    return LabellingJobPlan("own", ids, replace(asked, **changes))


@pytest.fixture
def work(store, tmp_path):
    def work(plan, name="1", on_progress=lambda _: None, environ=ENVIRON):
        folder = tmp_path / name
        job.work_on(folder, plan, store, tmp_path / "record", on_progress, environ)
        return jobs.read(folder)

    return work


def test_what_is_asked_is_in_the_record_and_accounted_for(work, stub, store, tmp_path):
    plan = plan_at(stub, ("q2", "q0"))
    found = work(plan)
    assert found.status == "done"
    assert found.facts["n_requests"] == len(stub.seen) == 8
    assert found.facts["usd"] == pytest.approx(8 * 30 * 0.001)
    assert found.facts["usd_at_worst"] == 0.0
    assert found.facts["is_cap_reached"] is False
    assert [stub.seen[i].text for i in (0, 4)] == [TEXTS[2], TEXTS[0]]
    queries = asked_queries(store.queries("own"), plan)
    labelled = read_labelled(tmp_path / "record", plan.asked, queries)
    assert labelled.queries["query_id"].tolist() == ["q2", "q0"]


def test_unknown_prices_are_no_number(work, stub):
    end = replace(plan_at(stub).asked.judge, prompt_usd=None)
    found = work(plan_at(stub, judge=end, cap_usd=None, cap_calls=100))
    assert found.facts["usd"] is None
    assert found.facts["n_requests"] == 16


def test_a_higher_cap_is_another_job_that_repeats_nothing(work, stub):
    first = work(plan_at(stub, cap_usd=None, cap_calls=6))
    assert first.facts["is_cap_reached"] is True
    assert first.facts["n_requests"] == len(stub.seen) == 6
    second = work(plan_at(stub, cap_usd=None, cap_calls=100), "2")
    assert second.facts["is_cap_reached"] is False
    assert len({json.dumps(seen.document) for seen in stub.seen}) == len(stub.seen) == 16


def test_an_endpoint_that_refuses_fails_the_job_in_words_and_what_was_got_stays(
    work, stub, tmp_path
):
    def behave(seen, nth):
        return Status(401) if seen.model == "owl" else well_behaved(seen, nth)

    stub.behave = behave
    with pytest.raises(EndpointError):
        work(plan_at(stub))
    failed = jobs.read(tmp_path / "1")
    assert failed.status == "failed"
    assert "'owl' refuses access (401); check the key in OTTER_API_KEY" in failed.message
    assert failed.facts["n_requests"] == len(stub.seen)
    stub.behave = well_behaved
    work(plan_at(stub), "2")
    n_answers = sum(seen.model != "owl" for seen in stub.seen)
    assert n_answers == 2 * len(TEXTS)


def test_a_key_that_is_not_set_is_said_and_no_key_is_kept(work, stub, tmp_path):
    with pytest.raises(DataError, match="OTTER_API_KEY is not set"):
        work(plan_at(stub), environ={})
    assert stub.seen == []
    work(plan_at(stub))
    assert {seen.headers["authorization"] for seen in stub.seen} == {f"Bearer {KEY}"}
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {FILE_NAME, "run.json"} <= {path.name for path in written}
    assert not any(KEY.encode() in path.read_bytes() for path in written)


def test_a_signal_ends_it_and_it_goes_on_without_repeating_a_reply(work, stub, tmp_path):
    def behave(seen, nth):
        if len(stub.seen) == 6:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
            threading.Event().wait(0.3)
        return well_behaved(seen, nth)

    stub.behave = behave
    with pytest.raises(jobs.Cancelled):
        work(plan_at(stub))
    ended = jobs.read(tmp_path / "1")
    assert ended.status == "cancelled"
    assert ended.facts["usd_at_worst"] > 0  # the sixth may have been billed
    stub.behave = well_behaved
    assert work(plan_at(stub)).status == "done"
    documents = [json.dumps(seen.document) for seen in stub.seen]
    assert len(documents) == 17
    assert documents.count(documents[5]) == 2


def test_what_counts_no_more_or_has_no_text_is_not_asked_about(work, stub, store):
    store.set_contaminated("own", ["q0"])
    store._write("DELETE FROM query_text WHERE text LIKE 'Name%'")
    work(plan_at(stub))
    asked = {seen.text for seen in stub.seen if seen.model != "owl"}
    assert asked == {TEXTS[2], TEXTS[3]}


def test_a_plan_comes_back_from_json(stub):
    plan = plan_at(stub)
    assert LabellingJobPlan.of(json.loads(json.dumps(asdict(plan)))) == plan
    with pytest.raises(DataError, match="no plan of a labelling: query_ids is missing"):
        LabellingJobPlan.of({"benchmark_id": "own"})
