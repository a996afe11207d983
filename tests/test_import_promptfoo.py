"""Results of promptfoo; every sentence, name and number is invented."""

import csv
import io
import json

import pytest
import yaml

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing.grading import graded
from routellm_core.importing.measures import Wanted
from routellm_core.importing.readers import yaml_document
from routellm_core.store import Store
from routellm_core.types import ModelPair

TEXTS = ("How high is the tide at noon?", "Sum 2 and 3.", "Name a knot.")
USED = {"prompt": 9, "completion": 4, "total": 13}


def result(test, index, label, grade, **changes):
    return {
        "cost": 0.002 * index,
        "gradingResult": {"pass": grade == 1, "score": grade, "reason": "…", "namedScores": {}},
        "id": f"r{test}{index}",
        "latencyMs": 250,
        "namedScores": {},
        "prompt": {"raw": f"Answer: {TEXTS[test]}", "label": "Answer: {{query}}", "config": {}},
        "promptId": f"p{index}",
        "promptIdx": index,
        "provider": {"id": f"birds:{label}", "label": label},
        "response": {"output": "x", "tokenUsage": USED},
        "score": grade,
        "success": grade == 1,
        "testCase": {"vars": {"query": TEXTS[test]}, "assert": [], "metadata": {}},
        "testIdx": test,
        "vars": {"query": TEXTS[test]},
        "failureReason": 0 if grade == 1 else 1,
    } | changes


def component(kind, score, **asserted):
    return {
        "pass": score == 1,
        "score": score,
        "reason": "…",
        "assertion": {"type": kind, **asserted},
    }


def asserted(*components, **more):
    mean = sum(c["score"] for c in components) / len(components)
    found = {"pass": mean == 1, "score": mean, "reason": "…", "componentResults": [*components]}
    return {"gradingResult": found, "score": mean, "success": mean == 1} | more


RESULTS = [
    result(i, p, label, score)
    for i in range(3)
    for p, label, score in ((0, "wren", float(i > 0)), (1, "heron", 1))
]
UNGRADED = {
    "gradingResult": {"pass": True, "score": 1, "reason": "No assertions", "tokensUsed": {}},
    "score": 1,
    "success": True,
}


def whole(results):
    return {
        "evalId": "eval-1",
        "results": {"version": 3, "prompts": [], "results": results, "stats": {}},
        "config": {"description": "tides"},
        "shareableUrl": None,
    }


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


HEADER = ["Status", "Score", "Named Scores", "Grader Reason", "Comment"]


def table(*rows, variables=("query",), prompts=("[wren] {{query}}", "[heron] {{query}}")):
    """The CSV of tests: the variables, then of each provider (answer, status, score, …)."""
    content = io.StringIO()
    writer = csv.writer(content)
    writer.writerow([*variables, *(c for prompt in prompts for c in (prompt, *HEADER))])
    for filled, *blocks in rows:
        padded = [[*block, *[""] * (6 - len(block))] for block in blocks]
        writer.writerow([*filled, *(cell for block in padded for cell in block)])
    return content.getvalue()


@pytest.fixture
def read(tmp_path):
    def of(content, name="out"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(whole(content)))
        assert importing.recognise(path) == "promptfoo"
        (part,) = importing.read(path)
        return part

    return of


def qualities(part, model=None):
    rows = part.outcomes
    rows = rows if model is None else rows[rows["model"] == model]
    return dict(zip(rows["query_id"], rows["quality"], strict=True))


def row_of(part, query_id="0"):
    return part.outcomes.set_index("query_id").loc[query_id]


def notes(part):
    return " ".join(part.notes)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(whole(RESULTS)),
        lines(RESULTS),
        yaml.safe_dump(whole(RESULTS), sort_keys=False),
    ],
    ids=["JSON", "JSON lines", "YAML"],
)
def test_providers_are_paired_by_test(read, content):
    part = read(content)
    with Store() as store:
        store.add_benchmark(part.benchmark, part.queries, part.outcomes)
        found = store.pair_outcomes(part.benchmark.benchmark_id, ModelPair("wren", "heron"))
    assert (found.quality_weak.tolist(), found.quality_strong.tolist()) == ([0, 1, 1], [1, 1, 1])
    assert part.texts["text"].tolist() == list(TEXTS)
    row = part.outcomes.set_index(["query_id", "model"]).loc[("1", "heron")]
    assert row.tolist()[:4] == [1.0, 4.0, 0.002, 0.25]
    assert part.outcomes["cost_usd"].isna().sum() == 3  # a price of nothing is no price


def test_calls_that_failed_are_no_outcomes(read):
    results = [
        result(0, 0, "wren", 0, failureReason=2, error="timeout", gradingResult=None),
        result(1, 0, "wren", 0, error="Expected 5"),
    ]
    part = read(results)
    assert qualities(part) == {"1": 0.0}
    assert "1 failed call was left out (1 of wren)" in notes(part)


# Grades


def test_tests_without_assertions_are_no_outcomes(read):
    part = read([result(0, 0, "wren", 0), result(1, 0, "wren", 1, **UNGRADED)])
    assert qualities(part) == {"0": 0.0}
    assert "1 answer is of a test without an assertion" in notes(part)


def test_tests_without_assertions_alone_are_bare_queries(read):
    part = read([result(i, 0, "wren", 1, **UNGRADED) for i in range(2)])
    assert part.outcomes.empty
    assert part.usage["answer_tokens"].tolist() == [4.0, 4.0]


@pytest.mark.parametrize("kind", ["cost", "latency", "select-best", "max-score"])
def test_what_is_no_grade_of_the_answer_is_left_out_of_its_score(read, kind):
    results = [
        result(0, 0, "wren", 0, **asserted(component("equals", 1), component(kind, 0))),
        result(1, 0, "wren", 0, **asserted(component("equals", 0), component(kind, 1))),
        result(2, 0, "wren", 0, **asserted(component(kind, 1))),
    ]
    part = read(results)
    assert qualities(part) == {"0": 1.0, "1": 0.0}
    assert qualities(graded(part, Wanted("pass"))) == {"0": 1.0, "1": 0.0}
    assert "Score and pass of 2 answers are made of their other assertions" in notes(part)
    assert "1 answer is of a test without an assertion" in notes(part)


def test_a_set_of_assertions_counts_once_by_its_grades_and_weight(read):
    inner = [component("contains", 1), component("latency", 0)]
    of_set = {
        "pass": False,
        "score": 0.5,
        "reason": "…",
        "componentResults": inner,
        "metadata": {"assertionSet": {"type": "assert-set", "assertionCount": 2, "weight": 3}},
    }
    grading = asserted(component("equals", 0), of_set, *inner)
    part = read([result(0, 0, "wren", 0, **grading)])
    assert qualities(part) == {"0": 0.75}


def test_a_threshold_decides_whether_the_rest_passes(read):
    grading = asserted(component("equals", 0), component("contains", 1), component("cost", 0))
    case = {"vars": {"query": TEXTS[0]}, "threshold": 0.5}
    part = read([result(0, 0, "wren", 0, **grading, testCase=case)])
    assert qualities(graded(part, Wanted("pass"))) == {"0": 1.0}


def test_score_pass_and_named_scores_are_measures(read):
    named = asserted(component("equals", 1, metric="exact"), component("llm-rubric", 0.5))
    results = [
        result(i, 0, "wren", 0, **named, namedScores={"exact": 1, "tone": 0.25}) for i in range(2)
    ]
    part = read(results)
    assert qualities(part) == {"0": 0.75, "1": 0.75}
    said = "score (wren 0.75); pass (wren 0); exact (wren 1); tone (wren 0.25)"
    assert f"Means by each measure: {said}." in part.notes
    assert qualities(graded(part, Wanted("tone"))) == {"0": 0.25, "1": 0.25}


def test_a_price_with_a_name_is_no_measure(read):
    grading = asserted(component("equals", 1), component("cost", 0, metric="cheap"))
    part = read([result(0, 0, "wren", 0, **grading, namedScores={"cheap": 0})])
    assert "cheap" not in notes(part)


# Repeats, models and queries


def test_repeats_of_a_test_are_averaged_though_they_are_numbered_as_tests(read):
    results = [result(0, 0, "wren", s, testIdx=i) for i, s in enumerate([1, 0, 0, 1])]
    results += [result(1, 0, "wren", 1, testIdx=4)]
    part = read(results)
    assert qualities(part) == {"0": 0.5, "4": 1.0}
    assert "3 rows are further answers of one model to one query (up to 4 in all)" in notes(part)


def test_one_variable_with_other_assertions_is_another_test(read):
    case = {"vars": {"query": TEXTS[0]}, "assert": [{"type": "is-json"}]}
    part = read([result(0, 0, "wren", 1), result(0, 0, "wren", 0, testIdx=1, testCase=case)])
    assert qualities(part) == {"0": 1.0, "1": 0.0}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (
            {"provider": {"id": "birds:owl", "label": "wren"}},
            ["wren · birds:wren", "wren · birds:owl"],
        ),
        (
            {"prompt": {"raw": "x", "label": "Be\n terse"}},
            ["wren · Answer: {{query}}", "wren · Be terse"],
        ),
        ({}, ["wren · column 0", "wren · column 1"]),
    ],
    ids=["by id", "by prompt", "by column"],
)
def test_two_providers_of_one_label_are_told_apart(read, changes, names):
    part = read([result(0, 0, "wren", 0), result(0, 1, "wren", 1, **changes)])
    assert part.outcomes["model"].tolist() == names
    assert part.outcomes["quality"].tolist() == [0.0, 1.0]


CHAT = [{"role": "system", "content": "Be calm."}, {"role": "user", "content": "Where is Kiel?"}]


CHAT_IN_YAML = "- role: system\n  content: Be calm.\n- role: user\n  content: Where is Kiel?\n"


@pytest.mark.parametrize("raw", [json.dumps(CHAT), CHAT_IN_YAML], ids=["JSON", "YAML"])
def test_a_chat_with_several_variables_asks_its_last_user_text(read, raw):
    filled = {"tone": "calm", "place": "Kiel", "sea": {"name": "Baltic"}}
    part = read([result(0, 0, "wren", 1, vars=filled, prompt={"raw": raw, "label": "chat"})])
    assert part.texts["text"].tolist() == ["Where is Kiel?"]


def test_a_passage_is_part_of_what_was_asked(read):
    filled = {"context": "The weir is closed.", "question": "Is the weir open?"}
    part = read([result(0, 0, "wren", 1, vars=filled)])
    assert part.texts["text"].tolist() == ["The weir is closed.\n\nIs the weir open?"]


# What answers used


def test_cached_replies_have_neither_seconds_nor_cost(read):
    cached = {"output": "x", "cached": True, "tokenUsage": {"cached": 13, "total": 13}}
    results = [result(0, 1, "wren", 1, response=cached, latencyMs=2), result(1, 1, "wren", 1)]
    part = read(results)
    assert row_of(part, "0")[["answer_tokens", "cost_usd", "latency_s"]].isna().all()
    assert row_of(part, "1")[["answer_tokens", "cost_usd", "latency_s"]].tolist() == [
        4,
        0.002,
        0.25,
    ]
    assert "1 answer came from the cache" in notes(part)


@pytest.mark.parametrize(
    ("usage", "prompt_tokens", "answer_tokens"),
    [
        ({"prompt": 10, "completion": 5, "total": 45}, 10.0, 35.0),
        (
            {
                "prompt": 10,
                "completion": 5,
                "total": 45,
                "completionDetails": {"cacheReadInputTokens": 30},
            },
            40.0,
            5.0,
        ),
    ],
    ids=["thoughts", "a cached prompt"],
)
def test_a_total_above_its_parts_is_accounted_for(read, usage, prompt_tokens, answer_tokens):
    part = read([result(0, 0, "wren", 1, response={"output": "x", "tokenUsage": usage})])
    assert part.queries["prompt_tokens"].tolist() == [prompt_tokens]
    assert row_of(part)["answer_tokens"] == answer_tokens


def test_answers_that_are_empty_or_cut_are_counted(read):
    results = [
        result(0, 0, "wren", 0, response={"output": ""}),
        result(1, 0, "wren", 0, response={"output": "So", "finishReason": "length"}),
        result(2, 0, "wren", 1),
    ]
    assert read(results).attempts["state"].tolist()[:2] == ["empty", "cut"]


# CSV


def test_csv_has_the_providers_side_by_side(read):
    part = read(
        table(
            (["Sum 2 and 3."], ["5", "PASS", "1.00", '{"exact": 1}'], ["6", "FAIL", "0.00"]),
            (["Name a knot."], ["bow", "FAIL", "0.25"], ["reef", "PASS", "1.00"]),
        )
    )
    assert qualities(part, "wren") == {"1": 1.0, "2": 0.25}
    assert qualities(part, "heron") == {"1": 0.0, "2": 1.0}


def test_csv_errors_and_tests_without_assertions_are_no_outcomes(read):
    good, none = ["a", "PASS", "1.00"], ["a", "PASS", "1.00", "", "No assertions"]
    part = read(
        table(
            (["Sum 2 and 3."], good, ["", "ERROR", "0.00"]),
            (["Name a knot."], good, good),
            (["Ebb or flow?"], none, none),
        )
    )
    assert qualities(part, "heron") == {"2": 1.0}
    assert "1 failed call was left out (1 of heron)" in notes(part)
    assert "2 answers are of tests without an assertion" in notes(part)


def test_csv_repeats_are_averaged(read):
    rows = [(["Sum 2 and 3."], ["5", "PASS", s], ["6", "FAIL", "0.00"]) for s in ("1.00", "0.50")]
    part = read(table(*rows))
    assert qualities(part, "wren") == {"1": 0.75}


def test_csv_columns_of_one_label_are_told_apart_by_prompt(read):
    row = (["Sum 2 and 3."], ["5", "PASS", "1.00"], ["6", "FAIL", "0.00"])
    part = read(table(row, prompts=("[wren] Say\n{{query}}", "[wren] Be terse")))
    assert part.outcomes["model"].tolist() == ["wren · Say {{query}}", "wren · Be terse"]


def test_csv_that_lost_a_variable_asks_for_json(read):
    row = (["calm", "[object Object]"], ["5", "PASS", "1.00"], ["6", "FAIL", "0.00"])
    with pytest.raises(DataError, match=r"column 'sea': '\[object Object\]'.*\(1\); export JSON"):
        read(table(row, variables=("tone", "sea")))


def test_csv_scores_that_mix_in_a_comparison_give_way_to_named_scores(read):
    lost = ["6", "FAIL", "0.00", '{"exact": 1}', "Output not selected: the best"]
    rows = [(["Sum 2 and 3."], ["5", "PASS", "1.00", '{"exact": 1}', "All passed"], lost)]
    part = read(table(*rows))
    assert qualities(part, "heron") == {"1": 1.0}
    assert "so only the named scores were taken" in notes(part)
    with pytest.raises(DataError, match=r"1 answer failed for its cost, .*; export JSON"):
        read(table(*rows).replace('{""exact"": 1}', ""))


# Damage


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (json.dumps(whole([RESULTS[0], 3])), "out, result 2: is no object"),
        (json.dumps(whole([result(0, 0, None, 1, provider={})])), "'provider': None is no text"),
        (json.dumps(whole({"testIdx": 1})), "field 'results': is no list"),
        (json.dumps(whole([])), "there is no result"),
        (json.dumps(whole(RESULTS))[:-30], "out: is no JSON"),
        (table((["Sum 2."], ["5", "PASS", "high"], ["6", "FAIL", "0"])), "'high' is no number"),
    ],
)
def test_results_that_are_off_are_named(tmp_path, content, message):
    path = tmp_path / "out"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        importing.read(path, "promptfoo")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("evalId: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("a: " + "[" * 300 + "]" * 300, "nested more than 200 deep"),
        ("a: &a [*a]", "aliases repeat too much"),
        ("- 1", "is no YAML object"),
        ("a: [", "line 2: is no YAML"),
    ],
    ids=["a tag", "depth", "aliases", "a list", "damage"],
)
def test_hostile_yaml_is_refused(tmp_path, monkeypatch, content, message):
    monkeypatch.setattr(yaml_document, "MOST_VALUES", 1000)
    path = tmp_path / "out.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        yaml_document.document(path)


def test_other_yaml_is_not_taken(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("results:\n  - name: tides\n    score: 1\n")
    assert not importing.importer("promptfoo").recognises(path)
