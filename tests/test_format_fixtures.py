"""Kept outputs of the real evaluation tools are read as what the stub answered."""

import pytest

from routellm_core.importing.grading import measures_of
from tests.conftest import ROOT
from tests.fixtures import outputs
from tests.fixtures.make_formats import SMALL
from tests.fixtures.outputs import OUTPUTS, imported, kept
from tests.fixtures.quiz import MODELS, REFUSED, STRONG, WEAK, known

SLACK_S = 0.04
NAMED = {f"{output.tool}-{output.files}": output for output in OUTPUTS}


def of(name):
    return imported(kept(NAMED[name].tool), NAMED[name])


@pytest.mark.parametrize("name", NAMED)
def test_models_queries_quality_tokens_dollars_and_seconds_are_those_of_the_stub(name):
    output = NAMED[name]
    assert not [*outputs.differences(kept(output.tool), output, SMALL, SLACK_S)]


def test_lm_evals_filters_are_each_a_measure_of_both_models():
    asked = [i for i in SMALL if i != REFUSED]
    means = {
        measure.variant: by_model
        for measure, by_model in measures_of(of("lm-eval-runs")).items()
        if measure.name == "acc"
    }
    assert means == {
        "strict-match": {model: known(model, asked).strict for model in MODELS},
        "flexible-extract": {model: known(model, asked).quality for model in MODELS},
    }


@pytest.mark.parametrize("name", [n for n in NAMED if n != "promptfoo-plain.csv"])
def test_an_empty_answer_is_counted_and_the_quality_without_it_is_named(name):
    n = known(WEAK, SMALL).n
    assert any(f"1 of {n} answers" in note and "empty" in note for note in of(name).notes)


@pytest.mark.parametrize(
    "name", [n for n in NAMED if n not in ("lm-eval-runs", "promptfoo-plain.csv")]
)
def test_a_cut_answer_is_counted(name):
    assert any("cut off" in note for note in of(name).notes)


@pytest.mark.parametrize("name", [n for n in NAMED if not n.startswith("lm-eval")])
def test_the_refused_call_is_counted_as_failed_and_is_no_wrong_answer(name):
    part = of(name)
    assert any("failed" in note and WEAK in note for note in part.notes), part.notes


@pytest.mark.parametrize("name", [n for n in NAMED if n.startswith("promptfoo")])
def test_a_test_without_assertions_is_counted_and_grades_nothing(name):
    part = of(name)
    assert part.outcomes["query_id"].nunique() == len(SMALL) == known(STRONG, SMALL).n
    assert any("assert" in note for note in part.notes), part.notes


def test_the_table_in_the_documentation_is_of_these_files():
    assert "\n".join(outputs.table()) in (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
