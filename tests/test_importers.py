import io
import json
import sys
import tarfile

import numpy as np
import pandas as pd
import pytest

from routellm_core import importing
from routellm_core.errors import DataError, MissingPackageError, UnknownNameError
from routellm_core.importing.formats import routellm
from routellm_core.importing.tokens import n_tokens
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.types import ModelPair

WEAK, STRONG = routellm.MODELS
EVALS = "routellm/evals"
PLANTS = f"{EVALS}/mmlu/responses/mmlu_plants.csv"
STARS = f"{EVALS}/mmlu/responses/mmlu_stars.csv"
GSM8K = f"{EVALS}/gsm8k/gsm8k_responses.csv"
QUESTIONS = f"{EVALS}/mt_bench/question.jsonl"
JUDGEMENTS = f"{EVALS}/mt_bench/judgements.jsonl"

CHOICE = "Which is green?\nA. moss\nB. None\nC. chalk\nD. coal\nAnswer:"
COPY = "Which is green?\nA. moss\nB. none\nC. chalk\nD. coal\nAnswer:"
LISTED = 'Which is "round",\nsay?\nA. a ball\nB. a box\nC. a nail\nD. a page\nAnswer:'
SUM = "Ann has 3 pears and buys 4. How many are there?"
TURNS = {
    7: ("Write a line about rain.", "Now without the letter e."),
    8: ("Add 2 and 5.", "And 1 more?"),
    9: ("Name a colour.", "Name another."),
}


def json_lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def csv_text(rows):
    return pd.DataFrame(rows).to_csv(index=False)


def judgement(number, model, turn, score):
    one, two = TURNS[number]
    if turn == 1:
        shown = f"[Question]\n{one}\n\n[The Start of Assistant's Answer]\nFirst.\n[The End]"
    else:
        shown = (
            f"<|The Start of Reference Answer|>\n\n### User:\n{one}\n\n### Reference answer:\n7\n\n"
            "<|The End of Reference Answer|>\n\n\n"
            "<|The Start of Assistant A's Conversation with User|>\n\n"
            f"### User:\n{one}\n\n### Assistant A:\nFirst.\n\n"
            f"### User:\n{two}\n\n### Assistant A:\nSecond, longer.\n\n"
            "<|The End of Assistant A's Conversation with User|>"
        )
    judge = ["gpt-4", "single-math-v1" if number == 8 else "single-v1"]
    return {
        "question_id": number,
        "model": model,
        "judge": judge,
        "user_prompt": shown,
        "judgment": "Fine.",
        "score": score,
        "turn": turn,
        "tstamp": 1.5,
    }


def files():
    """A RouteLLM checkout in small, with invented sentences."""
    return {
        PLANTS: csv_text(
            {
                "prompt": [CHOICE, COPY, LISTED],
                WEAK: [True, False, True],
                STRONG: [True, True, False],
            }
        ),
        STARS: csv_text({"prompt": [CHOICE], WEAK: [False], STRONG: [True]}),
        f"{EVALS}/mmlu/contaminated_prompts.jsonl": json_lines([{"eval_prompt": LISTED}]),
        GSM8K: csv_text(
            {
                "prompt": [SUM, SUM + " Show it."],
                WEAK: [False, True],
                STRONG: [True, True],
                f"{WEAK}_response": ["3 + 4 = 8", "7"],
                f"{STRONG}_response": ["3 + 4 = 7, so seven pears.", ""],
            }
        ),
        f"{EVALS}/gsm8k/contaminated_prompts.jsonl": json_lines([{"eval_prompt": "Another."}]),
        QUESTIONS: json_lines(
            {"question_id": n, "category": "math" if n == 8 else "writing", "turns": list(turns)}
            for n, turns in TURNS.items()
        ),
        # The second turn of question 9 is listed.
        f"{EVALS}/mt_bench/contaminated_prompts.jsonl": json_lines([{"eval_prompt": TURNS[9][1]}]),
        JUDGEMENTS: json_lines(
            judgement(number, model, turn, score)
            for number in (9, 7, 8)
            for model, first in ((STRONG, 9), (WEAK, 4))
            for turn, score in ((2, first + 1), (1, first - 0.5))
        ),
    }


def folder_of(contents, root):
    for name, text in contents.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def archive_of(contents, path, prefix=""):
    with tarfile.open(path, "w:gz") as archive:
        for name, text in contents.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def checkout(tmp_path):
    return folder_of(files(), tmp_path / "checkout")


def test_a_checkout_gives_three_benchmarks_that_the_store_takes(checkout):
    parts = importing.read(checkout)
    with Store() as store:
        for part in parts:
            store.add_benchmark(part.benchmark, part.queries, part.outcomes)
            store.add_texts(part.texts)
        assert store.benchmarks()["benchmark_id"].tolist() == ["gsm8k", "mmlu", "mt_bench"]
        assert store.n_texts("mmlu") == (4, 4)
        pair = ModelPair(weak=WEAK, strong=STRONG)
        assert store.pair_outcomes("mt_bench", pair).n_queries == 2


def test_mmlu_subjects_are_slices_and_rows_name_the_queries(checkout):
    mmlu = importing.read(checkout)[0]
    assert mmlu.queries["query_id"].tolist() == [
        "plants-0000",
        "plants-0001",
        "plants-0002",
        "stars-0000",
    ]
    assert mmlu.queries["slice"].tolist() == ["plants", "plants", "plants", "stars"]
    assert mmlu.outcomes[mmlu.outcomes["model"] == STRONG]["quality"].tolist() == [1, 1, 0, 1]
    assert mmlu.outcomes["answer_tokens"].isna().all()


def test_a_query_is_contaminated_when_its_exact_text_is_listed(checkout):
    mmlu, gsm8k, _ = importing.read(checkout)
    assert mmlu.queries["contaminated"].tolist() == [False, False, True, False]
    assert not gsm8k.queries["contaminated"].any()


def test_repeated_texts_are_one_text_and_look_alikes_one_cluster(checkout):
    mmlu = importing.read(checkout)[0]
    assert sorted(mmlu.texts["text"]) == sorted([CHOICE, COPY, LISTED])
    assert mmlu.queries["text_hash"].tolist() == [
        text_hash(t) for t in (CHOICE, COPY, LISTED, CHOICE)
    ]
    assert mmlu.queries["cluster_id"].nunique() == 2


def test_mt_bench_averages_both_turns_and_routes_on_the_first(checkout):
    mt_bench = importing.read(checkout)[2]
    assert mt_bench.queries["query_id"].tolist() == ["7", "8", "9"]
    assert mt_bench.queries["slice"].tolist() == ["writing", "math", "writing"]
    assert mt_bench.texts["text"].tolist() == [TURNS[n][0] for n in (7, 8, 9)]
    by_model = mt_bench.outcomes.groupby("model")["quality"].unique()
    assert by_model[STRONG].tolist() == [9.25]
    assert by_model[WEAK].tolist() == [4.25]


def test_mt_bench_is_contaminated_when_either_turn_is_listed(checkout):
    assert importing.read(checkout)[2].queries["contaminated"].tolist() == [False, False, True]


def test_tokens_are_counted_from_the_texts_and_the_answers(checkout):
    pytest.importorskip("bpe_openai")
    _, gsm8k, mt_bench = importing.read(checkout)
    of = lambda *texts: n_tokens(texts, "needed").tolist()  # noqa: E731
    assert gsm8k.queries["prompt_tokens"].tolist() == of(SUM, SUM + " Show it.")
    weak = gsm8k.outcomes[gsm8k.outcomes["model"] == WEAK]
    assert weak["answer_tokens"].tolist() == of("3 + 4 = 8", "7")
    assert mt_bench.queries["prompt_tokens"].tolist() == [sum(of(*TURNS[n])) for n in (7, 8, 9)]
    assert set(mt_bench.outcomes["answer_tokens"]) == {sum(of("First.", "Second, longer."))}
    assert gsm8k.notes == ()


def test_without_the_tokenizer_counts_are_unknown_and_it_is_said(checkout, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    for part in importing.read(checkout):
        assert part.queries["prompt_tokens"].isna().all()
        assert "pip install bpe-openai" in part.notes[0]
    assert "Tokens were not counted" in caplog.text
    with pytest.raises(MissingPackageError, match="pip install bpe-openai"):
        routellm.read(checkout, counting="needed")


@pytest.mark.parametrize("prefix", ["", "RouteLLM-main/"])
def test_an_archive_reads_like_the_folder(checkout, tmp_path, prefix):
    archive = archive_of(files(), tmp_path / "evals.tar.gz", prefix)
    assert importing.recognise(archive) == "routellm"
    for one, other in zip(importing.read(archive), importing.read(checkout), strict=True):
        assert one.benchmark == other.benchmark
        for table in ("queries", "outcomes", "texts"):
            pd.testing.assert_frame_equal(getattr(one, table), getattr(other, table))


def test_nothing_of_an_archive_is_written_to_disk(tmp_path):
    path = tmp_path / "evil.tar.gz"
    outside = {f"../../{EVALS}/mmlu/escape.csv": "x", "/etc/routellm/evals/y": "z"}
    archive_of(files() | outside, path)
    with tarfile.open(path, "r:gz") as archive:
        assert len(archive.getnames()) == len(files()) + 2
    importing.read(path)
    assert list(tmp_path.iterdir()) == [path]


def test_links_in_an_archive_are_not_followed(tmp_path):
    path = tmp_path / "links.tar.gz"
    contents = files()
    del contents[GSM8K]
    archive_of(contents, path)
    with tarfile.open(path, "w:gz") as archive:
        for name, text in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
        link = tarfile.TarInfo(GSM8K)
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    with pytest.raises(DataError, match=r"gsm8k_responses.csv is missing"):
        importing.read(path)


def edited(name, change):
    contents = files()
    contents[name] = change(contents[name])
    return contents


def without(name):
    contents = files()
    del contents[name]
    return contents


def judged(change):
    return edited(
        JUDGEMENTS, lambda text: json_lines(change([*map(json.loads, text.splitlines())]))
    )


def first_row(**fields):
    return lambda rows: [rows[0] | fields, *rows[1:]]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (without(GSM8K), r"gsm8k_responses\.csv is missing; take a complete checkout"),
        (without(JUDGEMENTS), r"judgements\.jsonl is missing"),
        (
            without(f"{EVALS}/mmlu/contaminated_prompts.jsonl"),
            "contaminated_prompts.jsonl is missing",
        ),
        (
            {k: v for k, v in files().items() if "responses/" not in k},
            "mmlu/responses: there is no .csv file",
        ),
        (edited(PLANTS, lambda t: ""), r"mmlu_plants\.csv: is empty"),
        (edited(PLANTS, lambda t: t.splitlines()[0] + "\n"), "has a header but no row"),
        (
            edited(PLANTS, lambda t: t.replace(STRONG, "gpt-9")),
            rf"mmlu_plants\.csv: column '{STRONG}' is missing \(there are: prompt, .*gpt-9\)",
        ),
        (
            edited(PLANTS, lambda t: csv_text({"prompt": ["a"], WEAK: [1], STRONG: [1], "x": [1]})),
            "column 'x' is unknown; this format has prompt",
        ),
        (
            edited(STARS, lambda t: t.replace("False", "maybe")),
            r"mmlu_stars\.csv, column '.*Mixtral.*', row 1: 'maybe' is neither True nor False",
        ),
        (edited(GSM8K, lambda t: t.encode("utf-16")), "is not UTF-8"),
        (edited(GSM8K, lambda t: t + '"open,'), "is no CSV file"),
        (edited(GSM8K, lambda t: t + "cut,True\n"), "row 3 has 2 values for 5 columns"),
        (edited(QUESTIONS, lambda t: t + "{not json}\n"), r"question\.jsonl, line 4: is no JSON"),
        (edited(QUESTIONS, lambda t: t + "[1]\n"), "line 4, field 'question_id': is missing"),
        (edited(QUESTIONS, lambda t: t * 2), "holds a number twice"),
        (
            edited(QUESTIONS, lambda t: t.replace(', "Name another."', "")),
            "line 3, field 'turns': is not two texts",
        ),
        (judged(first_row(score=-1)), r"field 'score': -1.* on line 1 is outside 1 to 10"),
        (judged(first_row(score="9")), "line 1, field 'score': is missing or str"),
        (judged(first_row(model="other")), "field 'model': other is none of"),
        (judged(lambda rows: rows[1:]), "1 are missing, 0 repeat, 0 belong to no question"),
        (judged(lambda rows: [*rows, rows[0]]), "0 are missing, 1 repeat"),
        (judged(first_row(question_id=70)), "1 are missing, 0 repeat, 1 belong to no question"),
        (judged(first_row(user_prompt="gone")), "does not hold both turns of its question"),
    ],
)
def test_a_checkout_off_the_form_names_file_and_place(tmp_path, contents, message):
    with pytest.raises(DataError, match=message):
        importing.read(folder_of(contents, tmp_path / "checkout"), "routellm")


def test_what_no_format_recognises_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match="no known format"):
        importing.recognise(tmp_path / "notes.txt")
    with pytest.raises(DataError, match="there is no"):
        importing.recognise(tmp_path / "absent")
    with pytest.raises(UnknownNameError, match="no import format 'x'; there are: routellm"):
        importing.read(tmp_path, "x")
    with pytest.raises(DataError, match="give a checkout's folder"):
        importing.read(tmp_path / "notes.txt", "routellm")


def test_a_broken_archive_is_refused(tmp_path, checkout):
    whole = archive_of(files(), tmp_path / "evals.tar.gz").read_bytes()
    for number, content in enumerate([b"no archive", whole[: len(whole) // 2], b""]):
        path = tmp_path / f"{number}.tar.gz"
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"is no whole \.tar\.gz|has no folder"):
            importing.read(path, "routellm")


def test_token_counts_of_nothing_are_empty():
    pytest.importorskip("bpe_openai")
    assert n_tokens([], "needed").tolist() == []
    assert np.isnan(n_tokens(["a"], "no")).all()
