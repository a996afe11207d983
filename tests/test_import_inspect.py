"""Logs of UK AISI's Inspect; every sentence, name and number is invented."""

import json
import zipfile
import zlib

import pyarrow as pa
import pytest

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing import job
from routellm_core.importing.grading import graded
from routellm_core.importing.measures import Wanted
from routellm_core.importing.run_joining import paired

TEXTS = ("How high is the tide at noon?", "Sum 2 and 3.", "Name a knot.")
WREN = "birds/wren"


def sample(i, value="C", **changes):
    return {
        "id": i,
        "epoch": 1,
        "input": TEXTS[i],
        "target": "A",
        "output": {"choices": [answer("A")], "time": 2.5},
        "scores": {"choice": {"value": value, "answer": "A", "explanation": "…"}},
        "metadata": {"subject": "tides"},
        "model_usage": {WREN: usage(12, 5)},
        "total_time": 19.5,
    } | changes


def answer(content, stop_reason="stop"):
    return {"message": {"role": "assistant", "content": content}, "stop_reason": stop_reason}


def usage(prompt, completion, **more):
    return {"input_tokens": prompt, "output_tokens": completion} | more


def log(samples, model=WREN, status="success", created="2026-11-01T10:00:00+00:00", **of_eval):
    facts = {"task": "inspect_evals/shore", "model": model, "task_id": "t1", "created": created}
    return {
        "version": 2,
        "status": status,
        "eval": facts | of_eval,
        "plan": {"name": "plan"},
        "results": {"total_samples": len(samples)},
        "samples": samples,
    }


def scored(**scores):
    return {name: {"value": value} for name, value in scores.items()}


def of(*logs):
    """The benchmarks of logs that are imported together."""
    return paired([part for one in logs for part in importing.read(one)])


@pytest.fixture
def saved(tmp_path):
    def save(content, name="log.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        assert importing.recognise(path) == "inspect"
        return path

    return save


def zipped(path, content, compression=zipfile.ZIP_DEFLATED, header="header.json"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for i, one in enumerate(content["samples"]):
            archive.writestr(f"samples/{i}_epoch_1.json", json.dumps(one))
        archive.writestr("summaries.json", "[]")
        archive.writestr(header, json.dumps({k: v for k, v in content.items() if k != "samples"}))
    return path


def in_zstandard(path):
    """Pack the entries of a zip anew by method 93, in two frames each."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            half = len(content) // 2
            frames = [
                pa.compress(part, "zstd", asbytes=True) for part in (content[:half], content[half:])
            ]
            archive.writestr(name, b"".join(frames))
    packed = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            at = 0
            for name in archive.namelist():
                at = packed.index(mark, at)
                packed[at + offset : at + offset + 2] = (93).to_bytes(2, "little")
                checksum = zlib.crc32(entries[name]).to_bytes(4, "little")
                size = len(entries[name]).to_bytes(4, "little")
                packed[at + offset + 6 : at + offset + 10] = checksum
                packed[at + offset + 14 : at + offset + 18] = size
                at += 4
    path.write_bytes(bytes(packed))
    return path


def qualities(part, model=None):
    rows = part.outcomes
    rows = rows if model is None else rows[rows["model"] == model]
    return dict(zip(rows["query_id"], rows["quality"], strict=True))


def row_of(part, query_id="0"):
    return part.outcomes.set_index("query_id").loc[query_id]


def notes(part):
    return " ".join(part.notes)


@pytest.mark.parametrize("form", ["json", "eval", "zstandard", "crashed"])
def test_logs_of_all_forms_read_alike(tmp_path, saved, form):
    content = log([sample(0, "C"), sample(1, "I"), sample(2, 0.25)])
    header = "_journal/start.json" if form == "crashed" else "header.json"
    path = saved(content) if form == "json" else zipped(tmp_path / "l.eval", content, header=header)
    if form == "zstandard":
        in_zstandard(path)
    assert importing.recognise(path) == "inspect"
    (part,) = importing.read(path)
    assert part.benchmark.benchmark_id == "shore"
    assert qualities(part) == {"0": 1.0, "1": 0.0, "2": 0.25}
    assert part.queries["slice"].unique().tolist() == ["tides"]
    assert part.queries["prompt_tokens"].unique().tolist() == [12.0]


def test_any_zip_may_be_packed_with_zstandard(tmp_path):
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("wide.csv", "query,wren,heron\nEbb or flow?,1,0\nWhat is a bight?,0,1\n")
    (part,) = importing.read(in_zstandard(path))
    assert qualities(part, "heron") == {"1": 0.0, "2": 1.0}


def test_an_entry_in_zstandard_must_fit_its_checksum_and_size(tmp_path):
    path = in_zstandard(zipped(tmp_path / "log.eval", log([sample(0)])))
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 14), (b"PK\x01\x02", 16)):
        content[content.index(mark) + offset] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="its checksum does not fit"):
        importing.read(path, "inspect")


def test_a_folder_reads_as_a_zip_of_it(tmp_path):
    in_zstandard(zipped(tmp_path / "logs" / "a" / "1.eval", log([sample(0), sample(1)])))
    heron = log([sample(0, "I"), sample(1)], "birds/heron")
    (tmp_path / "logs" / "2.json").write_text(json.dumps(heron))
    (tmp_path / "logs" / "eval-set.json").write_text("{}")
    (tmp_path / "logs" / "3.json").write_text(json.dumps(log([], status="error")))
    assert importing.recognise(tmp_path / "logs") == "inspect"
    (part,) = importing.read(tmp_path / "logs")
    assert qualities(part, WREN) == {"0": 1.0, "1": 1.0}
    assert qualities(part, "birds/heron") == {"0": 0.0, "1": 1.0}
    assert "logs: logs without a sample, left out: 1 ('3.json')." in part.notes
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in ("a/1.eval", "2.json"):
            archive.write(tmp_path / "logs" / name, name)
    (again,) = importing.read(tmp_path / "all.zip")
    assert qualities(again, "birds/heron") == {"0": 0.0, "1": 1.0}


def test_a_run_that_stands_in_two_logs_counts_once(tmp_path):
    content = log([sample(0), sample(1)])
    zipped(tmp_path / "logs" / "1.eval", content)
    (tmp_path / "logs" / "1.json").write_text(json.dumps(content))
    (part,) = importing.read(tmp_path / "logs")
    assert qualities(part) == {"0": 1.0, "1": 1.0}
    assert "logs of a run that stands in another log, left out: 1 ('1.json')" in notes(part)


# Grades


def test_epochs_are_averaged(saved):
    samples = [sample(0, "C"), sample(0, "P", epoch=2), sample(1, scores={})]
    (part,) = importing.read(saved(log(samples, status="cancelled")))
    assert qualities(part) == {"0": 0.75}
    assert "run that ended as 'cancelled'" in notes(part)
    assert "up to 2 in all): the mean is taken" in notes(part)


def test_values_count_as_inspect_counts_them(saved):
    samples = [sample(i, v) for i, v in enumerate(["yes", "False", "0.5"])]
    (part,) = importing.read(saved(log(samples)))
    assert qualities(part) == {"0": 1.0, "1": 0.0, "2": 0.5}


def test_a_value_that_is_no_number_is_left_out_and_named(saved):
    (part,) = importing.read(saved(log([sample(0), sample(1, "great"), sample(2, None)])))
    assert qualities(part) == {"0": 1.0}
    assert "1 value is no number and left out, for example 'great' of choice in sample '1'" in (
        notes(part)
    )


def test_a_key_of_a_score_is_chosen_over_all_runs_and_null_is_no_grade(saved):
    wren = [sample(0, {"strict": 1, "loose": None}), sample(1, {"strict": 0, "loose": 1})]
    heron = [sample(0, {"loose": 0, "strict": 0}), sample(1, {"loose": 1, "strict": "C"})]
    (part,) = of(saved(log(wren)), saved(log(heron, "birds/heron"), "2.json"))
    assert qualities(part, WREN) == {"0": 1.0, "1": 0.0}
    assert qualities(part, "birds/heron") == {"0": 0.0, "1": 1.0}
    loose = graded(part, Wanted(variant="choice.loose"))
    assert qualities(loose, WREN) == {"1": 1.0}
    assert "strict (choice)" in notes(part)
    assert "loose (choice)" in notes(part)


def test_the_members_of_a_list_are_measures_of_their_own(saved):
    (part,) = importing.read(saved(log([sample(0, [1, None]), sample(1, [0, 0.5])])))
    assert qualities(part) == {"0": 1.0, "1": 0.0}
    assert qualities(graded(part, Wanted(variant="choice.1"))) == {"1": 0.5}


def test_one_scorer_serves_all_runs_whatever_stands_first(saved):
    wren = [sample(0, scores=scored(style=0.5, choice="C"))]
    heron = [sample(0, scores=scored(choice="I", style=0.75))]
    (part,) = of(saved(log(wren)), saved(log(heron, "birds/heron"), "2.json"))
    chosen = qualities(part, WREN)["0"], qualities(part, "birds/heron")["0"]
    assert chosen in ((1.0, 0.0), (0.5, 0.75))
    style = graded(part, Wanted(variant="style"))
    assert (qualities(style, WREN), qualities(style, "birds/heron")) == ({"0": 0.5}, {"0": 0.75})


def test_the_headline_metric_is_the_main_measure(saved):
    scores = scored(choice=0.0, style=0.75)
    content = log([sample(0, scores=scores)], headline_metric={"scorer": "style"})
    (part,) = importing.read(saved(content))
    assert qualities(part) == {"0": 0.75}


def test_a_lettered_scorer_rises_whatever_its_name(saved):
    samples = [sample(i, scores=scored(hallucination=v)) for i, v in enumerate("CCI")]
    (part,) = importing.read(saved(log(samples)))
    assert qualities(part) == {"0": 1.0, "1": 1.0, "2": 0.0}


def test_the_scale_comes_from_all_runs(saved):
    wren = [sample(i, v) for i, v in enumerate([0, 4, 10])]
    heron = [sample(i, v) for i, v in enumerate([7, 3, 9])]
    (part,) = of(saved(log(wren)), saved(log(heron, "birds/heron"), "2.json"))
    assert (part.benchmark.quality_low, part.benchmark.quality_high) == (0, 10)


# What the model used


def test_tokens_hold_what_was_cached_and_dollars_are_the_models(saved):
    used = usage(6, 5, input_tokens_cache_read=7, input_tokens_cache_write=2, total_cost=0.25)
    usages = {WREN: used, "birds/owl": usage(900, 80, total_cost=9.0)}
    (part,) = importing.read(saved(log([sample(0, model_usage=usages)])))
    assert part.queries["prompt_tokens"].tolist() == [15.0]
    assert row_of(part)[["answer_tokens", "cost_usd"]].tolist() == [5.0, 0.25]


@pytest.mark.parametrize(
    ("total", "answer_tokens"),
    [(12 + 40, 40.0), (12 + 40 + 30, 70.0)],
    ids=["within the output", "beside it"],
)
def test_thoughts_count_once(saved, total, answer_tokens):
    used = usage(12, 40, reasoning_tokens=30, total_tokens=total)
    (part,) = importing.read(saved(log([sample(0, model_usage={WREN: used})])))
    assert row_of(part)["answer_tokens"] == answer_tokens


def model_event(model=WREN, seconds=2.0, role=None):
    output = {"usage": usage(10, 4, total_cost=0.5), "time": seconds}
    return {"event": "model", "model": model, "role": role, "output": output}


def test_a_model_that_grades_itself_is_not_charged_for_it(saved):
    grading = [
        {"event": "span_begin", "type": "scorers", "id": "s", "parent_id": None},
        {"event": "span_begin", "type": "scorer", "id": "t", "parent_id": "s"},
        model_event(seconds=40.0) | {"span_id": "t"},
    ]
    events = [model_event(), *grading, model_event("birds/owl", 30.0), model_event(seconds=1.5)]
    whole = {WREN: usage(30, 12, total_cost=1.5)}
    (part,) = importing.read(saved(log([sample(0, events=events, model_usage=whole)])))
    assert row_of(part)[["answer_tokens", "cost_usd", "latency_s"]].tolist() == [8.0, 1.0, 3.5]


def test_a_graders_share_is_taken_off_where_roles_are_counted(saved):
    whole = {WREN: usage(30, 12, total_cost=1.5)}
    one = sample(0, model_usage=whole, role_usage={"grader": usage(20, 8, total_cost=1.0)})
    (part,) = importing.read(saved(log([one], model_roles={"grader": {"model": WREN}})))
    assert row_of(part)[["answer_tokens", "cost_usd"]].tolist() == [4.0, 0.5]


def test_seconds_are_the_models_and_a_fallback_is_said(saved):
    samples = [sample(0), sample(1, output={}, events=[model_event(seconds=1.5)])]
    samples += [sample(2, output={}, working_time=4.0)]
    (part,) = importing.read(saved(log(samples)))
    assert part.outcomes["latency_s"].tolist() == [2.5, 1.5, 4.0]
    assert "the seconds of 1 sample are of all of it" in notes(part)


@pytest.mark.parametrize("model", ["none/none", "mockllm/model"])
def test_the_model_of_a_run_without_one_is_that_of_its_role(saved, model):
    roles = {"grader": {"model": "birds/owl"}, "answerer": [{"model": WREN}]}
    (part,) = importing.read(saved(log([sample(0)], model, model_roles=roles)))
    assert part.outcomes["model"].tolist() == [WREN]
    assert "the model is that of role 'answerer'" in notes(part)


def test_a_role_that_did_nothing_is_not_the_model(saved):
    content = log([sample(0)], "mockllm/model", model_roles={"answerer": {"model": WREN}})
    used = {"role_usage": {"grader": usage(1, 1)}, "model_usage": {"mockllm/model": usage(1, 1)}}
    (part,) = importing.read(saved(content | {"stats": used}))
    assert part.outcomes["model"].tolist() == ["mockllm/model"]


def test_a_grader_is_never_the_model(saved):
    roles = {"grader": {"model": "birds/owl"}}
    (part,) = importing.read(saved(log([sample(0)], "mockllm/model", model_roles=roles)))
    assert part.outcomes["model"].tolist() == ["mockllm/model"]


# Runs


def test_of_runs_that_were_tried_again_the_newest_counts(saved):
    first = log([sample(0, "I"), sample(1, "I")], created="2026-11-01T10:00:00+00:00")
    again = log([sample(i) for i in range(3)], created="2026-11-01T10:30:00+01:00")
    newest = log([sample(i) for i in range(3)], created="2026-11-01T12:00:00+00:00")
    heron = log([sample(i, "P") for i in range(3)], "birds/heron")
    logs = {"a.json": newest, "b.json": first, "c.json": again, "d.json": heron}
    (part,) = of(*(saved(content, name) for name, content in logs.items()))
    assert qualities(part, WREN) == {"0": 1.0, "1": 1.0, "2": 1.0}
    assert "birds/wren has several runs" in notes(part)


def test_samples_in_error_are_no_wrong_answers(saved):
    samples = [sample(0), sample(1, "I", error={"message": "timeout"})]
    (part,) = importing.read(saved(log(samples)))
    assert qualities(part) == {"0": 1.0}
    assert "1 failed call was left out (1 of birds/wren)" in notes(part)


def test_a_run_of_errors_alone_gives_way_to_its_retry(saved):
    failed = log([sample(0, scores={}, error={"message": "x"})], status="error")
    paths = saved(failed, "1.json"), saved(log([sample(0)], created="2026-11-02"), "2.json")
    found = job.read(job.ImportPlan(tuple(map(str, paths))))
    (part,) = found.parts
    assert qualities(part) == {"0": 1.0}
    assert "1.json holds no grades and was left out" in notes(part)


def test_unscored_logs_are_bare_queries_with_what_was_used(saved):
    paths = [
        saved(
            log([sample(i, scores=None, model_usage={m: usage(12, 5)}) for i in range(2)], m),
            m[-4:],
        )
        for m in (WREN, "birds/heron")
    ]
    (part,) = of(*paths)
    assert part.outcomes.empty
    assert part.queries["query_id"].tolist() == ["0", "1"]
    assert part.usage["model"].tolist() == [WREN] * 2 + ["birds/heron"] * 2


def test_answers_that_are_empty_or_cut_are_counted(saved):
    samples = [
        sample(0),
        sample(1, "I", output={"choices": [answer(" ")]}),
        sample(2, "I", output={"choices": [answer([{"type": "text", "text": "A"}], "max_tokens")]}),
    ]
    (part,) = importing.read(saved(log(samples)))
    assert part.attempts["state"].tolist()[1:] == ["empty", "cut"]
    assert "1 of 3 answers of birds/wren is empty" in notes(part)


def test_samples_that_were_withdrawn_or_ask_nothing_are_left_out_by_name(saved):
    image = [{"role": "user", "content": [{"type": "image"}]}]
    samples = [sample(0), sample(1, invalidation={"author": "ann"}), sample(2, input=image)]
    (part,) = importing.read(saved(log(samples)))
    assert qualities(part) == {"0": 1.0}
    assert "samples that were invalidated, left out: 1 ('1')" in notes(part)
    assert "samples without a text of a user, left out: 1 ('2')" in notes(part)


def test_inputs_are_messages_choices_and_attachments(saved):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": TEXTS[0]}, {"type": "image"}]},
    ]
    samples = [
        sample(0, True, input=messages, choices=["high", "low"]),
        sample(1, 1, input="attachment://a1", attachments={"a1": TEXTS[1]}),
    ]
    (part,) = importing.read(saved(log(samples)))
    assert part.texts["text"].tolist() == [f"{TEXTS[0]}\nA. high\nB. low", TEXTS[1]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (log([3]), "sample 1: is no object"),
        (log([]), "holds no samples"),
        ({**log([]), "samples": None}, "holds no samples, only totals"),
        (log([sample(0)], model=None), "field 'eval.model': None is no text"),
    ],
)
def test_logs_that_are_off_are_named(saved, content, message):
    with pytest.raises(DataError, match=message):
        importing.read(saved(content), "inspect")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = zipped(tmp_path / "log.eval", log([sample(0)]))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples/9_epoch_1.json", b"[" + b" " * 50_000_000)
    with pytest.raises(DataError, match=r"unpacks to .* times its size, as only a trap does"):
        importing.read(path)


@pytest.mark.parametrize("pack", [lambda path: path, in_zstandard], ids=["stored", "zstandard"])
def test_an_archive_that_lies_about_its_sizes_is_refused(tmp_path, pack):
    content = log([sample(0, padding="x" * 5000)])
    path = pack(zipped(tmp_path / "log.eval", content, zipfile.ZIP_STORED))
    packed = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = packed.index(mark)
        packed[start + at : start + at + 4] = (100).to_bytes(4, "little")
    path.write_bytes(bytes(packed))
    with pytest.raises(DataError, match=r"cannot be unpacked|is no JSON|than it claims"):
        importing.read(path, "inspect")
