import numpy as np
import pandas as pd
import pytest

from routellm_core.errors import DataError
from routellm_core.importing.readers.tables import read_typed
from routellm_core.importing.tokens import n_tokens
from routellm_core.release import more_models
from routellm_core.release.more_models import MMLU_PRO_OUTCOMES, MMLU_PRO_QUESTIONS, MT_BENCH_MODELS
from routellm_core.text_keys import group_key, text_hash

QUERIES = ("Which is green?\nA. moss\nB. chalk", "How long is a mile?\nA. long", "Name it.\nA. x")


def questions(**columns):
    return pd.DataFrame(
        {
            "query_id": ["mmlu_pro/3", "mmlu_pro/1", "mmlu_pro/2"],
            "category": ["wild plants", "roads", "roads"],
            "src": ["ori_mmlu-botany", "stemez-Roads", "theoremQA"],
            "query": list(QUERIES),
            "answer": ["A", "A", "A"],
        }
        | columns
    )


def outcomes(**columns):
    return pd.DataFrame(
        {
            "query_id": ["mmlu_pro/1", "mmlu_pro/2", "mmlu_pro/3", "mmlu_pro/1"],
            "model": ["large", "large", "large", "small"],
            "score": [1.0, 0.0, 1.0, 0.0],
            "pred_missing": [False, True, False, False],
            "out_chars": [10, 20, 30, 40],
        }
        | columns
    )


def mmlu_pro_folder(folder, asked=None, answered=None):
    """The two tables of MMLU-Pro in small, with invented sentences."""
    folder.mkdir(parents=True, exist_ok=True)
    (questions() if asked is None else asked).to_parquet(folder / MMLU_PRO_QUESTIONS)
    (outcomes() if answered is None else answered).to_parquet(folder / MMLU_PRO_OUTCOMES)
    return folder


def ratings(numbers=(7, 8)):
    """Turn one is rated 9 and turn two 8; a model that is not wanted could not be judged."""
    models = (*MT_BENCH_MODELS, "unify")
    rows = [(f"mt_bench/{n}", m, t) for m in models for n in numbers for t in (2, 1)]
    table = pd.DataFrame(rows, columns=["query_id", "model", "turn"])
    table["score"] = np.where(table["model"] == "unify", -1.0, 10.0 - table["turn"])
    return table


def ratings_table(path, numbers=(7, 8)):
    path = path.with_suffix(".parquet")  # numbers stay numbers
    ratings(numbers).to_parquet(path)
    return path


def test_mmlu_pro_becomes_queries_and_outcomes(tmp_path):
    pytest.importorskip("bpe_openai")
    asked, answered = more_models.mmlu_pro(mmlu_pro_folder(tmp_path))
    assert asked["query_id"].tolist() == ["3", "1", "2"]
    assert asked["slice"].tolist() == ["wild_plants", "roads", "roads"]
    assert asked["text_hash"].tolist() == [text_hash(query) for query in QUERIES]
    assert asked["cluster_id"].tolist() == [group_key(query) for query in QUERIES]
    assert asked["prompt_tokens"].tolist() == n_tokens(QUERIES, "needed").tolist()
    assert answered["answer_tokens"].isna().all()


def test_items_of_mmlus_test_set_are_contaminated(tmp_path):
    pytest.importorskip("bpe_openai")
    asked, _ = more_models.mmlu_pro(mmlu_pro_folder(tmp_path))
    assert asked["contaminated"].tolist() == [True, False, False]


def test_an_answer_that_could_not_be_read_is_no_outcome(tmp_path):
    pytest.importorskip("bpe_openai")
    _, answered = more_models.mmlu_pro(mmlu_pro_folder(tmp_path))
    rows = answered[["query_id", "model", "quality"]].to_numpy().tolist()
    assert rows == [["1", "large", 1.0], ["3", "large", 1.0], ["1", "small", 0.0]]


@pytest.mark.parametrize(
    ("asked", "answered", "message"),
    [
        (questions().drop(columns="src"), None, r"questions\.parquet: column 'src' is missing"),
        (questions(query=["a", "", "c"]), None, "column 'query': empty in 1 row"),
        (questions(query_id=["1", "1", "2"]), None, "the name of an earlier row"),
        (None, outcomes(score=[1, 0, 0.5, 0]), "column 'score': is neither 0 nor 1"),
        (None, outcomes(query_id=["1", "2", "3", "9"]), "column 'query_id': '1' is not among"),
        (None, outcomes(pred_missing=[0, 1, 0, 0]), "column 'pred_missing': holds int64"),
    ],
)
def test_tables_off_the_form_are_refused(tmp_path, asked, answered, message):
    with pytest.raises(DataError, match=message):
        more_models.mmlu_pro(mmlu_pro_folder(tmp_path, asked, answered))


def test_a_folder_without_the_tables_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"there is no file .*mmlu_pro_questions\.parquet"):
        more_models.mmlu_pro(tmp_path)


def test_mt_bench_has_the_mean_of_both_turns_of_the_models_that_are_wanted(tmp_path):
    got = more_models.mt_bench(ratings_table(tmp_path / "ratings"))
    assert set(got["model"]) == set(MT_BENCH_MODELS)
    assert set(got["query_id"]) == {"7", "8"}
    assert got["quality"].tolist() == [8.5] * 2 * len(MT_BENCH_MODELS)
    assert got["answer_tokens"].isna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[1:], "needs one rating a query and turn; 1 are missing"),
        (lambda t: t[t["model"] == "unify"], "needs one rating a query and turn"),
        (lambda t: t.assign(score=-1.0), "column 'score': outside 1 to 10"),
        (lambda t: pd.concat([t, t]), "the name of an earlier row"),
        (lambda t: t.drop(columns="turn"), "column 'turn' is missing"),
    ],
)
def test_ratings_off_the_form_are_refused(tmp_path, change, message):
    path = tmp_path / "ratings.parquet"
    change(ratings()).to_parquet(path)
    with pytest.raises(DataError, match=message):
        more_models.mt_bench(path)


def answers(**columns):
    """Two items answered by two models, the second item one of GSM8K's."""
    return pd.DataFrame(
        {
            "item_id": ["H/0", "H/0", "g-1", "g-1"],
            "dataset": ["humaneval", "humaneval", "gsm8k", "gsm8k"],
            "query": [QUERIES[0], QUERIES[0], QUERIES[1], QUERIES[1]],
            "model": ["large", "small", "large", "small"],
            "passed": [1, 0, 1, 1],
            "cost_usd": [0.02, 0.001, 0.03, 0.002],
            "input_tokens": [10, 8, 12, 9],
            "output_tokens": [50, 90, 60, 95],
            "latency_ms": [1500.0, 2500.0, 3000.0, 250.0],
        }
        | columns
    )


def test_omnisbench_becomes_queries_and_outcomes_with_what_was_measured(tmp_path):
    pytest.importorskip("bpe_openai")
    answers().to_parquet(tmp_path / "o.parquet")
    asked, answered = more_models.omnisbench(tmp_path / "o.parquet")
    assert asked["query_id"].tolist() == ["H/0", "g-1"]
    assert asked["slice"].tolist() == ["humaneval", "gsm8k"]
    assert asked["contaminated"].tolist() == [False, True]
    assert asked["text_hash"].tolist() == [text_hash(query) for query in QUERIES[:2]]
    assert asked["prompt_tokens"].tolist() == n_tokens(QUERIES[:2], "needed").tolist()
    assert answered["quality"].tolist() == [1, 0, 1, 1]
    assert answered["cost_usd"].tolist() == [0.02, 0.001, 0.03, 0.002]
    assert answered["prompt_tokens"].tolist() == [10, 8, 12, 9]
    assert answered["answer_tokens"].tolist() == [50, 90, 60, 95]
    assert answered["latency_s"].tolist() == [1.5, 2.5, 3.0, 0.25]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"passed": [1, 0, 0.5, 1]}, "column 'passed': is neither 0 nor 1"),
        ({"cost_usd": [0.1, -0.1, 0.1, 0.1]}, "column 'cost_usd': outside"),
        ({"cost_usd": [0.1, None, 0.1, 0.1]}, "column 'cost_usd': no value in"),
        ({"model": ["large"] * 4}, "the name of an earlier row"),
        ({"query": list("abcd")}, "'H/0' has two queries or data sets"),
    ],
)
def test_a_run_of_omnisbench_off_the_form_is_refused(tmp_path, columns, message):
    answers(**columns).to_parquet(tmp_path / "o.parquet")
    with pytest.raises(DataError, match=message):
        more_models.omnisbench(tmp_path / "o.parquet")


ROWS = [{"text": "One\u2028line."}, {"text": 'Two, "three".'}]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.csv", lambda table, path: table.to_csv(path, index=False)),
        ("t.json", lambda table, path: table.to_json(path, orient="records")),
        ("t.JSONL", lambda table, path: table.to_json(path, orient="records", lines=True)),
        ("t.parquet", lambda table, path: table.to_parquet(path)),
    ],
)
def test_a_table_reads_the_same_from_every_kind_of_file(tmp_path, name, write):
    write(pd.DataFrame(ROWS), tmp_path / name)
    assert read_typed(tmp_path / name, ["text", "x"]).to_dict("records") == ROWS


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.txt", b"text", "t.txt: has columns but no row"),
        ("t.json", b"[1, 2]", "t.json, item 1: is a number, no object"),
        ("t.jsonl", b"{broken", "t.jsonl: object 1 is no JSON"),
        ("t.csv", b"text\n\x81\n", "t.csv: is no table: neither text"),
        ("t.csv", b"", "t.csv: is empty"),
        ("t.parquet", b"PAR1 no", "t.parquet: is a damaged Parquet file"),
    ],
)
def test_what_is_no_table_is_said(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_typed(tmp_path / name, ["text"])
